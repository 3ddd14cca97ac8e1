/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timebase.h"
#include "tests/lib/check.h"

static bool parse(const char *s, evtime *t)
{
    return timebase_parse(s, strlen(s), t);
}

static void assert_time(const char *s, evtime expected)
{
    evtime t = -1;
    if (!parse(s, &t))
        fail_msg("%s was not taken as a time", s);
    if (t != expected)
        fail_msg("%s is %lld, not %lld", s, (long long)t, (long long)expected);
}

static void iso_dates_and_times_are_read_as_utc(void **state)
{
    (void)state;
    assert_time("1970-01-01", 0);
    assert_time("1970-01-01T00:00:00Z", 0);
    assert_time("1969-12-31T23:59:59.999Z", -1);
    assert_time("2000-02-29 12:00", INT64_C(951825600000));
    assert_time("2026-11-21 06:48:51.12", INT64_C(1795243731120));
    assert_time("2026-11-21t06:48:51.12z", INT64_C(1795243731120));
    assert_time("0001-01-01T00:00:00.000Z", EVTIME_FIRST);
    assert_time("9999-12-31T23:59:59.999Z", EVTIME_LAST);
}

static void digits_past_the_millisecond_are_cut(void **state)
{
    (void)state;
    assert_time("1970-01-01T00:00:00.1239999999Z", 123);
    assert_time("1969-12-31T23:59:59.9990001Z", -1);
}

static void a_zone_moves_the_time_back_to_utc(void **state)
{
    (void)state;
    assert_time("1970-01-01T01:00:00+01:00", 0);
    assert_time("1970-01-01T01:00:00+0100", 0);
    assert_time("1970-01-01T01:00:00+01", 0);
    assert_time("1969-12-31T18:30:00-05:30", 0);
}

static void what_is_not_a_time_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "yesterday",
        "2026-11-2",
        "2026-13-01",
        "2026-00-01",
        "2026-02-29",
        "1900-02-29",
        "2026-04-31",
        "0000-01-01",
        "10000-01-01",
        "-2026-01-01",
        "2026-11-21T",
        "2026-11-21T24:00:00",
        "2026-11-21T06",
        "2026-11-21T06:60",
        "2026-11-21T06:48:60",
        "2026-11-21T06:48:51.",
        "2026-11-21T06:48:51,5",
        "2026-11-21T06:48:51+",
        "2026-11-21T06:48:51+1",
        "2026-11-21T06:48:51+01:",
        "2026-11-21T06:48:51+24:00",
        "2026-11-21T06:48:51Zx",
        "2026-11-21 ",
        " 2026-11-21",
        "2026/11/21",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        evtime t = 42;
        if (parse(wrong[i], &t))
            fail_msg("%s was taken as a time", wrong[i]);
        assert_int_equal(t, 42);
    }
}

static void every_day_of_400_years_comes_back_from_its_text(void **state)
{
    (void)state;
    char text[TIMEBASE_TEXT];
    for (evtime t = INT64_C(-6000000000000); t < INT64_C(6700000000000); t += 86400000 + 12345) {
        size_t n = timebase_format(t, text);
        assert_int_equal(n, 24);
        assert_time(text, t);
    }
}

static void times_are_written_in_one_form(void **state)
{
    (void)state;
    char text[TIMEBASE_TEXT];
    timebase_format(INT64_C(1795243731120), text);
    assert_string_equal(text, "2026-11-21T06:48:51.120Z");
    timebase_format(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    timebase_format(EVTIME_FIRST, text);
    assert_string_equal(text, "0001-01-01T00:00:00.000Z");
    timebase_format(EVTIME_LAST, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    timebase_format(EVTIME_MIN, text);
    assert_string_equal(text, "-9223372036854775808");
}

static void durations_have_a_unit_or_are_milliseconds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"250", 250},          {"250 ms", 250},        {"30 s", 30000},    {"30s", 30000},
        {"10 min", 600000},    {"1 h", 3600000},       {"2 d", 172800000}, {"1 week", 604800000},
        {"5 Minutes", 300000}, {" 7  seconds ", 7000}, {"0 s", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ms = -1;
        assert_true(timebase_parse_duration(rows[i].text, strlen(rows[i].text), &ms));
        assert_true(ms == rows[i].ms);
    }
}

static void what_is_not_a_duration_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "s",
                                        "-1 s",
                                        "1.5 s",
                                        "10 mins",
                                        "1 month",
                                        "1 s 2 s",
                                        "9223372036854775808",
                                        "9223372036854775807 d"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t ms = 42;
        if (timebase_parse_duration(wrong[i], strlen(wrong[i]), &ms))
            fail_msg("%s was taken as a duration", wrong[i]);
        assert_int_equal(ms, 42);
    }
}

static void a_nul_does_not_end_the_unit(void **state)
{
    (void)state;
    int64_t ms = 42;
    assert_false(timebase_parse_duration("1\0\0\0\0\0\0\0\0", 9, &ms));
    assert_false(timebase_parse_duration("1 s\0", 4, &ms));
    assert_int_equal(ms, 42);
}

static void clocks_go_forward(void **state)
{
    (void)state;
    montime mono = timebase_mono_ns();
    int64_t cpu = timebase_cpu_ns();
    assert_true(timebase_now_ms() > INT64_C(1700000000000));
    for (int i = 0; i < 1000; i++) {
        assert_true(timebase_mono_ns() >= mono);
        assert_true(timebase_cpu_ns() >= cpu);
    }
}

int main(void)
{
    CHECK_RUN(TEST(iso_dates_and_times_are_read_as_utc), TEST(digits_past_the_millisecond_are_cut),
              TEST(a_zone_moves_the_time_back_to_utc), TEST(what_is_not_a_time_is_refused),
              TEST(every_day_of_400_years_comes_back_from_its_text),
              TEST(times_are_written_in_one_form), TEST(durations_have_a_unit_or_are_milliseconds),
              TEST(what_is_not_a_duration_is_refused), TEST(a_nul_does_not_end_the_unit),
              TEST(clocks_go_forward));
}
