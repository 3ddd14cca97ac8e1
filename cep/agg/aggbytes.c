/* SPDX-License-Identifier: Apache-2.0
 *
 * Words as they are, in little-endian; a text after the words that lead to it; what hangs on a pointer in its own form. */
#include "cep/agg/aggbytes.h"
#include "base/mem.h"
#include "cep/agg/aggacc.h"
#include <string.h>

/* More rows than any accumulator has seen, few enough that many may be merged. */
#define ROWS_MAX (UINT64_C(1) << 56)

static void cell_save(const struct agg *a, union cell c, struct bytes *out)
{
    if (a->holds)
        bytes_str(out, c.s.p, c.s.n);
    else
        bytes_u64(out, (uint64_t)c.i);
}

static bool cell_load(const struct agg *a, union cell *c, struct bytes_reader *r)
{
    size_t n = 0;
    if (!a->holds) {
        c->i = (int64_t)bytes_get_u64(r);
        return !r->bad;
    }
    const char *p = bytes_get_str(r, &n);
    if (r->bad || n > UINT32_MAX)
        return false;
    c->s = (struct str){mem_dup(p, n), (uint32_t)n, 0};
    return true;
}

static void held_save(const struct agg *a, const union held_acc *acc, struct bytes *out)
{
    if (a->distinct || a->kind == AGG_TOP)
        aggset_save(acc->set, a->arg, out);
    else if (a->kind == AGG_LIST_AGG)
        agglist_save(acc->list, out);
    else if (a->kind == AGG_APPROX_COUNT_DISTINCT)
        agghll_save(acc->hll, out);
    else
        aggquantile_save(acc->quantile, out);
}

static enum err held_load(const struct agg *a, union held_acc *acc, struct bytes_reader *r)
{
    if (a->distinct || a->kind == AGG_TOP)
        return aggset_load(&acc->set, a->arg, r);
    if (a->kind == AGG_LIST_AGG)
        return agglist_load(&acc->list, r);
    if (a->kind == AGG_APPROX_COUNT_DISTINCT)
        return agghll_load(&acc->hll, r);
    return aggquantile_load(&acc->quantile, r);
}

/* Words before the value that MIN, MAX, FIRST and LAST keep; of the others, all. */
static size_t words_of(const struct agg *a)
{
    switch (a->kind) {
    case AGG_MIN:
    case AGG_MAX:
        return offsetof(struct best_acc, c) / 8;
    case AGG_FIRST:
    case AGG_LAST:
        return offsetof(struct edge_acc, c) / 8;
    default:
        return a->size / 8;
    }
}

void aggbytes_save(const struct agg *a, const void *acc, struct bytes *out)
{
    if (a->holds && a->size == sizeof(union held_acc)) {
        held_save(a, acc, out);
        return;
    }
    const uint64_t *w = acc;
    for (size_t i = 0; i < words_of(a); i++)
        bytes_u64(out, w[i]);
    if (words_of(a) < a->size / 8 && w[0] != 0)
        cell_save(a, *(const union cell *)(const void *)(w + words_of(a)), out);
}

enum err aggbytes_load(const struct agg *a, void *acc, struct bytes_reader *r)
{
    if (a->holds && a->size == sizeof(union held_acc))
        return held_load(a, acc, r);
    uint64_t *w = acc;
    for (size_t i = 0; i < words_of(a); i++)
        w[i] = bytes_get_u64(r);
    bool good = !r->bad && w[0] <= ROWS_MAX;
    if (good && words_of(a) < a->size / 8 && w[0] != 0)
        good = cell_load(a, (union cell *)(void *)(w + words_of(a)), r);
    if (!good)
        memset(acc, 0, a->size);
    return good ? ERR_OK : ERR_CORRUPT;
}
