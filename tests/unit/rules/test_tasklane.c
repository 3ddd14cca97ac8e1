/* SPDX-License-Identifier: Apache-2.0 */
/* A rule's state made on a lane and handed over: from then on it finds what it would have found from the beginning. Random
 * rows, rules and interleavings, on one to three tasks, with snapshots into fresh ones. */
#include "cep/task/tasklane.h"
#include "rules/compile.h"
#include "tests/lib/snaprig.h"

enum {
    EVENTS = 300,
    PARTITIONS = 2,
    SECOND = 1000,
    START = 1700000,
    RULE = 1,
    OTHER = 5,
    LANE = 9
};

static const char stream_text[] =
    "CREATE STREAM pay (id BIGINT NOT NULL, ts TIMESTAMP(3) NOT NULL, card STRING, account STRING,"
    " amount DECIMAL(12,2), status STRING, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)"
    " WITH ('connector'='inline', 'partitions'='2');";

#define OF_CARD "SELECT * FROM pay MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts MEASURES "
#define A_ " DEFINE A AS status = 'a'"
#define B_ ", B AS status = 'b'"
#define C_ ", C AS status = 'c'"
#define N_ ", N AS status = 'n'"
#define SUMS                                                                                       \
    "SELECT card, window_start, COUNT(*) AS n, SUM(amount) AS total, MAX(id) AS last FROM TABLE("
#define BY_CARD ") GROUP BY card, window_start, window_end"

#define PAIRS "SELECT a.id AS x, b.id AS y FROM pay AS a JOIN pay AS b "
#define LEFT_PAIRS "SELECT a.id AS x, b.id AS y FROM pay AS a LEFT JOIN pay AS b "

/* Pairs of versions with the same keys. */
static const char *const texts[][2] = {
    {OF_CARD
     "A.id AS a, B.id AS b AFTER MATCH NO SKIP PATTERN (A -> B) WITHIN INTERVAL '9' SECOND" A_ B_
     ")",
     OF_CARD
     "A.id AS a, C.id AS b AFTER MATCH NO SKIP PATTERN (A -> C) WITHIN INTERVAL '20' SECOND" A_ C_
     ")"},
    {OF_CARD "A.id AS a, B.id AS b PATTERN (A B)" A_ B_ ")", OF_CARD
     "A.id AS a, COUNT(B.id) AS b PATTERN (A -> B->+ !N -> C) WITHIN INTERVAL '30' SECOND" A_ B_ C_
         N_ ")"},
    {SUMS "TUMBLE(TABLE pay, DESCRIPTOR(ts), INTERVAL '5' SECOND)" BY_CARD,
     OF_CARD "A.id AS a, A.amount AS b PATTERN (A -> !B) WITHIN INTERVAL '7' SECOND" A_ B_ ")"},
    {OF_CARD "A.id AS a, B.amount AS b PATTERN (A -> B) WITHIN INTERVAL '5' SECOND" A_ B_ ")",
     OF_CARD "A.id AS a, B.amount AS b, PREV(A.amount) AS c PATTERN (A -> B{2} -> !N)"
             " WITHIN INTERVAL '11' SECOND" A_ B_ N_ ")"},
    {SUMS "TUMBLE(TABLE pay, DESCRIPTOR(ts), INTERVAL '5' SECOND)" BY_CARD,
     SUMS "TUMBLE(TABLE pay, DESCRIPTOR(ts), INTERVAL '30' SECOND)" BY_CARD},
    {SUMS "HOP(TABLE pay, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)" BY_CARD,
     SUMS "HOP(TABLE pay, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '40' SECOND)" BY_CARD
          " HAVING COUNT(*) > 1"},
    {SUMS "TUMBLE(TABLE pay, DESCRIPTOR(ts), INTERVAL '5' SECOND)" BY_CARD, SUMS
     "CUMULATE(TABLE pay, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '60' SECOND)" BY_CARD},
    {SUMS "TUMBLE(TABLE pay, DESCRIPTOR(ts), INTERVAL '5' SECOND)" BY_CARD,
     SUMS "SESSION(TABLE pay PARTITION BY card, DESCRIPTOR(ts), INTERVAL '4.337' SECOND)" BY_CARD},
    {PAIRS "ON a.card = b.card AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '3' SECOND",
     PAIRS "ON a.card = b.card AND a.status = 'a' AND b.status = 'b' AND b.ts BETWEEN a.ts - "
           "INTERVAL '2' SECOND AND a.ts + INTERVAL '20' SECOND"},
    {PAIRS "ON a.card = b.card AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '3' SECOND",
     LEFT_PAIRS "ON a.card = b.card AND b.status = 'b' AND b.ts > a.ts AND b.ts < a.ts + "
                "INTERVAL '15' SECOND"},
    {"SELECT id, COUNT(*) OVER (PARTITION BY card ORDER BY ts ROWS 2 PRECEDING) AS n FROM pay",
     "SELECT id, SUM(amount) OVER (PARTITION BY card ORDER BY ts RANGE BETWEEN INTERVAL '20' SECOND"
     " PRECEDING AND CURRENT ROW) AS total, LAG(id, 1) OVER (PARTITION BY card ORDER BY ts) AS was"
     " FROM pay"},
};
enum { TEXTS = sizeof texts / sizeof *texts };

