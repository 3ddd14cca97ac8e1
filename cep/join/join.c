/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of a key lie by side in an array in order of time, so the partners of a row are a range of it, found by binary
 * search. Which row is over next is at the head of a queue for each side, over all keys: rows come in order of time and
 * all wait equally long, so nothing is ever searched for.
 * A row dropped for the cap leaves its place in the queue behind; `gone` says how many such places of the key come first.
 *
 * Joined windows need no queues: a key has a timer for the next window's end that its rows are in. Then the rows of both
 * sides between its bounds are paired, and those that no later window holds are let go. */
#include "base/mem.h"
#include "cep/cut.h"
#include "cep/join/joinrun.h"
#include <string.h>

enum { PILE_FIRST = 2, QUEUE_FIRST = 64 };

/* --- life --- */

struct join *join_new(const struct rule_plan *p, struct emit *emit, size_t max_rows)
{
    struct join *j = mem_new(sizeof *j);
    j->now = EVTIME_MIN;
    j->max_rows = max_rows;
    for (unsigned s = 0; s < 2; s++) {
        keyed_init(&j->side[s], p->join.side[s].schema, emit);
        j->queues[s].cap = QUEUE_FIRST;
        j->queues[s].v = mem_array(QUEUE_FIRST, sizeof *j->queues[s].v);
    }
    slab_init(&j->states, sizeof(struct join_state));
    slabs_init(&j->piles);
    return j;
}

static void pile_fini(struct join *j, unsigned side, struct join_pile *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        keyed_unref(&j->side[side], l->v[l->first + i].row);
    if (l->cap > 0)
        slabs_free(&j->piles, l->v, l->cap * sizeof *l->v);
    *l = (struct join_pile){0};
}

void join_unmake(struct join *j, struct join_state *s)
{
    struct key *key = s->cell.key;
    for (unsigned side = 0; side < 2; side++)
        pile_fini(j, side, &s->rows[side]);
    timers_unset(&j->timers, &s->timer);
    timers_unset(&j->quiet, &s->quiet);
    keytable_unlink(&s->cell);
    slab_free(&j->states, s);
    keyed_drop_if_idle(&j->side[JOIN_LEFT], key);
}

/* What changes a key's state says so first. */
static void touch(struct join *j, struct join_state *s)
{
    keyed_touch(&j->side[JOIN_LEFT], s->cell.key);
}

static void drop_state(struct join *j, struct join_state *s)
{
    touch(j, s);
    join_unmake(j, s);
}

static void free_forgotten(struct join *j, unsigned side)
{
    const struct join_queue *q = &j->queues[side];
    for (size_t i = 0; i < q->n; i++) {
        struct join_state *s = q->v[(q->first + i) & (q->cap - 1)].state;
        if (s->cell.key == NULL && --s->rows[side].gone + s->rows[!side].gone == 0)
            slab_free(&j->states, s);
    }
}

void join_free(struct join *j)
{
    if (j == NULL)
        return;
    struct keytable *t = &j->side[JOIN_LEFT].table;
    j->side[JOIN_LEFT].track.on = false; /* nobody asks any more */
    for (unsigned side = 0; side < 2; side++)
        free_forgotten(j, side);
    for (struct key *k; (k = keytable_any(t)) != NULL;)
        if (k->cells != NULL)
            join_unmake(j, (struct join_state *)k->cells);
        else
            keytable_remove(t, k);
    for (unsigned s = 0; s < 2; s++) {
        keyed_fini(&j->side[s]);
        mem_free(j->queues[s].v);
    }
    slab_fini(&j->states);
    slabs_fini(&j->piles);
    timers_fini(&j->timers);
    timers_fini(&j->quiet);
    bytes_fini(&j->key);
    mem_free(j);
}

void join_bind(struct join *j, const struct joinprog *p, const struct keyed_rule *rule)
{
    const struct cut *cut = rule->cut;
    bool given = cut->n > 0 && cut->cuts[0].handover != JOB_HANDOVER_NONE;
    j->prog = p;
    j->rule = *rule;
    j->outer = p->plan->outer;
    j->from = given ? cut->cuts[0].w : EVTIME_MIN;
    for (unsigned s = 0; s < 2; s++)
        keyed_keep(&j->side[s], &p->plan->side[s].keeps);
}

void join_begin(struct join *j, evtime w)
{
    j->side[JOIN_LEFT].step = j->side[JOIN_RIGHT].step = w;
}

/* --- snapshots --- */

void join_track(struct join *j, void (*give)(void *ctx, const struct key *key), void *ctx)
{
    keytrack_start(&j->side[JOIN_LEFT].track, give, ctx);
}

