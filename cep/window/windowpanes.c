/* SPDX-License-Identifier: Apache-2.0
 *
 * A key's state is a short list of panes, in order, each with its accumulators; only panes that a row fell into are there.
 * Keys that the next window visits are in one vector. When a window ends the vector is gone through once: panes of the
 * window are merged, HAVING is asked, panes that no later window has are dropped, and a key without panes leaves. So a row
 * is visited size / slide times at most after it was added, and keys that are quiet cost nothing.
 *
 * Where HAVING asks for at least so much of a number that rows make grow (COUNT(*) >= 10), a key whose panes together
 * have less is not visited at all: its windows cannot have more. Such keys, and keys whose windows late rows may still
 * change, are forgotten through a wheel: a key lies in the bucket of the window after which nobody wants it, and is
 * put into a later one if rows have come since.
 *
 * A late row is given when all windows that its own partition had passed have fired: it changes those, as updates, if they
 * are within the allowed lateness, and counts in those that are to fire. */
#include "base/mem.h"
#include "cep/window/windowkey.h"
#include <string.h>

enum { AHEAD = 8, BUCKETS_MAX = 1024, BUCKET_KEPT = 1 << 16 };
#define NOT_ACTIVE UINT32_MAX

/* --- keys to be visited, keys to be forgotten --- */

static void activate(struct window *w, struct windowpanes_cell *c)
{
    if (c->at != NOT_ACTIVE)
        return;
    w->active =
        mem_grow(w->active, w->nactive, 1, &w->active_cap, sizeof(struct windowpanes_cell *));
    c->at = (uint32_t)w->nactive;
    w->active[w->nactive++] = c;
}

static void deactivate(struct window *w, struct windowpanes_cell *c)
{
    if (c->at == NOT_ACTIVE)
        return;
    w->active[c->at] = w->active[--w->nactive];
    w->active[c->at]->at = c->at;
    c->at = NOT_ACTIVE;
}

static int64_t group_of(const struct window *w, int64_t window)
{
    int64_t q = window / w->grain;
    return window % w->grain < 0 ? q - 1 : q;
}

/* It is looked at when this window closes, or soon after. */
static void put_on_wheel(struct window *w, struct windowpanes_cell *c, int64_t window)
{
    int64_t group = group_of(w, window);
    if (!w->has_swept) {
        w->has_swept = true;
        w->swept = group - 1;
    }
    if (group <= w->swept)
        group = w->swept + 1;
    struct windowrun_bucket *b = &w->wheel[(uint64_t)group & (w->nbuckets - 1)];
    b->cells = mem_grow(b->cells, b->n, 1, &b->cap, sizeof(struct windowpanes_cell *));
    b->cells[b->n++] = c;
}

struct windowpanes_cell *windowpanes_make(struct window *w, struct key *key)
{
    struct windowpanes_cell *c = slab_alloc(&w->cells);
    *c = (struct windowpanes_cell){.at = NOT_ACTIVE};
    windowkey_set_cap(w, c, w->p->panes.size == w->p->panes.slide ? 1 : 2);
    w->k->windows++;
    keytable_link(key, &c->state, w->rule.slot);
    return c;
}

/* Where keys sleep, each window fires while there are keys: this one, which has not fired yet, is the next for a new one. */
static void begin_at(struct window *w, int64_t window)
{
    evtime end = windowpane_end(&w->p->panes, window);
    if (!w->has_swept || w->cells.live == 1 /* nothing is on the wheel */ || window - 1 < w->swept)
        w->swept = window - 1;
    w->has_swept = true;
    w->next = end < w->next ? end : w->next;
}

/* from: the time of its first row, or the watermark if that is further. */
static struct windowpanes_cell *cell_new(struct window *w, struct key *key, int64_t pane,
                                         evtime from)
{
    struct windowpanes_cell *c = windowpanes_make(w, key);
    if (w->p->sleeps)
        begin_at(w, windowpane_ending_after(&w->p->panes, from));
    if (w->nbuckets > 0)
        put_on_wheel(w, c, windowpane_last_window(&w->p->panes, pane));
    return c;
}

