/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "cep/expr/func.h"

enum { MS_PER_DAY = 86400000, MS_PER_HOUR = 3600000, MS_PER_MINUTE = 60000, MS_PER_SECOND = 1000 };

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar. Years are counted from March, so that the leap day is the
 * last of its year; 400 of them have always the same number of days (H. Hinnant, chrono-compatible date algorithms). */
struct func_time_date func_time_date(int64_t days)
{
    enum { ERA_DAYS = 146097, DAYS_TO_1970 = 719468 };
    struct func_time_date d;
    int64_t z = days + DAYS_TO_1970, era = floor_div(z, ERA_DAYS);
    unsigned doe = (unsigned)(z - era * ERA_DAYS);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100); /* from March 1 */
    unsigned mp = (5 * doy + 2) / 153;
    d.day = doy - (153 * mp + 2) / 5 + 1;
    d.month = mp < 10 ? mp + 3 : mp - 9;
    d.year = (int64_t)yoe + era * 400 + (d.month <= 2);
    bool leap = (d.year % 4 == 0 && d.year % 100 != 0) || d.year % 400 == 0;
    d.day_of_year = d.month <= 2 ? doy - 306 + 1 : doy + 59 + leap + 1;
    return d;
}

int64_t func_time_days(int64_t year, unsigned month, unsigned day)
{
    int64_t y = year - (month <= 2), era = floor_div(y, 400);
    int64_t yoe = y - era * 400,
            doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

unsigned func_time_month_days(int64_t year, unsigned month)
{
    int64_t next =
        month == 12 ? func_time_days(year + 1, 1, 1) : func_time_days(year, month + 1, 1);
    return (unsigned)(next - func_time_days(year, month, 1));
}

/* A week of ISO 8601 belongs to the year in which its Thursday is. */
static struct func_time_date thursday_of(int64_t days)
{
    int64_t from_monday = days + 3 - floor_div(days + 3, 7) * 7;
    return func_time_date(days - from_monday + 3);
}

static int64_t year_part(unsigned func, int64_t days)
{
    int64_t year = func_time_date(days).year;
    switch (func) {
    case FUNC_WEEK:
        return (thursday_of(days).day_of_year - 1) / 7 + 1;
    case FUNC_ISOYEAR:
        return thursday_of(days).year;
    case FUNC_DECADE:
        return floor_div(year, 10);
    case FUNC_CENTURY:
        return floor_div(year - 1, 100) + 1;
    case FUNC_MILLENNIUM:
        return floor_div(year - 1, 1000) + 1;
    default:
        bug_abort(__FILE__, __LINE__, "function %u is not one of time", func);
    }
}

int64_t func_time(unsigned func, evtime t)
{
    int64_t days = floor_div(t, MS_PER_DAY), ms = t - days * MS_PER_DAY;
    switch (func) {
    case FUNC_YEAR:
        return func_time_date(days).year;
    case FUNC_QUARTER:
        return (func_time_date(days).month - 1) / 3 + 1;
    case FUNC_MONTH:
        return func_time_date(days).month;
    case FUNC_DAYOFMONTH:
        return func_time_date(days).day;
    case FUNC_DAYOFYEAR:
        return func_time_date(days).day_of_year;
    case FUNC_DAYOFWEEK: /* 1970-01-01 was a Thursday, the 5th day from Sunday */
        return days + 4 - floor_div(days + 4, 7) * 7 + 1;
    case FUNC_HOUR:
        return ms / MS_PER_HOUR;
    case FUNC_MINUTE:
        return ms / MS_PER_MINUTE % 60;
    case FUNC_SECOND:
        return ms / MS_PER_SECOND % 60;
    case FUNC_MILLISECOND:
        return ms % MS_PER_SECOND;
    case FUNC_EPOCH:
        return floor_div(t, MS_PER_SECOND);
    case FUNC_ISODOW:
        return days + 3 - floor_div(days + 3, 7) * 7 + 1;
    default:
        return year_part(func, days);
    }
}