void join_track_as(struct join *j, void *ctx)
{
    j->side[JOIN_LEFT].track.ctx = ctx;
}

struct keytrack *join_tracking(struct join *j)
{
    return &j->side[JOIN_LEFT].track;
}

struct keyed *join_side(struct join *j, unsigned side)
{
    return &j->side[side];
}

/* --- results --- */

static struct result_row row_of(const struct join *j, unsigned side, struct rowref r)
{
    const struct schema *s = j->side[side].schema;
    uint32_t stream = s->copy_of != NULL ? s->copy_of->id : s->id;
    if (r.b != NULL)
        return (
            struct result_row){(int)side, {stream, r.b->partition, r.b->offset[r.i]}, r.b->ts[r.i]};
    return (struct result_row){(int)side, {stream, r.r->partition, r.r->offset}, r.r->ts};
}

static void tell(struct join *j, const struct joinprog_pair *pair, const void *key, size_t len,
                 evtime at)
{
    struct keyed *k = &j->side[JOIN_LEFT];
    const struct joinprog *p = j->prog;
    if (p->has_where && !joinprog_holds(&p->where, pair, k->scratch))
        return;
    struct result *out = keyed_result_of(k, &j->rule, key, len, RESULT_MATCH, at);
    if (out == NULL)
        return;
    struct value *values = arena_alloc(k->emit->arena, p->noutputs * sizeof *values);
    struct result_row *rows = arena_alloc(k->emit->arena, 2 * sizeof *rows);
    for (unsigned i = 0; i < p->noutputs; i++) {
        union cell c = {0};
        bool some = joinprog_value(&p->outputs[i], pair, k->scratch, &c);
        values[i] = emit_value(k->emit, p->outputs[i].type, !some, c);
    }
    for (unsigned s = 0; s < 2; s++)
        if (pair->row[s].b != NULL || pair->row[s].r != NULL)
            rows[out->nrows++] = row_of(j, s, pair->row[s]);
    if (p->plan->windowed) {
        out->window_start = pair->start;
        out->window_end = pair->end;
    }
    out->time = at;
    out->nvalues = p->noutputs;
    out->values = values;
    out->rows = rows;
    emit_done(out);
}

static struct joinprog_pair pair_of(const struct join *j)
{
    return (struct joinprog_pair){
        .layout = {&j->side[JOIN_LEFT].layout, &j->side[JOIN_RIGHT].layout}};
}

static void tell_alone(struct join *j, struct rowref row, evtime ts, const void *key, size_t len)
{
    struct joinprog_pair pair = pair_of(j);
    int64_t wait = j->prog->keep_ms[JOIN_LEFT];
    evtime over = wait > 0 ? ts + wait : ts;
    pair.row[JOIN_LEFT] = row;
    tell(j, &pair, key, len, over > j->from ? over : j->from);
}

/* --- what is kept --- */

static void pile_make_room(struct join *j, struct join_pile *l)
{
    if (l->first + l->n < l->cap)
        return;
    if (l->first > l->cap / 2) {
        memmove(l->v, l->v + l->first, l->n * sizeof *l->v);
        l->first = 0;
        return;
    }
    uint32_t cap = l->cap == 0 ? PILE_FIRST : 2 * l->cap;
    struct join_entry *more = slabs_alloc(&j->piles, cap * sizeof *more);
    if (l->n > 0)
        memcpy(more, l->v + l->first, l->n * sizeof *more);
    if (l->cap > 0)
        slabs_free(&j->piles, l->v, l->cap * sizeof *l->v);
    l->v = more;
    l->first = 0;
    l->cap = cap;
}

static void pile_pop(struct join *j, unsigned side, struct join_pile *l)
{
    keyed_unref(&j->side[side], l->v[l->first].row);
    l->first++;
    l->n--;
    j->kept--;
}

static void pile_drop(struct join *j, unsigned side, const struct key *key, struct join_pile *l,
                      const struct join_entry *e)
{
    const struct rowref row = {.b = NULL, .r = &e->row->row};
    pile_pop(j, side, l);
    l->gone += !j->prog->plan->windowed;
    j->dropped++;
    if (!l->told)
        keyed_tell_limit(&j->side[side], &j->rule, key, row, e->ts, "kept rows", j->max_rows,
                         "the oldest find no more partners");
    l->told = true;
}

void join_put(struct join *j, struct join_pile *l, struct join_entry e)
{
    pile_make_room(j, l);
    uint32_t at = l->first + l->n;
    for (; at > l->first && l->v[at - 1].ts > e.ts; at--)
        l->v[at] = l->v[at - 1];
    l->v[at] = e;
    l->n++;
    j->kept++;
}

