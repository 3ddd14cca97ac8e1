/* SPDX-License-Identifier: Apache-2.0
 *
 * A stream joined with itself, on one to three tasks; what is found is held against trying every pair. */
#include "tests/lib/taskrig.h"

enum { ROWS = 1500, PARTITIONS = 3, CARDS = 23, SECOND = 1000 };

struct bounds {
    int64_t least, most;
    bool outer;
};

/* ON a.card = b.account AND b.ts - a.ts within the bounds AND a.amount < b.amount AND b.status = 'approved' */
static struct rule_plan *join_plan(const struct schema *s, struct bounds bounds)
{
    struct rule_plan *p = plan_new(RULE_JOIN, "j", s, NULL);
    struct join_key *key = arena_zero(trees, sizeof *key);
    *key = (struct join_key){.name = "card",
                             .type = STRING,
                             .e = {column(PAY_CARD), column(PAY_ACCOUNT)}};
    p->join = (struct join_plan){.outer = bounds.outer,
                                 .nkeys = 1,
                                 .keys = key,
                                 .least_ms = bounds.least,
                                 .most_ms = bounds.most,
                                 .on = IS(LT, slot(DECIMAL(12, 2), PAY_AMOUNT),
                                          slot(DECIMAL(12, 2), PAY_COLUMNS + PAY_AMOUNT))};
    for (unsigned i = 0; i < 2; i++)
        p->join.side[i] = (struct join_side){.schema = s,
                                             .name = i == 0 ? "a" : "b",
                                             .reads = p->reads,
                                             .keeps = p->keeps};
    const struct expr *card = IS(NOT, IS(IS_NULL, column(PAY_CARD)));
    const struct expr *account = IS(NOT, IS(IS_NULL, column(PAY_ACCOUNT)));
    p->join.side[1].where = IS(AND, account, IS(EQ, column(PAY_STATUS), str("approved")));
    if (bounds.outer)
        p->join.side[0].partner = card;
    else
        p->join.side[0].where = card;
    PLAN_GIVES(p, slot(BIGINT, PAY_ID), slot(BIGINT, PAY_COLUMNS + PAY_ID),
               slot(STRING, PAY_COLUMNS + PAY_ACCOUNT));
    return p;
}

static void make_rows(struct pay *rows, uint64_t seed)
{
    static char names[CARDS][8];
    struct rig dice = {.random = seed};
    uint64_t offsets[PARTITIONS] = {0};
    evtime newest[PARTITIONS] = {0};
    for (unsigned i = 0; i < CARDS; i++)
        snprintf(names[i], sizeof names[i], "c%u", i);
    for (unsigned i = 0; i < ROWS; i++) {
        struct pay *p = &rows[i];
        unsigned part = rig_random(&dice, PARTITIONS);
        evtime ts = 1700000000000 + (int64_t)i * 40 - rig_random(&dice, 1500);
        if (ts < newest[part] - 2 * SECOND)
            ts = newest[part] - 2 * SECOND; /* nothing is late */
        newest[part] = ts > newest[part] ? ts : newest[part];
        *p = (struct pay){
            .partition = part,
            .offset = offsets[part] += 1 + rig_random(&dice, 3),
            .id = i,
            .ts = ts,
            .card = rig_random(&dice, 30) == 0 ? NULL : names[rig_random(&dice, CARDS)],
            .account = rig_random(&dice, 30) == 0 ? NULL : names[rig_random(&dice, CARDS)],
            .amount = rig_random(&dice, 1000),
            .status = rig_random(&dice, 3) == 0 ? "declined" : "approved",
        };
    }
}

static bool fits(const struct pay *a, const struct pay *b, struct bounds x)
{
    return a->card != NULL && b->account != NULL && strcmp(a->card, b->account) == 0 &&
           strcmp(b->status, "approved") == 0 && a->amount < b->amount &&
           b->ts - a->ts >= x.least && b->ts - a->ts <= x.most;
}

