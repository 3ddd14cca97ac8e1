/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/taskrig.h"

enum { S = 1000 };

static struct rule_plan *window(const struct schema *s, int64_t size, int64_t slide,
                                const struct expr *having)
{
    struct rule_plan *p = plan_new(RULE_WINDOW, "w", s, NULL);
    struct agg_call *aggs = arena_zero(trees, 4 * sizeof *aggs);
    const struct expr *amount = column(PAY_AMOUNT);
    aggs[0] = (struct agg_call){.kind = AGG_COUNT_STAR, .type = BIGINT};
    aggs[1] = (struct agg_call){.kind = AGG_SUM, .type = DECIMAL(18, 2), .arg = amount};
    aggs[2] = (struct agg_call){.kind = AGG_MIN, .type = STRING, .arg = column(PAY_STATUS)};
    aggs[3] = (struct agg_call){.kind = AGG_COUNT,
                                .type = BIGINT,
                                .arg = column(PAY_STATUS),
                                .distinct = true,
                                .filter = IS(GT, amount, dec(0, 2))};
    plan_by(p, PAY_CARD);
    p->window = (struct window_plan){.kind = size == slide ? WINDOW_TUMBLE : WINDOW_HOP,
                                     .size_ms = size,
                                     .slide_ms = slide,
                                     .naggs = 4,
                                     .aggs = aggs,
                                     .having = having};
    PLAN_GIVES(p, slot(STRING, 0), slot(TIMESTAMP, 1), slot(BIGINT, 4), slot(DECIMAL(18, 2), 5),
               slot(STRING, 6), slot(BIGINT, 7));
    return p;
}

static void feed(struct rig *r, evtime ts, const char *card, int64_t amount, const char *status)
{
    static uint64_t offset;
    const struct pay p = {
        .offset = ++offset, .ts = ts, .card = card, .amount = amount, .status = status};
    assert_ok(rig_feed(r, &p, 1));
    rig_settle(r);
}

static bool has(const struct rig *r, const char *begin)
{
    return rig_count(r, begin) == 1;
}

static void aggregates_of_each_window_and_key(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct rig r;
    rig_start(&r, 1, s, &(struct job_rule){.plan = window(s, 10 * S, 10 * S, NULL), .uid = 1}, 1);
    feed(&r, 1 * S, "c1", 100, "pear");
    feed(&r, 2 * S, "c1", 250, "fig");
    feed(&r, 2 * S, NULL, -1, NULL);
    feed(&r, 9999, "c1", 5, "pear");
    assert_int_equal(r.n, 0);
    feed(&r, 10 * S, "c1", 1, "x"); /* W = 10 s: [0, 10) fires */
    assert_int_equal(r.n, 2);
    assert_true(has(
        &r,
        "w match t=9999 [0,10000) = \"c1\", \"1970-01-01T00:00:00.000Z\", 3, 3.55, \"fig\", 2"));
    assert_true(
        has(&r,
            "w match t=9999 [0,10000) = null, \"1970-01-01T00:00:00.000Z\", 1, -0.01, null, 0"));
    rig_end(&r);
    assert_int_equal(r.n, 3);
    rig_stop(&r);
}

/* Windows of 9 s every 4 s against counting by hand. */
static void hops_that_do_not_divide_the_size(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct rig r, dice = {.random = 3};
    evtime times[300], t = 100 * S;
    rig_start(&r, 1, s, &(struct job_rule){.plan = window(s, 9 * S, 4 * S, NULL), .uid = 1}, 1);
    for (unsigned i = 0; i < 300; i++) {
        t += (evtime)rig_random(&dice, rig_random(&dice, 12) == 0 ? 30 * S : 2 * S);
        times[i] = t;
        feed(&r, t, "c", 1, "a");
    }
    rig_end(&r);
    size_t windows = 0;
    for (evtime start = 80 * S; start <= t; start += 4 * S) {
        unsigned n = 0;
        char line[128];
        for (unsigned i = 0; i < 300; i++)
            n += times[i] >= start && times[i] < start + 9 * S;
        if (n == 0)
            continue;
        windows++;
        snprintf(line, sizeof line, "w match t=%lld [%lld,%lld) = \"c\"",
                 (long long)(start + 9 * S - 1), (long long)start, (long long)(start + 9 * S));
        size_t at = 0;
        while (at < r.n && strncmp(r.lines[at], line, strlen(line)) != 0)
            at++;
        assert_true(at < r.n);
        snprintf(line, sizeof line, "\", %u, %u.%02u, \"a\", 1 ", n, n / 100, n % 100);
        assert_non_null(strstr(r.lines[at], line));
    }
    assert_int_equal(windows, r.n);
    rig_stop(&r);
}