/* Options of the new version, for variety. */
static const char *const late_windows = "'allowed-lateness'='5 s'";

struct world {
    struct script *script;
    const struct schema *pay, *fork;
    struct arena *arena;
    struct rule_plan *old, *new, *lane, *other;
    char names[32][16];
    struct pay events[PARTITIONS][EVENTS];
    unsigned n;
    uint64_t random;
};

static unsigned below(struct world *w, unsigned n)
{
    w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(w->random >> 33) % n;
}

static const struct schema *find_pay(void *ctx, const char *name)
{
    return strcmp(name, "pay") == 0 ? *(const struct schema **)ctx : NULL;
}

static const char *no_name(void *ctx, unsigned i)
{
    (void)ctx;
    (void)i;
    return NULL;
}

static struct rule_plan *compile(const struct schema *pay, const char *with, const char *select)
{
    struct scope scope = {.ctx = &pay, .stream = find_pay, .stream_name = no_name};
    struct diag d;
    struct rule_plan *p = NULL;
    char *text =
        with == NULL ? mem_str(select) : mem_printf("CREATE RULE r WITH (%s) AS %s", with, select);
    diag_init(&d, text, strlen(text));
    enum err e = compile_rule("r", text, strlen(text), &scope, &d, &p);
    if (e != ERR_OK)
        fail_msg("%s: %s", text, diag_text(&d));
    diag_fini(&d);
    mem_free(text);
    return p;
}

static void make_events(struct world *w)
{
    static const char *const statuses[] = {"a", "b", "c", "n", "a", "x"};
    w->n = EVENTS / PARTITIONS;
    unsigned cards = 2 + below(w, 30);
    for (unsigned c = 0; c < cards; c++)
        snprintf(w->names[c], sizeof w->names[c], "c%u", c);
    for (unsigned p = 0; p < PARTITIONS; p++) {
        evtime ts = START * SECOND;
        for (unsigned i = 0; i < w->n; i++) {
            ts += below(w, 4) == 0 ? below(w, 3 * SECOND) : below(w, 3) * SECOND;
            w->events[p][i] = (struct pay){.partition = p,
                                           .offset = i,
                                           .id = p * 1000 + i,
                                           .ts = ts - (below(w, 8) == 0 ? below(w, 6) * SECOND : 0),
                                           .card = w->names[below(w, cards)],
                                           .account = "x",
                                           .amount = 100 + below(w, 1000),
                                           .status = statuses[below(w, 6)]};
        }
    }
}

