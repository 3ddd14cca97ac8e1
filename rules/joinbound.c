/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/joinbound.h"
#include "base/timebase.h"

/* left * left time + right * right time + ms */
struct linear {
    int left, right;
    int64_t ms;
};

static bool is_time(const struct expr *e)
{
    return e->type.kind == TYPE_TIMESTAMP || e->type.kind == TYPE_INTERVAL;
}

static bool sum(struct linear a, struct linear b, int sign, struct linear *out)
{
    *out = (struct linear){a.left + sign * b.left, a.right + sign * b.right, 0};
    return sign > 0 ? !__builtin_add_overflow(a.ms, b.ms, &out->ms)
                    : !__builtin_sub_overflow(a.ms, b.ms, &out->ms);
}

static bool linear_of(const struct joinbound *b, const struct expr *e, struct linear *out)
{
    struct linear x, y;
    if (!is_time(e))
        return false;
    switch (e->kind) {
    case EXPR_CONST:
        *out = (struct linear){.ms = e->constant.c.i};
        return !e->constant.null;
    case EXPR_SLOT:
        *out =
            (struct linear){.left = e->index == b->left_time, .right = e->index == b->right_time};
        return out->left + out->right == 1;
    case EXPR_NEG:
        return linear_of(b, e->args[0], &x) && sum((struct linear){0}, x, -1, out);
    case EXPR_ADD:
    case EXPR_SUB:
        return linear_of(b, e->args[0], &x) && linear_of(b, e->args[1], &y) &&
               sum(x, y, e->kind == EXPR_ADD ? 1 : -1, out);
    default:
        return false;
    }
}

/* Two times are never further apart than this; so no sum with a bound overflows. */
static int64_t clamp(int64_t ms)
{
    const int64_t most = EVTIME_LAST - EVTIME_FIRST;
    return ms > most ? most : ms < -most ? -most : ms;
}

static void raise_least(struct joinbound *b, int64_t ms)
{
    if (!b->has_least || ms > b->least_ms)
        b->least_ms = ms;
    b->has_least = true;
}

static void lower_most(struct joinbound *b, int64_t ms)
{
    if (!b->has_most || ms < b->most_ms)
        b->most_ms = ms;
    b->has_most = true;
}

bool joinbound_take(struct joinbound *b, const struct expr *e)
{
    struct linear l, r, d;
    if (e->nargs != 2 || !linear_of(b, e->args[0], &l) || !linear_of(b, e->args[1], &r) ||
        !sum(l, r, -1, &d) || d.right + d.left != 0 || (d.right != 1 && d.right != -1))
        return false;
    enum expr_kind k = d.right > 0 ? e->kind : expr_mirrored(e->kind);
    int64_t ms = clamp(d.ms);
    ms = d.right > 0 ? -ms : ms;
    switch (k) {
    case EXPR_LT:
        lower_most(b, ms - 1);
        return true;
    case EXPR_LE:
        lower_most(b, ms);
        return true;
    case EXPR_GT:
        raise_least(b, ms + 1);
        return true;
    case EXPR_GE:
        raise_least(b, ms);
        return true;
    case EXPR_EQ:
    case EXPR_NOT_DISTINCT: /* a time is never NULL */
        raise_least(b, ms);
        lower_most(b, ms);
        return true;
    default:
        return false;
    }
}