static void having_may_read_any_slot(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    const struct expr *having =
        IS(AND, IS(GE, slot(BIGINT, 4), num(2)), IS(LT, dec(300, 2), slot(DECIMAL(18, 2), 5)),
           IS(NE, slot(STRING, 0), str("c3")));
    struct rig r;
    rig_start(&r, 1, s, &(struct job_rule){.plan = window(s, 10 * S, 10 * S, having), .uid = 1}, 1);
    feed(&r, 1 * S, "c1", 400, "a"); /* one only */
    for (unsigned i = 0; i < 2; i++) {
        feed(&r, 2 * S, "c2", 200, "a");
        feed(&r, 2 * S, "c3", 200, "a");
        feed(&r, 2 * S, "c4", 150, "a"); /* 3.00 is not more than 3.00 */
    }
    rig_end(&r);
    assert_int_equal(r.n, 1);
    assert_true(has(&r, "w match t=9999 [0,10000) = \"c2\""));
    rig_stop(&r);
}

/* A late row counts only in windows that its own partition had not closed when it came, however the time of the others
 * goes, and goes to LATE when there is none. */
static void late_rows_count_in_windows_that_are_still_open(void **state)
{
    (void)state;
    for (unsigned slow = 0; slow < 2; slow++) {
        const struct schema *s = pay_stream(2, 0);
        struct rig r;
        rig_start(&r, 1, s, &(struct job_rule){.plan = window(s, 10 * S, 5 * S, NULL), .uid = 1},
                  1);
        if (slow == 0)
            task_source_watermark(r.tasks[0], s->id, 1, EVTIME_MAX);
        feed(&r, 12 * S, "c", 1, "a"); /* W = 12 s: [0, 10) is closed */
        feed(&r, 7 * S, "c", 1, "late"); /* in [0, 10) and [5, 15) */
        feed(&r, 4 * S, "c", 1, "late"); /* in [-5, 5) and [0, 10) */
        rig_end(&r);
        assert_int_equal(rig_count(&r, "w late"), 1);
        assert_int_equal(rig_count(&r, "w match"), 2);
        assert_true(
            has(&r, "w match t=14999 [5000,15000) = \"c\", \"1970-01-01T00:00:05.000Z\", 2, "));
        assert_true(
            has(&r, "w match t=19999 [10000,20000) = \"c\", \"1970-01-01T00:00:10.000Z\", 1, "));
        rig_stop(&r);
    }
}

static void state_goes_when_its_windows_have_fired(void **state)
{
    (void)state;
    static char cards[1000][16]; /* the rig takes a row's texts only when it steps */
    const struct schema *s = pay_stream(1, 0);
    struct rig r;
    struct task_stats stats;
    rig_start(&r, 1, s, &(struct job_rule){.plan = window(s, 60 * S, 10 * S, NULL), .uid = 1}, 1);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(cards[i], sizeof cards[i], "c%u", i);
        feed(&r, i * S, cards[i], 1, "a");
    }
    task_stats(r.tasks[0], &stats);
    assert_int_equal(stats.keys, 59); /* 940 s to 998 s; the row at W waits */
    assert_int_equal(stats.windows_open, stats.keys);
    rig_end(&r);
    task_stats(r.tasks[0], &stats);
    assert_int_equal(stats.keys, 0);
    assert_int_equal(rig_count(&r, "w match"), 6000);
    rig_stop(&r);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(aggregates_of_each_window_and_key),
              EXPRTREE_TEST(hops_that_do_not_divide_the_size),
              EXPRTREE_TEST(having_may_read_any_slot),
              EXPRTREE_TEST(late_rows_count_in_windows_that_are_still_open),
              EXPRTREE_TEST(state_goes_when_its_windows_have_fired));
}