static void expect_line(struct rig *r, const struct pay *a, const struct pay *b, evtime at)
{
    struct bytes out = {0};
    bytes_printf(&out, "j match t=%lld 0:%u/%llu", (long long)at, a->partition,
                 (unsigned long long)a->offset);
    if (b != NULL)
        bytes_printf(&out, " 1:%u/%llu = %lld, %lld, \"%s\"", b->partition,
                     (unsigned long long)b->offset, (long long)a->id, (long long)b->id, b->account);
    else
        bytes_printf(&out, " = %lld, null, null", (long long)a->id);
    r->lines[r->n++] = mem_dup(out.p, out.n);
    bytes_fini(&out);
}

/* What trying every pair finds, as rig_text gives it. */
static char *expected(const struct pay *rows, struct bounds x)
{
    struct rig r = {.lines = mem_array(RIG_LINES, sizeof(char *))};
    for (unsigned i = 0; i < ROWS; i++) {
        bool found = false;
        for (unsigned k = 0; k < ROWS; k++)
            if (fits(&rows[i], &rows[k], x)) {
                found = true;
                expect_line(&r, &rows[i], &rows[k],
                            rows[i].ts > rows[k].ts ? rows[i].ts : rows[k].ts);
            }
        bool waits = x.least <= x.most && x.most > 0;
        if (x.outer && !found)
            expect_line(&r, &rows[i], NULL, rows[i].ts + (waits ? x.most : 0));
    }
    char *text = rig_text(&r);
    for (size_t i = 0; i < r.n; i++)
        mem_free(r.lines[i]);
    mem_free(r.lines);
    return text;
}

/* Without the ids, which the other side does not know. */
static void drop_ids(struct rig *r)
{
    for (size_t i = 0; i < r->n; i++)
        *strrchr(r->lines[i], ' ') = '\0';
}

/* Each partition in order, partitions as they fall, in batches of any length; frames delivered or held back. */
static void play(struct rig *r, const struct pay *rows, const struct job_rule *rules, uint64_t seed)
{
    unsigned at[PARTITIONS] = {0};
    r->random = seed;
    for (unsigned left = ROWS; left > 0;) {
        struct pay batch[50];
        unsigned p = rig_random(r, PARTITIONS), n = 0, most = 1 + rig_random(r, 50);
        for (; at[p] < ROWS && n < most; at[p]++)
            if (rows[at[p]].partition == p)
                batch[n++] = rows[at[p]];
        if (n == 0)
            continue;
        assert_ok(rig_feed(r, batch, n));
        left -= n;
        if (rig_random(r, 3) == 0)
            rig_settle(r);
        if (rules != NULL && rig_random(r, 20) == 0)
            rig_job(r, rules, 1); /* the same rule in a new job: its state stays */
    }
    rig_end(r);
}

static void any_number_of_tasks_and_any_interleaving_find_what_trying_every_pair_finds(void **state)
{
    (void)state;
    static const struct bounds all[] = {
        {-5 * SECOND, 3 * SECOND, false},
        {-5 * SECOND, 3 * SECOND, true},
        {0, 0, true},
        {1, 4 * SECOND, true},
        {-4 * SECOND, -1, true},
        {2, 1, true},
        {-4 * SECOND, -SECOND, false},
    };
    const struct schema *s = pay_stream(PARTITIONS, 2 * SECOND);
    struct pay *rows = mem_array(ROWS, sizeof *rows);
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        struct job_rule rule = {.plan = join_plan(s, all[i]), .uid = 9, .version = 1};
        make_rows(rows, 100 + i);
        char *wanted = expected(rows, all[i]), *ids = NULL;
        for (unsigned workers = 1; workers <= RIG_WORKERS; workers++) {
            struct rig r;
            rig_start(&r, workers, s, &rule, 1);
            play(&r, rows, workers == 2 ? &rule : NULL, 7 * workers + i);
            struct task_stats stats;
            task_stats(r.tasks[0], &stats);
            assert_int_equal(stats.rows_kept + stats.keys + stats.rows_waiting, 0);
            char *with_ids = rig_text(&r);
            if (ids != NULL)
                assert_string_equal(with_ids, ids);
            mem_free(ids);
            ids = with_ids;
            drop_ids(&r);
            char *got = rig_text(&r);
            assert_string_equal(got, wanted);
            mem_free(got);
            rig_stop(&r);
        }
        mem_free(ids);
        mem_free(wanted);
    }
    mem_free(rows);
}

