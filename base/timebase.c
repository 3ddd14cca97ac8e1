/* SPDX-License-Identifier: Apache-2.0
 *
 * The calendar is the proleptic Gregorian one; days and civil dates are turned into each other over
 * eras of 400 years (146,097 days), with years that begin on 1 March so that the leap day is the
 * last one. No libc function is used: they read TZ and the locale, and the same text must be the
 * same event everywhere. */
#include "base/timebase.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { DAYS_PER_ERA = 146097, DAYS_BEFORE_1970 = 719468 };
#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE (60 * MS_PER_SECOND)
#define MS_PER_HOUR (60 * MS_PER_MINUTE)
#define MS_PER_DAY (24 * MS_PER_HOUR)

static int64_t clock_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts); /* cannot fail for the ids used here */
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

evtime timebase_now_ms(void)
{
    return clock_ns(CLOCK_REALTIME) / 1000000;
}

montime timebase_mono_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t timebase_cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

montime timebase_thread_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_BEFORE_1970;
}

static void civil_from_days(int64_t days, int *year, int *month, int *day)
{
    days += DAYS_BEFORE_1970;
    int64_t era = (days >= 0 ? days : days - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = days - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

struct cursor {
    const char *p, *end;
};

static bool take(struct cursor *c, const char *any_of)
{
    if (c->p == c->end)
        return false;
    for (; *any_of; any_of++)
        if (*c->p == *any_of) {
            c->p++;
            return true;
        }
    return false;
}

static bool is_digit(const struct cursor *c)
{
    return c->p < c->end && *c->p >= '0' && *c->p <= '9';
}

/* Exactly `width` digits. */
static bool take_number(struct cursor *c, int width, int *out)
{
    int v = 0;
    for (int i = 0; i < width; i++) {
        if (!is_digit(c))
            return false;
        v = v * 10 + (*c->p++ - '0');
    }
    *out = v;
    return true;
}

static bool take_date(struct cursor *c, int64_t *days)
{
    int year, month, day;
    if (!take_number(c, 4, &year) || !take(c, "-") || !take_number(c, 2, &month) || !take(c, "-") ||
        !take_number(c, 2, &day))
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    *days = days_from_civil(year, month, day);
    return true;
}

/* "06:48", "06:48:51", "06:48:51.12" */
static bool take_clock(struct cursor *c, int64_t *ms)
{
    int hour, minute, second = 0, fraction = 0;
    if (!take_number(c, 2, &hour) || !take(c, ":") || !take_number(c, 2, &minute))
        return false;
    if (take(c, ":")) {
        if (!take_number(c, 2, &second))
            return false;
        if (take(c, ".")) {
            if (!is_digit(c))
                return false;
            for (int weight = 100; is_digit(c); weight /= 10)
                fraction += (*c->p++ - '0') * weight;
        }
    }
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *ms = hour * MS_PER_HOUR + minute * MS_PER_MINUTE + second * MS_PER_SECOND + fraction;
    return true;
}

/* "Z", "+01:00", "+0100", "+01" or nothing */
static bool take_zone(struct cursor *c, int64_t *offset_ms)
{
    *offset_ms = 0;
    if (c->p == c->end || take(c, "Zz"))
        return true;
    bool west = *c->p == '-';
    int hour, minute = 0;
    if (!take(c, "+-") || !take_number(c, 2, &hour))
        return false;
    if ((take(c, ":") || is_digit(c)) && !take_number(c, 2, &minute))
        return false;
    if (hour > 23 || minute > 59)
        return false;
    *offset_ms = (hour * MS_PER_HOUR + minute * MS_PER_MINUTE) * (west ? -1 : 1);
    return true;
}

bool timebase_parse(const char *s, size_t n, evtime *out)
{
    struct cursor c = {s, s + n};
    int64_t days, ms = 0, offset_ms = 0;
    if (!take_date(&c, &days))
        return false;
    if (c.p < c.end && (!take(&c, "Tt ") || !take_clock(&c, &ms) || !take_zone(&c, &offset_ms)))
        return false;
    evtime t = days * MS_PER_DAY + ms - offset_ms;
    if (c.p != c.end || t < EVTIME_FIRST || t > EVTIME_LAST)
        return false;
    *out = t;
    return true;
}

/* n digits and what follows them; every result has times, and printf is slow. */
static char *put_digits(char *p, unsigned v, int n, char after)
{
    for (int i = n - 1; i >= 0; i--, v /= 10)
        p[i] = (char)('0' + v % 10);
    p[n] = after;
    return p + n + 1;
}

size_t timebase_format(evtime t, char out[TIMEBASE_TEXT])
{
    /* EVTIME_MIN, EVTIME_MAX and other times without a date are shown as the number that they are.
     */
    if (t < EVTIME_FIRST || t > EVTIME_LAST)
        return (size_t)snprintf(out, TIMEBASE_TEXT, "%lld", (long long)t);
    int64_t days = t / MS_PER_DAY - (t % MS_PER_DAY < 0);
    int64_t ms = t - days * MS_PER_DAY;
    int year, month, day;
    civil_from_days(days, &year, &month, &day);
    char *p = out;
    p = put_digits(p, (unsigned)year, 4, '-');
    p = put_digits(p, (unsigned)month, 2, '-');
    p = put_digits(p, (unsigned)day, 2, 'T');
    p = put_digits(p, (unsigned)(ms / MS_PER_HOUR), 2, ':');
    p = put_digits(p, (unsigned)(ms / MS_PER_MINUTE % 60), 2, ':');
    p = put_digits(p, (unsigned)(ms / 1000 % 60), 2, '.');
    p = put_digits(p, (unsigned)(ms % 1000), 3, 'Z');
    *p = '\0';
    return (size_t)(p - out);
}

static int64_t unit_ms(const char *unit, size_t n)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {
        {"", 1},
        {"ms", 1},
        {"millisecond", 1},
        {"milliseconds", 1},
        {"s", MS_PER_SECOND},
        {"sec", MS_PER_SECOND},
        {"second", MS_PER_SECOND},
        {"seconds", MS_PER_SECOND},
        {"m", MS_PER_MINUTE},
        {"min", MS_PER_MINUTE},
        {"minute", MS_PER_MINUTE},
        {"minutes", MS_PER_MINUTE},
        {"h", MS_PER_HOUR},
        {"hour", MS_PER_HOUR},
        {"hours", MS_PER_HOUR},
        {"d", MS_PER_DAY},
        {"day", MS_PER_DAY},
        {"days", MS_PER_DAY},
        {"week", 7 * MS_PER_DAY},
        {"weeks", 7 * MS_PER_DAY},
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strlen(units[i].name) == n && strncasecmp(units[i].name, unit, n) == 0)
            return units[i].ms;
    return 0;
}

bool timebase_parse_duration(const char *s, size_t n, int64_t *ms)
{
    struct cursor c = {s, s + n};
    while (take(&c, " \t"))
        ;
    if (!is_digit(&c))
        return false;
    int64_t v = 0;
    for (; is_digit(&c); c.p++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *c.p - '0', &v))
            return false;
    while (take(&c, " \t"))
        ;
    while (c.end > c.p && (c.end[-1] == ' ' || c.end[-1] == '\t'))
        c.end--;
    int64_t unit = unit_ms(c.p, (size_t)(c.end - c.p));
    if (unit == 0 || __builtin_mul_overflow(v, unit, &v))
        return false;
    *ms = v;
    return true;
}
