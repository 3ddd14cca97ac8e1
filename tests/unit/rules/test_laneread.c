/* SPDX-License-Identifier: Apache-2.0 */
/* A rule that others read takes its state from a lane: what is made of its results is the same in whatever order the
 * rows of stream and fork come, and on however many tasks. */
#include "cep/derived.h"
#include "rules/compile.h"
#include "tests/lib/snaprig.h"

enum { EVENTS = 200, SECOND = 1000, START = 1700000, RULE = 1, READER = 2, LANE = 9 };

static const char stream_text[] =
    "CREATE STREAM pay (id BIGINT NOT NULL, ts TIMESTAMP(3) NOT NULL, card STRING, account STRING,"
    " amount DECIMAL(12,2), status STRING, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)"
    " WITH ('connector'='inline', 'partitions'='2');";
#define PAIR(a, b)                                                                                 \
    "SELECT * FROM pay MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts MEASURES A.id AS x,"         \
    " MATCH_ROWTIME() AS at AFTER MATCH NO SKIP PATTERN (A -> B) WITHIN INTERVAL '20' SECOND"      \
    " DEFINE A AS status = '" a "', B AS status = '" b "')"
static const char reader_text[] =
    "SELECT card, window_start, COUNT(*) AS n, MAX(x) AS last"
    " FROM TABLE(TUMBLE(TABLE r, DESCRIPTOR(at), INTERVAL '5' SECOND))"
    " GROUP BY card, window_start, window_end";

struct names {
    const struct schema *pay, *results;
};

static const struct schema *find_stream(void *ctx, const char *name)
{
    return strcmp(name, "pay") == 0 ? ((struct names *)ctx)->pay : NULL;
}

static const struct schema *find_derived(void *ctx, const char *name, enum derived_kind kind,
                                         bool *known)
{
    *known = strcmp(name, "r") == 0;
    return *known && kind == DERIVED_RESULTS ? ((struct names *)ctx)->results : NULL;
}

static const char *no_name(void *ctx, unsigned i)
{
    (void)ctx;
    (void)i;
    return NULL;
}

static struct rule_plan *compile(struct names *names, const char *name, const char *text)
{
    struct scope scope = {.ctx = names,
                          .stream = find_stream,
                          .derived = find_derived,
                          .stream_name = no_name};
    struct diag d;
    struct rule_plan *p = NULL;
    diag_init(&d, text, strlen(text));
    if (compile_rule(name, text, strlen(text), &scope, &d, &p) != ERR_OK)
        fail_msg("%s: %s", text, diag_text(&d));
    diag_fini(&d);
    return p;
}

static void feed_some(struct rig *r, const struct schema *s, struct pay events[2][EVENTS],
                      unsigned *at)
{
    unsigned p = rig_random(r, 2), n = 1 + rig_random(r, 12);
    if (at[p] + n > EVENTS)
        n = EVENTS - at[p];
    if (n > 0)
        assert_ok(rig_feed_of(r, s, &events[p][at[p]], n));
    at[p] += n;
}

static void run(struct rig *r, uint64_t seed, const struct schema *pay, const struct schema *fork,
                const struct job_rule *rules, struct pay events[2][EVENTS])
{
    unsigned live[2] = {0}, old[2] = {0};
    rig_start(r, 1 + (unsigned)(seed % RIG_WORKERS), pay, rules, 1);
    r->random = seed + 1;
    r->fork = fork;
    r->hidden = LANE;
    rig_job(r, rules, 4);
    for (unsigned i = 0; i < r->workers; i++)
        taskupgrade_slowly(r->tasks[i], 0);
    for (unsigned p = 0; p < 2; p++)
        task_source_open(r->tasks[p % r->workers], fork->id, p, EVTIME_MIN);
    while (live[0] + live[1] + old[0] + old[1] < 4 * EVENTS) {
        bool of_fork = rig_random(r, 3) == 0;
        feed_some(r, of_fork ? fork : pay, events, of_fork ? old : live);
        if (rig_random(r, 4) == 0)
            rig_settle(r);
        for (unsigned i = 0; i < r->workers; i++) {
            task_step(r->tasks[i]);
            (void)taskupgrade_go_on(r->tasks[i], rig_random(r, 3));
        }
    }
    for (unsigned p = 0; p < 2; p++)
        task_source_watermark(r->tasks[p % r->workers], fork->id, p, EVTIME_MAX);
    rig_settle(r);
    rig_end(r);
}

static void who_reads_it_finds_the_same_in_whatever_order_rows_come(void **state)
{
    (void)state;
    static const char *const statuses[] = {"a", "b", "c", "x"};
    static const char *const cards[] = {"k", "l", "m", "n", "o"};
    static struct pay events[2][EVENTS];
    struct rig any = {.random = 7};
    struct script *script = NULL;
    struct diag d;
    diag_init(&d, stream_text, strlen(stream_text));
    assert_ok(compile_script(stream_text, strlen(stream_text), NULL, &d, &script));
    diag_fini(&d);
    struct schema *pay = (struct schema *)(uintptr_t)script->statements[0].schema;
    struct arena *arena = arena_new(4096, 0);
    pay->id = 7;
    struct names live = {.pay = pay}, forked = {.pay = schema_fork(pay, 8, "pay~1", arena)};
    struct rule_plan *a = compile(&live, "r", PAIR("a", "b")),
                     *b = compile(&live, "r", PAIR("a", "c")),
                     *lane = compile(&forked, "r", PAIR("a", "c"));
    lane->stands_for = RULE;
    live.results = derived_schema(a, DERIVED_RESULTS, derived_id(DERIVED_RESULTS, RULE), arena);
    struct rule_plan *reader = compile(&live, "reader", reader_text);
    for (unsigned p = 0; p < 2; p++)
        for (unsigned i = 0; i < EVENTS; i++)
            events[p][i] = (struct pay){.partition = p,
                                        .offset = i,
                                        .id = p * 1000 + i,
                                        .ts = (START + i / 2) * SECOND + rig_random(&any, 2000),
                                        .card = cards[rig_random(&any, 5)],
                                        .account = "x",
                                        .amount = 100,
                                        .status = statuses[rig_random(&any, 4)]};
    const evtime at = (START + 51) * SECOND;
    const struct job_cut ends[2] = {{.deployed = true, .w = EVTIME_MIN},
                                    {.w = at, .handover = JOB_HANDOVER_KEEP}};
    const struct job_cut begins = {.deployed = true,
                                   .w = at,
                                   .handover = JOB_HANDOVER_KEEP,
                                   .from = LANE};
    const struct job_rule rules[] = {
        {.plan = reader, .uid = READER, .version = 1},
        {.plan = a, .uid = RULE, .version = 1, .ncuts = 2, .cuts = ends},
        {.plan = lane, .uid = LANE, .version = 1, .ncuts = 2, .cuts = ends},
        {.plan = b, .uid = RULE, .version = 2, .ncuts = 1, .cuts = &begins}};
    char *want = NULL;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct rig r;
        run(&r, seed, pay, forked.pay, rules, events);
        char *got = rig_text(&r);
        assert_true(rig_count(&r, "reader match") > 20);
        if (want == NULL)
            want = got;
        else
            assert_string_equal(got, want);
        if (got != want)
            mem_free(got);
        rig_stop(&r);
    }
    mem_free(want);
    plan_unref(a);
    plan_unref(b);
    plan_unref(lane);
    plan_unref(reader);
    arena_free(arena);
    compile_script_free(script);
}

int main(void)
{
    CHECK_RUN(cmocka_unit_test(who_reads_it_finds_the_same_in_whatever_order_rows_come));
}
