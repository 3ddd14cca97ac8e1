/* SPDX-License-Identifier: Apache-2.0 */
#include "base/zone_rule.h"
#include <string.h>

struct cursor {
    const char *p, *end;
};

static bool take(struct cursor *c, char what)
{
    if (c->p == c->end || *c->p != what)
        return false;
    c->p++;
    return true;
}

static bool is_digit(const struct cursor *c)
{
    return c->p < c->end && *c->p >= '0' && *c->p <= '9';
}

static bool take_int(struct cursor *c, int least, int most, int *out)
{
    int v = 0;
    if (!is_digit(c))
        return false;
    while (is_digit(c) && v < 10000)
        v = v * 10 + (*c->p++ - '0');
    *out = v;
    return v >= least && v <= most;
}

/* "CET", "<+03>" */
static bool take_name(struct cursor *c)
{
    const char *from = c->p;
    if (take(c, '<')) {
        while (c->p < c->end && *c->p != '>')
            c->p++;
        return take(c, '>');
    }
    while (c->p < c->end && ((*c->p >= 'a' && *c->p <= 'z') || (*c->p >= 'A' && *c->p <= 'Z')))
        c->p++;
    return c->p - from >= 3;
}

/* "1", "-3:30", "26:00:00" in seconds. */
static bool take_time(struct cursor *c, int most_hours, int32_t *out)
{
    int sign = 1, hours, minutes = 0, seconds = 0;
    if (take(c, '-'))
        sign = -1;
    else
        take(c, '+');
    if (!take_int(c, 0, most_hours, &hours) || (take(c, ':') && !take_int(c, 0, 59, &minutes)) ||
        (take(c, ':') && !take_int(c, 0, 59, &seconds)))
        return false;
    *out = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool take_day(struct cursor *c, struct zone_rule_day *d)
{
    *d = (struct zone_rule_day){.time_s = 2 * 3600};
    if (!take(c, ','))
        return false;
    if (take(c, 'M')) {
        d->kind = 'M';
        if (!take_int(c, 1, 12, &d->month) || !take(c, '.') || !take_int(c, 1, 5, &d->week) ||
            !take(c, '.') || !take_int(c, 0, 6, &d->day))
            return false;
    } else if (take(c, 'J')) {
        d->kind = 'J';
        if (!take_int(c, 1, 365, &d->day))
            return false;
    } else {
        d->kind = '0';
        if (!take_int(c, 0, 365, &d->day))
            return false;
    }
    return !take(c, '/') || take_time(c, 167, &d->time_s);
}

bool zone_rule_parse(const char *text, size_t n, struct zone_rule *out)
{
    struct cursor c = {text, text + n};
    struct zone_rule r = {.daylight = false};
    if (!take_name(&c) || !take_time(&c, 24, &r.standard_s))
        return false;
    r.standard_s = -r.standard_s; /* POSIX counts west of Greenwich */
    if (c.p < c.end) {
        r.daylight = true;
        r.daylight_s = r.standard_s + 3600;
        if (!take_name(&c))
            return false;
        if (c.p < c.end && *c.p != ',') {
            if (!take_time(&c, 24, &r.daylight_s))
                return false;
            r.daylight_s = -r.daylight_s;
        }
        if (!take_day(&c, &r.start) || !take_day(&c, &r.end))
            return false;
    }
    if (c.p != c.end)
        return false;
    *out = r;
    return true;
}

/* --- the calendar ----------------------------------------------------------------------------- */

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to 1 January. */
static int64_t days_of_year(int year)
{
    int64_t y = year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

int zone_rule_year(evtime t)
{
    int64_t days = t / 86400000 - (t % 86400000 < 0);
    int year = (int)((days + 719162) / 366 + 1); /* at most the right one */
    while (days_of_year(year + 1) <= days)
        year++;
    return year;
}

static int64_t day_of(const struct zone_rule_day *d, int year)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int64_t first = days_of_year(year);
    if (d->kind == 'J')
        return first + d->day - 1 + (is_leap(year) && d->day >= 60);
    if (d->kind == '0')
        return first + d->day;
    bool leap = is_leap(year);
    first += before[d->month - 1] + (leap && d->month > 2);
    int length = before[d->month] - before[d->month - 1] + (leap && d->month == 2);
    int weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    int day = (d->day - weekday + 7) % 7 + (d->week - 1) * 7;
    return first + (day >= length ? day - 7 : day);
}

evtime zone_rule_start(const struct zone_rule *r, int year)
{
    return (day_of(&r->start, year) * 86400 + r->start.time_s - r->standard_s) * 1000;
}

evtime zone_rule_end(const struct zone_rule *r, int year)
{
    return (day_of(&r->end, year) * 86400 + r->end.time_s - r->daylight_s) * 1000;
}
