/* SPDX-License-Identifier: Apache-2.0
 *
 * A key's panes, and what has been told of its windows. Which window visits it next, where it lies on the wheel, and the
 * bound of its sums follow from these and from how far time has come.
 *
 * A task that starts from several which were not equally far goes on from the one furthest behind. A key from another has
 * got the results of some windows that are still to fire here: it remembers up to which (`ahead`). */
#include "base/mem.h"
#include "cep/agg/aggbytes.h"
#include "cep/window/windowkey.h"
#include "cep/window/windowmap.h"

enum { HAS_FIRED = 1 };

/* --- accumulators --- */

void windowsave_put_acc(const struct window *w, const uint64_t *acc, struct bytes *out)
{
    for (unsigned i = 0; i < w->p->naggs; i++)
        aggbytes_save(&w->p->aggs[i].agg, &acc[w->p->aggs[i].at], out);
}

/* Of another version: what this one does not have is left out, what that one did not have begins empty. */
static enum err load_mapped(const struct window *w, const struct windowmap *map, uint64_t *acc,
                            struct bytes_reader *in)
{
    enum err e = ERR_OK;
    for (unsigned i = 0; i < map->from->naggs && e == ERR_OK; i++) {
        uint64_t lost[AGG_SIZE_MAX / sizeof(uint64_t)] = {0};
        const struct agg *agg = &map->from->aggs[i].agg;
        int to = map->aggs[i];
        e = aggbytes_load(agg, to < 0 ? lost : &acc[w->p->aggs[to].at], in);
        if (e == ERR_OK && to < 0)
            agg_clear(agg, lost);
    }
    return e;
}

enum err windowsave_load_acc(const struct window *w, const struct windowmap *map, uint64_t *acc,
                             struct bytes_reader *in)
{
    enum err e = map != NULL ? load_mapped(w, map, acc, in) : ERR_OK;
    for (unsigned i = 0; map == NULL && i < w->p->naggs && e == ERR_OK; i++)
        e = aggbytes_load(&w->p->aggs[i].agg, &acc[w->p->aggs[i].at], in);
    if (e != ERR_OK)
        windowprog_clear(w->p, acc);
    return e;
}

/* --- panes --- */

static void put_panes(const struct window *w, const struct windowpanes_cell *c, struct bytes *out)
{
    bool ahead = c->state.room != 0;
    bytes_u8(out, ahead ? HAS_FIRED : 0);
    if (ahead)
        bytes_u64(out, (uint64_t)w->ahead[c->state.room - 1]);
    bytes_varint(out, c->n);
    for (unsigned i = 0; i < c->n; i++) {
        const struct windowkey_pane *p = windowkey_pane(w, c, i);
        if (i == 0)
            bytes_u64(out, (uint64_t)p->pane);
        else
            bytes_varint(out, (uint64_t)(p->pane - windowkey_pane(w, c, i - 1)->pane));
        windowsave_put_acc(w, p->acc, out);
    }
    bytes_varint(out, c->ntold);
    for (unsigned i = 0; i < c->ntold; i++) {
        bytes_u64(out, (uint64_t)c->told[i].window);
        bytes_varint(out, c->told[i].told.results);
        bytes_varint(out, c->told[i].told.retracted);
    }
}

static void set_ahead(struct window *w, struct windowpanes_cell *c, evtime fired)
{
    unsigned at = 0;
    while (at < w->nahead && w->ahead[at] != fired)
        at++;
    if (at == w->nahead) {
        w->ahead = mem_resize_array(w->ahead, w->nahead + 1, sizeof *w->ahead);
        w->ahead[w->nahead++] = fired;
    }
    c->state.room = at + 1;
}

/* number: of the pane before it, if it is not the first. */
static bool read_pane(struct window *w, const struct keyload *l, struct windowpanes_cell *c,
                      bool first, int64_t *number, struct bytes_reader *in)
{
    const struct windowpane *panes = &w->p->panes;
    int64_t last = windowpane_of(panes, EVTIME_MAX / 4);
    if (first) {
        *number = (int64_t)bytes_get_u64(in);
        if (*number < windowpane_of(panes, -(EVTIME_MAX / 4)) || *number > last)
            return false;
    } else {
        uint64_t more = bytes_get_varint(in);
        if (more == 0 || more > (uint64_t)(last - *number))
            return false;
        *number += (int64_t)more;
    }
    if (in->bad)
        return false;
    struct windowkey_pane *p = windowkey_pane_for(w, c, *number);
    return p != NULL && windowsave_load_acc(w, l->windows, p->acc, in) == ERR_OK;
}

