/* SPDX-License-Identifier: Apache-2.0
 *
 * TIMESTAMPADD, TIMESTAMPDIFF, FLOOR and CEIL to a unit. A month on from 31 January is the last of February; weeks begin
 * on Sunday, as Flink's FLOOR has them. */
#include "base/bug.h"
#include "cep/expr/func.h"
#include <string.h>
#include <strings.h>

static const int64_t DAY_MS = INT64_C(86400000);

static const struct {
    const char *name;
    int64_t ms; /* 0: of months */
    int months;
} units[] = {
    [FUNC_MILLISECONDS] = {"MILLISECOND", 1, 0},
    [FUNC_SECONDS] = {"SECOND", 1000, 0},
    [FUNC_MINUTES] = {"MINUTE", 60000, 0},
    [FUNC_HOURS] = {"HOUR", 3600000, 0},
    [FUNC_DAYS] = {"DAY", 86400000, 0},
    [FUNC_WEEKS] = {"WEEK", 604800000, 0},
    [FUNC_MONTHS] = {"MONTH", 0, 1},
    [FUNC_QUARTERS] = {"QUARTER", 0, 3},
    [FUNC_YEARS] = {"YEAR", 0, 12},
};

const char *func_span_name(enum func_unit u)
{
    return units[u].name;
}

int func_span_find(const char *name, size_t n)
{
    for (int i = 0; i < FUNC_UNITS; i++) {
        size_t k = strlen(units[i].name);
        if ((n == k || (n == k + 1 && (name[k] == 's' || name[k] == 'S'))) &&
            strncasecmp(name, units[i].name, k) == 0)
            return i;
    }
    return -1;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static bool in_range(evtime t)
{
    return t >= EVTIME_FIRST && t <= EVTIME_LAST;
}

/* Months since the year 0. */
static int64_t month_of(evtime t)
{
    struct func_time_date d = func_time_date(floor_div(t, DAY_MS));
    return d.year * 12 + d.month - 1;
}

static bool add_months(evtime t, int64_t n, evtime *out)
{
    int64_t days = floor_div(t, DAY_MS), month;
    struct func_time_date d = func_time_date(days);
    if (__builtin_add_overflow(d.year * 12 + d.month - 1, n, &month) || month < 12 ||
        month >= 120000)
        return false;
    unsigned last = func_time_month_days(month / 12, (unsigned)(month % 12) + 1);
    unsigned day = d.day < last ? d.day : last;
    *out = func_time_days(month / 12, (unsigned)(month % 12) + 1, day) * DAY_MS + t - days * DAY_MS;
    return true;
}

static bool add(enum func_unit u, int64_t n, evtime t, evtime *out)
{
    int64_t step;
    if (units[u].ms == 0)
        return !__builtin_mul_overflow(n, units[u].months, &step) && add_months(t, step, out);
    return !__builtin_mul_overflow(n, units[u].ms, &step) &&
           !__builtin_add_overflow(t, step, out) && in_range(*out);
}

static int64_t difference(enum func_unit u, evtime a, evtime b)
{
    evtime t;
    if (units[u].ms != 0)
        return (b - a) / units[u].ms; /* both are within the years 1 to 9999 */
    if (b < a)
        return -difference(u, b, a);
    int64_t months = month_of(b) - month_of(a);
    if (add_months(a, months, &t) && t > b)
        months--;
    return months / units[u].months;
}

static bool round_to(enum func_unit u, evtime t, bool up, evtime *out)
{
    int64_t since = u == FUNC_WEEKS ? -4 * DAY_MS : 0; /* 1969-12-28 was a Sunday */
    evtime down;
    if (units[u].ms != 0) {
        down = floor_div(t - since, units[u].ms) * units[u].ms + since;
    } else {
        int64_t month = month_of(t) / units[u].months * units[u].months;
        down = func_time_days(month / 12, (unsigned)(month % 12) + 1, 1) * DAY_MS;
    }
    *out = down;
    return (!up || down == t) ? in_range(down) : in_range(down) && add(u, 1, down, out);
}

bool func_span(unsigned func, const struct func_value *args, union cell *out)
{
    switch (func) {
    case FUNC_TIMESTAMPADD:
        return add((enum func_unit)args[0].c.i, args[1].c.i, args[2].c.i, &out->i);
    case FUNC_TIMESTAMPDIFF:
        out->i = difference((enum func_unit)args[0].c.i, args[1].c.i, args[2].c.i);
        return true;
    case FUNC_TIME_FLOOR:
    case FUNC_TIME_CEIL:
        return round_to((enum func_unit)args[1].c.i, args[0].c.i, func == FUNC_TIME_CEIL, &out->i);
    default:
        bug_abort(__FILE__, __LINE__, "function %u is not one of spans", func);
    }
}
