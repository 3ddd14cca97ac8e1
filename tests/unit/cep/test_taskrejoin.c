/* SPDX-License-Identifier: Apache-2.0
 *
 * Random pairs of versions of a join, that take over from one another at CUT; what is found is held against trying every
 * pair, of which the later row says whose it is. With snapshots that say what has changed alone, and ends of the task. */
#include "tests/lib/snaprig.h"

enum { ROWS = 400, CARDS = 9, SECOND = 1000, PAIRS = 120, HELD = 12 };
#define START INT64_C(1700000000000)
#define CUT (START + 20 * SECOND)

static const struct task_options limits = {.workers = 1,
                                           .key_groups = 16,
                                           .max_ordering_rows = SIZE_MAX / 2,
                                           .max_partials_per_key = SIZE_MAX / 2};

struct version {
    int64_t least, most;
    bool outer;
    const char *status; /* of right rows that count */
};

static uint64_t dice = 1;

static unsigned roll(unsigned below)
{
    dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(dice >> 33) % below;
}

static struct rule_plan *plan_of(const struct schema *s, const char *name, const struct version *v)
{
    struct rule_plan *p = plan_new(RULE_JOIN, name, s, NULL);
    struct join_key *key = arena_zero(trees, sizeof *key);
    *key = (struct join_key){.name = "card",
                             .type = STRING,
                             .e = {column(PAY_CARD), column(PAY_ACCOUNT)}};
    p->join = (struct join_plan){.outer = v->outer,
                                 .nkeys = 1,
                                 .keys = key,
                                 .least_ms = v->least,
                                 .most_ms = v->most,
                                 .on = IS(LT, slot(DECIMAL(12, 2), PAY_AMOUNT),
                                          slot(DECIMAL(12, 2), PAY_COLUMNS + PAY_AMOUNT))};
    for (unsigned i = 0; i < 2; i++)
        p->join.side[i] = (struct join_side){.schema = s,
                                             .name = i == 0 ? "a" : "b",
                                             .reads = p->reads,
                                             .keeps = p->keeps};
    p->join.side[1].where = IS(EQ, column(PAY_STATUS), str(v->status));
    PLAN_GIVES(p, slot(BIGINT, PAY_ID), slot(BIGINT, PAY_COLUMNS + PAY_ID));
    return p;
}

static void make_rows(struct pay *rows, unsigned partitions)
{
    static char names[CARDS][8];
    for (unsigned i = 0; i < CARDS; i++)
        snprintf(names[i], sizeof names[i], "c%u", i);
    for (unsigned i = 0; i < ROWS; i++)
        rows[i] = (struct pay){
            .partition = roll(partitions),
            .offset = i,
            .id = i,
            .ts = START + (evtime)i * 100 - roll(1000),
            .card = names[roll(CARDS)],
            .account = names[roll(CARDS)],
            .amount = roll(1000),
            .status = roll(3) == 0 ? "declined" : "approved",
        };
}

/* --- what is to be found --- */

static int64_t keeps(const struct version *v, unsigned side)
{
    return v->least > v->most ? -1 : side == JOIN_LEFT ? v->most : -v->least;
}

/* A row of before the change that the old version still had then; or one of after it. */
static bool is_there(const struct pay *p, const struct version *one, unsigned side)
{
    return p->ts >= CUT || (keeps(one, side) >= 0 && p->ts + keeps(one, side) >= CUT);
}

/* 0: no pair; 1, 2: of that version. */
static unsigned pair_of(const struct pay *a, const struct pay *b, const struct version *one,
                        const struct version *two)
{
    bool before = a->ts < CUT && b->ts < CUT;
    const struct version *v = before ? one : two;
    const char *counts = b->ts < CUT ? one->status : two->status;
    if (strcmp(a->card, b->account) != 0 || a->amount >= b->amount ||
        strcmp(b->status, counts) != 0 || b->ts - a->ts < v->least || b->ts - a->ts > v->most)
        return 0;
    if (!before && !(is_there(a, one, JOIN_LEFT) && is_there(b, one, JOIN_RIGHT)))
        return 0;
    return before ? 1 : 2;
}

