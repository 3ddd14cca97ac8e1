/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums of whole numbers and DECIMALs are kept in 128 bits, so they are exact whatever the order; one that does not fit its
 * type is NULL, like every other overflow. Of DISTINCT, an accumulator is a set of the values, from which the result is
 * made when it is asked for. Variance is merged by Chan's formula. */
#include "cep/agg.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

struct count_acc {
    int64_t n;
};
struct sum_acc {
    int64_t n;
    uint64_t lo;
    int64_t hi;
};
struct double_acc {
    int64_t n;
    double sum;
};
struct best_acc {
    int64_t n;
    union cell c;
};
struct spread_acc {
    int64_t n;
    double mean, m2;
};
struct set_acc {
    struct agg_set *set;
};

struct agg_set {
    size_t n, cap; /* cap: a power of two, at most half full */
    bool *used;
    union cell *cells;
};

enum { SET_MIN = 8 };

static bool whole(struct type t)
{
    return t.kind == TYPE_BIGINT || t.kind == TYPE_DECIMAL || t.kind == TYPE_INTERVAL ||
           t.kind == TYPE_BOOLEAN || t.kind == TYPE_TIMESTAMP;
}

enum err agg_supported(const struct agg_call *c, struct span at, struct diag *d)
{
    switch (c->kind) {
    case AGG_COUNT_STAR:
    case AGG_COUNT:
    case AGG_SUM:
    case AGG_AVG:
    case AGG_MIN:
    case AGG_MAX:
    case AGG_STDDEV:
        return ERR_OK;
    default:
        if (d != NULL)
            diag_error(d, "unsupported", at, "COUNT, SUM, AVG, MIN, MAX and STDDEV are",
                       "the aggregate %s is not done by this release", expr_agg_name(c->kind));
        return ERR_UNSUPPORTED;
    }
}

/* --- sets of DISTINCT --- */

static uint64_t cell_hash(struct type t, union cell c)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    if (t.kind != TYPE_STRING)
        return (uint64_t)(c.i ^ c.i >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 16;
    for (uint32_t i = 0; i < c.s.n; i++)
        h = (h ^ (uint8_t)c.s.p[i]) * UINT64_C(0x100000001b3);
    return h;
}

static bool cell_same(struct type t, union cell a, union cell b)
{
    if (t.kind != TYPE_STRING)
        return a.i == b.i;
    return a.s.n == b.s.n && (a.s.n == 0 || memcmp(a.s.p, b.s.p, a.s.n) == 0);
}

static size_t set_slot(const struct agg_set *s, struct type t, union cell c)
{
    size_t i = cell_hash(t, c) & (s->cap - 1);
    while (s->used[i] && !cell_same(t, s->cells[i], c))
        i = (i + 1) & (s->cap - 1);
    return i;
}

static struct agg_set *set_new(size_t cap)
{
    struct agg_set *s = mem_new(sizeof *s);
    s->cap = cap;
    s->used = mem_array(cap, sizeof *s->used);
    s->cells = mem_array(cap, sizeof *s->cells);
    return s;
}

static void set_free(struct agg_set *s, struct type t, bool cells_too)
{
    if (s == NULL)
        return;
    for (size_t i = 0; cells_too && t.kind == TYPE_STRING && i < s->cap; i++)
        if (s->used[i])
            mem_free((char *)(uintptr_t)s->cells[i].s.p);
    mem_free(s->used);
    mem_free(s->cells);
    mem_free(s);
}

static void set_add(struct agg_set **at, struct type t, union cell c)
{
    struct agg_set *s = *at;
    if (t.kind == TYPE_DOUBLE) /* as value_compare has it: -0.0 is 0, one NaN */
        c.d = isnan(c.d) ? (double)NAN : c.d + 0.0;
    if (s == NULL) {
        s = *at = set_new(SET_MIN);
    } else if (2 * (s->n + 1) > s->cap) {
        struct agg_set *more = set_new(2 * s->cap);
        for (size_t i = 0; i < s->cap; i++)
            if (s->used[i]) {
                size_t to = set_slot(more, t, s->cells[i]);
                more->used[to] = true;
                more->cells[to] = s->cells[i];
            }
        more->n = s->n;
        set_free(s, t, false);
        s = *at = more;
    }
    size_t i = set_slot(s, t, c);
    if (s->used[i])
        return;
    if (t.kind == TYPE_STRING) {
        c.s.p = mem_dup(c.s.p, c.s.n);
        c.s.id = 0;
    }
    s->used[i] = true;
    s->cells[i] = c;
    s->n++;
}

/* --- accumulators --- */

