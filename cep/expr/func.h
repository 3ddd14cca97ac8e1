/* SPDX-License-Identifier: Apache-2.0 */
/* func.h - the bodies of the scalar functions of func_list.h.
 *
 * Room:   expr -> exprvm -> [func]
 * Owns:   nothing; texts are made in the caller's arena or are parts of the arguments
 * Thread: any.  Reads no clock.
 *
 * Arguments p, z and u of a signature do not come as texts but made ready: the machine asks func_argument which they are
 * and puts the address of a func_regex, of a zone, or the number of a unit in their place. */
#ifndef WEIR_CEP_FUNC_H
#define WEIR_CEP_FUNC_H
#include "base/arena.h"
#include "base/zone.h"
#include "cep/expr/func_list.h"
#include "cep/row/value.h"

enum { FUNC_TEXT_MAX = 1 << 20 }; /* longer results are NULL */

struct func_regex;

struct func_value {
    union cell c;
    bool null;
};

enum func_unit {
    FUNC_MILLISECONDS,
    FUNC_SECONDS,
    FUNC_MINUTES,
    FUNC_HOURS,
    FUNC_DAYS,
    FUNC_WEEKS,
    FUNC_MONTHS,
    FUNC_QUARTERS,
    FUNC_YEARS,
    FUNC_UNITS
};

/* t: the type of the result. False: NULL (an argument is, or there is no result: SQRT(-1), an overflow). */
bool func_call(unsigned func, struct type t, const struct func_value *args, unsigned nargs,
               struct arena *scratch, union cell *out);

/* The letter of the signature for argument i (from 0); '\0': it takes no so many. */
char func_argument(unsigned func, unsigned i);
const char *func_span_name(enum func_unit u); /* "DAY" */
int func_span_find(const char *name, size_t n); /* in any case, also in the plural; -1: none */

static inline bool func_is_ready(char letter)
{
    return letter == 'p' || letter == 'z' || letter == 'u';
}
static inline const struct func_regex *func_regex_of(const struct func_value *v)
{
    return (const struct func_regex *)(uintptr_t)v->c.i;
}
static inline const struct zone *func_zone_of(const struct func_value *v)
{
    return (const struct zone *)(uintptr_t)v->c.i;
}

/* func_text.c, func_edit.c, func_match.c, func_time.c, func_span.c, func_date.c: the families; no argument is NULL,
 * but of CONCAT_WS. */
bool func_text(unsigned func, const struct func_value *args, unsigned nargs, struct arena *scratch,
               union cell *out);
bool func_edit(unsigned func, const struct func_value *args, unsigned nargs, struct arena *scratch,
               union cell *out);
bool func_match(unsigned func, const struct func_value *args, unsigned nargs, struct arena *scratch,
                union cell *out);
int64_t func_time(unsigned func, evtime t);
bool func_span(unsigned func, const struct func_value *args, union cell *out);
bool func_date(unsigned func, const struct func_value *args, unsigned nargs, struct arena *scratch,
               union cell *out);
/* What is wrong with a pattern of DATE_FORMAT or TO_TIMESTAMP ("yyyy-MM-dd"); NULL: nothing. */
const char *func_date_problem(const char *p, size_t n, bool reading);

struct func_time_date {
    int64_t year;
    unsigned month, day, day_of_year; /* all from 1 */
};
struct func_time_date func_time_date(int64_t days);
int64_t func_time_days(int64_t year, unsigned month, unsigned day);
unsigned func_time_month_days(int64_t year, unsigned month);

#endif
