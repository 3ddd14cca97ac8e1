/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums of whole numbers and DECIMALs are kept in 128 bits, so they are exact whatever the order; one that does not fit its
 * type is NULL, like every other overflow. Of DISTINCT, an accumulator is a set of the values, from which the result is
 * made when it is asked for. Variance is merged by Chan's formula. */
#define XXH_INLINE_ALL
#include "cep/agg/agg.h"
#include "base/mem.h"
#include "cep/agg/aggacc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static bool whole(struct type t)
{
    return t.kind == TYPE_BIGINT || t.kind == TYPE_DECIMAL || t.kind == TYPE_INTERVAL ||
           t.kind == TYPE_BOOLEAN || t.kind == TYPE_TIMESTAMP;
}

/* --- accumulators --- */

static uint32_t size_of(const struct agg *a)
{
    switch (a->kind) {
    case AGG_MIN:
    case AGG_MAX:
        return sizeof(struct best_acc);
    case AGG_SUM:
    case AGG_AVG:
        return whole(a->arg) ? sizeof(struct sum_acc) : sizeof(struct double_acc);
    case AGG_STDDEV:
        return sizeof(struct spread_acc);
    case AGG_FIRST:
    case AGG_LAST:
        return sizeof(struct edge_acc);
    case AGG_TOP:
    case AGG_LIST_AGG:
    case AGG_APPROX_COUNT_DISTINCT:
    case AGG_APPROX_PERCENTILE:
        return sizeof(union held_acc);
    default:
        return sizeof(struct count_acc);
    }
}

/* Of which DISTINCT changes the result, and which leave it to a set of values. */
static bool needs_set(enum agg_kind k)
{
    return k == AGG_COUNT || k == AGG_SUM || k == AGG_AVG || k == AGG_STDDEV ||
           k == AGG_APPROX_PERCENTILE;
}

static bool is_text(const struct agg *a)
{
    return a->arg.kind == TYPE_STRING;
}

void agg_init(struct agg *a, const struct agg_call *c)
{
    enum agg_kind k = c->kind;
    *a = (struct agg){.kind = k, .type = c->type, .between = {",", 1, 0}};
    if (c->arg != NULL)
        a->arg = c->arg->type;
    a->distinct = c->distinct && needs_set(k);
    a->unique = c->distinct && (k == AGG_TOP || k == AGG_LIST_AGG);
    a->ordered = k == AGG_FIRST || k == AGG_LAST || k == AGG_LIST_AGG;
    if (c->nparams > 0 && k == AGG_TOP)
        a->top = (unsigned)c->params->c.i;
    if (c->nparams > 0 && k == AGG_LIST_AGG)
        a->between = c->params->c.s;
    if (c->nparams > 0 && k == AGG_APPROX_PERCENTILE)
        a->quantile = c->params->c.d;
    a->size = a->distinct ? sizeof(union held_acc) : size_of(a);
    a->holds = a->size == sizeof(union held_acc) && a->kind >= AGG_TOP;
    a->holds |= a->distinct;
    a->holds |= is_text(a) && (k == AGG_MIN || k == AGG_MAX || k == AGG_FIRST || k == AGG_LAST);
}