void agg_init(struct agg *a, const struct agg_call *c)
{
    *a = (struct agg){.kind = c->kind, .type = c->type};
    a->distinct =
        c->distinct && c->kind != AGG_COUNT_STAR && c->kind != AGG_MIN && c->kind != AGG_MAX;
    if (c->arg != NULL)
        a->arg = c->arg->type;
    switch (c->kind) {
    case AGG_MIN:
    case AGG_MAX:
        a->size = sizeof(struct best_acc);
        a->holds = a->arg.kind == TYPE_STRING;
        break;
    case AGG_SUM:
    case AGG_AVG:
        a->size = whole(a->arg) ? sizeof(struct sum_acc) : sizeof(struct double_acc);
        break;
    case AGG_STDDEV:
        a->size = sizeof(struct spread_acc);
        break;
    default:
        a->size = sizeof(struct count_acc);
    }
    if (a->distinct) {
        a->size = sizeof(struct set_acc);
        a->holds = true;
    }
}

static inline void sum_add(struct sum_acc *s, __int128 v)
{
    __int128 sum = (__int128)((unsigned __int128)(uint64_t)s->hi << 64 | s->lo) + v;
    s->lo = (uint64_t)sum;
    s->hi = (int64_t)(sum >> 64);
}

static __int128 power_of_ten(unsigned n)
{
    __int128 p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

static double as_double(struct type t, union cell v)
{
    if (t.kind == TYPE_DOUBLE)
        return v.d;
    return t.kind == TYPE_DECIMAL ? (double)v.i / (double)power_of_ten(t.scale) : (double)v.i;
}

static void best_add(const struct agg *a, struct best_acc *acc, union cell v)
{
    if (acc->n++ > 0) {
        struct value x = {.type = a->arg, .c = v}, y = {.type = a->arg, .c = acc->c};
        int c = value_compare(&x, &y);
        if (a->kind == AGG_MIN ? c >= 0 : c <= 0)
            return;
        if (a->holds)
            mem_free((char *)(uintptr_t)acc->c.s.p);
    }
    acc->c = v;
    if (a->holds)
        acc->c.s = (struct str){mem_dup(v.s.p, v.s.n), v.s.n, 0};
}

static void spread_add(struct spread_acc *s, double x)
{
    double delta = x - s->mean;
    s->n++;
    s->mean += delta / (double)s->n;
    s->m2 += delta * (x - s->mean);
}

void agg_add(const struct agg *a, void *acc, union cell v, bool null)
{
    if (null && a->kind != AGG_COUNT_STAR)
        return;
    if (a->distinct) {
        set_add(&((struct set_acc *)acc)->set, a->arg, v);
        return;
    }
    switch (a->kind) {
    case AGG_SUM:
    case AGG_AVG:
        if (whole(a->arg)) {
            ((struct sum_acc *)acc)->n++;
            sum_add(acc, v.i);
        } else {
            ((struct double_acc *)acc)->n++;
            ((struct double_acc *)acc)->sum += v.d;
        }
        break;
    case AGG_MIN:
    case AGG_MAX:
        best_add(a, acc, v);
        break;
    case AGG_STDDEV:
        spread_add(acc, as_double(a->arg, v));
        break;
    default:
        ((struct count_acc *)acc)->n++;
    }
}

static void spread_merge(struct spread_acc *a, const struct spread_acc *b)
{
    if (b->n == 0)
        return;
    double n = (double)(a->n + b->n), delta = b->mean - a->mean;
    a->m2 += b->m2 + delta * delta * (double)a->n * (double)b->n / n;
    a->mean += delta * (double)b->n / n;
    a->n += b->n;
}

void agg_merge(const struct agg *a, void *into, const void *from)
{
    if (a->distinct) {
        const struct agg_set *s = ((const struct set_acc *)from)->set;
        for (size_t i = 0; s != NULL && i < s->cap; i++)
            if (s->used[i])
                set_add(&((struct set_acc *)into)->set, a->arg, s->cells[i]);
        return;
    }
    switch (a->kind) {
    case AGG_SUM:
    case AGG_AVG:
        if (whole(a->arg)) {
            const struct sum_acc *s = from;
            ((struct sum_acc *)into)->n += s->n;
            sum_add(into, (__int128)((unsigned __int128)(uint64_t)s->hi << 64 | s->lo));
        } else {
            ((struct double_acc *)into)->n += ((const struct double_acc *)from)->n;
            ((struct double_acc *)into)->sum += ((const struct double_acc *)from)->sum;
        }
        break;
    case AGG_MIN:
    case AGG_MAX:
        if (((const struct best_acc *)from)->n > 0)
            best_add(a, into, ((const struct best_acc *)from)->c);
        break;
    case AGG_STDDEV:
        spread_merge(into, from);
        break;
    default:
        ((struct count_acc *)into)->n += ((const struct count_acc *)from)->n;
    }
}

bool agg_can_retract(const struct agg *a)
{
    if (a->distinct)
        return false;
    return a->kind == AGG_COUNT_STAR || a->kind == AGG_COUNT ||
           ((a->kind == AGG_SUM || a->kind == AGG_AVG) && whole(a->arg));
}

void agg_retract(const struct agg *a, void *acc, union cell v, bool null)
{
    if (null && a->kind != AGG_COUNT_STAR)
        return;
    if (a->kind == AGG_SUM || a->kind == AGG_AVG) {
        ((struct sum_acc *)acc)->n--;
        sum_add(acc, -(__int128)v.i);
    } else {
        ((struct count_acc *)acc)->n--;
    }
}

/* --- results --- */

/* a / b, half away from zero. */
static __int128 divided(__int128 a, __int128 b)
{
    __int128 q = a / b, r = a % b;
    if (r < 0)
        r = -r;
    if (2 * r >= b)
        q += a < 0 ? -1 : 1;
    return q;
}

static bool fits(__int128 v, union cell *out)
{
    if (v > INT64_MAX || v < INT64_MIN)
        return false;
    out->i = (int64_t)v;
    return true;
}

static bool whole_result(const struct agg *a, const struct sum_acc *s, union cell *out)
{
    __int128 sum = (__int128)((unsigned __int128)(uint64_t)s->hi << 64 | s->lo);
    if (s->n == 0)
        return false;
    if (a->type.kind == TYPE_DOUBLE) {
        double d = (double)sum;
        if (a->arg.kind == TYPE_DECIMAL)
            d /= (double)power_of_ten(a->arg.scale);
        out->d = a->kind == AGG_AVG ? d / (double)s->n : d;
        return true;
    }
    unsigned from = a->arg.kind == TYPE_DECIMAL ? a->arg.scale : 0;
    unsigned to = a->type.kind == TYPE_DECIMAL ? a->type.scale : 0;
    __int128 by = a->kind == AGG_AVG ? s->n : 1;
    if (to > from) {
        __int128 p = power_of_ten(to - from), shifted;
        if (__builtin_mul_overflow(sum, p, &shifted))
            return false;
        return fits(divided(shifted, by), out);
    }
    return fits(divided(sum, by * power_of_ten(from - to)), out);
}

static bool set_result(const struct agg *a, const struct agg_set *s, union cell *out)
{
    struct agg plain = *a;
    uint64_t acc[4] = {0};
    plain.distinct = plain.holds = false;
    if (a->kind == AGG_COUNT) {
        out->i = s == NULL ? 0 : (int64_t)s->n;
        return true;
    }
    for (size_t i = 0; s != NULL && i < s->cap; i++)
        if (s->used[i])
            agg_add(&plain, acc, s->cells[i], false);
    return agg_result(&plain, acc, out);
}

bool agg_result(const struct agg *a, const void *acc, union cell *out)
{
    if (a->distinct)
        return set_result(a, ((const struct set_acc *)acc)->set, out);
    switch (a->kind) {
    case AGG_SUM:
    case AGG_AVG: {
        if (whole(a->arg))
            return whole_result(a, acc, out);
        const struct double_acc *s = acc;
        out->d = a->kind == AGG_AVG && s->n > 0 ? s->sum / (double)s->n : s->sum;
        return s->n > 0;
    }
    case AGG_MIN:
    case AGG_MAX:
        *out = ((const struct best_acc *)acc)->c;
        return ((const struct best_acc *)acc)->n > 0;
    case AGG_STDDEV: { /* of a sample, as Flink's */
        const struct spread_acc *s = acc;
        out->d = s->n > 1 ? sqrt(s->m2 / (double)(s->n - 1)) : 0;
        return s->n > 1;
    }
    default:
        out->i = ((const struct count_acc *)acc)->n;
        return true;
    }
}

__int128 agg_whole(const struct agg *a, const void *acc)
{
    if (a->kind != AGG_SUM)
        return ((const struct count_acc *)acc)->n;
    const struct sum_acc *s = acc;
    return (__int128)((unsigned __int128)(uint64_t)s->hi << 64 | s->lo);
}

void agg_clear(const struct agg *a, void *acc)
{
    if (a->distinct)
        set_free(((struct set_acc *)acc)->set, a->arg, true);
    else if (a->holds && ((struct best_acc *)acc)->n > 0)
        mem_free((char *)(uintptr_t)((struct best_acc *)acc)->c.s.p);
    memset(acc, 0, a->size);
}
