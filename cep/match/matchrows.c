/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of a key that have come: those before the one in hand, for PREV; for a rule whose conditions or measures read NEXT,
 * those after it, which must have come before it is given; for one whose conditions read MATCH_NUMBER(), all from where
 * the match in hand begins, since the next one may begin at any of them and must see them again. */
#include "base/mem.h"
#include "cep/match/matchrun.h"
#include <string.h>

struct match_memory *matchrows_new(struct match *m, struct match_cell *c)
{
    struct match_memory *h = mem_new(sizeof *h);
    h->cell = c;
    h->after = m->memories;
    if (h->after != NULL)
        h->after->before = h;
    m->memories = h;
    return h;
}

void matchrows_free(struct match *m, struct match_memory *h)
{
    if (h == NULL)
        return;
    for (size_t i = h->from; i < h->n; i++)
        keyed_unref(m->k, h->rows[i].row);
    *(h->before != NULL ? &h->before->after : &m->memories) = h->after;
    if (h->after != NULL)
        h->after->before = h->before;
    mem_free(h->rows);
    mem_free(h);
}

static uint64_t row_conditions(const struct match_prog *p, const struct keyed_row *r)
{
    uint64_t holds = 0;
    for (uint64_t v = p->nfa->vars; v != 0; v &= v - 1)
        if (keyed_bit(r, p->var_bits[__builtin_ctzll(v)]))
            holds |= v & -v;
    return holds;
}

void matchrows_add(struct match *m, struct match_cell *c, struct keyed_row *r)
{
    struct match_memory *h = c->memory;
    h->rows = mem_grow(h->rows, h->n, 1, &h->cap, sizeof *h->rows);
    h->rows[h->n++] = (struct match_seen){.row = keyed_keep_row(m->k, r),
                                          .holds = m->p->queued ? row_conditions(m->p, r) : 0};
    if (!m->p->queued)
        h->next = h->n;
}

bool matchrows_next(struct match *m, struct match_cell *c, bool all, struct keyed_row *out)
{
    const struct match_prog *p = m->p;
    struct match_memory *h = c->memory;
    if (h->next == h->n || (!all && h->n - h->next <= p->ahead))
        return false;
    const struct match_seen *s = &h->rows[h->next++];
    for (uint64_t v = p->nfa->vars; v != 0; v &= v - 1) {
        unsigned bit = p->var_bits[__builtin_ctzll(v)];
        m->bits[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
    }
    for (uint64_t v = s->holds; v != 0; v &= v - 1) {
        unsigned bit = p->var_bits[__builtin_ctzll(v)];
        m->bits[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
    *out = (struct keyed_row){.ts = s->row->row.ts,
                              .bits = m->bits,
                              .fold = UINT64_MAX,
                              .seq = s->row->seq,
                              .kept = s->row};
    return true;
}

size_t matchrows_find(const struct match_memory *h, uint64_t seq)
{
    size_t lo = h->from, hi = h->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (h->rows[mid].row->seq < seq)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct kept *matchrows_beside(const struct match_memory *h, uint64_t seq, int32_t by)
{
    if (h == NULL)
        return NULL;
    int64_t at = (int64_t)matchrows_find(h, seq) + by;
    if (at < (int64_t)h->from || at >= (int64_t)h->n)
        return NULL;
    return h->rows[at].row;
}

void matchrows_trim(struct match *m, struct match_cell *c)
{
    struct match_memory *h = c->memory;
    size_t first = h->next; /* the rows that a run or the queue may still ask for */
    if (c->first != NULL) {
        size_t start = matchrows_find(h, c->first->start);
        first = start < first ? start : first;
    }
    while (first - h->from > m->p->history)
        keyed_unref(m->k, h->rows[h->from++].row);
    if (h->from > 0 && 2 * h->from >= h->n) {
        memmove(h->rows, h->rows + h->from, (h->n - h->from) * sizeof *h->rows);
        h->n -= h->from;
        h->next -= h->from;
        h->from = 0;
    }
}