static void expect(struct rig *r, unsigned version, const struct pay *a, const struct pay *b,
                   evtime at)
{
    struct bytes out = {0};
    bytes_printf(&out, "%s match t=%lld 0:%u/%llu", version == 1 ? "one" : "two", (long long)at,
                 a->partition, (unsigned long long)a->offset);
    if (b != NULL)
        bytes_printf(&out, " 1:%u/%llu = %lld, %lld", b->partition, (unsigned long long)b->offset,
                     (long long)a->id, (long long)b->id);
    else
        bytes_printf(&out, " = %lld, null", (long long)a->id);
    r->lines[r->n++] = mem_dup(out.p, out.n);
    bytes_fini(&out);
}

static void expect_alone(struct rig *r, const struct pay *a, const struct version *one,
                         const struct version *two)
{
    bool given = is_there(a, one, JOIN_LEFT);
    const struct version *v = given ? two : one;
    evtime at = a->ts + (keeps(v, JOIN_LEFT) > 0 ? keeps(v, JOIN_LEFT) : 0);
    if (v->outer)
        expect(r, given ? 2 : 1, a, NULL, given && at < CUT ? CUT : at);
}

static char *expected(const struct pay *rows, const struct version *one, const struct version *two,
                      size_t *n)
{
    struct rig r = {.lines = mem_array(RIG_LINES, sizeof(char *))};
    for (unsigned i = 0; i < ROWS; i++) {
        bool found = false;
        for (unsigned k = 0; k < ROWS; k++) {
            const struct pay *a = &rows[i], *b = &rows[k];
            unsigned of = pair_of(a, b, one, two);
            if (of != 0)
                expect(&r, of, a, b, a->ts > b->ts ? a->ts : b->ts);
            found |= of != 0;
        }
        if (!found)
            expect_alone(&r, &rows[i], one, two);
    }
    char *text = rig_text(&r);
    for (size_t i = 0; i < r.n; i++)
        mem_free(r.lines[i]);
    mem_free(r.lines);
    *n = r.n;
    return text;
}

/* --- a store that is told what has changed --- */

/* Records of the flow stay in their order. */
static void drop(struct snap *s, size_t i)
{
    struct snap_piece *p = &s->v[i];
    mem_free(p->op);
    bytes_fini(&p->key);
    bytes_fini(&p->value);
    memmove(p, p + 1, (--s->n - i) * sizeof *p);
}

static void keep_entry(void *ctx, const char *op, unsigned group, const void *key, size_t key_n,
                       const void *value, size_t value_n)
{
    struct snap *s = ctx;
    for (size_t i = 0; i < s->n; i++) {
        struct snap_piece *p = &s->v[i];
        if (p->op == NULL || strcmp(p->op, op) != 0 || p->key.n != key_n ||
            memcmp(p->key.p, key, key_n) != 0)
            continue;
        drop(s, i);
        break;
    }
    snap_take_entry(ctx, op, group, key, key_n, value, value_n);
}

static void drop_flow(struct snap *s)
{
    for (size_t i = 0; i < s->n;)
        if (s->v[i].op == NULL)
            drop(s, i);
        else
            i++;
}

/* No key is there twice, under both names. */
static void nothing_is_left_behind(const struct snap *s)
{
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < i; k++)
            if (s->v[i].op != NULL && s->v[k].op != NULL && s->v[i].key.n == s->v[k].key.n &&
                memcmp(s->v[i].key.p, s->v[k].key.p, s->v[i].key.n) == 0)
                fail_msg("a key is of %s and %s", s->v[i].op, s->v[k].op);
}

