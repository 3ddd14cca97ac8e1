/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows that have a state each: sessions, windows of counts, the global one, and every window whose trigger, evictor or
 * purge looks at what came since it fired. A key's windows are a list in order of time; each has a timer for the next
 * moment at which something is to be done with it: it fires, or nothing can change it any more.
 *
 * A session's timer is not moved with each row: when it comes too early it is set anew. */
#include "cep/window/windowlist.h"
#include "cep/late.h"
#include <stddef.h>
#include <string.h>

enum {
    MULTIPLES_MAX = 10000
}; /* firings of a window that one step of the watermark may make up for */

static evtime lateness(const struct window *w)
{
    return w->p->w->lateness_ms;
}

static evtime closing(const struct window *w, const struct windowlist_one *one)
{
    return one->end == WINDOWLIST_UNBOUNDED ? one->end : one->end + lateness(w);
}

static bool is_counted(const struct window *w)
{
    return w->p->w->kind == WINDOW_COUNT_TUMBLE || w->p->w->kind == WINDOW_COUNT_HOP;
}

/* --- life --- */

void windowlist_bind(struct window *w, bool first)
{
    if (!first)
        return;
    slab_init(&w->cells, sizeof(struct windowlist_cell));
    slab_init(&w->ones, sizeof(struct windowlist_one) + w->p->words * sizeof(uint64_t));
}

void windowlist_fini(struct window *w)
{
    timers_fini(&w->timers);
    timers_fini(&w->clocks);
    slab_fini(&w->ones);
    slab_fini(&w->cells);
}

void windowlist_prefetch(const struct keystate *state)
{
    __builtin_prefetch(((const struct windowlist_cell *)(const void *)state)->first);
}

struct windowlist_cell *windowlist_make(struct window *w, struct key *key)
{
    struct windowlist_cell *c = slab_alloc(&w->cells);
    *c = (struct windowlist_cell){0};
    keytable_link(key, &c->state, w->rule.slot);
    return c;
}

static struct windowlist_cell *cell_of(struct window *w, struct keystate *state, struct key *key)
{
    return state != NULL ? (struct windowlist_cell *)(void *)state : windowlist_make(w, key);
}

struct windowlist_one *windowlist_add(struct window *w, struct windowlist_cell *c,
                                      struct windowlist_one **at, evtime start, evtime end)
{
    struct windowlist_one *one = slab_alloc(&w->ones);
    memset(one, 0, sizeof *one + w->p->words * sizeof(uint64_t));
    timer_init(&one->timer);
    one->cell = c;
    one->start = start;
    one->end = end;
    one->newest = EVTIME_MIN;
    one->oldest = EVTIME_MAX;
    one->next = *at;
    *at = one;
    w->k->windows++;
    return one;
}

void windowlist_set_fresh(struct window *w, struct windowlist_one *one, bool fresh)
{
    if (!fresh && (one->more == NULL || !one->more->is_fresh))
        return;
    struct windowlist_more *m = windowlistrow_more(w, one);
    if (m->is_fresh == fresh)
        return;
    m->is_fresh = fresh;
    if (fresh) {
        m->newer = NULL;
        m->older = w->fresh;
        if (w->fresh != NULL)
            w->fresh->more->newer = one;
        w->fresh = one;
        return;
    }
    *(m->newer != NULL ? &m->newer->more->older : &w->fresh) = m->older;
    if (m->older != NULL)
        m->older->more->newer = m->newer;
}

static void one_free(struct window *w, struct windowlist_one *one)
{
    struct windowlist_one **at = &one->cell->first;
    while (*at != one)
        at = &(*at)->next;
    *at = one->next;
    timers_unset(&w->timers, &one->timer);
    windowlist_set_fresh(w, one, false);
    if (one->more != NULL)
        timers_unset(&w->clocks, &one->more->clock);
    windowlistrow_free_more(w, one);
    windowprog_clear(w->p, one->acc);
    slab_free(&w->ones, one);
    w->k->windows--;
}

