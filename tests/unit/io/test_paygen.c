/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "io/paygen.h"
#include "tests/lib/check.h"
#include <stdlib.h>

static evtime ts_of(const char *line)
{
    return strtoll(strstr(line, "\"ts\":") + 5, NULL, 10);
}

static void lines_end_arrive_in_order_and_not_before_their_time(void **state)
{
    (void)state;
    struct paygen_options o = PAYGEN_DEFAULTS;
    o.events = 20000;
    struct paygen *g = paygen_new(&o);
    char line[PAYGEN_LINE_MAX + 1];
    evtime arrival = 0, before = 0;
    size_t n, lines = 0;
    while ((n = paygen_next(g, line, &arrival)) > 0) {
        assert_true(n < PAYGEN_LINE_MAX);
        assert_int_equal(line[n - 1], '\n');
        line[n] = '\0';
        assert_true(arrival >= before && arrival > ts_of(line));
        before = arrival;
        lines++;
    }
    assert_int_equal(lines, o.events);
    assert_int_equal(paygen_next(g, line, &arrival), 0);
    paygen_free(g);
}

static void extreme_options_keep_to_the_lines_size(void **state)
{
    (void)state;
    struct paygen_options o = {.events = 5000,
                               .cards = PAYGEN_CARDS_MAX,
                               .seed = UINT64_MAX,
                               .disorder_ms = PAYGEN_DISORDER_MAX_MS,
                               .late_ppm = 1000000,
                               .start = -1000000000000,
                               .step_us = PAYGEN_STEP_MAX_US};
    struct paygen *g = paygen_new(&o);
    char line[PAYGEN_LINE_MAX];
    uint64_t lines = 0;
    while (paygen_next(g, line, NULL) > 0)
        lines++;
    assert_int_equal(lines, o.events);
    assert_int_equal(paygen_planted(g).late, o.events);
    paygen_free(g);
}

static void events_of_a_fast_stream_lie_a_millisecond_apart(void **state)
{
    (void)state;
    struct paygen_options o = PAYGEN_DEFAULTS;
    o.events = 3000;
    o.step_us = 1000;
    o.disorder_ms = 0;
    o.late_ppm = 0;
    struct paygen *g = paygen_new(&o);
    char line[PAYGEN_LINE_MAX + 1];
    evtime last = 0;
    size_t n;
    while ((n = paygen_next(g, line, NULL)) > 0) {
        line[n] = '\0';
        assert_true(ts_of(line) >= last);
        last = ts_of(line);
    }
    assert_true(last - o.start > 2900 && last - o.start < 3000);
    paygen_free(g);
}

static void frauds_are_counted_when_they_are_complete(void **state)
{
    (void)state;
    struct paygen_options o = PAYGEN_DEFAULTS;
    o.events = 500000;
    struct paygen *g = paygen_new(&o);
    char line[PAYGEN_LINE_MAX];
    paygen_next(g, line, NULL);
    assert_int_equal(paygen_planted(g).testing, 0);
    while (paygen_next(g, line, NULL) > 0)
        ;
    struct paygen_planted p = paygen_planted(g);
    assert_in_range(p.testing, 180, 300);
    assert_in_range(p.velocity, 100, 200);
    assert_in_range(p.travel, 140, 260);
    assert_in_range(p.unconfirmed, 140, 290);
    assert_in_range(p.confirmed, 330, 530);
    assert_in_range(p.late, 180, 320);
    paygen_free(g);
}

int main(void)
{
    CHECK_RUN(TEST(lines_end_arrive_in_order_and_not_before_their_time),
              TEST(extreme_options_keep_to_the_lines_size),
              TEST(events_of_a_fast_stream_lie_a_millisecond_apart),
              TEST(frauds_are_counted_when_they_are_complete));
}