static void world_make(struct world *w, uint64_t seed)
{
    struct diag d;
    *w = (struct world){.random = seed * 77 + 1};
    diag_init(&d, stream_text, strlen(stream_text));
    assert_ok(compile_script(stream_text, strlen(stream_text), NULL, &d, &w->script));
    diag_fini(&d);
    struct schema *s = (struct schema *)(uintptr_t)w->script->statements[0].schema;
    s->id = 7;
    w->pay = s;
    w->arena = arena_new(4096, 0);
    w->fork = schema_fork(s, 8, "pay~1", w->arena);
    const char *const *pair = texts[below(w, TEXTS)];
    bool panes = strstr(pair[1], "TUMBLE") != NULL || strstr(pair[1], "HOP") != NULL;
    const char *with = panes && below(w, 2) ? late_windows
                       : below(w, 4) == 0   ? "'state-ttl'='40 s'"
                                            : NULL;
    w->old = compile(s, NULL, pair[0]);
    w->new = compile(s, with, pair[1]);
    w->lane = compile(w->fork, with, pair[1]);
    w->lane->stands_for = RULE;
    w->other = compile(s, NULL, texts[below(w, TEXTS)][below(w, 2)]);
    assert_null(tasklane_refuses(w->lane));
    make_events(w);
}

static void world_free(struct world *w)
{
    plan_unref(w->old);
    plan_unref(w->new);
    plan_unref(w->lane);
    plan_unref(w->other);
    arena_free(w->arena);
    compile_script_free(w->script);
}

/* --- running --- */

struct run {
    struct world *w;
    struct rig r;
    unsigned live[PARTITIONS], fork[PARTITIONS];
};

/* Some rows of a random partition, of those that are there: a fork is never ahead of its stream. */
static bool feed_to(struct run *x, const struct schema *s, unsigned *at, const unsigned *most)
{
    unsigned p = below(x->w, PARTITIONS), n = 1 + below(x->w, 9);
    if (at[p] == most[p])
        p = (p + 1) % PARTITIONS;
    if (at[p] + n > most[p])
        n = most[p] - at[p];
    if (n == 0)
        return false;
    assert_ok(rig_feed_of(&x->r, s, &x->w->events[p][at[p]], n));
    at[p] += n;
    return true;
}

static bool feed(struct run *x)
{
    const unsigned all[PARTITIONS] = {x->w->n, x->w->n};
    return feed_to(x, x->w->pay, x->live, all);
}

static bool feed_fork(struct run *x)
{
    return feed_to(x, x->w->fork, x->fork, x->live);
}

static void some_steps(struct run *x)
{
    unsigned what = below(x->w, 4);
    if (what == 0)
        rig_settle(&x->r);
    for (unsigned i = 0; i < x->r.workers && what < 3; i++) {
        task_step(x->r.tasks[i]);
        (void)taskupgrade_go_on(x->r.tasks[i], below(x->w, 3));
    }
}

static struct task *fresh_task(unsigned worker, unsigned workers, struct job *j, size_t at_once)
{
    const struct task_options o = {.worker = worker,
                                   .workers = workers,
                                   .key_groups = 16,
                                   .max_ordering_rows = SIZE_MAX / 2,
                                   .max_partials_per_key = SIZE_MAX / 2};
    struct task *t = snap_task(&o, j);
    taskupgrade_slowly(t, at_once);
    return t;
}

static void open_all(struct run *x, const struct schema *s)
{
    for (unsigned p = 0; p < PARTITIONS; p++)
        task_source_open(x->r.tasks[p % x->r.workers], s->id, p, EVTIME_MIN);
}

static void begin(struct run *x, struct world *w, const struct job_rule *rules, unsigned n)
{
    *x = (struct run){.w = w};
    struct rig *r = &x->r;
    *r = (struct rig){.workers = 1 + below(w, RIG_WORKERS),
                      .schema = w->pay,
                      .from = EVTIME_MIN,
                      .to = EVTIME_MAX,
                      .random = 1};
    r->lines = mem_array(RIG_LINES, sizeof(char *));
    r->job = job_new(&w->pay, 1, rules, n);
    size_t at_once = below(w, 2) ? 0 : SIZE_MAX;
    for (unsigned i = 0; i < r->workers; i++)
        r->tasks[i] = fresh_task(i, r->workers, r->job, at_once);
    open_all(x, w->pay);
}