static void cell_free(struct window *w, struct windowlist_cell *c)
{
    keytable_unlink(&c->state);
    slab_free(&w->cells, c);
}

void windowlist_drop(struct window *w, struct keystate *state)
{
    struct windowlist_cell *c = (struct windowlist_cell *)(void *)state;
    while (c->first != NULL)
        one_free(w, c->first);
    cell_free(w, c);
}

/* --- firing --- */

static void give_rows(struct window *w, struct windowlist_one *one,
                      const struct windowrun_result *v)
{
    for (uint32_t i = 0; one->more != NULL && i < one->more->nrows; i++)
        windowgive_row(w, v, one->more->rows[i]);
}

/* The accumulators of kept rows are made when they are asked for. */
static void add_rows(struct window *w, struct windowlist_one *one)
{
    for (uint32_t i = 0; one->more != NULL && i < one->more->nrows; i++) {
        windowprog_add(w->p, one->acc, (struct rowref){.r = &one->more->rows[i]->row},
                       &w->k->layout, w->k->scratch);
        if (arena_bytes(w->k->scratch) > 0)
            arena_reset(w->k->scratch);
    }
}

static void tell(struct window *w, struct windowlist_one *one)
{
    bool bounded = one->end != WINDOWLIST_UNBOUNDED;
    struct windowrun_result v = {.key = one->cell->state.key,
                                 .start = bounded ? one->start : EVTIME_MIN,
                                 .end = bounded ? one->end : EVTIME_MIN,
                                 .time = bounded ? one->end - 1 : one->newest,
                                 .acc = one->acc,
                                 .told = is_counted(w) ? NULL : &one->told,
                                 .origin_ts = one->oldest};
    if (w->p->w->kind == WINDOW_SESSION || is_counted(w))
        v.origin = &one->origin;
    if (one->more != NULL) {
        v.nreplaces = one->more->nreplaces;
        v.replaces = (const uint8_t(*)[RESULT_ID_BYTES])one->more->replaces;
    }
    if (w->p->w->each_row)
        give_rows(w, one, &v);
    else if (w->p->w->split.n > 0)
        windowsplit_give(w, one, &v);
    else if (windowgive(w, &v).told && one->more != NULL)
        one->more->nreplaces = 0;
}

static void fire(struct window *w, struct windowlist_one *one)
{
    const struct window_plan *p = w->p->w;
    keyed_touch(w->k, one->cell->state.key);
    windowlist_set_fresh(w, one, false);
    if (p->evictor != EVICTOR_NONE && !p->evict_after)
        windowlistrow_evict(w, one);
    if (w->p->keeps_rows)
        one->some = one->more != NULL && one->more->nrows > 0;
    if (!one->some)
        return;
    if (w->p->keeps_rows && !p->each_row && p->split.n == 0)
        add_rows(w, one);
    tell(w, one);
    if (p->evictor != EVICTOR_NONE && p->evict_after)
        windowlistrow_evict(w, one);
    if (p->purge || w->p->keeps_rows)
        windowprog_clear(w->p, one->acc);
    if (p->purge || p->each_row) {
        windowlistrow_clear(w, one);
        one->some = false;
    }
    if (arena_bytes(w->k->scratch) > 0)
        arena_reset(w->k->scratch);
}

/* --- time --- */

/* Does the trigger look at the window's end? */
static bool wants_end(const struct window *w)
{
    enum window_trigger t = w->p->w->trigger;
    return t == TRIGGER_EVENT_TIME || t == TRIGGER_CONTINUOUS || t == TRIGGER_PUNCTUATED;
}

static evtime next_multiple(const struct windowlist_one *one)
{
    return one->more != NULL && one->more->next < one->end - 1 ? one->more->next : EVTIME_MAX;
}

