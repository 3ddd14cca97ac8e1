/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/taskrig.h"

enum { S = 1000 };

static const struct over_frame second = {.preceding = S}, two_rows = {.rows = true, .preceding = 2},
                               all_rows = {.rows = true, .preceding = -1};

/* COUNT(*) and SUM of a second, MIN and MAX of a text and COUNT(DISTINCT) of three rows, LAG by two, ROW_NUMBER. */
static struct rule_plan *over(const struct schema *s, bool numbered)
{
    struct rule_plan *p = plan_new(RULE_OVER, "o", s, NULL);
    struct over_call *c = arena_zero(trees, 7 * sizeof *c);
    const struct expr *status = column(PAY_STATUS), *amount = column(PAY_AMOUNT);
    c[0] = (struct over_call){.type = BIGINT,
                              .agg = {.kind = AGG_COUNT_STAR, .type = BIGINT},
                              .frame = second};
    c[1] = (struct over_call){.type = DECIMAL(18, 2),
                              .agg = {.kind = AGG_SUM, .type = DECIMAL(18, 2), .arg = amount},
                              .frame = second};
    c[2] = (struct over_call){.type = STRING,
                              .agg = {.kind = AGG_MIN, .type = STRING, .arg = status},
                              .frame = second};
    c[3] = (struct over_call){.kind = OVER_LAG,
                              .type = STRING,
                              .agg = {.arg = status},
                              .offset = 2,
                              .fallback = str("none")};
    c[4] = (struct over_call){
        .type = BIGINT,
        .agg = {.kind = AGG_COUNT, .distinct = true, .type = BIGINT, .arg = status},
        .frame = two_rows};
    c[5] = (struct over_call){.type = STRING,
                              .agg = {.kind = AGG_MAX, .type = STRING, .arg = status},
                              .frame = all_rows};
    c[6] = (struct over_call){.kind = OVER_ROW_NUMBER, .type = BIGINT};
    plan_by(p, PAY_CARD);
    p->over = (struct over_plan){.ncalls = numbered ? 7 : 3, .calls = c};
    if (numbered)
        PLAN_GIVES(p, column(PAY_ID), slot(BIGINT, 0), slot(DECIMAL(18, 2), 1), slot(STRING, 2),
                   slot(STRING, 3), slot(BIGINT, 4), slot(STRING, 5), slot(BIGINT, 6));
    else
        PLAN_GIVES(p, column(PAY_ID), slot(BIGINT, 0), slot(DECIMAL(18, 2), 1), slot(STRING, 2));
    return p;
}

static void feed(struct rig *r, evtime ts, const char *card, int64_t id, const char *status)
{
    static uint64_t offset;
    const struct pay p = {
        .offset = ++offset, .id = id, .ts = ts, .card = card, .amount = 100 * id, .status = status};
    assert_ok(rig_feed(r, &p, 1));
    rig_settle(r);
}

static void has(const struct rig *r, const char *values)
{
    for (size_t i = 0; i < r->n; i++)
        if (strstr(r->lines[i], values) != NULL)
            return;
    for (size_t i = 0; i < r->n; i++)
        print_message("%s\n", r->lines[i]);
    fail_msg("no result %s", values);
}

static void each_row_sees_its_frames(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct rig r;
    rig_start(&r, 1, s, &(struct job_rule){.plan = over(s, true), .uid = 1}, 1);
    feed(&r, 1 * S, "c", 1, "pear");
    feed(&r, 1 * S, "c", 2, NULL);
    feed(&r, 1 * S, "d", 3, "fig");
    assert_int_equal(r.n, 0); /* more rows of that time may come */
    feed(&r, 2 * S, "c", 4, "apple");
    assert_int_equal(r.n, 3);
    feed(&r, 2001, "c", 5, "pear");
    rig_end(&r);
    assert_int_equal(r.n, 5);
    has(&r, "= 1, 2, 3.00, \"pear\", \"none\", 1, \"pear\", 1 ");
    has(&r, "= 2, 2, 3.00, \"pear\", \"none\", 1, \"pear\", 2 ");
    has(&r, "= 3, 1, 3.00, \"fig\", \"none\", 1, \"fig\", 1 ");
    has(&r, "= 4, 3, 7.00, \"apple\", \"pear\", 2, \"pear\", 3 ");
    has(&r, "= 5, 2, 9.00, \"apple\", null, 2, \"pear\", 4 ");
    rig_stop(&r);
}

