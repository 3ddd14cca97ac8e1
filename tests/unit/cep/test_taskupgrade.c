/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/taskrig.h"

enum { SECOND = 1000, START = 1700000 };

static struct pay at(int64_t second, int64_t id, const char *status)
{
    return (struct pay){.offset = (uint64_t)id,
                        .id = id,
                        .ts = (START + second) * SECOND,
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

/* A, later B. */
static struct rule_plan *pair(const struct schema *s, const char *name, const char *b,
                              int64_t within_s)
{
    const struct match_var vars[] = {{"A", status_is("a"), NULL}, {"B", status_is(b), NULL}};
    struct rule_plan *p =
        match_new_plan(name, s,
                       GROUP(SEQ, NEXT, var(CONTIGUITY_NEXT, 0), var(CONTIGUITY_FOLLOWED, 1)),
                       within_s * SECOND, SKIP_NONE, 2, vars);
    plan_by(p, PAY_CARD);
    PLAN_GIVES(p, nav_of(0, false, PAY_ID), nav_of(1, false, PAY_ID));
    return p;
}

static struct rule_plan *count(const struct schema *s, const char *name, bool also_end)
{
    struct rule_plan *p = plan_new(RULE_WINDOW, name, s, NULL);
    struct agg_call *agg = arena_zero(trees, sizeof *agg);
    *agg = (struct agg_call){.kind = AGG_COUNT_STAR, .type = BIGINT};
    plan_by(p, PAY_CARD);
    p->window = (struct window_plan){.kind = WINDOW_TUMBLE,
                                     .size_ms = 10 * SECOND,
                                     .slide_ms = 10 * SECOND,
                                     .naggs = 1,
                                     .aggs = agg};
    if (also_end)
        PLAN_GIVES(p, slot(BIGINT, 4), slot(BIGINT, 4));
    else
        PLAN_GIVES(p, slot(BIGINT, 4));
    return p;
}

/* Version 1 up to second 5, version 2 from there. */
struct versions {
    struct job_mark mark;
    struct job_cut first, second[2];
    struct job_rule rules[2];
};

static void versions_of(struct versions *v, struct rule_plan *one, struct rule_plan *two)
{
    const evtime w = (START + 5) * SECOND;
    v->mark = (struct job_mark){.partition = 0, .offset = 100};
    v->second[0] = (struct job_cut){.deployed = true, .w = EVTIME_MIN};
    v->second[1] =
        (struct job_cut){.w = w, .nmarks = 1, .marks = &v->mark, .handover = JOB_HANDOVER_KEEP};
    v->first = (struct job_cut){
        .deployed = true, .w = w, .nmarks = 1, .marks = &v->mark, .handover = JOB_HANDOVER_KEEP};
    v->rules[0] =
        (struct job_rule){.plan = one, .uid = 1, .version = 1, .ncuts = 2, .cuts = v->second};
    v->rules[1] =
        (struct job_rule){.plan = two, .uid = 1, .version = 2, .ncuts = 1, .cuts = &v->first};
}

static struct task_rule_stats stats_of(struct rig *r)
{
    struct task_rule_stats s;
    task_rule_stats(r->tasks[0], 1, &s);
    return s;
}

static void a_match_begun_before_is_completed_by_the_new_condition(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 2 * SECOND);
    struct versions v;
    struct rig r;
    versions_of(&v, pair(s, "one", "b", 60), pair(s, "two", "x", 60));
    rig_start(&r, 1, s, v.rules, 2);
    feed(&r, at(1, 1, "a"));
    assert_false(stats_of(&r).took); /* its time has not come, though time is past its marks */
    feed(&r, at(7, 2, "x")); /* comes first, but is the new version's by its time */
    feed(&r, at(4, 3, "x"));
    feed(&r, at(6, 4, "b"));
    feed(&r, at(8, 5, "a"));
    feed(&r, at(9, 6, "x"));
    rig_end(&r);
    assert_int_equal(rig_count(&r, "one match"), 0);
    assert_int_equal(rig_count(&r, "two match"), 2);
    assert_int_equal(rig_count(&r, "two match t=1700007000 0:0/1 1:0/2 = 1, 2"), 1);
    assert_int_equal(rig_count(&r, "two match t=1700009000 0:0/5 1:0/6 = 5, 6"), 1);
    assert_true(stats_of(&r).took);
    assert_int_equal(stats_of(&r).kept.keys, 1);
    assert_int_equal(stats_of(&r).kept.partials, 1);
    rig_stop(&r);
}

static void a_shorter_time_is_over_sooner_and_a_longer_later(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    for (unsigned longer = 0; longer < 2; longer++) {
        struct versions v;
        struct rig r;
        versions_of(&v, pair(s, "one", "b", longer ? 6 : 60), pair(s, "two", "b", longer ? 60 : 6));
        rig_start(&r, 1, s, v.rules, 2);
        feed(&r, at(1, 1, "a"));
        feed(&r, at(4, 2, "a"));
        feed(&r, at(9, 3, "b"));
        rig_end(&r);
        assert_int_equal(rig_count(&r, "one match"), 0);
        assert_int_equal(rig_count(&r, "two match t=1700009000 0:0/1 1:0/3"), longer);
        assert_int_equal(rig_count(&r, "two match t=1700009000 0:0/2 1:0/3"), 1);
        rig_stop(&r);
    }
}

/* A, later B, later C, each as many times as said; the last ones perhaps not there. */
static struct rule_plan *three(const struct schema *s, const char *name, unsigned least_b,
                               unsigned most_b, bool with_c)
{
    const struct match_var vars[] = {{"A", status_is("a"), NULL},
                                     {"B", status_is("b"), NULL},
                                     {"C", status_is("c"), NULL}};
    struct pattern *b =
        times(var(CONTIGUITY_FOLLOWED, 1), least_b, most_b, CONTIGUITY_FOLLOWED, false);
    struct pattern *a = var(CONTIGUITY_NEXT, 0), *c = var(CONTIGUITY_FOLLOWED, 2);
    const struct pattern *p = most_b == 0 ? GROUP(SEQ, NEXT, a, c)
                              : with_c    ? GROUP(SEQ, NEXT, a, b, c)
                                          : GROUP(SEQ, NEXT, a, b);
    struct rule_plan *plan = match_new_plan(name, s, p, 60 * SECOND, SKIP_NONE, 3, vars);
    plan_by(plan, PAY_CARD);
    PLAN_GIVES(plan, nav_of(0, false, PAY_ID),
               agg_of(AGG_COUNT_STAR, BIGINT, UINT64_C(1) << 1, NULL));
    return plan;
}

static void a_step_that_was_added_or_taken_out_leaves_the_others(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct versions v;
    struct rig r;
    /* A C to A B? C */
    versions_of(&v, three(s, "one", 0, 0, true), three(s, "two", 0, 1, true));
    rig_start(&r, 1, s, v.rules, 2);
    feed(&r, at(1, 1, "a"));
    feed(&r, at(2, 2, "b")); /* of before: the old version did not know of it */
    feed(&r, at(6, 3, "b"));
    feed(&r, at(7, 4, "c"));
    rig_end(&r);
    assert_int_equal(stats_of(&r).kept.partials, 1);
    assert_int_equal(rig_count(&r, "two match t=1700007000 0:0/1 1:0/3 2:0/4 = 1, 1"), 1);
    rig_stop(&r);
    /* A B to A B C: a match that was told may go on */
    versions_of(&v, three(s, "one", 1, 1, false), three(s, "two", 1, 1, true));
    rig_start(&r, 1, s, v.rules, 2);
    feed(&r, at(1, 1, "a"));
    feed(&r, at(6, 2, "b"));
    feed(&r, at(7, 3, "c"));
    rig_end(&r);
    assert_int_equal(rig_count(&r, "one match"), 0);
    assert_int_equal(rig_count(&r, "two match t=1700007000 0:0/1 1:0/2 2:0/3"), 1);
    rig_stop(&r);
    /* A B C to A C: those that are at B are lost, those at A go on */
    versions_of(&v, three(s, "one", 1, 1, true), three(s, "two", 0, 0, true));
    rig_start(&r, 1, s, v.rules, 2);
    feed(&r, at(1, 1, "a"));
    feed(&r, at(2, 2, "b"));
    feed(&r, at(3, 3, "a"));
    feed(&r, at(7, 4, "c"));
    rig_end(&r);
    assert_int_equal(stats_of(&r).kept.partials_lost, 1);
    assert_int_equal(rig_count(&r, "two match"), 1);
    assert_int_equal(rig_count(&r, "two match t=1700007000 0:0/3 2:0/4"), 1);
    rig_stop(&r);
}

static void counts_of_a_loop_go_on(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct versions v;
    struct rig r;
    struct rule_plan *two = three(s, "two", 3, 3, true);
    two->match.within_ms = 30 * SECOND;
    versions_of(&v, three(s, "one", 3, 3, true), two);
    rig_start(&r, 1, s, v.rules, 2);
    feed(&r, at(1, 1, "a"));
    feed(&r, at(2, 2, "b"));
    feed(&r, at(3, 3, "b"));
    feed(&r, at(6, 4, "c"));
    feed(&r, at(7, 5, "b"));
    feed(&r, at(8, 6, "c"));
    rig_end(&r);
    assert_int_equal(rig_count(&r, "two match"), 1);
    assert_int_equal(rig_count(&r, "two match t=1700008000 0:0/1 1:0/2 1:0/3 1:0/5 2:0/6 = 1, 3"),
                     1);
    rig_stop(&r);
}

static void a_window_that_is_open_goes_on(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct versions v;
    struct rig r;
    versions_of(&v, count(s, "one", false), count(s, "two", true));
    rig_start(&r, 1, s, v.rules, 2);
    feed(&r, at(-1, 1, "a"));
    feed(&r, at(1, 2, "a"));
    feed(&r, at(6, 3, "a"));
    feed(&r, at(11, 4, "a"));
    rig_end(&r);
    assert_int_equal(rig_count(&r, "one match t=1699999999"), 1);
    assert_int_equal(rig_count(&r, "two match t=1700009999"), 1);
    assert_int_equal(rig_count(&r, "two match t=1700019999"), 1);
    assert_int_equal(rig_count(&r, "one"), 1);
    assert_int_equal(stats_of(&r).kept.windows, 1);
    rig_stop(&r);
}

static void what_cannot_be_kept_is_dropped_and_counted(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct versions v;
    struct rig r;
    struct rule_plan *two = pair(s, "two", "b", 60);
    two->match.skip = SKIP_TO_NEXT;
    versions_of(&v, pair(s, "one", "b", 60), two);
    rig_start(&r, 1, s, v.rules, 2);
    feed(&r, at(1, 1, "a"));
    feed(&r, at(2, 2, "a"));
    feed(&r, at(6, 3, "b"));
    feed(&r, at(7, 4, "a"));
    feed(&r, at(8, 5, "b"));
    rig_end(&r);
    assert_int_equal(rig_count(&r, "one match"), 0);
    assert_int_equal(rig_count(&r, "two match"), 1);
    assert_int_equal(stats_of(&r).kept.partials, 0);
    assert_int_equal(stats_of(&r).kept.partials_lost, 2);
    rig_stop(&r);
}

/* Many keys, some of them with a match under way; so many slots of the table go over after each row. */
static void run_slowly(struct rig *r, const struct schema *s, struct versions *v, size_t keys,
                       size_t slots, unsigned swap_at)
{
    static char cards[60][8];
    rig_start(r, 1, s, v->rules, 2);
    taskupgrade_slowly(r->tasks[0], keys);
    for (int i = 0; i < 300; i++) {
        struct pay p = at(i / 30, i, i % 7 == 3 ? "b" : i % 7 == 5 ? "x" : i % 3 ? "a" : "n");
        snprintf(cards[i * 7 % 60], sizeof cards[0], "c%d", i * 7 % 60);
        p.card = cards[i * 7 % 60];
        feed(r, p);
        (void)taskupgrade_go_on(r->tasks[0], slots);
        if (i == (int)swap_at)
            rig_job(r, v->rules, 2); /* in the middle: it goes on */
    }
    rig_end(r);
}

/* A pair whose first row, and step to the second, may take so long; the state of a quiet key is dropped after `ttl_s`. */
static struct rule_plan *limited(const struct schema *s, const char *name, int64_t step_s,
                                 int64_t ttl_s)
{
    const struct match_var vars[] = {{"A", status_is("a"), NULL}, {"B", status_is("b"), NULL}};
    struct pattern *b = var(CONTIGUITY_FOLLOWED, 1);
    b->within_ms = step_s > 0 ? step_s * SECOND : -1;
    struct rule_plan *p = match_new_plan(name, s, GROUP(SEQ, NEXT, var(CONTIGUITY_NEXT, 0), b),
                                         60 * SECOND, SKIP_NONE, 2, vars);
    p->state_ttl_ms = ttl_s * SECOND;
    plan_by(p, PAY_CARD);
    PLAN_GIVES(p, nav_of(0, false, PAY_ID), nav_of(1, false, PAY_ID));
    return p;
}

/* COUNT(*) of two seconds and of three rows. */
static struct rule_plan *rows_of(const struct schema *s, const char *name, int64_t ttl_s)
{
    struct rule_plan *p = plan_new(RULE_OVER, name, s, NULL);
    struct over_call *c = arena_zero(trees, 2 * sizeof *c);
    for (unsigned i = 0; i < 2; i++)
        c[i] = (struct over_call){.type = BIGINT,
                                  .agg = {.kind = AGG_COUNT_STAR, .type = BIGINT},
                                  .frame = {.rows = i == 1, .preceding = i == 1 ? 2 : 2 * SECOND}};
    plan_by(p, PAY_CARD);
    p->state_ttl_ms = ttl_s * SECOND;
    p->over = (struct over_plan){.ncalls = 2, .calls = c};
    PLAN_GIVES(p, column(PAY_ID), slot(BIGINT, 0), slot(BIGINT, 1));
    return p;
}

static void make_pair(struct versions *v, const struct schema *s, unsigned kind)
{
    struct rule_plan *reset = pair(s, "two", "b", 60);
    reset->match.skip = SKIP_TO_NEXT;
    switch (kind) {
    case 0:
        versions_of(v, limited(s, "one", 0, 3), limited(s, "two", 0, 3));
        break;
    case 1:
        versions_of(v, limited(s, "one", 0, 1), limited(s, "two", 0, 4));
        break;
    case 2:
        versions_of(v, limited(s, "one", 0, 6), limited(s, "two", 0, 3));
        break;
    case 3:
        versions_of(v, limited(s, "one", 3, 0), limited(s, "two", 5, 0));
        break;
    case 4:
        versions_of(v, limited(s, "one", 5, 0), limited(s, "two", 3, 0));
        break;
    case 5:
        versions_of(v, limited(s, "one", 3, 3), limited(s, "two", 5, 0));
        break;
    case 6:
        versions_of(v, pair(s, "one", "b", 60), reset);
        break;
    case 7:
        versions_of(v, rows_of(s, "one", 3), rows_of(s, "two", 5));
        break;
    default:
        versions_of(v, count(s, "one", false), count(s, "two", true));
    }
}

static void limits_of_time_are_as_exact_piece_by_piece_as_at_once(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    for (unsigned kind = 0; kind < 9; kind++) {
        struct versions v;
        struct rig once, slow;
        make_pair(&v, s, kind);
        run_slowly(&once, s, &v, SIZE_MAX, 0, 1000);
        if (rig_count(&once, "two match") < 5)
            fail_msg("kind %u: %zu", kind, rig_count(&once, "two match"));
        char *want = rig_text(&once);
        for (unsigned slots = 0; slots < 4; slots++) {
            run_slowly(&slow, s, &v, 0, slots, 150 + 10 * slots);
            char *got = rig_text(&slow);
            assert_string_equal(got, want);
            assert_int_equal(stats_of(&slow).kept.partials_lost,
                             stats_of(&once).kept.partials_lost);
            mem_free(got);
            rig_stop(&slow);
        }
        mem_free(want);
        rig_stop(&once);
    }
}

static void state_that_goes_piece_by_piece_finds_what_state_that_goes_at_once_does(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    for (unsigned kind = 0; kind < 3; kind++) {
        struct versions v;
        struct rig once, slow;
        versions_of(&v, pair(s, "one", "b", 60),
                    kind == 0   ? pair(s, "two", "x", 60)
                    : kind == 1 ? pair(s, "two", "b", 3)
                                : pair(s, "two", "b", 600));
        run_slowly(&once, s, &v, SIZE_MAX, 0, 1000);
        assert_true(rig_count(&once, "one match") > 10);
        assert_true(rig_count(&once, "two match") > 10);
        assert_true(stats_of(&once).kept.partials > 20);
        char *want = rig_text(&once);
        for (unsigned slots = 0; slots < 4; slots++)
            for (unsigned swap = 140; swap < 170; swap += 10) {
                run_slowly(&slow, s, &v, 0, slots, swap);
                char *got = rig_text(&slow);
                assert_string_equal(got, want);
                assert_true(stats_of(&slow).took);
                mem_free(got);
                rig_stop(&slow);
            }
        mem_free(want);
        rig_stop(&once);
    }
}

static void a_column_that_was_not_kept_before_is_null_in_rows_from_then(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct versions v;
    struct rig r;
    struct rule_plan *one = pair(s, "one", "b", 60), *two = pair(s, "two", "b", 60);
    for (unsigned c = 0; c < PAY_COLUMNS; c++)
        if (c != PAY_ID)
            one->keeps.w[0] &= ~(UINT64_C(1) << c);
    PLAN_GIVES(two, nav_of(0, false, PAY_ID), nav_of(0, false, PAY_ACCOUNT),
               nav_of(1, false, PAY_ACCOUNT));
    versions_of(&v, one, two);
    rig_start(&r, 1, s, v.rules, 1); /* nobody keeps the account yet */
    feed(&r, at(1, 1, "a"));
    feed(&r, at(2, 4, "n")); /* now the first has been taken */
    rig_job(&r, v.rules, 2);
    feed(&r, at(6, 2, "a"));
    feed(&r, at(7, 3, "b"));
    rig_end(&r);
    assert_int_equal(rig_count(&r, "two match t=1700007000 0:0/1 1:0/3 = 1, null, \"a\""), 1);
    assert_int_equal(rig_count(&r, "two match t=1700007000 0:0/2 1:0/3 = 2, \"a\", \"a\""), 1);
    rig_stop(&r);
}

static void other_rules_may_change_before_and_after(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct versions v;
    struct rig r;
    versions_of(&v, pair(s, "one", "b", 60), pair(s, "two", "x", 60));
    rig_start(&r, 1, s, v.rules, 1);
    feed(&r, at(1, 1, "a"));
    rig_job(&r, v.rules, 2);
    feed(&r, at(6, 2, "c"));
    assert_true(stats_of(&r).took);
    rig_job(&r, v.rules, 2); /* it has been handed over: not again */
    feed(&r, at(7, 3, "x"));
    rig_job(&r, v.rules + 1, 1);
    feed(&r, at(8, 4, "x"));
    feed(&r, at(9, 5, "a"));
    feed(&r, at(10, 6, "x"));
    rig_end(&r);
    assert_int_equal(rig_count(&r, "two match"), 2);
    assert_int_equal(rig_count(&r, "two match t=1700007000 0:0/1 1:0/3"), 1);
    rig_stop(&r);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(a_match_begun_before_is_completed_by_the_new_condition),
              EXPRTREE_TEST(a_shorter_time_is_over_sooner_and_a_longer_later),
              EXPRTREE_TEST(a_step_that_was_added_or_taken_out_leaves_the_others),
              EXPRTREE_TEST(counts_of_a_loop_go_on), EXPRTREE_TEST(a_window_that_is_open_goes_on),
              EXPRTREE_TEST(what_cannot_be_kept_is_dropped_and_counted),
              EXPRTREE_TEST(state_that_goes_piece_by_piece_finds_what_state_that_goes_at_once_does),
              EXPRTREE_TEST(limits_of_time_are_as_exact_piece_by_piece_as_at_once),
              EXPRTREE_TEST(a_column_that_was_not_kept_before_is_null_in_rows_from_then),
              EXPRTREE_TEST(other_rules_may_change_before_and_after));
}