evtime windowlist_due_at(const struct window *w, const struct windowlist_one *one, bool multiples)
{
    if (one->ended || !wants_end(w))
        return closing(w, one);
    evtime next = multiples ? next_multiple(one) : EVTIME_MAX;
    return next < one->end ? next : one->end;
}

static void fire_multiples(struct window *w, struct windowlist_one *one, evtime to)
{
    int64_t every = w->p->w->every;
    unsigned n = 0;
    while (next_multiple(one) <= to) {
        if (++n > MULTIPLES_MAX) {
            keyed_touch(w->k, one->cell->state.key);
            one->more->next += (to - one->more->next) / every * every + every;
            return;
        }
        fire(w, one);
        one->more->next += every;
    }
}

/* True: it is gone. */
static bool due(struct window *w, struct windowlist_one *one, evtime to, evtime mark)
{
    enum window_trigger trigger = w->p->w->trigger;
    evtime multiples = mark < to ? mark : to;
    if (!one->ended && trigger == TRIGGER_CONTINUOUS)
        fire_multiples(w, one, multiples);
    if (!one->ended && wants_end(w) && one->end <= to) {
        keyed_touch(w->k, one->cell->state.key);
        one->ended = true;
        if (trigger != TRIGGER_PUNCTUATED || (one->more != NULL && one->more->is_fresh))
            fire(w, one);
    }
    if (closing(w, one) > to) {
        timers_set(&w->timers, &one->timer, windowlist_due_at(w, one, to == multiples));
        return false;
    }
    struct windowlist_cell *c = one->cell;
    struct key *key = c->state.key;
    keyed_touch(w->k, key);
    one_free(w, one);
    if (c->first == NULL) {
        cell_free(w, c);
        keyed_drop_if_idle(w->k, key);
    }
    return true;
}

static struct windowlist_one *of_timer(struct timer *t)
{
    return (struct windowlist_one *)(void *)((char *)t - offsetof(struct windowlist_one, timer));
}

void windowlist_advance(struct window *w, const struct window_time *t)
{
    evtime to = t->to - (w->p->w->kind == WINDOW_SESSION && t->rows_at && t->to > EVTIME_MIN);
    for (struct timer *x; (x = timers_take(&w->timers, to)) != NULL;)
        due(w, of_timer(x), to, t->mark);
}

void windowlist_punctuated(struct window *w)
{
    while (w->fresh != NULL)
        fire(w, w->fresh);
}

static struct windowlist_more *of_clock(struct timer *t)
{
    size_t before = offsetof(struct windowlist_more, clock);
    return (struct windowlist_more *)(void *)((char *)t - before);
}

void windowlist_clock(struct window *w, evtime now)
{
    for (struct timer *t; (t = timers_first(&w->clocks)) != NULL && t->at <= now;) {
        struct windowlist_one *one = of_clock(t)->one;
        if (one->end > now) {
            timers_set(&w->clocks, t, one->end);
            continue;
        }
        keyed_touch(w->k, one->cell->state.key); /* with its timer */
        timers_unset(&w->clocks, t);
        fire(w, one);
    }
}

/* --- rows into windows --- */

static bool comes_before(const struct keyed_row *r, const struct windowlist_one *one)
{
    if (r->ts != one->oldest)
        return r->ts < one->oldest;
    if (r->b->partition != one->origin.partition)
        return r->b->partition < one->origin.partition;
    return r->b->offset[r->i] < one->origin.offset;
}

static void add(struct window *w, struct windowlist_one *one, struct keyed_row *r)
{
    if (w->p->keeps_rows)
        windowlistrow_keep(w, one, r);
    else
        windowprog_add(w->p, one->acc, (struct rowref){.b = r->b, .i = r->i}, &w->k->layout,
                       w->k->scratch);
    one->some = true;
    one->since++;
    one->newest = r->ts > one->newest ? r->ts : one->newest;
    if (is_counted(w) || (one->told.results == 0 && comes_before(r, one))) {
        one->oldest = r->ts;
        one->origin =
            (struct place){schema_place(w->k->schema), r->b->partition, r->b->offset[r->i]};
    }
}

