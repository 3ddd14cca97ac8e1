/* SPDX-License-Identifier: Apache-2.0
 *
 * Arithmetic of one pair of values. DECIMAL is exact: 18 digits times 18 digits fit 128 bits, and what is too long for
 * the type of the result is NULL. Division by zero is NULL for every type. */
#include "base/bug.h"
#include "cep/expr/exprvm_code.h"
#include <math.h>

enum { DECIMAL_DIGITS = 18, WIDE_DIGITS = 38 };

static __int128 power_of_ten(unsigned n)
{
    __int128 p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

/* n / d rounded half up, away from zero; d is not 0. */
static __int128 divide_rounded(__int128 n, __int128 d)
{
    bool negative = (n < 0) != (d < 0);
    unsigned __int128 x = n < 0 ? -(unsigned __int128)n : (unsigned __int128)n;
    unsigned __int128 y = d < 0 ? -(unsigned __int128)d : (unsigned __int128)d;
    unsigned __int128 q = x / y, r = x % y;
    q += r >= y - r;
    return negative ? -(__int128)q : (__int128)q;
}

bool exprvm_arith_fits(int64_t v, struct type t)
{
    static const int64_t limit[DECIMAL_DIGITS + 1] = {
        INT64_C(1),
        INT64_C(10),
        INT64_C(100),
        INT64_C(1000),
        INT64_C(10000),
        INT64_C(100000),
        INT64_C(1000000),
        INT64_C(10000000),
        INT64_C(100000000),
        INT64_C(1000000000),
        INT64_C(10000000000),
        INT64_C(100000000000),
        INT64_C(1000000000000),
        INT64_C(10000000000000),
        INT64_C(100000000000000),
        INT64_C(1000000000000000),
        INT64_C(10000000000000000),
        INT64_C(100000000000000000),
        INT64_C(1000000000000000000),
    };
    if (t.kind == TYPE_DECIMAL) {
        int64_t end = limit[t.precision <= DECIMAL_DIGITS ? t.precision : DECIMAL_DIGITS];
        return v < end && v > -end;
    }
    return t.kind != TYPE_TIMESTAMP || (v >= EVTIME_FIRST && v <= EVTIME_LAST);
}

bool exprvm_arith_rescale(__int128 v, unsigned from, unsigned to, int64_t *out)
{
    if (to > from) {
        if (to - from > DECIMAL_DIGITS && v != 0)
            return false;
        __int128 wide;
        if (__builtin_mul_overflow(v, power_of_ten(to - from), &wide))
            return false;
        v = wide;
    } else if (from > to) {
        v = from - to > WIDE_DIGITS ? 0 : divide_rounded(v, power_of_ten(from - to));
    }
    if (v > INT64_MAX || v < INT64_MIN)
        return false;
    *out = (int64_t)v;
    return true;
}

int exprvm_arith_compare_decimal(struct type ta, int64_t a, struct type tb, int64_t b)
{
    struct value x = {.type = ta, .c.i = a}, y = {.type = tb, .c.i = b};
    x.type.kind = y.type.kind = TYPE_DECIMAL; /* a whole number is a DECIMAL of scale 0 */
    return value_compare(&x, &y);
}

static bool arith_int(unsigned op, int64_t a, int64_t b, int64_t *out)
{
    switch (op) {
    case OP_NEG:
        return !__builtin_sub_overflow((int64_t)0, a, out);
    case OP_ADD:
        return !__builtin_add_overflow(a, b, out);
    case OP_SUB:
        return !__builtin_sub_overflow(a, b, out);
    case OP_MUL:
        return !__builtin_mul_overflow(a, b, out);
    default:
        if (b == 0)
            return false;
        if (b == -1) { /* INT64_MIN / -1 is past the end */
            *out = 0;
            return op == OP_MOD || !__builtin_sub_overflow((int64_t)0, a, out);
        }
        *out = op == OP_DIV ? a / b : a % b;
        return true;
    }
}

static bool arith_double(unsigned op, double a, double b, double *out)
{
    switch (op) {
    case OP_NEG:
        *out = -a;
        return true;
    case OP_ADD:
        *out = a + b;
        break;
    case OP_SUB:
        *out = a - b;
        break;
    case OP_MUL:
        *out = a * b;
        break;
    default:
        if (b == 0)
            return false;
        *out = op == OP_DIV ? a / b : fmod(a, b);
    }
    return isfinite(*out);
}

static unsigned scale_of(struct type t)
{
    return t.kind == TYPE_DECIMAL ? t.scale : 0;
}

/* a / b at scale `to`. The quotient has at most 18 digits and b at most 19, so a numerator past 128 bits is too long. */
static bool divide_decimal(__int128 a, unsigned sa, __int128 b, unsigned sb, unsigned to,
                           int64_t *out)
{
    if (b == 0)
        return false;
    int up = (int)to + (int)sb - (int)sa;
    if (a == 0)
        up = 0;
    if (up < 0)
        b *= power_of_ten((unsigned)-up);
    else if (__builtin_mul_overflow(a, power_of_ten((unsigned)up), &a))
        return false;
    return exprvm_arith_rescale(divide_rounded(a, b), 0, 0, out);
}

static bool arith_decimal(const struct exprvm_insn *in, int64_t a, int64_t b, int64_t *out)
{
    unsigned sa = scale_of(in->ta), sb = scale_of(in->tb), to = scale_of(in->to);
    unsigned scale = sa > sb ? sa : sb;
    switch (in->op) {
    case OP_NEG:
        return exprvm_arith_rescale(-(__int128)a, sa, to, out);
    case OP_MUL:
        return exprvm_arith_rescale((__int128)a * b, sa + sb, to, out);
    case OP_DIV:
        return divide_decimal(a, sa, b, sb, to, out);
    default:
        break;
    }
    __int128 x = a * power_of_ten(scale - sa), y = b * power_of_ten(scale - sb);
    if (in->op == OP_MOD) {
        if (y == 0)
            return false;
        return exprvm_arith_rescale(x % y, scale, to, out);
    }
    return exprvm_arith_rescale(in->op == OP_ADD ? x + y : x - y, scale, to, out);
}

static double to_double(struct type t, union cell c)
{
    union cell d;
    if (t.kind == TYPE_DOUBLE)
        return c.d;
    if (t.kind == TYPE_DECIMAL && exprvm_cast(t, c, (struct type){.kind = TYPE_DOUBLE}, NULL, &d))
        return d.d;
    return (double)c.i;
}

bool exprvm_arith(const struct exprvm_insn *in, union cell a, union cell b, union cell *out)
{
    bool unary = in->op == OP_NEG;
    if (in->to.kind == TYPE_DOUBLE)
        return arith_double(in->op, to_double(in->ta, a), unary ? 0 : to_double(in->tb, b),
                            &out->d);
    if (in->ta.kind == TYPE_DOUBLE ||
        (!unary && in->tb.kind == TYPE_DOUBLE)) { /* INTERVAL * 1.5e0 */
        union cell d;
        return arith_double(in->op, to_double(in->ta, a), unary ? 0 : to_double(in->tb, b), &d.d) &&
               exprvm_cast((struct type){.kind = TYPE_DOUBLE}, d, in->to, NULL, out);
    }
    bool decimal = in->ta.kind == TYPE_DECIMAL || in->to.kind == TYPE_DECIMAL ||
                   (!unary && in->tb.kind == TYPE_DECIMAL);
    bool ok = decimal ? arith_decimal(in, a.i, b.i, &out->i) : arith_int(in->op, a.i, b.i, &out->i);
    return ok && exprvm_arith_fits(out->i, in->to);
}
