/* SPDX-License-Identifier: Apache-2.0
 *
 * Radix heap (Ahuja, Mehlhorn, Orlin, Tarjan 1990) with base 256. Level l, digit d: times that agree with the floor in
 * all bytes above byte l and have d, greater than the floor's, in byte l; level 0 also has the floor itself. A bucket of
 * level 0 is one time. Buckets are chains of chunks, filled in order of arrival and emptied in that order, so that rows of
 * one partition stay in order of offset and a sort is needed only where several partitions meet in one millisecond.
 *
 * Chunks of level 0 are small (a millisecond has few rows), the others large (rows lie close together in memory). */
#include "cep/order.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

enum { SMALL_CHUNK = 3, LARGE_CHUNK = 31, READY_MIN = 256 };

struct order_chunk {
    struct order_chunk *next;
    uint32_t n, cap;
    struct order_entry entries[];
};

static uint64_t biased(evtime ts)
{
    return (uint64_t)ts ^ UINT64_C(1) << 63;
}

static unsigned level_of(uint64_t k, uint64_t floor)
{
    uint64_t x = k ^ floor;
    return x == 0 ? 0 : (63 - (unsigned)__builtin_clzll(x)) / 8;
}

void order_init(struct order *o, const struct match_plan *by)
{
    *o = (struct order){.by = by};
    slab_init(&o->small, sizeof(struct order_chunk) + SMALL_CHUNK * sizeof(struct order_entry));
    slab_init(&o->large, sizeof(struct order_chunk) + LARGE_CHUNK * sizeof(struct order_entry));
}

struct order_entry *order_next(struct order *o, struct order_cursor *at)
{
    if (!at->past_late) {
        if (at->i < o->nlate)
            return &o->late[at->i++];
        at->past_late = true;
        at->chunk = o->buckets[0][0].first;
        at->i = 0;
    }
    for (;;) {
        while (at->chunk != NULL) {
            if (at->i < at->chunk->n)
                return &at->chunk->entries[at->i++];
            at->chunk = at->chunk->next;
            at->i = 0;
        }
        if (++at->digit == ORDER_FANOUT) {
            at->digit = 0;
            at->level++;
        }
        if (at->level >= ORDER_LEVELS)
            return NULL;
        at->chunk = o->buckets[at->level][at->digit].first;
    }
}

void order_fini(struct order *o)
{
    struct order_cursor at = {0};
    for (struct order_entry *e; (e = order_next(o, &at)) != NULL;)
        batch_unref(e->b);
    slab_fini(&o->small);
    slab_fini(&o->large);
    mem_free(o->late);
    mem_free(o->ready);
}

static struct order_chunk *chunk_new(struct order *o, unsigned level)
{
    struct order_chunk *c = slab_alloc(level == 0 ? &o->small : &o->large);
    c->next = NULL;
    c->n = 0;
    c->cap = level == 0 ? SMALL_CHUNK : LARGE_CHUNK;
    return c;
}

static void chunk_free(struct order *o, struct order_chunk *c)
{
    slab_free(c->cap == SMALL_CHUNK ? &o->small : &o->large, c);
}

static inline void place(struct order *o, const struct order_entry *e)
{
    uint64_t k = biased(e->ts);
    unsigned level = level_of(k, o->floor);
    unsigned digit = (unsigned)(k >> (8 * level)) & (ORDER_FANOUT - 1);
    struct order_bucket *b = &o->buckets[level][digit];
    struct order_chunk *c = b->last;
    if (c == NULL || c->n == c->cap) {
        struct order_chunk *more = chunk_new(o, level);
        if (c == NULL) {
            b->first = more;
            o->used[level][digit / 64] |= UINT64_C(1) << (digit % 64);
        } else {
            c->next = more;
        }
        b->last = c = more;
    }
    c->entries[c->n++] = *e;
}

void order_push(struct order *o, const struct order_entry *e)
{
    o->waiting++;
    if (biased(e->ts) < o->floor) {
        o->late = mem_grow(o->late, o->nlate, 1, &o->late_cap, sizeof *o->late);
        o->late[o->nlate++] = *e;
        return;
    }
    place(o, e);
}

/* NULL is less than all. */
static int compare_columns(const struct order *o, const struct order_entry *a,
                           const struct order_entry *b)
{
    for (unsigned i = 0; i < o->by->norder; i++) {
        struct value x = batch_value(a->b, o->by->order_columns[i], order_row(a));
        struct value y = batch_value(b->b, o->by->order_columns[i], order_row(b));
        int c = x.null || y.null ? y.null - x.null : value_compare(&x, &y);
        if (c != 0)
            return o->by->order_desc >> i & 1 ? -c : c;
    }
    return 0;
}

static int compare(const struct order *o, const struct order_entry *a, const struct order_entry *b)
{
    if (a->ts != b->ts)
        return a->ts < b->ts ? -1 : 1;
    /* A late row has the last moment of the watermark that it came at: whatever was on time then goes before. */
    bool x_late = a->b->has_late && batch_is_late(a->b, order_row(a));
    bool y_late = b->b->has_late && batch_is_late(b->b, order_row(b));
    if (x_late != y_late)
        return x_late - y_late;
    if (o->by != NULL) {
        int c = compare_columns(o, a, b);
        if (c != 0)
            return c;
    }
    if (a->b->schema != b->b->schema && a->b->schema->id != b->b->schema->id)
        return a->b->schema->id < b->b->schema->id ? -1 : 1;
    if (a->b->partition != b->b->partition)
        return a->b->partition < b->b->partition ? -1 : 1;
    uint64_t x = a->b->offset[order_row(a)], y = b->b->offset[order_row(b)];
    if (x != y)
        return x < y ? -1 : 1;
    return (a->bits > b->bits) - (a->bits < b->bits); /* one row on both sides of a join */
}

