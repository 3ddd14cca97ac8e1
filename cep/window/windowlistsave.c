/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows that have a state each: of a key all, in their order. Timers are set anew: what a window waits for can be seen from
 * it; but for the clock's, which is set or not (it may have come to that time in one task, and not in another). */
#include "cep/window/windowlist.h"

enum {
    SOME = 1,
    ENDED = 2,
    HAS_MORE = 4,
    FRESH = 8, /* of `more` */
    CLOCK = 16
};

/* --- to bytes --- */

static void put_more(const struct windowlist_more *m, struct keysave *rows, struct bytes *out)
{
    bytes_u64(out, (uint64_t)m->next);
    bytes_varint(out, m->nrows);
    for (uint32_t i = 0; i < m->nrows; i++)
        bytes_varint(out, keysave_row(rows, m->rows[i]));
    bytes_varint(out, m->nreplaces);
    bytes_put(out, m->replaces, (size_t)m->nreplaces * RESULT_ID_BYTES);
}

static void put_one(const struct window *w, const struct windowlist_one *one, struct keysave *rows,
                    struct bytes *out)
{
    const struct windowlist_more *m = one->more;
    unsigned flags = (one->some ? SOME : 0) | (one->ended ? ENDED : 0);
    if (m != NULL)
        flags |= HAS_MORE | (m->is_fresh ? FRESH : 0u) | (timer_is_set(&m->clock) ? CLOCK : 0u);
    bytes_u8(out, (uint8_t)flags);
    bytes_u64(out, (uint64_t)one->start);
    bytes_u64(out, (uint64_t)one->end);
    bytes_u64(out, (uint64_t)one->newest);
    bytes_u64(out, (uint64_t)one->oldest);
    bytes_varint(out, one->origin.partition);
    bytes_varint(out, one->origin.offset);
    bytes_varint(out, one->told.results);
    bytes_varint(out, one->told.retracted);
    bytes_varint(out, one->since);
    windowsave_put_acc(w, one->acc, out);
    if (m != NULL)
        put_more(m, rows, out);
}

void windowlistsave_put(const struct window *w, const struct keystate *state, struct keysave *rows,
                        struct bytes *out)
{
    const struct windowlist_cell *c = (const struct windowlist_cell *)(const void *)state;
    uint64_t n = 0;
    for (const struct windowlist_one *one = c->first; one != NULL; one = one->next)
        n++;
    bytes_varint(out, n);
    for (const struct windowlist_one *one = c->first; one != NULL; one = one->next)
        put_one(w, one, rows, out);
}

/* --- from bytes --- */

static bool load_more(struct window *w, struct windowlist_one *one, const struct keyload *l,
                      struct bytes_reader *in)
{
    struct windowlist_more *m = windowlistrow_more(w, one);
    m->next = (evtime)bytes_get_u64(in);
    if (m->next != EVTIME_MAX && !keyload_is_time(m->next))
        return false;
    uint64_t n = bytes_get_varint(in);
    for (uint64_t i = 0; i < n; i++) {
        struct kept *row = keyload_row(l, bytes_get_varint(in));
        if (row == NULL)
            return false;
        windowlistrow_append(w, m, row);
        if (in->bad || !keyload_is_time(row->row.ts) || m->nrows > WINDOWLIST_ROWS_MAX)
            return false;
    }
    n = bytes_get_varint(in);
    for (uint64_t i = 0; i < n; i++) {
        const uint8_t *id = bytes_get(in, RESULT_ID_BYTES);
        if (in->bad)
            return false;
        windowlistrow_replace_id(w, m, id);
    }
    return !in->bad;
}

static bool is_bounded(const struct window *w)
{
    enum window_kind kind = w->p->w->kind;
    return kind == WINDOW_SESSION || kind == WINDOW_TUMBLE || kind == WINDOW_HOP ||
           kind == WINDOW_CUMULATE;
}

/* Of a window that is to stand behind `last` (NULL: the first). */
static bool are_bounds(const struct window *w, const struct windowlist_one *last, evtime start,
                       evtime end)
{
    if (!is_bounded(w))
        return last == NULL && start == EVTIME_MIN && end == WINDOWLIST_UNBOUNDED;
    return keyload_is_time(start) && keyload_is_time(end) && start < end &&
           (last == NULL || last->start <= start);
}

static bool is_row_time(evtime t, evtime none)
{
    return t == none || keyload_is_time(t);
}

static bool load_told(struct windowlist_one *one, struct bytes_reader *in)
{
    uint64_t results = bytes_get_varint(in), retracted = bytes_get_varint(in);
    uint64_t since = bytes_get_varint(in);
    one->told = (struct windowrun_told){(uint32_t)results, (uint32_t)retracted};
    one->since = (uint32_t)since;
    return results <= UINT32_MAX && retracted <= 1 && since <= UINT32_MAX && !in->bad;
}

static bool load_one(struct window *w, struct windowlist_cell *c, struct windowlist_one **last,
                     const struct keyload *l, struct bytes_reader *in)
{
    uint8_t flags = bytes_get_u8(in);
    evtime start = (evtime)bytes_get_u64(in), end = (evtime)bytes_get_u64(in);
    if (in->bad || !are_bounds(w, *last, start, end))
        return false;
    struct windowlist_one *one =
        windowlist_add(w, c, *last == NULL ? &c->first : &(*last)->next, start, end);
    *last = one;
    one->some = flags & SOME;
    one->ended = flags & ENDED;
    one->newest = (evtime)bytes_get_u64(in);
    one->oldest = (evtime)bytes_get_u64(in);
    uint64_t partition = bytes_get_varint(in), offset = bytes_get_varint(in);
    one->origin = (struct place){w->k->schema->id, (uint32_t)partition, offset};
    if (partition > UINT32_MAX || !is_row_time(one->newest, EVTIME_MIN) ||
        !is_row_time(one->oldest, EVTIME_MAX) || !load_told(one, in) ||
        windowsave_load_acc(w, l->windows, one->acc, in) != ERR_OK)
        return false;
    if (flags & HAS_MORE && !load_more(w, one, l, in))
        return false;
    timers_set(&w->timers, &one->timer, windowlist_due_at(w, one, true));
    if (flags & FRESH)
        windowlist_set_fresh(w, one, true);
    if (flags & CLOCK)
        timers_set(&w->clocks, &windowlistrow_more(w, one)->clock, end);
    return !in->bad;
}

enum err windowlistsave_load(struct window *w, const struct keyload *l, struct bytes_reader *in)
{
    uint64_t n = bytes_get_varint(in);
    if (in->bad || n == 0)
        return ERR_CORRUPT;
    struct windowlist_cell *c = windowlist_make(w, l->key);
    struct windowlist_one *last = NULL;
    for (uint64_t i = 0; i < n; i++)
        if (!load_one(w, c, &last, l, in)) {
            windowlist_drop(w, &c->state);
            return ERR_CORRUPT;
        }
    return ERR_OK;
}

/* The clock, and triggers that ask for no more than that time goes on, do not wait for a watermark that is known. */
evtime windowlistsave_when(const struct window *w, const struct keystate *state)
{
    const struct windowlist_cell *c = (const struct windowlist_cell *)(const void *)state;
    evtime first = EVTIME_MAX;
    for (const struct windowlist_one *one = c->first; one != NULL; one = one->next) {
        evtime at = windowlist_due_at(w, one, true);
        if (one->more != NULL && (one->more->is_fresh || timer_is_set(&one->more->clock)))
            return EVTIME_MIN;
        first = at < first ? at : first;
    }
    return first;
}