static inline void sum_add(struct sum_acc *s, __int128 v)
{
    unsigned __int128 sum =
        ((unsigned __int128)(uint64_t)s->hi << 64 | s->lo) + (unsigned __int128)v;
    s->lo = (uint64_t)sum;
    s->hi = (int64_t)(uint64_t)(sum >> 64);
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

/* *kept becomes v, a text as a copy. some: it had a value. */
static void keep(const struct agg *a, union cell *kept, bool some, union cell v)
{
    if (!a->holds) {
        *kept = v;
        return;
    }
    char *copy = mem_dup(v.s.p, v.s.n);
    if (some)
        mem_free((char *)(uintptr_t)kept->s.p);
    kept->s = (struct str){copy, v.s.n, 0};
}

static void best_add(const struct agg *a, struct best_acc *acc, union cell v)
{
    if (acc->n++ > 0) {
        struct value x = {.type = a->arg, .c = v}, y = {.type = a->arg, .c = acc->c};
        int c = value_compare(&x, &y);
        if (a->kind == AGG_MIN ? c >= 0 : c <= 0)
            return;
    }
    keep(a, &acc->c, acc->n > 1, v);
}

static void edge_add(const struct agg *a, struct edge_acc *acc, union cell v,
                     const struct agglist_place *at)
{
    int c = 1;
    if (acc->n++ > 0) {
        c = at == NULL ? 1 : agglist_compare(at, &acc->at);
        if (a->kind == AGG_FIRST ? c >= 0 : c < 0)
            return;
    }
    keep(a, &acc->c, acc->n > 1, v);
    if (at != NULL)
        acc->at = *at;
}

static uint64_t value_hash(struct type t, union cell v)
{
    v = aggset_plain(t, v);
    return t.kind == TYPE_STRING ? XXH3_64bits(v.s.p, v.s.n) : XXH3_64bits(&v.i, sizeof v.i);
}

static void held_add(const struct agg *a, union held_acc *acc, union cell v,
                     const struct agglist_place *at)
{
    switch (a->kind) {
    case AGG_TOP:
        aggset_add(&acc->set, a->arg, v, 1);
        aggset_prune(&acc->set, a->arg);
        break;
    case AGG_LIST_AGG:
        agglist_add(&acc->list, v.s, at);
        break;
    case AGG_APPROX_COUNT_DISTINCT:
        agghll_add(&acc->hll, value_hash(a->arg, v));
        break;
    default:
        aggquantile_add(&acc->quantile, as_double(a->arg, v), 1);
    }
}

static void spread_add(struct spread_acc *s, double x)
{
    double delta = x - s->mean;
    s->n++;
    s->mean += delta / (double)s->n;
    s->m2 += delta * (x - s->mean);
}

void agg_add_at(const struct agg *a, void *acc, union cell v, bool null,
                const struct agglist_place *at)
{
    if (null && a->kind != AGG_COUNT_STAR)
        return;
    if (a->distinct) {
        aggset_add(&((union held_acc *)acc)->set, a->arg, v, 1);
        return;
    }
    switch (a->kind) {
    case AGG_COUNT_STAR:
    case AGG_COUNT:
        ((struct count_acc *)acc)->n++;
        break;
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
    case AGG_FIRST:
    case AGG_LAST:
        edge_add(a, acc, v, at);
        break;
    default:
        held_add(a, acc, v, at);
    }
}

void agg_add(const struct agg *a, void *acc, union cell v, bool null)
{
    agg_add_at(a, acc, v, null, NULL);
}

static int by_bits(const void *a, const void *b)
{
    const union cell *x = a, *y = b;
    return (x->i > y->i) - (x->i < y->i);
}

void agg_add_all(const struct agg *a, void *acc, union cell *v, size_t n)
{
    if (!agg_groups_freely(a))
        qsort(v, n, sizeof *v, by_bits);
    for (size_t i = 0; i < n; i++)
        agg_add(a, acc, v[i], false);
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

static void edge_merge(const struct agg *a, struct edge_acc *into, const struct edge_acc *from)
{
    if (from->n == 0)
        return;
    int64_t n = into->n + from->n;
    edge_add(a, into, from->c, &from->at);
    into->n = n;
}

static void held_merge(const struct agg *a, union held_acc *into, const union held_acc *from)
{
    switch (a->distinct ? AGG_TOP : a->kind) {
    case AGG_TOP:
        aggset_merge(&into->set, a->arg, from->set);
        if (!a->distinct)
            aggset_prune(&into->set, a->arg);
        break;
    case AGG_LIST_AGG:
        agglist_merge(&into->list, from->list);
        break;
    case AGG_APPROX_COUNT_DISTINCT:
        agghll_merge(&into->hll, from->hll);
        break;
    default:
        aggquantile_merge(&into->quantile, from->quantile);
    }
}

void agg_merge(const struct agg *a, void *into, const void *from)
{
    if (a->distinct) {
        held_merge(a, into, from);
        return;
    }
    switch (a->kind) {
    case AGG_COUNT_STAR:
    case AGG_COUNT:
        ((struct count_acc *)into)->n += ((const struct count_acc *)from)->n;
        break;
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
    case AGG_FIRST:
    case AGG_LAST:
        edge_merge(a, into, from);
        break;
    default:
        held_merge(a, into, from);
    }
}

bool agg_groups_freely(const struct agg *a)
{
    switch (a->distinct ? AGG_TOP : a->kind) {
    case AGG_SUM:
    case AGG_AVG:
        return whole(a->arg);
    case AGG_STDDEV:
    case AGG_TOP:
    case AGG_LIST_AGG:
        return false;
    default:
        return true;
    }
}

bool agg_can_retract(const struct agg *a)
{
    if (a->distinct)
        return false;
    return a->kind == AGG_COUNT_STAR || a->kind == AGG_COUNT || a->kind == AGG_APPROX_PERCENTILE ||
           ((a->kind == AGG_SUM || a->kind == AGG_AVG) && whole(a->arg));
}

void agg_retract(const struct agg *a, void *acc, union cell v, bool null)
{
    if (null && a->kind != AGG_COUNT_STAR)
        return;
    if (a->kind == AGG_SUM || a->kind == AGG_AVG) {
        ((struct sum_acc *)acc)->n--;
        sum_add(acc, -(__int128)v.i);
    } else if (a->kind == AGG_APPROX_PERCENTILE) {
        aggquantile_add(&((union held_acc *)acc)->quantile, as_double(a->arg, v), -1);
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

static bool set_result(const struct agg *a, const struct aggset *s, union cell *out)
{
    struct agg plain = *a;
    uint64_t acc[AGG_SIZE_MAX / 8] = {0};
    plain.distinct = false;
    plain.holds = a->kind == AGG_APPROX_PERCENTILE;
    if (a->kind == AGG_COUNT) {
        out->i = s == NULL ? 0 : (int64_t)s->n;
        return true;
    }
    union cell *all = mem_array(s == NULL ? 0 : s->n, sizeof *all);
    size_t n = 0;
    for (size_t i = 0; s != NULL && i < s->cap; i++)
        if (s->slots[i].count != 0)
            all[n++] = s->slots[i].c;
    agg_add_all(&plain, acc, all, n);
    mem_free(all);
    bool some = agg_result(&plain, acc, NULL, out);
    agg_clear(&plain, acc);
    return some;
}

/* TOP and LIST_AGG: the text, in scratch. */
static bool text_result(const struct agg *a, const union held_acc *acc, struct arena *scratch,
                        union cell *out)
{
    struct bytes text = {0};
    if (acc->set == NULL)
        return false;
    if (a->kind == AGG_TOP)
        aggset_top(acc->set, a->arg, a->top, a->unique, a->between, &text);
    else
        agglist_text(acc->list, a->unique, a->between, &text);
    out->s = (struct str){arena_dup(scratch, text.p, text.n), (uint32_t)text.n, 0};
    bytes_fini(&text);
    return true;
}

bool agg_result(const struct agg *a, const void *acc, struct arena *scratch, union cell *out)
{
    const union held_acc *held = acc;
    if (a->distinct)
        return set_result(a, held->set, out);
    switch (a->kind) {
    case AGG_COUNT_STAR:
    case AGG_COUNT:
        out->i = ((const struct count_acc *)acc)->n;
        return true;
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
    case AGG_FIRST:
    case AGG_LAST:
        *out = ((const struct edge_acc *)acc)->c;
        return ((const struct edge_acc *)acc)->n > 0;
    case AGG_APPROX_COUNT_DISTINCT:
        out->i = (int64_t)agghll_count(held->hll);
        return true;
    case AGG_APPROX_PERCENTILE:
        return aggquantile_at(held->quantile, a->quantile, &out->d);
    default:
        return text_result(a, held, scratch, out);
    }
}

__int128 agg_whole(const struct agg *a, const void *acc)
{
    if (a->kind != AGG_SUM)
        return ((const struct count_acc *)acc)->n;
    const struct sum_acc *s = acc;
    return (__int128)((unsigned __int128)(uint64_t)s->hi << 64 | s->lo);
}

/* The text that FIRST, LAST, MIN or MAX holds; NULL: none. */
static const struct str *held_text(const struct agg *a, const void *acc)
{
    const struct best_acc *best = acc;
    const struct edge_acc *edge = acc;
    if (a->size == sizeof(union held_acc) || best->n == 0)
        return NULL;
    return a->kind == AGG_MIN || a->kind == AGG_MAX ? &best->c.s : &edge->c.s;
}

void agg_clear(const struct agg *a, void *acc)
{
    union held_acc *held = acc;
    if (a->holds) {
        const struct str *text = held_text(a, acc);
        if (text != NULL)
            mem_free((char *)(uintptr_t)text->p);
        else if (a->distinct || a->kind == AGG_TOP)
            aggset_free(held->set, a->arg);
        else if (a->kind == AGG_LIST_AGG)
            agglist_free(held->list);
        else if (a->kind == AGG_APPROX_COUNT_DISTINCT)
            agghll_free(held->hll);
        else if (a->kind == AGG_APPROX_PERCENTILE)
            aggquantile_free(held->quantile);
    }
    memset(acc, 0, a->size);
}

size_t agg_held_bytes(const struct agg *a, const void *acc)
{
    const union held_acc *held = acc;
    const struct str *text = a->holds ? held_text(a, acc) : NULL;
    if (text != NULL)
        return text->n + 1;
    if (a->distinct || a->kind == AGG_TOP)
        return aggset_bytes(held->set, a->arg);
    switch (a->kind) {
    case AGG_LIST_AGG:
        return agglist_bytes(held->list);
    case AGG_APPROX_COUNT_DISTINCT:
        return agghll_bytes(held->hll);
    case AGG_APPROX_PERCENTILE:
        return aggquantile_bytes(held->quantile);
    default:
        return 0;
    }
}
