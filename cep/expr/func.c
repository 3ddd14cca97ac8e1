/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/expr/func.h"
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

enum direction { TO_NEAREST, DOWN, UP, TO_ZERO };

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
        return to == TO_NEAREST || to == TO_ZERO || v == 0 || (to == DOWN) == (v > 0);
    }
    int64_t unit = power_of_ten(cut), rest = v % unit, down = v - rest;
    bool away = to == TO_NEAREST ? (rest < 0 ? -rest : rest) >= unit - (rest < 0 ? -rest : rest)
                                 : rest != 0 && to != TO_ZERO && (to == UP) == (v > 0);
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

/* The digits that a person reads, cut: 4.35 to one place is 4.3, 0.29 to two 0.29. */
static double truncate_double(double d, int64_t digits)
{
    char text[VALUE_TEXT];
    double back;
    if (!isfinite(d) || digits > DIGITS_MAX)
        return d;
    if (digits < -DIGITS_MAX)
        return 0;
    size_t n = value_format_double(d, text);
    const char *point = memchr(text, '.', n);
    if (digits >= 0 && memchr(text, 'e', n) == NULL) {
        if (point == NULL || n - (size_t)(point - text) - 1 <= (size_t)digits)
            return d;
        n = (size_t)(point - text) + (digits > 0) + (size_t)digits;
        return value_parse_double(text, n, &back) ? back : d;
    }
    double unit = pow(10, (double)-digits);
    return trunc(d / unit) * unit;
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
    case FUNC_TRUNCATE:
        *out = truncate_double(d, digits);
        return true;
    default:
        *out = round_double(d, digits);
        return true;
    }
}

/* ABS, SIGN, ROUND, TRUNCATE, FLOOR, CEIL of any number; the type stays. */
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
        ok = round_int(c.i, scale, digits, func == FUNC_ROUND ? TO_NEAREST : TO_ZERO, &out->i);
    }
    return ok && fits(out->i, t);
}

static const double DEGREE = 3.14159265358979323846 / 180;

/* Along a great circle of a sphere as large as the earth: at most half a percent from what the ellipsoid has. */
static double distance_km(const struct func_value *args)
{
    const double radius_km = 6371.0088;
    double lat1 = args[0].c.d, lon1 = args[1].c.d, lat2 = args[2].c.d, lon2 = args[3].c.d;
    if (!(fabs(lat1) <= 90 && fabs(lat2) <= 90 && fabs(lon1) <= 180 && fabs(lon2) <= 180))
        return NAN;
    double up = sin((lat2 - lat1) * DEGREE / 2), along = sin((lon2 - lon1) * DEGREE / 2);
    double h = up * up + cos(lat1 * DEGREE) * cos(lat2 * DEGREE) * along * along;
    return 2 * radius_km * asin(h < 1 ? sqrt(h) : 1);
}

static double angle(unsigned func, double d, const struct func_value *args)
{
    switch (func) {
    case FUNC_SIN:
        return sin(d);
    case FUNC_COS:
        return cos(d);
    case FUNC_TAN:
        return tan(d);
    case FUNC_ASIN:
        return asin(d);
    case FUNC_ACOS:
        return acos(d);
    case FUNC_ATAN:
        return atan(d);
    case FUNC_RADIANS:
        return d * DEGREE;
    case FUNC_DEGREES:
        return d / DEGREE;
    case FUNC_ATAN2:
        return atan2(d, args[1].c.d);
    default:
        return distance_km(args);
    }
}

static bool real(unsigned func, const struct func_value *args, unsigned nargs, double *out)
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
    case FUNC_LOG10:
        *out = log10(d);
        break;
    case FUNC_LOG2:
        *out = log2(d);
        break;
    case FUNC_LOG:
        *out = nargs > 1 ? log(args[1].c.d) / log(d) : log(d);
        break;
    default:
        *out = angle(func, d, args);
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

char func_argument(unsigned func, unsigned i)
{
    static const char *const signatures[] = {
#define FUNC_SIGNATURE(name, id, signature) [FUNC_##id] = signature,
        FUNC_LIST(FUNC_SIGNATURE)
#undef FUNC_SIGNATURE
    };
    BUG_IF(func >= FUNC_COUNT, "there is no function %u", func);
    char letter = '\0';
    for (const char *s = signatures[func]; *s != ':'; s++) {
        if (*s == '?')
            continue;
        if (*s == '*')
            return letter; /* from here on all are alike */
        letter = *s;
        if (i-- == 0)
            return letter;
    }
    return '\0';
}

/* The families that make or read texts. */
static bool text_call(unsigned func, const struct func_value *args, unsigned nargs,
                      struct arena *scratch, union cell *out)
{
    switch (func) {
    case FUNC_LEFT ... FUNC_INSTR:
        return func_edit(func, args, nargs, scratch, out);
    case FUNC_REGEXP ... FUNC_REGEXP_REPLACE:
        return func_match(func, args, nargs, scratch, out);
    case FUNC_DATE_FORMAT ... FUNC_CONVERT_TZ:
        return func_date(func, args, nargs, scratch, out);
    default:
        return func_text(func, args, nargs, scratch, out);
    }
}

bool func_call(unsigned func, struct type t, const struct func_value *args, unsigned nargs,
               struct arena *scratch, union cell *out)
{
    for (unsigned i = 0; i < nargs; i++)
        if (args[i].null && func != FUNC_CONCAT_WS)
            return false;
    switch (func) { /* in the order of func_list.h */
    case FUNC_UPPER ... FUNC_REGEXP_REPLACE:
    case FUNC_DATE_FORMAT ... FUNC_CONVERT_TZ:
        return text_call(func, args, nargs, scratch, out);
    case FUNC_ABS ... FUNC_CEIL:
        return number(func, t, args[0].c, nargs > 1 ? args[1].c.i : 0, out);
    case FUNC_SQRT ... FUNC_DISTANCE_KM:
        return real(func, args, nargs, &out->d);
    case FUNC_GREATEST:
    case FUNC_LEAST:
        extreme(func, t, args, nargs, out);
        return true;
    case FUNC_YEAR ... FUNC_MILLENNIUM:
        out->i = func_time(func, args[0].c.i);
        return true;
    case FUNC_TIMESTAMPADD ... FUNC_TIME_CEIL:
        return func_span(func, args, out);
    default:
        bug_abort(__FILE__, __LINE__, "there is no function %u", func);
    }
}