static void cell_free(struct window *w, struct windowpanes_cell *c)
{
    for (unsigned i = 0; i < c->n; i++)
        windowkey_clear(w, windowkey_pane(w, c, i));
    c->n = 0;
    windowkey_set_cap(w, c, 0);
    windowkey_free_told(w, c);
    deactivate(w, c);
    w->k->windows--;
    keytable_unlink(&c->state);
    slab_free(&w->cells, c);
}

static void forget(struct window *w, struct windowpanes_cell *c)
{
    struct key *key = c->state.key;
    keyed_touch(w->k, key);
    cell_free(w, c);
    keyed_drop_if_idle(w->k, key);
}

/* What is behind a cell: its panes, and the key, which is told of changes if it is asked. */
static inline void prefetch_cell(const struct window *w, const struct windowpanes_cell *c)
{
    __builtin_prefetch(c->panes);
    if (w->k->track.on)
        __builtin_prefetch(&c->state.key->track);
}

static void look_at(struct window *w, struct windowrun_bucket *bucket, int64_t closed)
{
    struct windowrun_bucket b = *bucket;
    *bucket = (struct windowrun_bucket){0};
    for (size_t i = 0; i < b.n; i++) {
        struct windowpanes_cell *c = b.cells[i];
        if (i + AHEAD < b.n)
            __builtin_prefetch(b.cells[i + AHEAD]);
        windowkey_drop(w, c, closed);
        if (c->n == 0)
            forget(w, c);
        else
            put_on_wheel(w, c, windowkey_newest_window(w, c));
    }
    mem_free(b.cells);
}

/* The bounding number of all panes that a window after this one has. */
static void count_total(struct window *w, struct windowpanes_cell *c, int64_t window)
{
    __int128 total = 0;
    bool some = false;
    for (unsigned i = c->n; i-- > 0;) {
        const struct windowkey_pane *p = windowkey_pane(w, c, i);
        if (windowpane_last_window(&w->p->panes, p->pane) <= window)
            break;
        some = true;
        total += windowprog_number(w->p, (unsigned)w->p->bound, p->acc);
    }
    c->wild &= some;
    c->total = total > INT64_MAX ? INT64_MAX : total < INT64_MIN ? INT64_MIN : (int64_t)total;
}

static bool may_reach(const struct window *w, const struct windowpanes_cell *c)
{
    return c->wild || windowprog_compares(&w->p->quick[w->p->bound], c->total);
}

static int64_t oldest_window(const struct window *w, const struct windowpanes_cell *c)
{
    return windowpane_last_window(&w->p->panes, windowkey_pane(w, c, 0)->pane);
}

/* Keys that lose a pane after this window: what HAVING says of them may be another thing from now on. */
static void wake(struct window *w, int64_t window)
{
    struct windowrun_bucket *bucket = &w->wheel[(uint64_t)window & (w->nbuckets - 1)];
    struct windowrun_bucket b = *bucket;
    *bucket = (struct windowrun_bucket){0};
    w->swept = window;
    for (size_t i = 0; i < b.n; i++) {
        struct windowpanes_cell *c = b.cells[i];
        if (i + AHEAD < b.n)
            __builtin_prefetch(b.cells[i + AHEAD]);
        if (i + AHEAD / 2 < b.n)
            prefetch_cell(w, b.cells[i + AHEAD / 2]);
        windowkey_drop(w, c, window);
        if (c->n == 0) {
            forget(w, c);
            continue;
        }
        put_on_wheel(w, c, oldest_window(w, c));
        c->wild = c->restless = false;
        if (w->p->bound >= 0)
            count_total(w, c, window);
        if (w->p->bound < 0 || may_reach(w, c))
            activate(w, c);
    }
    if (bucket->cells == NULL && b.cap <= BUCKET_KEPT) {
        b.n = 0;
        *bucket = b; /* its memory serves the next window */
    } else {
        mem_free(b.cells);
    }
}