struct run {
    struct rig r;
    const struct pay *rows;
    struct snap store;
    const struct job_rule *rules;
    unsigned deploy; /* the second version is there from that row on */
};

static void feed(struct run *x, unsigned i)
{
    if (i == x->deploy)
        rig_job(&x->r, x->rules, 2);
    assert_ok(rig_feed(&x->r, &x->rows[i], 1));
    rig_settle(&x->r);
}

/* A snapshot from row i on, while more rows come; then the task ends, and another goes on from it. */
static unsigned crash(struct run *x, unsigned i)
{
    const struct tasksnap_out out = {keep_entry, snap_take_flow, &x->store};
    struct task *t = x->r.tasks[0];
    size_t told = x->r.n;
    unsigned more = roll(HELD), end = i + more < ROWS ? i + more : ROWS;
    if (i <= x->deploy && end > x->deploy) /* a change of rules ends the snapshot first */
        end = i;
    drop_flow(&x->store);
    tasksnap_begin(t, &out);
    for (unsigned k = i; k < end; k++) {
        (void)tasksnap_slice(t, roll(3));
        feed(x, k);
    }
    tasksnap_finish(t);
    if (roll(2) == 0)
        return end; /* it goes on */
    while (x->r.n > told)
        mem_free(x->r.lines[--x->r.n]);
    task_free(t);
    x->r.tasks[0] = snap_task(&limits, x->r.job);
    assert_ok(snap_load(&x->store, x->r.tasks[0]));
    task_source_open(x->r.tasks[0], x->r.schema->id, 0, EVTIME_MIN);
    rig_settle(&x->r);
    return i;
}

static void play(struct run *x, bool crashes)
{
    for (unsigned i = 0; i < ROWS;) {
        if (crashes && roll(20) == 0)
            i = crash(x, i);
        if (i < ROWS)
            feed(x, i++);
    }
    if (crashes) {
        (void)crash(x, ROWS);
        nothing_is_left_behind(&x->store);
    }
    rig_end(&x->r);
}

/* The first lines that differ. */
static const char *difference(const char *got, const char *want)
{
    static char text[400];
    while (*got != '\0' && *want != '\0') {
        size_t a = strcspn(got, "\n"), b = strcspn(want, "\n");
        if (a != b || memcmp(got, want, a) != 0)
            break;
        got += a + 1;
        want += b + 1;
    }
    snprintf(text, sizeof text, "%.*s, not %.*s", (int)strcspn(got, "\n"), got,
             (int)strcspn(want, "\n"), want);
    return text;
}

static void rows_of_a_join_stay_for_its_next_version(void **state)
{
    (void)state;
    static const struct version all[] = {
        {-5 * SECOND, 3 * SECOND, false, "approved"},
        {-5 * SECOND, 3 * SECOND, true, "approved"},
        {0, 9 * SECOND, true, "approved"},
        {1, 4 * SECOND, true, "declined"},
        {-4 * SECOND, -1, true, "approved"},
        {2, 1, true, "approved"},
        {-12 * SECOND, 12 * SECOND, true, "declined"},
        {0, 0, false, "approved"},
    };
    unsigned n = sizeof all / sizeof *all;
    struct pay *rows = mem_array(ROWS, sizeof *rows);
    size_t total = 0;
    for (unsigned i = 0; i < PAIRS; i++) {
        unsigned workers = i % 4 == 3 ? 3 : 1;
        const struct schema *s = pay_stream(workers, 2 * SECOND);
        const struct version *one = &all[roll(n)], *two = &all[roll(n)];
        const struct job_cut give[2] = {{.deployed = true, .w = EVTIME_MIN},
                                        {.w = CUT, .handover = JOB_HANDOVER_KEEP}};
        const struct job_cut take = {.deployed = true, .w = CUT, .handover = JOB_HANDOVER_KEEP};
        const struct job_rule rules[2] = {
            {.plan = plan_of(s, "one", one), .uid = 1, .version = 1, .ncuts = 2, .cuts = give},
            {.plan = plan_of(s, "two", two), .uid = 1, .version = 2, .ncuts = 1, .cuts = &take}};
        struct run x = {.rows = rows, .rules = rules, .deploy = roll(190)};
        size_t wanted = 0;
        make_rows(rows, workers);
        rig_start(&x.r, workers, s, rules, 1);
        for (unsigned t = 0; t < workers; t++)
            tasksnap_track(x.r.tasks[t]);
        play(&x, workers == 1 && i % 2 == 0);
        for (size_t l = 0; l < x.r.n; l++)
            *strrchr(x.r.lines[l], ' ') = '\0'; /* ids, which the other side does not know */
        char *got = rig_text(&x.r), *want = expected(rows, one, two, &wanted);
        if (strcmp(got, want) != 0)
            fail_msg("pair %u, version %zu to %zu, of %u: %s", i, (size_t)(one - all),
                     (size_t)(two - all), workers, difference(got, want));
        total += wanted;
        mem_free(got);
        mem_free(want);
        snap_fini(&x.store);
        rig_stop(&x.r);
    }
    assert_true(total > 5000);
    mem_free(rows);
}

