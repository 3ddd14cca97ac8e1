/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/interval.h"
#include "rules/names.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

/* From the largest; the day is one of 24 hours, as time is in UTC. */
static const struct unit {
    const char *name;
    int64_t ms;
    int below; /* in a field after another: how many make one of the next */
    char before; /* what stands before it there */
} units[] = {
    {"DAY", 86400000, 0, 0},
    {"HOUR", 3600000, 24, ' '},
    {"MINUTE", 60000, 60, ':'},
    {"SECOND", 1000, 60, ':'},
};
enum { UNITS = sizeof units / sizeof *units };

/* Beside those of the standard; only by themselves. */
static const struct unit more_units[] = {{"WEEK", 604800000, 0, 0}, {"MILLISECOND", 1, 0, 0}};
enum { MORE_UNITS = sizeof more_units / sizeof *more_units };

static bool is_unit(const char *text, const char *unit)
{
    size_t n = strlen(unit);
    return strncasecmp(text, unit, n) == 0 &&
           (text[n] == '\0' || ((text[n] == 's' || text[n] == 'S') && text[n + 1] == '\0'));
}

static int find_unit(struct cc *cc, const struct ast_name *n)
{
    const char *names[UNITS + MORE_UNITS];
    for (int i = 0; i < UNITS + MORE_UNITS; i++) {
        names[i] = i < UNITS ? units[i].name : more_units[i - UNITS].name;
        if (!n->quoted && is_unit(n->text, names[i]))
            return i;
    }
    if (is_unit(n->text, "YEAR") || is_unit(n->text, "MONTH"))
        diag_error(cc->d, "interval", n->at, "count in DAYs",
                   "an interval in YEAR or MONTH has no fixed length");
    else
        diag_error(cc->d, "interval", n->at, names_hint(cc, n->text, names, UNITS + MORE_UNITS),
                   "no unit of time %s", n->text);
    return -1;
}

/* Digits, and after the last unit a fraction down to the millisecond. False: not so, or too large. */
static bool read_field(const char **p, const struct unit *u, bool first, bool fraction, int64_t *ms)
{
    int64_t v = 0, f = 0, scale = u->ms;
    if (!isdigit((unsigned char)**p))
        return false;
    for (; isdigit((unsigned char)**p); ++*p)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, **p - '0', &v))
            return false;
    if (!first && v >= u->below)
        return false;
    if (fraction && **p == '.') {
        if (!isdigit((unsigned char)*++*p))
            return false;
        for (; isdigit((unsigned char)**p); ++*p) {
            scale /= 10; /* what is finer than a millisecond is cut */
            f += scale * (**p - '0');
        }
    }
    return !__builtin_mul_overflow(v, u->ms, &v) && !__builtin_add_overflow(v, f, &v) &&
           !__builtin_add_overflow(*ms, v, ms);
}

static bool read_fields(const char *p, int from, int to, int64_t *ms)
{
    while (*p == ' ')
        p++;
    bool negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    *ms = 0;
    for (int i = from; i <= to; i++) {
        const struct unit *u = i < UNITS ? &units[i] : &more_units[i - UNITS];
        if (i > from && *p++ != u->before)
            return false;
        if (!read_field(&p, u, i == from, u->ms == 1000, ms))
            return false;
    }
    while (*p == ' ')
        p++;
    if (negative)
        *ms = -*ms;
    return *p == '\0';
}

bool interval_parse(struct cc *cc, const struct ast_expr *e, int64_t *ms)
{
    int from = find_unit(cc, &e->name), to = from;
    if (from < 0)
        return false;
    if (e->qualifier.text != NULL) {
        to = find_unit(cc, &e->qualifier);
        if (to < 0)
            return false;
        if (to <= from || to >= UNITS) {
            diag_error(cc->d, "interval", e->at, NULL,
                       "an interval goes from a unit to a smaller one");
            return false;
        }
    }
    if (strlen(e->text) == e->text_n && read_fields(e->text, from, to, ms))
        return true;
    diag_error(cc->d, "interval", e->op_at,
               to > from ? "like INTERVAL '1 06:30:00' DAY TO SECOND" : "like INTERVAL '10' MINUTE",
               "'%s' is not an interval of this kind", e->text);
    return false;
}