static void sweep(struct window *w, evtime to)
{
    if (w->nbuckets == 0 || !w->has_swept || w->p->sleeps)
        return;
    int64_t closed = windowkey_last_closed(w, to), group = group_of(w, closed + 1) - 1;
    if (group - w->swept > w->nbuckets)
        w->swept = group - w->nbuckets;
    while (w->swept < group) {
        struct windowrun_bucket *b = &w->wheel[(uint64_t)++w->swept & (w->nbuckets - 1)];
        if (b->n > 0)
            look_at(w, b, closed);
    }
}

/* --- life --- */

void windowpanes_bind(struct window *w, bool first)
{
    const struct window_plan *plan = w->p->w;
    if (!first)
        return;
    slab_init(&w->cells, sizeof(struct windowpanes_cell));
    if (w->p->bound < 0 && plan->lateness_ms == 0 && !w->p->sleeps)
        return;
    int64_t span = (plan->size_ms + plan->lateness_ms) / w->p->panes.slide + 2;
    w->grain = w->p->sleeps ? 1 : 1 + span / BUCKETS_MAX;
    for (w->nbuckets = 4; w->nbuckets < span / w->grain + 2;)
        w->nbuckets *= 2;
    w->wheel = mem_array(w->nbuckets, sizeof *w->wheel);
}

void windowpanes_fini(struct window *w)
{
    for (unsigned i = 0; i < w->nbuckets; i++)
        mem_free(w->wheel[i].cells);
    mem_free(w->wheel);
    mem_free(w->active);
    mem_free(w->ahead);
    slab_fini(&w->cells);
}

void windowpanes_prefetch(const struct keystate *state)
{
    __builtin_prefetch(((const struct windowpanes_cell *)(const void *)state)->panes);
}

/* All keys are dropped together, so what the wheel says of them does not matter any more. */
void windowpanes_drop(struct window *w, struct keystate *state)
{
    for (unsigned i = 0; w->has_swept && i < w->nbuckets; i++)
        w->wheel[i].n = 0;
    w->has_swept = false;
    cell_free(w, (struct windowpanes_cell *)(void *)state);
}

void windowpanes_unmake(struct window *w, struct windowpanes_cell *c)
{
    cell_free(w, c);
}

/* A key on the wheel is empty until the wheel comes to it. */
void windowpanes_expire(struct window *w, struct keystate *state)
{
    struct windowpanes_cell *c = (struct windowpanes_cell *)(void *)state;
    if (w->nbuckets == 0) {
        cell_free(w, c);
        return;
    }
    for (unsigned i = 0; i < c->n; i++)
        windowkey_clear(w, windowkey_pane(w, c, i));
    c->n = 0;
    c->total = 0;
    c->wild = c->restless = false;
    windowkey_free_told(w, c);
    deactivate(w, c);
}

/* --- firing --- */

/* Merges the panes of a window into w->sum. False: the key has no row in it. */
static bool merge(struct window *w, const struct windowpanes_cell *c, int64_t first, int64_t last)
{
    const struct windowprog *p = w->p;
    bool some = false;
    memset(w->sum, 0, p->words * sizeof *w->sum);
    for (unsigned i = 0; i < c->n; i++) {
        const struct windowkey_pane *pane = windowkey_pane(w, c, i);
        if (pane->pane < first || pane->pane > last)
            continue;
        some = true;
        windowprog_merge(p, w->sum, pane->acc);
    }
    return some;
}