static void pile_push(struct join *j, unsigned side, const struct key *key, struct join_pile *l,
                      struct join_entry e)
{
    if (l->n < j->max_rows / 2)
        l->told = false;
    while (l->n >= j->max_rows) /* more than one, if the limit was higher */
        pile_drop(j, side, key, l, &e);
    join_put(j, l, e);
}

/* What the rows that are over soon will touch, one link further the nearer they are. */
static inline void look_ahead(const struct join_queue *q, unsigned side)
{
    enum { AHEAD_STATE = 16, AHEAD_ENTRY = 10, AHEAD_ROW = 5 };
    const struct join_due *v = q->v;
    size_t mask = q->cap - 1;
    if (q->n <= AHEAD_STATE)
        return;
    __builtin_prefetch(v[(q->first + AHEAD_STATE) & mask].state);
    const struct join_pile *l = &v[(q->first + AHEAD_ENTRY) & mask].state->rows[side];
    __builtin_prefetch(&l->v[l->first]);
    __builtin_prefetch(v[(q->first + AHEAD_ENTRY) & mask].state->cell.key);
    l = &v[(q->first + AHEAD_ROW) & mask].state->rows[side];
    if (l->n > 0)
        __builtin_prefetch(l->v[l->first].row);
}

/* The oldest row of a side is over. */
static void end_one(struct join *j, unsigned side)
{
    struct join_queue *q = &j->queues[side];
    look_ahead(q, side);
    struct join_state *s = q->v[q->first].state;
    struct join_pile *l = &s->rows[side];
    q->first = (q->first + 1) & (q->cap - 1);
    q->n--;
    if (l->gone > 0) {
        l->gone--;
    } else {
        touch(j, s);
        const struct join_entry *e = &l->v[l->first];
        const struct rowref row = {.b = NULL, .r = &e->row->row};
        if (j->outer && side == JOIN_LEFT && !e->found)
            tell_alone(j, row, e->ts, s->cell.key->bytes, s->cell.key->len);
        pile_pop(j, side, l);
    }
    for (unsigned i = 0; i < 2; i++)
        if (s->rows[i].n + s->rows[i].gone > 0)
            return;
    if (s->cell.key != NULL)
        drop_state(j, s);
    else
        slab_free(&j->states, s);
}

