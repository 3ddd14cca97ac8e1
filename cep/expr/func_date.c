/* SPDX-License-Identifier: Apache-2.0
 *
 * Times written and read by a pattern as Java has them, and as Flink's DATE_FORMAT takes them: y M d D H h m s S a E
 * and texts in quotes. Names of months and days are English. And what goes from zone to zone. */
#include "base/bug.h"
#include "cep/expr/func.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const int64_t DAY_MS = INT64_C(86400000);
static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};

/* A letter and how often it stands there; letter 0: the plain text [p, p + n). */
struct field {
    char letter;
    unsigned count;
    const char *p;
    size_t n;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* False: at the end, or a quote that is not closed. */
static bool next_field(const char **p, const char *end, struct field *f)
{
    const char *from = *p;
    *f = (struct field){.p = from, .n = 1};
    if (from == end)
        return false;
    if (*from == '\'') {
        const char *close = memchr(from + 1, '\'', (size_t)(end - from - 1));
        if (close == NULL)
            return false;
        f->p = close == from + 1 ? from : from + 1; /* '' is one quote */
        f->n = close == from + 1 ? 1 : (size_t)(close - from - 1);
        *p = close + 1;
        return true;
    }
    *p = from + 1;
    if (!is_letter(*from))
        return true;
    f->letter = *from;
    while (*p < end && **p == *from)
        ++*p;
    f->count = (unsigned)(*p - from);
    return true;
}

const char *func_date_problem(const char *p, size_t n, bool reading)
{
    const char *end = p + n;
    struct field f;
    while (next_field(&p, end, &f)) {
        if (f.letter != 0 && strchr(reading ? "yMdHmsS" : "yMdDHhmsSaE", f.letter) == NULL)
            return reading ? "letters are y M d H m s S, and texts stand in quotes"
                           : "letters are y M d D H h m s S a E, and texts stand in quotes";
        if (f.count > 9 || (reading && f.letter == 'M' && f.count > 2))
            return "a letter stands there too often";
    }
    return p < end ? "a quote is not closed" : NULL;
}

/* --- writing ---------------------------------------------------------------------------------- */

struct moment {
    struct func_time_date d;
    int64_t days;
    unsigned hour, minute, second, ms;
};

static struct moment moment_of(evtime t)
{
    struct moment m;
    m.days = t / DAY_MS - (t % DAY_MS < 0);
    int64_t ms = t - m.days * DAY_MS;
    m.d = func_time_date(m.days);
    m.hour = (unsigned)(ms / 3600000);
    m.minute = (unsigned)(ms / 60000 % 60);
    m.second = (unsigned)(ms / 1000 % 60);
    m.ms = (unsigned)(ms % 1000);
    return m;
}

static size_t put_number(char *out, int64_t v, unsigned digits)
{
    return (size_t)sprintf(out, "%0*lld", (int)digits, (long long)v);
}

/* At most 9 digits or letters; 0: a letter that is none. */
static size_t put_field(char *out, const struct field *f, const struct moment *m)
{
    const char *name;
    char text[8];
    switch (f->letter) {
    case 'y':
        return put_number(out, f->count == 2 ? m->d.year % 100 : m->d.year, f->count);
    case 'M':
        if (f->count < 3)
            return put_number(out, m->d.month, f->count);
        name = months[m->d.month - 1];
        return (size_t)sprintf(out, f->count == 3 ? "%.3s" : "%s", name);
    case 'd':
        return put_number(out, m->d.day, f->count);
    case 'D':
        return put_number(out, m->d.day_of_year, f->count);
    case 'H':
        return put_number(out, m->hour, f->count);
    case 'h':
        return put_number(out, (m->hour + 11) % 12 + 1, f->count);
    case 'm':
        return put_number(out, m->minute, f->count);
    case 's':
        return put_number(out, m->second, f->count);
    case 'S': /* digits of a fraction, from the left */
        snprintf(text, sizeof text, "%03u", m->ms % 1000);
        for (unsigned i = 0; i < f->count; i++)
            out[i] = i < 3 ? text[i] : '0';
        return f->count;
    case 'a':
        return (size_t)sprintf(out, "%s", m->hour < 12 ? "AM" : "PM");
    case 'E':
        name = days[func_time(FUNC_DAYOFWEEK, m->days * DAY_MS) - 1];
        return (size_t)sprintf(out, f->count <= 3 ? "%.3s" : "%s", name);
    default:
        return 0;
    }
}

static bool write(evtime t, struct str pattern, struct arena *scratch, union cell *out)
{
    const char *p = pattern.n > 0 ? pattern.p : "", *end = p + pattern.n;
    struct moment m = moment_of(t);
    struct field f;
    if (pattern.n > FUNC_TEXT_MAX / 16 || func_date_problem(p, pattern.n, false) != NULL)
        return false;
    char *text = arena_alloc(scratch, pattern.n * (size_t)10 + 16), *at = text;
    while (next_field(&p, end, &f)) {
        if (f.letter == 0)
            memcpy(at, f.p, f.n);
        at += f.letter == 0 ? f.n : put_field(at, &f, &m);
    }
    out->s = (struct str){text, (uint32_t)(at - text), 0};
    return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct parts {
    int64_t year;
    unsigned month, day, hour, minute, second, ms;
};

/* As many digits as letters; a single letter takes one or two. */
static bool read_number(const char **s, const char *end, unsigned digits, unsigned *out)
{
    unsigned v = 0, n = 0, most = digits == 1 ? 2 : digits;
    while (n < most && *s < end && **s >= '0' && **s <= '9') {
        v = v * 10 + (unsigned)(*(*s)++ - '0');
        n++;
    }
    *out = v;
    return n > 0 && (digits == 1 || n == digits);
}

static bool read_field(const char **s, const char *end, const struct field *f, struct parts *t)
{
    unsigned v;
    if (f->letter == 0) {
        bool same = (size_t)(end - *s) >= f->n && memcmp(*s, f->p, f->n) == 0;
        *s += same ? f->n : 0;
        return same;
    }
    unsigned digits = f->letter == 'y' && f->count == 1 ? 4 : f->count;
    if (!read_number(s, end, digits, &v))
        return false;
    switch (f->letter) {
    case 'y':
        t->year = f->count == 2 ? 2000 + v : v;
        break;
    case 'M':
        t->month = v;
        break;
    case 'd':
        t->day = v;
        break;
    case 'H':
        t->hour = v;
        break;
    case 'm':
        t->minute = v;
        break;
    case 's':
        t->second = v;
        break;
    default: /* S */
        for (unsigned i = f->count; i < 3; i++)
            v *= 10;
        for (unsigned i = f->count; i > 3; i--)
            v /= 10;
        t->ms = v;
    }
    return true;
}

static bool read(struct str s, struct str pattern, evtime *out)
{
    const char *p = pattern.n > 0 ? pattern.p : "", *end = p + pattern.n;
    const char *at = s.n > 0 ? s.p : "", *to = at + s.n;
    struct parts t = {1970, 1, 1, 0, 0, 0, 0};
    struct field f;
    if (func_date_problem(p, pattern.n, true) != NULL)
        return false;
    while (next_field(&p, end, &f))
        if (!read_field(&at, to, &f, &t))
            return false;
    if (at != to || t.year < 1 || t.year > 9999 || t.month < 1 || t.month > 12 || t.day < 1 ||
        t.day > func_time_month_days(t.year, t.month) || t.hour > 23 || t.minute > 59 ||
        t.second > 59)
        return false;
    *out = func_time_days(t.year, t.month, t.day) * DAY_MS + t.hour * INT64_C(3600000) +
           t.minute * INT64_C(60000) + t.second * INT64_C(1000) + t.ms;
    return true;
}

static bool from_epoch(int64_t v, int64_t precision, evtime *out)
{
    if ((precision != 0 && precision != 3) ||
        __builtin_mul_overflow(v, precision == 0 ? 1000 : 1, out))
        return false;
    return *out >= EVTIME_FIRST && *out <= EVTIME_LAST;
}

static bool to_zone(const struct zone *z, evtime t, bool back, evtime *out)
{
    *out = back ? zone_utc(z, t) : zone_local(z, t);
    return *out >= EVTIME_FIRST && *out <= EVTIME_LAST;
}

bool func_date(unsigned func, const struct func_value *args, unsigned nargs, struct arena *scratch,
               union cell *out)
{
    static const char usual[] = "yyyy-MM-dd HH:mm:ss";
    struct str s = args[0].c.s, pattern = {usual, sizeof usual - 1, 0};
    evtime t;
    switch (func) {
    case FUNC_DATE_FORMAT:
        return write(args[0].c.i, args[1].c.s, scratch, out);
    case FUNC_TO_TIMESTAMP:
        if (nargs > 1)
            return read(s, args[1].c.s, &out->i);
        return s.n > 0 && timebase_parse(s.p, s.n, &out->i);
    case FUNC_TO_TIMESTAMP_LTZ:
        return from_epoch(args[0].c.i, nargs > 1 ? args[1].c.i : 0, &out->i);
    case FUNC_AT_ZONE:
    case FUNC_FROM_ZONE:
        return to_zone(func_zone_of(&args[1]), args[0].c.i, func == FUNC_FROM_ZONE, &out->i);
    case FUNC_CONVERT_TZ:
        return read(s, pattern, &t) && to_zone(func_zone_of(&args[1]), t, true, &t) &&
               to_zone(func_zone_of(&args[2]), t, false, &t) && write(t, pattern, scratch, out);
    default:
        bug_abort(__FILE__, __LINE__, "function %u is not one of dates", func);
    }
}