/* The result of a window whose sum is there. True: HAVING holds. */
static bool give(struct window *w, struct windowpanes_cell *c, int64_t window)
{
    evtime end = windowpane_end(&w->p->panes, window);
    struct windowrun_result v = {.key = c->state.key,
                                 .start = windowpane_start(&w->p->panes, window),
                                 .end = end,
                                 .time = end - 1,
                                 .acc = w->sum};
    struct windowrun_given given;
    if (w->p->w->lateness_ms == 0) {
        given = windowgive(w, &v);
    } else {
        const struct windowkey_told *had = windowkey_told_of(w, c, window);
        struct windowkey_told told = {.window = window};
        if (had != NULL)
            told = *had;
        v.told = &told.told;
        given = windowgive(w, &v);
        if (given.told) {
            keyed_touch(w->k, c->state.key);
            windowkey_set_told(w, c, &told);
        }
    }
    if (arena_bytes(w->k->scratch) > 0)
        arena_reset(w->k->scratch);
    return given.holds;
}

static bool fire_key(struct window *w, struct windowpanes_cell *c, int64_t window)
{
    const struct windowpane *panes = &w->p->panes;
    bool holds = false;
    if (merge(w, c, windowpane_first(panes, window), windowpane_last(panes, window)) &&
        (w->p->w->lateness_ms > 0 || windowprog_may_hold(w->p, w->sum)))
        holds = give(w, c, window);
    if (w->p->holds)
        windowprog_clear(w->p, w->sum);
    return holds;
}

/* Panes of a span that have been in a window are one from then on: no window tells them apart. */
static void collapse(struct window *w, struct windowpanes_cell *c, int64_t first, int64_t last)
{
    unsigned n = 0;
    while (n < c->n && windowkey_pane(w, c, n)->pane <= last)
        n++;
    if (n < 2 || windowkey_pane(w, c, 0)->pane < first)
        return;
    keyed_touch(w->k, c->state.key);
    struct windowkey_pane *into = windowkey_pane(w, c, 0);
    for (unsigned i = 1; i < n; i++) {
        windowprog_merge(w->p, into->acc, windowkey_pane(w, c, i)->acc);
        windowkey_clear(w, windowkey_pane(w, c, i));
    }
    size_t one = windowkey_pane_words(w);
    memmove(c->panes + one, c->panes + n * one, (c->n - n) * one * 8);
    c->n = (uint16_t)(c->n - n + 1);
}

/* After a window: does the key want to be visited by the next? */
static bool stays(struct window *w, struct windowpanes_cell *c, int64_t window)
{
    if (w->p->w->lateness_ms == 0) {
        windowkey_drop(w, c, window);
        if (w->p->panes.steps > 0)
            collapse(w, c, windowpane_first(&w->p->panes, window), window);
    }
    if (w->p->bound >= 0) {
        count_total(w, c, window);
        if (!may_reach(w, c))
            return false;
    }
    return c->n > 0 && windowkey_newest_window(w, c) > window;
}

/* May the key go without a visit until a row comes or goes? Not while a part of a sum (windowpanes_part) lies ahead of
 * this window: its rows come into later ones without anybody saying so. */
static bool may_sleep(const struct window *w, const struct windowpanes_cell *c, int64_t window)
{
    return !c->restless && (c->n == 0 || windowkey_pane(w, c, c->n - 1u)->pane <=
                                             windowpane_last(&w->p->panes, window));
}

/* Did it fire for this key in the task that the key comes from? */
static bool has_fired(const struct window *w, const struct windowpanes_cell *c, int64_t window)
{
    return c->state.room != 0 &&
           windowpane_end(&w->p->panes, window) <= w->ahead[c->state.room - 1];
}

static void fire(struct window *w, int64_t window)
{
    for (size_t i = 0; i < w->nactive;) {
        struct windowpanes_cell *c = w->active[i];
        if (i + AHEAD < w->nactive)
            __builtin_prefetch(w->active[i + AHEAD]);
        if (i + AHEAD / 2 < w->nactive)
            prefetch_cell(w, w->active[i + AHEAD / 2]);
        bool holds = has_fired(w, c, window) || fire_key(w, c, window);
        if (w->p->sleeps ? holds || !may_sleep(w, c, window) : stays(w, c, window)) {
            i++;
            continue;
        }
        deactivate(w, c);
        if (w->nbuckets == 0)
            forget(w, c);
    }
}

