/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/taskrig.h"

enum { SECOND = 1000 };

/* A row of card c1 at that second; its offset is its id. */
static struct pay at(int64_t second, int64_t id, const char *status)
{
    return (struct pay){.offset = (uint64_t)id,
                        .id = id,
                        .ts = 1700000000000 + second * SECOND,
                        .card = "c1",
                        .account = "a",
                        .amount = 100 * id,
                        .status = status};
}

static void feed(struct rig *r, struct pay p)
{
    assert_ok(rig_feed(r, &p, 1));
    rig_settle(r);
}

static const struct expr *status_is(const char *s)
{
    return IS(EQ, column(PAY_STATUS), str(s));
}

/* A, then B: `a` later (relaxed) or next (strict) `b`, within a minute. */
static struct rule_plan *pair(const struct schema *s, const char *name, enum contiguity how)
{
    const struct match_var vars[] = {{"A", status_is("a"), NULL}, {"B", status_is("b"), NULL}};
    struct rule_plan *p =
        match_new_plan(name, s, GROUP(SEQ, NEXT, var(CONTIGUITY_NEXT, 0), var(how, 1)), 60 * SECOND,
                       SKIP_NONE, 2, vars);
    plan_by(p, PAY_CARD);
    PLAN_GIVES(p, nav_of(0, false, PAY_ID), nav_of(1, false, PAY_ID));
    return p;
}

static struct rule_plan *filter(const struct schema *s)
{
    struct rule_plan *p = plan_new(RULE_FILTER, "filter", s, status_is("b"));
    PLAN_GIVES(p, column(PAY_ID));
    return p;
}

static struct rule_plan *count(const struct schema *s)
{
    struct rule_plan *p = plan_new(RULE_WINDOW, "count", s, NULL);
    struct agg_call *agg = arena_zero(trees, sizeof *agg);
    *agg = (struct agg_call){.kind = AGG_COUNT_STAR, .type = BIGINT};
    plan_by(p, PAY_CARD);
    p->window = (struct window_plan){.kind = WINDOW_TUMBLE,
                                     .size_ms = 10 * SECOND,
                                     .slide_ms = 10 * SECOND,
                                     .naggs = 1,
                                     .aggs = agg};
    PLAN_GIVES(p, slot(BIGINT, 4));
    return p;
}

static bool has(const struct rig *r, const char *begin)
{
    return rig_count(r, begin) > 0;
}

static void partial_matches_outlive_a_change_of_other_rules(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct rule_plan *seq = pair(s, "seq", CONTIGUITY_FOLLOWED), *other = filter(s),
                     *more = count(s);
    struct rig r;
    rig_start(&r, 1, s, &(struct job_rule){.plan = seq, .uid = 1}, 1);
    feed(&r, at(1, 1, "a"));
    feed(&r, at(2, 2, "a")); /* waits in the ordering buffer while the rules change */
    const struct job_rule both[] = {{.plan = more, .uid = 3},
                                    {.plan = other, .uid = 2},
                                    {.plan = seq, .uid = 1}};
    rig_job(&r, both, 3);
    feed(&r, at(3, 3, "b"));
    rig_job(&r, both + 2, 1);
    feed(&r, at(4, 4, "a"));
    rig_end(&r);
    assert_true(has(&r, "seq match t=1700000003000 0:0/1 1:0/3 = 1, 3"));
    assert_true(has(&r, "seq match t=1700000003000 0:0/2 1:0/3 = 2, 3"));
    assert_true(has(&r, "filter match t=1700000003000"));
    assert_int_equal(rig_count(&r, "count"), 0);
    assert_int_equal(rig_count(&r, "seq match"), 2);
    rig_stop(&r);
}

static void a_rule_that_is_gone_leaves_nothing(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct rule_plan *seq = pair(s, "seq", CONTIGUITY_FOLLOWED);
    struct rig r;
    struct task_stats stats;
    rig_start(&r, 1, s, &(struct job_rule){.plan = seq, .uid = 1}, 1);
    for (int64_t i = 1; i < 100; i++)
        feed(&r, at(i, i, "a"));
    task_stats(r.tasks[0], &stats);
    assert_true(stats.partials > 50);
    assert_int_equal(stats.keys, 1);
    rig_job(&r, NULL, 0);
    task_stats(r.tasks[0], &stats);
    assert_int_equal(stats.partials, 0);
    assert_int_equal(stats.keys, 0);
    rig_job(&r, &(struct job_rule){.plan = seq, .uid = 1}, 1); /* as if new */
    feed(&r, at(100, 100, "b"));
    rig_end(&r);
    assert_int_equal(rig_count(&r, "seq match"), 0);
    rig_stop(&r);
}

