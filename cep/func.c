/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/func.h"
#include "base/bug.h"
#include <math.h>
#include <string.h>

enum { DIGITS_MAX = 18 };

static int64_t power_of_ten(int64_t n)
{
    int64_t p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

enum direction { TO_NEAREST, DOWN, UP };

/* v in units of 10^-scale, cut to `digits` decimals; half goes away from zero. False: it overflows. */
static bool round_int(int64_t v, int64_t scale, int64_t digits, enum direction to, int64_t *out)
{
    int64_t cut = scale - digits;
    if (cut <= 0) {
        *out = v;
        return true;
    }
    if (cut > DIGITS_MAX) { /* all of it is cut: 0, or one unit too large for any type */
        *out = 0;
        return to == TO_NEAREST || v == 0 || (to == DOWN) == (v > 0);
    }
    int64_t unit = power_of_ten(cut), rest = v % unit, down = v - rest;
    bool away = to == TO_NEAREST ? (rest < 0 ? -rest : rest) >= unit - (rest < 0 ? -rest : rest)
                                 : rest != 0 && (to == UP) == (v > 0);
    if (!away) {
        *out = down;
        return true;
    }
    return v < 0 ? !__builtin_sub_overflow(down, unit, out)
                 : !__builtin_add_overflow(down, unit, out);
}

static bool fits(int64_t v, struct type t)
{
    if (t.kind != TYPE_DECIMAL)
        return true;
    int64_t end = power_of_ten(t.precision <= DIGITS_MAX ? t.precision : DIGITS_MAX);
    return v < end && v > -end;
}

/* As a person reads the number: 2.675 to two places is 2.68, though the double is a little less. */
static double round_double(double d, int64_t digits)
{
    char text[VALUE_TEXT];
    int64_t v;
    double back;
    if (!isfinite(d) || digits > DIGITS_MAX)
        return d;
    if (digits < -DIGITS_MAX)
        return 0;
    size_t n = value_format_double(d, text);
    if (digits >= 0 && value_parse_decimal(text, n, DIGITS_MAX, (unsigned)digits, &v)) {
        value_format_decimal(v, (unsigned)digits, text);
        return value_parse_double(text, strlen(text), &back) ? back : d;
    }
    if (digits >= 0)
        return d; /* more than 18 digits: what would be cut is not in the double */
    double unit = (double)power_of_ten(-digits);
    return round(d / unit) * unit;
}

static bool number_double(unsigned func, double d, int64_t digits, double *out)
{
    switch (func) {
    case FUNC_ABS:
        *out = fabs(d);
        return true;
    case FUNC_SIGN:
        *out = (d > 0) - (d < 0);
        return !isnan(d);
    case FUNC_FLOOR:
        *out = floor(d);
        return true;
    case FUNC_CEIL:
        *out = ceil(d);
        return true;
    default:
        *out = round_double(d, digits);
        return true;
    }
}

/* ABS, SIGN, ROUND, FLOOR, CEIL of any number; the type stays. */
static bool number(unsigned func, struct type t, union cell c, int64_t digits, union cell *out)
{
    int64_t scale = t.kind == TYPE_DECIMAL ? t.scale : 0;
    bool ok = false;
    if (t.kind == TYPE_DOUBLE)
        return number_double(func, c.d, digits, &out->d);
    if (digits < -DIGITS_MAX)
        digits = -DIGITS_MAX - 1;
    switch (func) {
    case FUNC_ABS:
        ok = c.i != INT64_MIN;
        out->i = ok && c.i < 0 ? -c.i : c.i;
        break;
    case FUNC_SIGN:
        ok = true;
        out->i = ((c.i > 0) - (c.i < 0)) * power_of_ten(scale);
        break;
    case FUNC_FLOOR:
        ok = round_int(c.i, scale, 0, DOWN, &out->i);
        break;
    case FUNC_CEIL:
        ok = round_int(c.i, scale, 0, UP, &out->i);
        break;
    default:
        ok = round_int(c.i, scale, digits, TO_NEAREST, &out->i);
    }
    return ok && fits(out->i, t);
}

static bool real(unsigned func, const struct func_value *args, double *out)
{
    double d = args[0].c.d;
    switch (func) {
    case FUNC_SQRT:
        *out = sqrt(d);
        break;
    case FUNC_POWER:
        *out = pow(d, args[1].c.d);
        break;
    case FUNC_EXP:
        *out = exp(d);
        break;
    case FUNC_LN:
        *out = log(d);
        break;
    default:
        *out = log10(d);
    }
    return isfinite(*out);
}

static void extreme(unsigned func, struct type t, const struct func_value *args, unsigned nargs,
                    union cell *out)
{
    struct value best = {.type = t, .c = args[0].c};
    for (unsigned i = 1; i < nargs; i++) {
        struct value v = {.type = t, .c = args[i].c};
        int c = value_compare(&v, &best);
        if (func == FUNC_GREATEST ? c > 0 : c < 0)
            best = v;
    }
    *out = best.c;
}

bool func_call(unsigned func, struct type t, const struct func_value *args, unsigned nargs,
               struct arena *scratch, union cell *out)
{
    for (unsigned i = 0; i < nargs; i++)
        if (args[i].null)
            return false;
    switch ((enum func_id)func) {
    case FUNC_UPPER:
    case FUNC_LOWER:
    case FUNC_TRIM:
    case FUNC_LTRIM:
    case FUNC_RTRIM:
    case FUNC_LENGTH:
    case FUNC_SUBSTRING:
    case FUNC_REPLACE:
    case FUNC_POSITION:
    case FUNC_STARTS_WITH:
    case FUNC_ENDS_WITH:
    case FUNC_REVERSE:
        return func_text(func, args, nargs, scratch, out);
    case FUNC_ABS:
    case FUNC_SIGN:
    case FUNC_ROUND:
    case FUNC_FLOOR:
    case FUNC_CEIL:
        return number(func, t, args[0].c, nargs > 1 ? args[1].c.i : 0, out);
    case FUNC_SQRT:
    case FUNC_POWER:
    case FUNC_EXP:
    case FUNC_LN:
    case FUNC_LOG10:
        return real(func, args, &out->d);
    case FUNC_GREATEST:
    case FUNC_LEAST:
        extreme(func, t, args, nargs, out);
        return true;
    case FUNC_YEAR:
    case FUNC_QUARTER:
    case FUNC_MONTH:
    case FUNC_DAYOFMONTH:
    case FUNC_DAYOFYEAR:
    case FUNC_DAYOFWEEK:
    case FUNC_HOUR:
    case FUNC_MINUTE:
    case FUNC_SECOND:
    case FUNC_MILLISECOND:
    case FUNC_EPOCH:
        out->i = func_time(func, args[0].c.i);
        return true;
    case FUNC_COUNT:
        break;
    }
    bug_abort(__FILE__, __LINE__, "there is no function %u", func);
}