void windowpanes_advance(struct window *w, evtime to)
{
    if (to == EVTIME_MIN)
        return; /* parts of sums may be there before the first watermark */
    while (w->next != EVTIME_MAX && w->next <= to) {
        int64_t window = windowpane_ending_after(&w->p->panes, w->next - 1);
        w->now = w->next;
        if (w->p->sleeps)
            wake(w, window - 1);
        fire(w, window);
        bool more = w->p->sleeps ? w->cells.live > 0 : w->nactive > 0;
        w->next = more ? windowpane_end(&w->p->panes, window + 1) : EVTIME_MAX;
    }
    sweep(w, to > EVTIME_MAX / 4 ? EVTIME_MAX / 4 : to);
}

/* --- rows --- */

/* Windows of a late row that have fired and may still change. */
static void fire_again(struct window *w, struct windowpanes_cell *c, int64_t pane)
{
    const struct windowpane *p = &w->p->panes;
    int64_t from = windowpane_first_window(p, pane), closed = windowkey_last_closed(w, w->now);
    int64_t last = windowpane_last_window(p, pane), fired = windowkey_last_fired(w);
    for (int64_t i = from > closed ? from : closed + 1; i <= last && i <= fired; i++)
        fire_key(w, c, i);
}

/* The key has a row of this pane: windows that end after `from` want it. */
static void visit(struct window *w, struct windowpanes_cell *c, int64_t pane, evtime from)
{
    const struct windowpane *p = &w->p->panes;
    int64_t window = windowpane_ending_after(p, from);
    if (windowpane_last_window(p, pane) < window)
        return; /* all of them have fired */
    evtime end = windowpane_end(p, window);
    activate(w, c);
    if (end < w->next)
        w->next = end;
}

/* What the bounding number of p has grown by. */
static void note_growth(struct window *w, struct windowpanes_cell *c,
                        const struct windowkey_pane *p, __int128 before)
{
    __int128 more = windowprog_number(w->p, (unsigned)w->p->bound, p->acc) - before;
    c->wild |= more < 0;
    if (more > INT64_MAX / 2 || c->total > INT64_MAX / 2)
        c->wild = true;
    else if (more > 0)
        c->total += (int64_t)more;
}

static void add_bounded(struct window *w, struct windowpanes_cell *c, struct windowkey_pane *p,
                        const struct keyed_row *r)
{
    __int128 before = windowprog_number(w->p, (unsigned)w->p->bound, p->acc);
    windowprog_add(w->p, p->acc, (struct rowref){.b = r->b, .i = r->i}, &w->k->layout,
                   w->k->scratch);
    note_growth(w, c, p, before);
}

/* Could a window that ends after `from` have what HAVING asks for? */
static bool reaches(struct window *w, struct windowpanes_cell *c, evtime from)
{
    if (!may_reach(w, c))
        return false;
    count_total(w, c, windowpane_ending_after(&w->p->panes, from) - 1);
    return may_reach(w, c);
}

void windowpanes_row(struct window *w, struct keystate *state, struct key *key,
                     const struct keyed_row *r)
{
    struct windowpanes_cell *c = (struct windowpanes_cell *)(void *)state;
    int64_t pane = windowpane_of(&w->p->panes, r->ts);
    if (!windowpane_in_window(&w->p->panes, pane))
        return;
    if (r->late && r->b->late_w[r->i] > w->now)
        w->now = r->b->late_w[r->i];
    if (c == NULL)
        c = cell_new(w, key, pane, r->ts > w->now ? r->ts : w->now);
    else if (w->p->sleeps && c->n > 0 && pane < windowkey_pane(w, c, 0)->pane)
        c->restless = true;
    struct windowkey_pane *p = windowkey_pane_for(w, c, pane);
    if (p == NULL) {
        w->k->partials_dropped++;
        return;
    }
    evtime from = r->ts > w->now ? r->ts : w->now;
    if (w->p->bound >= 0)
        add_bounded(w, c, p, r);
    else
        windowprog_add(w->p, p->acc, (struct rowref){.b = r->b, .i = r->i}, &w->k->layout,
                       w->k->scratch);
    /* Rows come in order of time, so a key that is active is so for the next window, but for a late row's. */
    if ((c->at == NOT_ACTIVE || r->late) && (w->p->bound < 0 || reaches(w, c, from)))
        visit(w, c, pane, from);
    if (r->late && w->p->w->lateness_ms > 0)
        fire_again(w, c, pane);
}