static void feed(struct rig *r, int64_t id, evtime ts, const char *card, const char *account)
{
    static uint64_t offset;
    const struct pay p = {.offset = ++offset,
                          .id = id,
                          .ts = ts,
                          .card = card,
                          .account = account,
                          .amount = id,
                          .status = "approved"};
    assert_ok(rig_feed(r, &p, 1));
    rig_settle(r);
}

static void of_a_key_with_too_many_rows_the_oldest_are_dropped_and_counted(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    const struct job_rule rule = {.plan = join_plan(s, (struct bounds){0, 10 * SECOND, false}),
                                  .uid = 9,
                                  .version = 1};
    struct rig r;
    struct task_stats stats;
    rig_start(&r, 1, s, &rule, 1);
    task_free(r.tasks[0]);
    r.tasks[0] = task_new(&(struct task_options){
        .workers = 1, .key_groups = 16, .max_ordering_rows = 1000, .max_rows_per_key = 3});
    rig_job(&r, &rule, 1);
    task_source_open(r.tasks[0], s->id, 0, EVTIME_MIN);
    for (unsigned i = 0; i < 5; i++)
        feed(&r, i, 1000 + i, "c", NULL);
    feed(&r, 9, 2000, NULL, "c");
    feed(&r, 10, 2001, NULL, NULL);
    assert_int_equal(rig_count(&r, "j match"), 3); /* 2, 3 and 4 are there still */
    assert_int_equal(rig_count(&r, "j error"), 1); /* it is told once */
    task_stats(r.tasks[0], &stats);
    assert_int_equal(stats.rows_dropped, 2);
    assert_int_equal(stats.rows_kept, 3);
    feed(&r, 11, 11500, NULL, NULL);
    task_stats(r.tasks[0], &stats);
    assert_int_equal(stats.rows_kept, 0);
    rig_stop(&r);
}

static void rows_of_a_quiet_key_are_forgotten_and_find_no_partner(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct rule_plan *plan = join_plan(s, (struct bounds){0, 10 * SECOND, true});
    const struct job_rule rule = {.plan = plan, .uid = 9, .version = 1};
    struct rig r;
    struct task_stats stats;
    plan->state_ttl_ms = 3 * SECOND;
    rig_start(&r, 1, s, &rule, 1);
    feed(&r, 0, 1000, "c", NULL);
    feed(&r, 1, 3999, NULL, "c"); /* in time: the key lives on */
    feed(&r, 2, 6998, NULL, "c"); /* in time for that one */
    feed(&r, 3, 9998, NULL, "c"); /* the left row has gone, and is not told alone either */
    feed(&r, 4, 10000, "d", NULL);
    feed(&r, 5, 12000, "c", "d");
    rig_end(&r);
    assert_int_equal(rig_count(&r, "j match"), 3); /* 0 with 1, 0 with 2, 4 with 5 */
    task_stats(r.tasks[0], &stats);
    assert_int_equal(stats.expired, 5); /* c and NULL twice, d once */
    assert_int_equal(stats.rows_kept, 0);
    rig_stop(&r);
}

static void late_rows_are_told_once_whichever_side_they_are_on(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    const struct job_rule rule = {.plan = join_plan(s, (struct bounds){0, SECOND, false}),
                                  .uid = 9,
                                  .version = 1};
    struct rig r;
    rig_start(&r, 1, s, &rule, 1);
    feed(&r, 1, 5000, "c", NULL);
    feed(&r, 2, 4000, "c", "c");
    feed(&r, 3, 4000, NULL, NULL);
    rig_end(&r);
    assert_int_equal(rig_count(&r, "j late"), 1);
    assert_int_equal(r.n, 1);
    rig_stop(&r);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(
                  any_number_of_tasks_and_any_interleaving_find_what_trying_every_pair_finds),
              EXPRTREE_TEST(of_a_key_with_too_many_rows_the_oldest_are_dropped_and_counted),
              EXPRTREE_TEST(rows_of_a_quiet_key_are_forgotten_and_find_no_partner),
              EXPRTREE_TEST(late_rows_are_told_once_whichever_side_they_are_on));
}