static void late_rows_are_told_and_not_counted(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct rig r;
    rig_start(&r, 1, s, &(struct job_rule){.plan = over(s, false), .uid = 1}, 1);
    feed(&r, 5 * S, "c", 1, "a");
    feed(&r, 4999, "c", 2, "a");
    feed(&r, 5001, "c", 3, "b");
    rig_end(&r);
    assert_int_equal(rig_count(&r, "o late"), 1);
    assert_int_equal(rig_count(&r, "o match"), 2);
    has(&r, "= 3, 2, 4.00, \"a\"");
    rig_stop(&r);
}

static void keys_leave_when_no_frame_can_have_their_rows(void **state)
{
    (void)state;
    static char cards[1000][16]; /* the rig takes a row's texts only when it steps */
    const struct schema *s = pay_stream(1, 0);
    struct rig r;
    struct task_stats stats;
    rig_start(&r, 1, s, &(struct job_rule){.plan = over(s, false), .uid = 1}, 1);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(cards[i], sizeof cards[i], "c%u", i);
        feed(&r, i * 100, cards[i], 1, "a");
    }
    task_stats(r.tasks[0], &stats);
    assert_in_range(stats.keys, 10, 12);
    rig_end(&r);
    task_stats(r.tasks[0], &stats);
    assert_int_equal(stats.keys, 0);
    assert_int_equal(rig_count(&r, "o match"), 1000);
    rig_stop(&r);
}

/* A pause is a gap: its rows are not counted, and what was before is there after it. */
static void pauses_leave_rows_out(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    const struct job_cut cuts[] = {{.deployed = true, .mode = RULE_ACTIVE, .w = EVTIME_MIN},
                                   {.deployed = true, .mode = RULE_PAUSED, .w = 1500},
                                   {.deployed = true, .mode = RULE_ACTIVE, .w = 1700}};
    struct rig r;
    rig_start(&r, 1, s,
              &(struct job_rule){.plan = over(s, false), .uid = 1, .ncuts = 3, .cuts = cuts}, 1);
    feed(&r, 1 * S, "c", 1, "a");
    feed(&r, 1600, "c", 2, "a");
    feed(&r, 1800, "c", 3, "b");
    rig_end(&r);
    assert_int_equal(r.n, 2);
    has(&r, "= 3, 2, 4.00, \"a\"");
    rig_stop(&r);
}

static void a_change_of_other_rules_keeps_the_frames(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct job_rule rules[2] = {{.plan = over(s, true), .uid = 1},
                                {.plan = over(s, false), .uid = 2}};
    struct rig r;
    rules[1].plan->name = "other";
    rig_start(&r, 1, s, rules, 1);
    feed(&r, 1 * S, "c", 1, "pear");
    feed(&r, 1 * S + 1, "c", 2, "fig");
    rig_job(&r, rules, 2);
    feed(&r, 1 * S + 2, "c", 3, "kiwi");
    rig_job(&r, rules, 1);
    feed(&r, 1 * S + 3, "c", 4, "fig");
    rig_end(&r);
    has(&r, "= 4, 4, 10.00, \"fig\", \"fig\", 2, \"pear\", 4 ");
    rig_stop(&r);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(each_row_sees_its_frames),
              EXPRTREE_TEST(late_rows_are_told_and_not_counted),
              EXPRTREE_TEST(keys_leave_when_no_frame_can_have_their_rows),
              EXPRTREE_TEST(pauses_leave_rows_out),
              EXPRTREE_TEST(a_change_of_other_rules_keeps_the_frames));
}
