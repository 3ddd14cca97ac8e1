/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/gather.h"
#include "base/mem.h"
#include <string.h>

void gather_reset(struct gather *g)
{
    for (size_t i = 0; i < g->n; i++)
        batch_unref(g->batches[i]);
    g->n = 0;
}

void gather_fini(struct gather *g)
{
    gather_reset(g);
    mem_free(g->batches);
}

static bool same_columns(const struct batch *a, const struct batch *b)
{
    return memcmp(&a->present, &b->present, sizeof a->present) == 0 &&
           a->dict_serial == b->dict_serial &&
           memcmp(&a->with_ids, &b->with_ids, sizeof a->with_ids) == 0;
}

/* For rows of b. */
static struct batch *empty_like(const struct batch *b)
{
    struct batch *to = batch_new(b->schema, &b->present);
    to->partition = b->partition;
    to->dict_serial = b->dict_serial;
    to->with_ids = b->with_ids;
    return to;
}

/* The batch that b's rows go behind, with room for all of them. */
static struct batch *open_batch(struct gather *g, const struct batch *b)
{
    size_t i = 0;
    while (i < g->n &&
           (g->batches[i]->schema != b->schema || g->batches[i]->partition != b->partition))
        i++;
    if (i == g->n) {
        g->batches = mem_grow(g->batches, g->n, 1, &g->cap, sizeof(struct batch *));
        g->batches[g->n++] = NULL;
    }
    struct batch *to = g->batches[i];
    if (to != NULL && to->n + b->n <= BATCH_ROWS && same_columns(to, b))
        return to;
    batch_unref(to);
    return g->batches[i] = empty_like(b);
}

struct batch *gather_part(const struct batch *b, unsigned from, unsigned to)
{
    struct batch *part = empty_like(b);
    for (unsigned i = from; i < to; i++)
        batch_append(part, b, i);
    return part;
}

struct batch *gather_rows(struct gather *g, const struct batch *b, const uint64_t *rows,
                          uint16_t *at)
{
    if (b->n > GATHER_SMALL)
        return NULL;
    struct batch *to = open_batch(g, b);
    for (unsigned w = 0; w < (b->n + 63) / 64; w++)
        for (uint64_t left = rows[w]; left != 0; left &= left - 1) {
            unsigned i = w * 64 + (unsigned)__builtin_ctzll(left);
            at[i] = (uint16_t)to->n;
            batch_append(to, b, i);
        }
    return to;
}