/* The first row of time ts or later. */
static uint32_t pile_from(const struct join_pile *l, evtime ts)
{
    uint32_t lo = 0, hi = l->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (l->v[l->first + mid].ts < ts)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* --- joined windows (their bounds: joinwindow.c) --- */

/* The pairs of the window that ends now, and left rows that have none. */
static void give_window(struct join *j, struct join_state *s, evtime end)
{
    const struct key *key = s->cell.key;
    struct arena *scratch = j->side[JOIN_LEFT].scratch;
    struct joinprog_pair pair = pair_of(j);
    struct join_pile *left = &s->rows[JOIN_LEFT], *right = &s->rows[JOIN_RIGHT];
    pair.start = joinwindow_start(&j->prog->plan->window, end);
    pair.end = end;
    uint32_t r0 = pile_from(right, pair.start);
    for (uint32_t i = pile_from(left, pair.start); i < left->n; i++) {
        const struct join_entry *a = &left->v[left->first + i];
        bool found = false;
        if (a->ts >= end)
            break;
        pair.row[JOIN_LEFT] = (struct rowref){.b = NULL, .r = &a->row->row};
        for (uint32_t k = r0; a->partner && k < right->n; k++) {
            const struct join_entry *b = &right->v[right->first + k];
            if (b->ts >= end)
                break;
            pair.row[JOIN_RIGHT] = (struct rowref){.b = NULL, .r = &b->row->row};
            if (j->prog->has_on && !joinprog_holds(&j->prog->on, &pair, scratch))
                continue;
            found = true;
            tell(j, &pair, key->bytes, key->len, end - 1);
        }
        pair.row[JOIN_RIGHT] = (struct rowref){0};
        if (j->outer && !found)
            tell(j, &pair, key->bytes, key->len, end - 1);
    }
}

/* The next window of the key, once those up to `end` are over; rows that are in none go. */
static void next_window(struct join *j, struct join_state *s, evtime end)
{
    const struct window_plan *w = &j->prog->plan->window;
    evtime needed = joinwindow_start(w, end + w->slide_ms), first = EVTIME_MAX;
    for (unsigned side = 0; side < 2; side++) {
        struct join_pile *l = &s->rows[side];
        while (l->n > 0 && l->v[l->first].ts < needed) {
            touch(j, s);
            pile_pop(j, side, l);
        }
        if (l->n > 0 && l->v[l->first].ts < first)
            first = l->v[l->first].ts;
    }
    if (first == EVTIME_MAX) {
        drop_state(j, s);
        return;
    }
    evtime next = joinwindow_end(w, first);
    timers_set(&j->timers, &s->timer, next > end ? next : end + w->slide_ms);
}

static void end_windows(struct join *j, evtime w)
{
    for (struct timer *x; (x = timers_take(&j->timers, w)) != NULL;) {
        struct join_state *s =
            (struct join_state *)((char *)x - offsetof(struct join_state, timer));
        evtime end = x->at;
        give_window(j, s, end);
        next_window(j, s, end);
    }
}

static void advance(struct join *j, evtime w)
{
    j->now = w > j->now ? w : j->now;
    end_windows(j, w);
    for (unsigned side = 0; side < 2; side++) {
        struct join_queue *q = &j->queues[side];
        int64_t keep = j->prog->keep_ms[side];
        while (q->n > 0 && q->v[q->first].ts + keep < w)
            end_one(j, side);
    }
}

/* Their places in the queues stay; the last frees the state. */
static void forget(struct join *j, struct join_state *s)
{
    struct key *key = s->cell.key;
    j->kept -= s->rows[JOIN_LEFT].n + s->rows[JOIN_RIGHT].n;
    if (j->prog->plan->windowed) {
        drop_state(j, s);
        return;
    }
    touch(j, s);
    for (unsigned side = 0; side < 2; side++) {
        uint32_t places = s->rows[side].n + s->rows[side].gone;
        pile_fini(j, side, &s->rows[side]);
        s->rows[side].gone = places;
    }
    keytable_unlink(&s->cell);
    keyed_drop_if_idle(&j->side[JOIN_LEFT], key);
    s->cell.key = NULL;
}

static void expire(struct join *j, struct join_state *s)
{
    j->expired++;
    forget(j, s);
}

void join_forget(struct join *j, struct key *key)
{
    if (key->cells != NULL)
        forget(j, (struct join_state *)key->cells);
}

void join_advance(struct join *j, evtime w)
{
    struct arena *scratch = j->side[JOIN_LEFT].scratch;
    for (evtime at; (at = timers_next(&j->quiet)) <= w && at < EVTIME_MAX;) {
        advance(j, at); /* what was due before */
        struct timer *x = timers_take(&j->quiet, at);
        if (x == NULL)
            continue;
        struct join_state *s =
            (struct join_state *)((char *)x - offsetof(struct join_state, quiet));
        if (j->rule.plan->state_ttl_ms == 0) /* the version before this one had it */
            continue;
        if (s->last + j->rule.plan->state_ttl_ms > at)
            timers_set(&j->quiet, x, s->last + j->rule.plan->state_ttl_ms);
        else
            expire(j, s);
    }
    advance(j, w);
    if (arena_bytes(scratch) > 0)
        arena_reset(scratch);
}

/* --- rows --- */

/* True: the row has found a partner. */
static bool pair_up(struct join *j, struct join_state *s, unsigned side, struct rowref row,
                    evtime ts)
{
    const struct join_plan *plan = j->prog->plan;
    struct join_pile *l = &s->rows[!side];
    evtime from = side == JOIN_LEFT ? ts + plan->least_ms : ts - plan->most_ms;
    evtime to = side == JOIN_LEFT ? ts + plan->most_ms : ts - plan->least_ms;
    struct joinprog_pair pair = pair_of(j);
    struct keyed *k = &j->side[JOIN_LEFT];
    bool found = false;
    pair.row[side] = row;
    for (uint32_t i = pile_from(l, from); i < l->n; i++) {
        struct join_entry *e = &l->v[l->first + i];
        if (e->ts > to)
            break;
        if (!e->partner)
            continue;
        pair.row[!side] = (struct rowref){.b = NULL, .r = &e->row->row};
        if (j->prog->has_on && !joinprog_holds(&j->prog->on, &pair, k->scratch))
            continue;
        if (!e->found)
            touch(j, s);
        e->found = found = true;
        tell(j, &pair, s->cell.key->bytes, s->cell.key->len, e->ts > ts ? e->ts : ts);
    }
    return found;
}

struct join_state *join_make(struct join *j, struct key *key)
{
    struct join_state *s = slab_alloc(&j->states);
    *s = (struct join_state){0};
    s->over = s->last = EVTIME_MIN;
    timer_init(&s->timer);
    timer_init(&s->quiet);
    keytable_link(key, &s->cell, 0);
    return s;
}

/* A key that is gone may still be there, for a snapshot to say so. */
static struct join_state *state_of(struct join *j, struct key *key, uint64_t hash)
{
    if (key == NULL)
        key = keyed_add(&j->side[JOIN_LEFT], hash, j->key.p, j->key.n);
    keyed_touch(&j->side[JOIN_LEFT], key);
    return key->cells != NULL ? (struct join_state *)key->cells : join_make(j, key);
}

static void keep(struct join *j, struct join_state *s, unsigned side, struct join_entry e,
                 struct batch *b, unsigned i)
{
    struct keyed_row row = {.b = b, .i = i, .ts = e.ts, .seq = j->rows};
    e.row = keyed_keep_row(&j->side[side], &row);
    keyed_unref(&j->side[side], e.row); /* the one for the row in hand */
    pile_push(j, side, s->cell.key, &s->rows[side], e);
    s->last = e.ts > s->last ? e.ts : s->last;
    if (j->rule.plan->state_ttl_ms > 0 && !timer_is_set(&s->quiet))
        timers_set(&j->quiet, &s->quiet, e.ts + j->rule.plan->state_ttl_ms);
    if (j->prog->plan->windowed)
        timers_before(&j->timers, &s->timer, joinwindow_next(j, e.ts, j->now));
    else
        joinqueue_push(&j->queues[side], e.ts, s, true);
}

void join_row(struct join *j, unsigned side, bool partner, uint64_t hash, struct batch *b,
              unsigned i)
{
    struct keyed *k = &j->side[JOIN_LEFT];
    struct join_entry e = {.ts = b->ts[i], .partner = partner};
    const struct rowref row = {.b = b, .i = i};
    j->rows++;
    join_advance(j, e.ts);
    joinprog_key(j->prog, side, b, i, k->scratch, &j->key);
    struct key *key = keytable_find(&k->table, hash, j->key.p, j->key.n);
    struct join_state *s = key == NULL ? NULL : (struct join_state *)key->cells;
    if (s != NULL && j->rule.plan->state_ttl_ms > 0) {
        touch(j, s);
        s->last = e.ts;
    }
    if (j->prog->plan->windowed) {
        if (joinwindow_start(&j->prog->plan->window, joinwindow_next(j, e.ts, j->now)) <= e.ts)
            keep(j, state_of(j, key, hash), side, e, b, i);
        return;
    }
    if (s != NULL && partner)
        e.found = pair_up(j, s, side, row, e.ts);
    if (j->prog->keep_ms[side] >= 0)
        keep(j, state_of(j, key, hash), side, e, b, i);
    else if (j->outer && side == JOIN_LEFT && !e.found)
        tell_alone(j, row, e.ts, j->key.p, j->key.n);
    if (arena_bytes(k->scratch) > 0)
        arena_reset(k->scratch);
}

void join_prefetch(const struct join *j, unsigned side, uint64_t hash, unsigned link)
{
    const struct keytable *t = &j->side[JOIN_LEFT].table;
    if (link == 0) {
        keytable_prefetch(t, hash);
        return;
    }
    const struct key *key = keytable_guess(t, hash);
    if (key == NULL)
        return;
    if (link == 1) {
        __builtin_prefetch(key);
        return;
    }
    const struct join_state *s = (const struct join_state *)key->cells;
    if (link == 2)
        __builtin_prefetch(s);
    else if (s != NULL && s->rows[!side].n > 0)
        __builtin_prefetch(&s->rows[!side].v[s->rows[!side].first]);
}

/* --- rows of a snapshot --- */

evtime join_next(const struct join *j)
{
    const struct join_queue *q = &j->queues[JOIN_LEFT];
    if (j->prog->plan->windowed)
        return timers_next(&j->timers);
    return j->outer && q->n > 0 ? q->v[q->first].ts + j->prog->keep_ms[JOIN_LEFT] + 1 : EVTIME_MAX;
}

uint64_t join_waiting(const struct keystate *state, enum join_which side)
{
    return ((const struct join_state *)(const void *)state)->rows[side].n;
}

struct join_stats join_stats(const struct join *j)
{
    struct join_stats s = {.rows = j->rows,
                           .kept = j->kept,
                           .keys = j->side[JOIN_LEFT].table.count - j->side[JOIN_LEFT].track.ngone,
                           .dropped = j->dropped,
                           .expired = j->expired,
                           .bytes = timers_bytes(&j->timers) + timers_bytes(&j->quiet) +
                                    j->states.bytes + slabs_bytes(&j->piles)};
    for (unsigned i = 0; i < 2; i++)
        s.bytes += keyed_bytes(&j->side[i]) + j->queues[i].cap * sizeof *j->queues[i].v;
    return s;
}