/* All tasks are made anew from what they know, as another number of them. */
static void restart(struct run *x)
{
    struct rig *r = &x->r;
    struct snap saved[RIG_WORKERS] = {{0}};
    unsigned had = r->workers;
    size_t at_once = below(x->w, 2) ? 0 : SIZE_MAX;
    rig_settle(r);
    for (unsigned i = 0; i < had; i++) {
        snap_save(&saved[i], r->tasks[i]);
        task_free(r->tasks[i]);
    }
    r->workers = 1 + below(x->w, RIG_WORKERS);
    for (unsigned i = 0; i < r->workers; i++) {
        struct task *t = r->tasks[i] = fresh_task(i, r->workers, r->job, at_once);
        struct diag d;
        diag_init(&d, NULL, 0);
        for (int flow = 1; flow >= 0; flow--)
            for (unsigned of = 0; of < had; of++)
                for (size_t n = 0; n < saved[of].n; n++) {
                    const struct snap_piece *p = &saved[of].v[n];
                    if ((p->op == NULL) != flow)
                        continue;
                    assert_ok(flow ? taskload_flow(t, p->value.p, p->value.n, &d)
                                   : taskload_entry(t, p->op, p->group, p->key.p, p->key.n,
                                                    p->value.p, p->value.n, &d));
                }
        taskload_done(t);
        diag_fini(&d);
    }
    open_all(x, x->w->pay);
    if (r->fork != NULL)
        open_all(x, r->fork);
    for (unsigned i = 0; i < had; i++)
        snap_fini(&saved[i]);
}

static void end(struct run *x)
{
    while (feed(x))
        ;
    rig_settle(&x->r);
    rig_end(&x->r);
}

/* What one version alone finds, of that time. */
static void alone(struct world *w, struct rule_plan *p, evtime from, evtime to, struct bytes *out)
{
    const struct job_rule rules[] = {{.plan = p, .uid = RULE, .version = 1},
                                     {.plan = w->other, .uid = OTHER, .version = 1}};
    struct run x;
    begin(&x, w, rules, 2);
    x.r.hidden = OTHER;
    x.r.from = from;
    x.r.to = to;
    end(&x);
    char *text = rig_text(&x.r);
    bytes_put(out, text, strlen(text));
    mem_free(text);
    rig_stop(&x.r);
}

static char *sorted(struct bytes *all)
{
    struct rig r = {.lines = mem_array(RIG_LINES, sizeof(char *))};
    bytes_u8(all, 0);
    for (char *line = strtok((char *)all->p, "\n"); line != NULL; line = strtok(NULL, "\n"))
        r.lines[r.n++] = mem_str(line);
    char *text = rig_text(&r);
    rig_stop(&r);
    bytes_fini(all);
    return text;
}

static evtime past_all(const struct run *x)
{
    evtime most = START * SECOND;
    for (unsigned p = 0; p < PARTITIONS; p++)
        for (unsigned i = 0; i < x->live[p]; i++)
            most = x->w->events[p][i].ts > most ? x->w->events[p][i].ts : most;
    return most + 1;
}

static bool has_taken(const struct run *x, unsigned rule)
{
    for (unsigned i = 0; i < x->r.workers; i++) {
        struct task_rule_stats s;
        task_rule_stats(x->r.tasks[i], rule, &s);
        if (!s.took)
            return false;
    }
    return true;
}