/* The first multiple after the row and after what has been: those that time has passed are not made up for. */
static void begin_multiples(struct window *w, struct windowlist_one *one, evtime ts, evtime now)
{
    struct windowlist_more *m = windowlistrow_more(w, one);
    evtime from = ts > now ? ts : now;
    int64_t every = w->p->w->every, past = from % every;
    if (m->next == EVTIME_MAX || m->next <= now)
        m->next = from - (past < 0 ? past + every : past) + every;
}

static void begin_clock(struct window *w, struct windowlist_one *one)
{
    struct windowlist_more *m = windowlistrow_more(w, one);
    if (one->end <= w->k->clock)
        fire(w, one);
    else
        timers_before(&w->clocks, &m->clock, one->end);
}

/* A row comes into a window. now: the watermark that counts for it. */
static void put(struct window *w, struct windowlist_one *one, struct keyed_row *r, evtime now)
{
    const struct window_plan *p = w->p->w;
    bool past = one->end <= now;
    add(w, one, r);
    switch (p->trigger) {
    case TRIGGER_COUNT:
        if (one->since >= p->every) {
            one->since = 0;
            fire(w, one);
        }
        break;
    case TRIGGER_PROCESSING_TIME:
        begin_clock(w, one);
        break;
    case TRIGGER_CONTINUOUS:
        if (!past)
            begin_multiples(w, one, r->ts, now);
        break;
    case TRIGGER_PUNCTUATED:
        windowlist_set_fresh(w, one, true);
        break;
    default:
        break;
    }
    if (past && wants_end(w)) {
        one->ended = true;
        fire(w, one);
    }
    timers_before(&w->timers, &one->timer, windowlist_due_at(w, one, true));
}

static void timed_row(struct window *w, struct keystate *state, struct key *key,
                      struct keyed_row *r, evtime now)
{
    const struct windowpane *p = &w->p->panes;
    int64_t pane = windowpane_of(p, r->ts);
    if (!windowpane_in_window(p, pane))
        return;
    struct windowlist_cell *c = cell_of(w, state, key);
    struct windowlist_one **at = &c->first;
    int64_t from = windowpane_first_window(p, pane), last = windowpane_last_window(p, pane);
    int64_t open = now == EVTIME_MIN ? from : windowpane_ending_after(p, now - lateness(w));
    for (int64_t i = from > open ? from : open; i <= last; i++) {
        evtime start = windowpane_start(p, i), end = windowpane_end(p, i);
        while (*at != NULL && (*at)->end < end)
            at = &(*at)->next;
        struct windowlist_one *one = *at;
        if (one == NULL || one->end != end)
            one = windowlist_add(w, c, at, start, end);
        put(w, one, r, now);
    }
}

static void unbounded_row(struct window *w, struct keystate *state, struct key *key,
                          struct keyed_row *r, evtime now)
{
    struct windowlist_cell *c = cell_of(w, state, key);
    if (c->first == NULL)
        windowlist_add(w, c, &c->first, EVTIME_MIN, WINDOWLIST_UNBOUNDED);
    put(w, c->first, r, now);
}

/* --- sessions --- */

/* `from` becomes part of `into`, which begins before it. Of those that have been told the older one stays. */
static void merge(struct window *w, struct windowlist_one *into, struct windowlist_one *from)
{
    if (into->told.results == 0 && from->told.results > 0) {
        into->told = from->told;
        into->origin = from->origin;
        into->oldest = from->oldest;
    } else if (from->told.results > 0 && !from->told.retracted) {
        windowlistrow_replace(w, into, from);
    }
    into->start = from->start < into->start ? from->start : into->start;
    into->end = from->end > into->end ? from->end : into->end;
    into->newest = from->newest > into->newest ? from->newest : into->newest;
    into->since += from->since;
    into->some |= from->some;
    if (from->more != NULL && from->more->is_fresh)
        windowlist_set_fresh(w, into, true);
    windowprog_merge(w->p, into->acc, from->acc);
    windowlistrow_merge(w, into, from);
    one_free(w, from);
}