static void a_new_rule_sees_exactly_the_rows_after_its_cut(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 5 * SECOND);
    const struct job_mark mark = {.partition = 0, .offset = 3, .w = 0};
    const struct job_cut cut = {
        .deployed = true, .mode = RULE_ACTIVE, .w = INT64_MAX, .nmarks = 1, .marks = &mark};
    const struct job_rule rules[] = {
        {.plan = pair(s, "seq", CONTIGUITY_FOLLOWED), .uid = 1, .ncuts = 1, .cuts = &cut},
        {.plan = filter(s), .uid = 2, .ncuts = 1, .cuts = &cut}};
    struct rig r;
    rig_start(&r, 1, s, rules, 2);
    feed(&r, at(10, 1, "a"));
    feed(&r, at(11, 2, "b"));
    feed(&r, at(9, 3, "a")); /* its time is before theirs */
    feed(&r, at(12, 4, "b"));
    rig_end(&r);
    assert_int_equal(rig_count(&r, "seq match"), 1);
    assert_true(has(&r, "seq match t=1700000012000 0:0/3 1:0/4"));
    assert_int_equal(rig_count(&r, "filter match"), 1);
    rig_stop(&r);
}

/* Active, paused from second 10 to 20, active, over at 40. */
static struct job_rule with_pause(struct rule_plan *p, uint64_t uid)
{
    static const struct job_mark marks[4] = {{0, 0, 0, 0},
                                             {0, 10, 0, 0},
                                             {0, 20, 0, 0},
                                             {0, 40, 0, 0}};
    static struct job_cut cuts[4];
    const evtime base = 1700000000000;
    cuts[0] = (struct job_cut){true, RULE_ACTIVE, EVTIME_MIN, 1, &marks[0], JOB_HANDOVER_NONE, 0};
    cuts[1] =
        (struct job_cut){true, RULE_PAUSED, base + 10 * SECOND, 1, &marks[1], JOB_HANDOVER_NONE, 0};
    cuts[2] =
        (struct job_cut){true, RULE_SHADOW, base + 20 * SECOND, 1, &marks[2], JOB_HANDOVER_NONE, 0};
    cuts[3] =
        (struct job_cut){false, RULE_ACTIVE, base + 40 * SECOND, 1, &marks[3], JOB_HANDOVER_NONE,
                         0};
    return (struct job_rule){.plan = p, .uid = uid, .ncuts = 4, .cuts = cuts};
}

static void a_paused_rule_keeps_its_state_but_not_a_strict_step(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    const struct job_rule rules[] = {with_pause(pair(s, "relaxed", CONTIGUITY_FOLLOWED), 1),
                                     with_pause(pair(s, "strict", CONTIGUITY_NEXT), 2),
                                     with_pause(filter(s), 3)};
    struct rig r;
    rig_start(&r, 1, s, rules, 3);
    feed(&r, at(5, 5, "a"));
    feed(&r, at(12, 12, "b")); /* not seen */
    feed(&r, at(25, 25, "b"));
    feed(&r, at(26, 26, "a"));
    feed(&r, at(27, 27, "b"));
    feed(&r, at(38, 38, "a"));
    feed(&r, at(41, 41, "b")); /* past the end */
    rig_end(&r);
    assert_int_equal(rig_count(&r, "relaxed match"), 2);
    assert_true(has(&r, "relaxed match t=1700000025000 0:0/5 1:0/25"));
    assert_true(has(&r, "relaxed match t=1700000027000 0:0/26 1:0/27"));
    assert_int_equal(rig_count(&r, "strict match"), 1);
    assert_true(has(&r, "strict match t=1700000027000 0:0/26 1:0/27"));
    assert_int_equal(rig_count(&r, "filter match"), 2);
    rig_stop(&r);
}