/* A live job; beside it a lane from the first event on; then the handover. Answers when it was. */
static evtime run_with_lane(struct world *w, struct run *x)
{
    struct job_cut olds[2] = {{.deployed = true, .w = EVTIME_MIN}, {.handover = JOB_HANDOVER_KEEP}};
    struct job_cut lanes[2] = {{.deployed = true, .w = EVTIME_MIN},
                               {.handover = JOB_HANDOVER_KEEP}};
    struct job_cut news = {.deployed = true, .handover = JOB_HANDOVER_KEEP, .from = LANE};
    struct job_rule rules[4] = {
        {.plan = w->other, .uid = OTHER, .version = 1},
        {.plan = w->old, .uid = RULE, .version = 1, .ncuts = 1, .cuts = olds},
        {.plan = w->lane, .uid = LANE, .version = 1, .ncuts = 1, .cuts = lanes},
        {.plan = w->new, .uid = RULE, .version = 2, .ncuts = 1, .cuts = &news}};
    unsigned lane_at = below(w, EVENTS / 12), hand_at = lane_at + below(w, EVENTS / 12), step = 0;
    evtime at = EVTIME_MAX;
    bool over = false;
    begin(x, w, rules, 2);
    x->r.hidden = LANE;
    for (bool more = true; more; step++) {
        if (step == lane_at) {
            rig_settle(&x->r);
            x->r.fork = w->fork;
            rig_job(&x->r, rules, 3);
            open_all(x, w->fork);
        }
        if (step == hand_at) {
            rig_settle(&x->r);
            olds[1].w = lanes[1].w = news.w = at = past_all(x) + below(w, 3) * below(w, 2) * SECOND;
            rules[1].ncuts = rules[2].ncuts = 2;
            rig_job(&x->r, rules, 4);
        }
        if (step > hand_at && !over && below(w, 20) == 0) {
            rig_settle(&x->r);
            rig_job(&x->r, rules, 4); /* the same again: it goes on */
        }
        more = feed(x) || step <= hand_at;
        if (step >= lane_at && !over)
            for (unsigned i = below(w, 4); i > 0; i--)
                more = feed_fork(x) || more;
        some_steps(x);
        if (below(w, 15) == 0)
            restart(x);
        if (step > hand_at && !over && below(w, 5) == 0 && has_taken(x, 3)) {
            const struct job_rule left[] = {rules[0], rules[3]};
            rig_settle(&x->r);
            over = true;
            x->r.fork = NULL;
            rig_job(&x->r, left, 2);
        }
    }
    while (!over && feed_fork(x))
        ;
    for (unsigned p = 0; p < PARTITIONS && !over; p++)
        task_source_watermark(x->r.tasks[p % x->r.workers], w->fork->id, p, EVTIME_MAX);
    end(x);
    assert_true(over || has_taken(x, 3));
    return at;
}

static unsigned seeds(void)
{
    const char *n = getenv("SEEDS");
    return n == NULL ? 400 : (unsigned)atoi(n);
}

static void what_a_lane_has_made_goes_on_as_if_it_had_always_been(void **state)
{
    (void)state;
    const char *only = getenv("SEED");
    for (unsigned seed = only == NULL ? 0 : (unsigned)atoi(only); seed < seeds(); seed++) {
        struct world w;
        struct run x;
        struct bytes all = {0};
        world_make(&w, seed);
        evtime at = run_with_lane(&w, &x);
        char *got = rig_text(&x.r);
        rig_stop(&x.r);
        alone(&w, w.old, EVTIME_MIN, at, &all);
        struct run other;
        const struct job_rule rules[] = {{.plan = w.other, .uid = OTHER, .version = 1}};
        begin(&other, &w, rules, 1);
        end(&other);
        char *text = rig_text(&other.r);
        bytes_put(&all, text, strlen(text));
        mem_free(text);
        rig_stop(&other.r);
        alone(&w, w.new, at, EVTIME_MAX, &all);
        char *want = sorted(&all);
        if (strcmp(got, want) != 0) {
            FILE *f = fopen("/tmp/lane.want", "w"), *g = fopen("/tmp/lane.got", "w");
            fputs(want, f);
            fputs(got, g);
            fclose(f);
            fclose(g);
            fail_msg("seed %u, %s, at %lld", seed, w.new->sql, (long long)at);
        }
        mem_free(got);
        mem_free(want);
        world_free(&w);
        if (only != NULL)
            break;
    }
}

int main(void)
{
    CHECK_RUN(cmocka_unit_test(what_a_lane_has_made_goes_on_as_if_it_had_always_been));
}