/* Lines of one rule, of those of `text`, sorted as they are. */
static char *only(const char *text, const char *name)
{
    struct bytes out = {0};
    for (size_t n; *text != '\0'; text += n) {
        n = strcspn(text, "\n") + 1;
        if (strncmp(text, name, strlen(name)) == 0)
            bytes_put(&out, text, n);
    }
    bytes_u8(&out, 0);
    return (char *)out.p;
}

static void a_version_beside_another_begins_with_a_copy_of_its_rows(void **state)
{
    (void)state;
    static const struct version one = {-5 * SECOND, 3 * SECOND, true, "approved"},
                                two = {-2 * SECOND, 9 * SECOND, true, "declined"};
    const struct schema *s = pay_stream(1, 2 * SECOND);
    struct pay *rows = mem_array(ROWS, sizeof *rows);
    const struct job_cut all = {.deployed = true, .w = EVTIME_MIN},
                         copy = {.deployed = true,
                                 .w = CUT,
                                 .handover = JOB_HANDOVER_COPY,
                                 .from = 1};
    const struct job_rule rules[2] = {
        {.plan = plan_of(s, "one", &one), .uid = 1, .version = 1, .ncuts = 1, .cuts = &all},
        {.plan = plan_of(s, "two", &two), .uid = 2, .version = 1, .ncuts = 1, .cuts = &copy}};
    struct run x = {.rows = rows, .rules = rules, .deploy = 50};
    size_t n = 0;
    make_rows(rows, 1);
    rig_start(&x.r, 1, s, rules, 1);
    tasksnap_track(x.r.tasks[0]);
    play(&x, false);
    for (size_t l = 0; l < x.r.n; l++)
        *strrchr(x.r.lines[l], ' ') = '\0';
    char *got = rig_text(&x.r), *of_two = expected(rows, &one, &two, &n);
    char *alone = expected(rows, &one, &one, &n);
    for (char *at = alone; (at = strstr(at, "two match")) != NULL;) /* it had no other version */
        memcpy(at, "one", 3);
    char *got_one = only(got, "one"), *got_two = only(got, "two"), *want = only(of_two, "two");
    if (strcmp(got_two, want) != 0)
        fail_msg("the copy: %s", difference(got_two, want));
    assert_int_equal(strlen(got_one), strlen(alone)); /* their order is another */
    mem_free(got);
    mem_free(of_two);
    mem_free(alone);
    mem_free(got_one);
    mem_free(got_two);
    mem_free(want);
    rig_stop(&x.r);
    mem_free(rows);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(rows_of_a_join_stay_for_its_next_version),
              EXPRTREE_TEST(a_version_beside_another_begins_with_a_copy_of_its_rows));
}