static void time_goes_on_while_a_rule_is_paused_and_nothing_is_told(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct rule_plan *seq = pair(s, "seq", CONTIGUITY_FOLLOWED);
    seq->match.within_ms = 8 * SECOND;
    const struct job_rule rules[] = {with_pause(seq, 1), with_pause(count(s), 2)};
    struct rig r;
    rig_start(&r, 1, s, rules, 2);
    feed(&r, at(1, 1, "a")); /* times out at 9 */
    feed(&r, at(5, 5, "a")); /* times out at 13, in the pause */
    feed(&r, at(12, 12, "x"));
    feed(&r, at(21, 21, "a")); /* times out at 29 */
    rig_end(&r);
    assert_int_equal(rig_count(&r, "seq timeout"), 2);
    assert_true(has(&r, "seq timeout t=1700000009000"));
    assert_true(has(&r, "seq timeout t=1700000029000"));
    assert_int_equal(rig_count(&r, "count match"), 2); /* [0, 10) and [20, 30) */
    rig_stop(&r);
}

static void a_full_ordering_buffer_says_so_but_never_to_the_slowest_partition(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(2, 0);
    const struct job_rule rule = {.plan = count(s), .uid = 1};
    struct job *j = job_new(&s, 1, &rule, 1);
    struct rig r = {.workers = 1, .schema = s, .job = j};
    r.tasks[0] = task_new(&(struct task_options){
        .workers = 1, .key_groups = 1, .max_ordering_rows = 4, .max_partials_per_key = 10});
    task_set_job(r.tasks[0], j);
    task_source_open(r.tasks[0], s->id, 0, EVTIME_MIN);
    task_source_open(r.tasks[0], s->id, 1, EVTIME_MIN);
    struct pay p = at(0, 0, "a");
    for (unsigned i = 0; i < 4; i++) {
        p.offset++;
        p.ts++;
        assert_ok(rig_feed(&r, &p, 1));
    }
    p.offset++;
    assert_err(rig_feed(&r, &p, 1), ERR_AGAIN);
    p.partition = 1; /* what all wait for */
    assert_ok(rig_feed(&r, &p, 1));
    task_step(r.tasks[0]);
    p.partition = 0;
    assert_ok(rig_feed(&r, &p, 1));
    rig_stop(&r);
}

/* Bytes count as rows do, and are given back when the rows have left. */
static void rows_that_wait_have_a_budget_of_bytes(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(2, 0);
    const struct job_rule rule = {.plan = count(s), .uid = 1};
    struct job *j = job_new(&s, 1, &rule, 1);
    struct rig r = {.workers = 1, .schema = s, .job = j};
    size_t before = batch_live_bytes();
    r.tasks[0] = task_new(&(struct task_options){.workers = 1,
                                                 .key_groups = 1,
                                                 .max_ordering_rows = SIZE_MAX,
                                                 .max_ordering_bytes = before + 10000,
                                                 .max_partials_per_key = 10});
    task_set_job(r.tasks[0], j);
    task_source_open(r.tasks[0], s->id, 0, EVTIME_MIN);
    task_source_open(r.tasks[0], s->id, 1, EVTIME_MIN);
    struct pay p = at(0, 0, "a");
    assert_false(task_ordering_full(r.tasks[0]));
    assert_ok(rig_feed(&r, &p, 1)); /* a batch takes more than that */
    assert_true(task_ordering_full(r.tasks[0]));
    assert_true(task_source_waits(r.tasks[0], s->id, 0));
    assert_false(task_source_waits(r.tasks[0], s->id, 1));
    p.offset++;
    p.ts++;
    assert_err(rig_feed(&r, &p, 1), ERR_AGAIN);
    p.partition = 1;
    p.ts += 10;
    assert_ok(rig_feed(&r, &p, 1));
    task_source_watermark(r.tasks[0], s->id, 0, EVTIME_MAX);
    task_source_watermark(r.tasks[0], s->id, 1, EVTIME_MAX);
    task_step(r.tasks[0]);
    assert_false(task_ordering_full(r.tasks[0]));
    rig_stop(&r);
    assert_int_equal(batch_live_bytes(), before);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(partial_matches_outlive_a_change_of_other_rules),
              EXPRTREE_TEST(a_rule_that_is_gone_leaves_nothing),
              EXPRTREE_TEST(a_new_rule_sees_exactly_the_rows_after_its_cut),
              EXPRTREE_TEST(a_paused_rule_keeps_its_state_but_not_a_strict_step),
              EXPRTREE_TEST(time_goes_on_while_a_rule_is_paused_and_nothing_is_told),
              EXPRTREE_TEST(a_full_ordering_buffer_says_so_but_never_to_the_slowest_partition),
              EXPRTREE_TEST(rows_that_wait_have_a_budget_of_bytes));
}