/* What was told of windows of another size, or is not wanted any more, is left out. */
static bool read_told(struct window *w, const struct keyload *l, struct windowpanes_cell *c,
                      struct bytes_reader *in)
{
    const struct windowpane *p = &w->p->panes;
    struct windowkey_told told = {.window = (int64_t)bytes_get_u64(in)};
    uint64_t results = bytes_get_varint(in), retracted = bytes_get_varint(in);
    if (l->windows != NULL && (l->windows->resized || w->p->w->lateness_ms == 0))
        return !in->bad;
    if (in->bad || results == 0 || results > UINT32_MAX || retracted > 1 ||
        w->p->w->lateness_ms == 0 ||
        told.window < windowpane_first_window(p, windowpane_of(p, -(EVTIME_MAX / 4))) ||
        told.window > windowpane_last_window(p, windowpane_of(p, EVTIME_MAX / 4)))
        return false;
    told.told = (struct windowrun_told){(uint32_t)results, (uint32_t)retracted};
    windowkey_set_told(w, c, &told);
    return true;
}

static enum err load_panes(struct window *w, struct keyload *l, struct bytes_reader *in)
{
    uint8_t flags = bytes_get_u8(in);
    evtime said = flags & HAS_FIRED ? (evtime)bytes_get_u64(in) : EVTIME_MIN;
    evtime fired = l->now > said ? l->now : said;
    uint64_t n = bytes_get_varint(in);
    if (in->bad || n > UINT16_MAX)
        return ERR_CORRUPT;
    struct windowpanes_cell *c = windowpanes_make(w, l->key);
    int64_t number = 0;
    bool good = true;
    for (uint64_t i = 0; i < n && good; i++)
        good = read_pane(w, l, c, i == 0, &number, in);
    uint64_t told = good ? bytes_get_varint(in) : 0;
    for (uint64_t i = 0; i < told && good; i++)
        good = read_told(w, l, c, in);
    if (good && l->windows != NULL && l->windows->resized &&
        keyload_is_time(w->now)) /* in windows that have fired */
        windowkey_drop(w, c, windowkey_last_closed(w, w->now));
    if (good && !in->bad && fired > w->now) {
        set_ahead(w, c, fired);
        l->changed |= fired != said;
    }
    if (good && !in->bad && windowpanes_settle(w, c))
        return ERR_OK;
    windowpanes_unmake(w, c);
    l->changed = true;
    return good && !in->bad ? ERR_OK : ERR_CORRUPT;
}

static evtime when_panes(const struct window *w, const struct windowpanes_cell *c)
{
    const struct windowpane *p = &w->p->panes;
    if (c->n == 0)
        return EVTIME_MIN;
    int64_t next = windowpane_first_window(p, windowkey_pane(w, c, 0)->pane);
    int64_t newest = windowkey_newest_window(w, c), fired = windowkey_last_fired(w);
    next = next > fired ? next : fired + 1;
    return next <= newest ? windowpane_end(p, next)
                          : windowpane_end(p, newest) + w->p->w->lateness_ms;
}

/* --- of both kinds --- */

void windowsave_put(const struct window *w, const struct keystate *state, struct keysave *rows,
                    struct bytes *out)
{
    if (w->p->by_panes)
        put_panes(w, (const struct windowpanes_cell *)(const void *)state, out);
    else
        windowlistsave_put(w, state, rows, out);
}

enum err windowsave_load(struct window *w, struct keyload *l, struct bytes_reader *in)
{
    return w->p->by_panes ? load_panes(w, l, in) : windowlistsave_load(w, l, in);
}

void windowsave_put_head(const struct window *w, struct bytes *out)
{
    bytes_u64(out, (uint64_t)w->now);
}

enum err windowsave_load_head(struct window *w, struct bytes_reader *in)
{
    evtime now = (evtime)bytes_get_u64(in);
    if (in->bad || (now != EVTIME_MIN && !keyload_is_time(now)))
        return ERR_CORRUPT;
    if (!w->restored || now < w->now)
        w->now = now;
    w->restored = true;
    return ERR_OK;
}

void windowsave_loaded(struct window *w)
{
    (void)w; /* each is in its place when it is loaded */
}

evtime windowsave_when(const struct window *w, const struct keystate *state)
{
    return w->p->by_panes ? when_panes(w, (const struct windowpanes_cell *)(const void *)state)
                          : windowlistsave_when(w, state);
}