void windowpanes_part(struct window *w, struct keystate *state, struct key *key, evtime ts,
                      const uint64_t *acc)
{
    struct windowpanes_cell *c = (struct windowpanes_cell *)(void *)state;
    int64_t pane = windowpane_of(&w->p->panes, ts);
    if (!windowpane_in_window(&w->p->panes, pane))
        return;
    if (c == NULL)
        c = cell_new(w, key, pane, ts > w->now ? ts : w->now);
    else if (w->p->sleeps && c->n > 0 && pane < windowkey_pane(w, c, 0)->pane)
        c->restless = true;
    struct windowkey_pane *p = windowkey_pane_for(w, c, pane);
    if (p == NULL) {
        w->k->partials_dropped++;
        return;
    }
    bool bounded = w->p->bound >= 0;
    __int128 before = bounded ? windowprog_number(w->p, (unsigned)w->p->bound, p->acc) : 0;
    windowprog_merge(w->p, p->acc, acc);
    if (bounded)
        note_growth(w, c, p, before);
    /* It may come ahead of what earlier windows are still to get: all panes count that some window has yet to visit, and
     * that the key is visited already says nothing of this window. */
    bool may = !bounded || may_reach(w, c);
    if (bounded && may) {
        count_total(w, c, windowkey_last_fired(w));
        may = may_reach(w, c);
    }
    if (may)
        visit(w, c, pane, ts > w->now ? ts : w->now);
}

/* --- keys from a snapshot --- */

static bool is_negative(const struct window *w, const struct windowpanes_cell *c)
{
    for (unsigned i = 0; i < c->n; i++)
        if (windowprog_number(w->p, (unsigned)w->p->bound, windowkey_pane(w, c, i)->acc) < 0)
            return true;
    return false;
}

/* On the wheel for the window that it would be looked at after, had it come by its rows. */
static void settle_on_wheel(struct window *w, struct windowpanes_cell *c, int64_t next)
{
    if (w->p->sleeps) {
        begin_at(w, next);
        put_on_wheel(w, c, oldest_window(w, c));
        return;
    }
    if (!w->has_swept && w->now > EVTIME_MIN) {
        w->has_swept = true;
        w->swept = group_of(w, windowkey_last_closed(w, w->now) + 1) - 1;
    }
    put_on_wheel(w, c, windowkey_newest_window(w, c));
}

bool windowpanes_settle(struct window *w, struct windowpanes_cell *c)
{
    int64_t fired = windowkey_last_fired(w), next, newest;
    if (c->n == 0)
        return false;
    newest = windowkey_newest_window(w, c);
    next = windowpane_first_window(&w->p->panes, windowkey_pane(w, c, 0)->pane);
    if (next <= fired)
        next = fired + 1;
    if (w->nbuckets == 0 && newest < next)
        return false;
    if (w->nbuckets > 0)
        settle_on_wheel(w, c, next);
    if (w->p->bound >= 0) {
        count_total(w, c, fired);
        c->wild = is_negative(w, c);
    }
    if (newest < next || (w->p->bound >= 0 && !may_reach(w, c)))
        return true;
    evtime end = windowpane_end(&w->p->panes, next);
    activate(w, c);
    w->next = end < w->next ? end : w->next;
    return true;
}
