/* SPDX-License-Identifier: Apache-2.0
 *
 * What a window keeps beyond its accumulators: rows, where an evictor or the output needs them; results whose place it
 * takes. */
#include "base/mem.h"
#include "cep/window/windowlist.h"
#include <string.h>

enum { ROWS_FIRST = 4 };

struct windowlist_more *windowlistrow_more(struct window *w, struct windowlist_one *one)
{
    if (one->more == NULL) {
        one->more = slabs_alloc(&w->memory, sizeof *one->more);
        *one->more = (struct windowlist_more){.one = one, .next = EVTIME_MAX};
        timer_init(&one->more->clock);
    }
    return one->more;
}

static void set_rows_cap(struct window *w, struct windowlist_more *m, uint32_t cap)
{
    struct kept **more = cap == 0 ? NULL : slabs_alloc(&w->memory, cap * sizeof *more);
    if (more != NULL && m->nrows > 0)
        memcpy(more, m->rows, m->nrows * sizeof *more);
    if (m->rows_cap > 0)
        slabs_free(&w->memory, m->rows, m->rows_cap * sizeof *m->rows);
    m->rows = more;
    m->rows_cap = cap;
}

static void drop_first(struct window *w, struct windowlist_more *m, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        keyed_unref(w->k, m->rows[i]);
    m->nrows -= n;
    if (n > 0)
        memmove(m->rows, m->rows + n, m->nrows * sizeof *m->rows);
}

static bool is_older(const struct kept *r, evtime cut)
{
    return r->row.ts <= cut;
}

/* Rows of a time are anywhere among those that came out of order. */
static void drop_older(struct window *w, struct windowlist_more *m, evtime cut)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->nrows; i++)
        if (is_older(m->rows[i], cut))
            keyed_unref(w->k, m->rows[i]);
        else
            m->rows[n++] = m->rows[i];
    m->nrows = n;
}

void windowlistrow_evict(struct window *w, struct windowlist_one *one)
{
    const struct window_plan *p = w->p->w;
    struct windowlist_more *m = one->more;
    if (m == NULL || m->nrows == 0)
        return;
    if (p->evictor == EVICTOR_COUNT && m->nrows > p->spares) {
        drop_first(w, m, m->nrows - (uint32_t)p->spares);
    } else if (p->evictor == EVICTOR_TIME) {
        evtime newest = EVTIME_MIN;
        for (uint32_t i = 0; i < m->nrows; i++)
            newest = m->rows[i]->row.ts > newest ? m->rows[i]->row.ts : newest;
        drop_older(w, m, newest - p->spares);
    }
}

/* What the evictor would take anyway need not be kept: the newest time only grows, and the last rows are the last. */
static void make_room(struct window *w, struct windowlist_one *one)
{
    struct windowlist_more *m = one->more;
    if (m->nrows < m->rows_cap)
        return;
    if (!w->p->w->evict_after)
        windowlistrow_evict(w, one);
    if (m->nrows >= WINDOWLIST_ROWS_MAX) {
        drop_first(w, m, 1);
        w->k->partials_dropped++;
    }
    if (m->nrows > m->rows_cap / 2 || m->rows_cap == 0)
        set_rows_cap(w, m, m->rows_cap == 0 ? ROWS_FIRST : 2 * m->rows_cap);
}

void windowlistrow_append(struct window *w, struct windowlist_more *m, struct kept *row)
{
    if (m->nrows == m->rows_cap)
        set_rows_cap(w, m, m->rows_cap == 0 ? ROWS_FIRST : 2 * m->rows_cap);
    m->rows[m->nrows++] = row;
}

void windowlistrow_keep(struct window *w, struct windowlist_one *one, struct keyed_row *r)
{
    struct windowlist_more *m = windowlistrow_more(w, one);
    make_room(w, one);
    m->rows[m->nrows++] = keyed_keep_row(w->k, r);
}

void windowlistrow_clear(struct window *w, struct windowlist_one *one)
{
    if (one->more != NULL)
        drop_first(w, one->more, one->more->nrows);
}

void windowlistrow_replace_id(struct window *w, struct windowlist_more *m,
                              const uint8_t id[RESULT_ID_BYTES])
{
    if (m->nreplaces == m->replaces_cap) {
        uint32_t cap = m->replaces_cap == 0 ? 1 : 2 * m->replaces_cap;
        uint8_t(*more)[RESULT_ID_BYTES] = slabs_alloc(&w->memory, cap * sizeof *more);
        if (m->nreplaces > 0)
            memcpy(more, m->replaces, m->nreplaces * sizeof *more);
        if (m->replaces_cap > 0)
            slabs_free(&w->memory, m->replaces, m->replaces_cap * sizeof *more);
        m->replaces = more;
        m->replaces_cap = cap;
    }
    memcpy(m->replaces[m->nreplaces++], id, RESULT_ID_BYTES);
}

void windowlistrow_replace(struct window *w, struct windowlist_one *into,
                           const struct windowlist_one *from)
{
    struct windowlist_more *m = windowlistrow_more(w, into);
    const struct key *key = from->cell->state.key;
    struct result_row row = {-1, from->origin, from->oldest};
    struct result r = {.rule = w->rule.plan,
                       .rule_uid = w->rule.uid,
                       .kind = RESULT_MATCH,
                       .key = key->bytes,
                       .key_len = key->len,
                       .nrows = 1,
                       .rows = &row,
                       .window_start = from->start,
                       .window_end = from->end};
    result_make_id(&r);
    windowlistrow_replace_id(w, m, r.id);
}

/* By the order in which they came. */
static void merge_rows(struct window *w, struct windowlist_more *into, struct windowlist_more *from)
{
    uint32_t n = into->nrows + from->nrows, a = 0, b = 0;
    if (from->nrows == 0)
        return;
    struct kept **all = slabs_alloc(&w->memory, n * sizeof *all);
    for (uint32_t i = 0; i < n; i++) {
        bool left =
            b == from->nrows || (a < into->nrows && into->rows[a]->seq < from->rows[b]->seq);
        all[i] = left ? into->rows[a++] : from->rows[b++];
    }
    if (into->rows_cap > 0)
        slabs_free(&w->memory, into->rows, into->rows_cap * sizeof *all);
    into->rows = all;
    into->nrows = into->rows_cap = n;
    from->nrows = 0;
}

void windowlistrow_merge(struct window *w, struct windowlist_one *into, struct windowlist_one *from)
{
    if (from->more == NULL)
        return;
    struct windowlist_more *m = windowlistrow_more(w, into);
    merge_rows(w, m, from->more);
    for (uint32_t i = 0; i < from->more->nreplaces; i++)
        windowlistrow_replace_id(w, m, from->more->replaces[i]);
    m->next = from->more->next < m->next ? from->more->next : m->next;
}

void windowlistrow_free_more(struct window *w, struct windowlist_one *one)
{
    struct windowlist_more *m = one->more;
    if (m == NULL)
        return;
    windowlistrow_clear(w, one);
    set_rows_cap(w, m, 0);
    if (m->replaces_cap > 0)
        slabs_free(&w->memory, m->replaces, m->replaces_cap * sizeof *m->replaces);
    slabs_free(&w->memory, m, sizeof *m);
    one->more = NULL;
}