static int compare_entries(const void *a, const void *b, void *o)
{
    return compare(o, a, b);
}

static void sort(struct order *o, struct order_entry *e, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (compare(o, &e[i - 1], &e[i]) > 0) {
            qsort_r(e, n, sizeof *e, compare_entries, o);
            return;
        }
}

static void make_ready(struct order *o, const struct order_entry *e, size_t n)
{
    o->ready = mem_grow(o->ready, o->nready, n, &o->ready_cap, sizeof *o->ready);
    memcpy(o->ready + o->nready, e, n * sizeof *e);
    o->nready += n;
}

/* Takes a bucket's chunks out. */
static struct order_chunk *take_bucket(struct order *o, unsigned level, unsigned digit)
{
    struct order_bucket *b = &o->buckets[level][digit];
    struct order_chunk *c = b->first;
    *b = (struct order_bucket){0};
    o->used[level][digit / 64] &= ~(UINT64_C(1) << (digit % 64));
    return c;
}

static void release(struct order *o, unsigned digit)
{
    size_t from = o->nready;
    for (struct order_chunk *c = take_bucket(o, 0, digit), *next; c != NULL; c = next) {
        next = c->next;
        make_ready(o, c->entries, c->n);
        chunk_free(o, c);
    }
    if (o->nready - from > 1)
        sort(o, o->ready + from, o->nready - from);
}

static int first_used(const struct order *o, unsigned level)
{
    for (unsigned w = 0; w < ORDER_FANOUT / 64; w++)
        if (o->used[level][w] != 0)
            return (int)(w * 64) + __builtin_ctzll(o->used[level][w]);
    return -1;
}

/* Moves the first bucket above level 0 down. False: there is none that begins before w. */
static bool move_down(struct order *o, uint64_t w)
{
    for (unsigned level = 1; level < ORDER_LEVELS; level++) {
        int digit = first_used(o, level);
        if (digit < 0)
            continue;
        unsigned shift = 8 * level;
        uint64_t above = level == ORDER_LEVELS - 1 ? 0 : o->floor >> (shift + 8) << (shift + 8);
        uint64_t base = above | (uint64_t)digit << shift, least = UINT64_MAX;
        if (base >= w)
            return false;
        struct order_chunk *first = take_bucket(o, level, (unsigned)digit);
        for (struct order_chunk *c = first; c != NULL; c = c->next)
            for (uint32_t i = 0; i < c->n; i++)
                if (biased(c->entries[i].ts) < least)
                    least = biased(c->entries[i].ts);
        /* Rows to come are not before w, so the floor may rise to it, and no further. */
        o->floor = least < w ? least : w;
        for (struct order_chunk *c = first, *next; c != NULL; c = next) {
            next = c->next;
            for (uint32_t i = 0; i < c->n; i++)
                place(o, &c->entries[i]);
            chunk_free(o, c);
        }
        return true;
    }
    return false;
}

size_t order_take(struct order *o, evtime w, struct order_entry **out)
{
    uint64_t limit = biased(w);
    o->nready = 0;
    if (o->nlate > 0) {
        sort(o, o->late, o->nlate);
        make_ready(o, o->late, o->nlate);
        o->nlate = 0;
    }
    while (o->nready < READY_MIN) {
        int digit = first_used(o, 0);
        if (digit < 0) {
            if (!move_down(o, limit))
                break;
            continue;
        }
        uint64_t k = (o->floor & ~UINT64_C(0xff)) | (unsigned)digit;
        if (k >= limit)
            break;
        o->floor = k;
        release(o, (unsigned)digit);
    }
    o->waiting -= o->nready;
    *out = o->ready;
    return o->nready;
}

bool order_has(const struct order *o, evtime ts)
{
    uint64_t k = biased(ts);
    unsigned level = level_of(k, o->floor);
    if (k < o->floor)
        return false;
    const struct order_bucket *b = &o->buckets[level][k >> (8 * level) & (ORDER_FANOUT - 1)];
    for (const struct order_chunk *c = b->first; c != NULL; c = c->next)
        for (uint32_t i = 0; i < c->n; i++)
            if (c->entries[i].ts == ts)
                return true;
    return false;
}

evtime order_least(const struct order *o)
{
    evtime least = EVTIME_MAX;
    for (size_t i = 0; i < o->nlate; i++)
        least = o->late[i].ts < least ? o->late[i].ts : least;
    for (unsigned level = 0; level < ORDER_LEVELS && least == EVTIME_MAX; level++)
        for (unsigned w = 0; w < ORDER_FANOUT / 64 && least == EVTIME_MAX; w++) {
            if (o->used[level][w] == 0)
                continue;
            unsigned digit = w * 64 + (unsigned)__builtin_ctzll(o->used[level][w]);
            for (const struct order_chunk *c = o->buckets[level][digit].first; c != NULL;
                 c = c->next)
                for (unsigned i = 0; i < c->n; i++)
                    least = c->entries[i].ts < least ? c->entries[i].ts : least;
        }
    return least;
}