static bool gap_of(struct window *w, const struct keyed_row *r, int64_t *gap)
{
    *gap = w->p->w->size_ms;
    if (w->p->gap == NULL)
        return true;
    const struct exprvm_env env = {.current = {.b = r->b, .i = r->i}, .scratch = w->k->scratch};
    union cell c;
    bool some = exprvm_eval(w->p->gap, &env, &c);
    *gap = c.i;
    return some && c.i > 0 && c.i <= EVTIME_MAX / 4;
}

/* The row has no session: it is told so. */
static void refuse(struct window *w, const struct key *key, const struct keyed_row *r,
                   const char *reason)
{
    struct result *out = keyed_result(w->k, &w->rule, key, RESULT_LATE, r->ts);
    if (out == NULL)
        return;
    const struct late_of of = {w->rule.plan, &w->rule.plan->reads, key->bytes, key->len};
    if (reason == NULL)
        late_fill(out, &of, r->b, r->i, w->k->emit);
    else
        late_fill_error(out, &of, r->b, r->i, reason, w->k->emit);
    if (reason == NULL && w->rule.late != UINT32_MAX)
        w->k->pass_late(w->k->pass_ctx, w->rule.late, r->b, r->i);
    emit_done(out);
}

/* Sessions that [start, end) touches become one. NULL: there is none that can change yet. */
static struct windowlist_one *touched(struct window *w, struct windowlist_cell *c, evtime start,
                                      evtime end, evtime now)
{
    struct windowlist_one *into = NULL;
    for (struct windowlist_one *one = c->first, *next; one != NULL && one->start <= end;
         one = next) {
        next = one->next;
        if (one->end < start || (now > EVTIME_MIN && closing(w, one) <= now))
            continue;
        if (into == NULL)
            into = one;
        else
            merge(w, into, one);
    }
    return into;
}

static void session_row(struct window *w, struct keystate *state, struct key *key,
                        struct keyed_row *r, evtime now)
{
    struct windowlist_cell *c = (struct windowlist_cell *)(void *)state;
    int64_t gap;
    if (!gap_of(w, r, &gap)) {
        refuse(w, key, r, "the session's gap is NULL or not more than nothing");
        return;
    }
    evtime end = r->ts + gap;
    struct windowlist_one *one = c == NULL ? NULL : touched(w, c, r->ts, end, now);
    if (one == NULL && now > EVTIME_MIN && end + lateness(w) <= now) {
        refuse(w, key, r, NULL);
        return;
    }
    if (one == NULL) {
        c = cell_of(w, state, key);
        struct windowlist_one **at = &c->first;
        while (*at != NULL && (*at)->start < r->ts)
            at = &(*at)->next;
        one = windowlist_add(w, c, at, r->ts, end);
    }
    one->start = r->ts < one->start ? r->ts : one->start;
    one->end = end > one->end ? end : one->end;
    one->ended = one->end <= now;
    put(w, one, r, now);
}

void windowlist_row(struct window *w, struct keystate *state, struct key *key, struct keyed_row *r)
{
    /* A row that is on time may touch a session that ends with it. */
    evtime now = w->now < r->ts ? w->now : r->ts - 1;
    if (r->late)
        now = r->b->late_w[r->i];
    switch (w->p->w->kind) {
    case WINDOW_SESSION:
        session_row(w, state, key, r, now);
        break;
    case WINDOW_TUMBLE:
    case WINDOW_HOP:
    case WINDOW_CUMULATE:
        timed_row(w, state, key, r, now);
        break;
    default:
        unbounded_row(w, state, key, r, now);
    }
}
