/* SPDX-License-Identifier: Apache-2.0
 *
 * A key's state is a ring of entries, one for each row that some frame still has: its time and the values that the calls
 * read. Each frame is known by the number of its first row, and all share the ring. A row comes in once, leaves each
 * frame once, and what is kept of it goes when the last frame has let go.
 *
 * RANGE takes all rows of one time. They leave the order buffer in one step, so a row waits, with its batch, until one of
 * a later time comes or the step ends; nothing waits longer.
 *
 * Keys of rules whose frames are all of time are in a list by their last row, and leave when no frame can have it. The
 * list is put right only when a key has moved by an eighth of the longest frame, so that most rows do not touch it. */
#include "base/mem.h"
#include "cep/over/overrun.h"
#include "cep/over/overtext.h"
#include <stdlib.h>
#include <string.h>

enum { RING_FIRST = 4 };

/* --- life --- */

struct over *over_new(struct keyed *k)
{
    struct over *o = mem_new(sizeof *o);
    o->k = k;
    slabs_init(&o->memory);
    o->scratch = arena_new(4096, 0);
    return o;
}

void over_bind(struct over *o, const struct overprog *p, const struct keyed_rule *r)
{
    o->p = p;
    o->rule = *r;
    o->max_rows = keyed_limit(r->plan->limits.rows, o->k->max_rows);
    o->max_rows = o->max_rows < OVER_ROWS_MAX ? o->max_rows : OVER_ROWS_MAX;
    o->slots = mem_resize_array(o->slots, p->ncalls, sizeof *o->slots);
    if (o->ready)
        return;
    o->ready = true;
    slab_init(&o->cells, sizeof(struct over_cell) + p->words * sizeof(uint64_t));
}

void over_free(struct over *o)
{
    if (o == NULL)
        return;
    if (o->ready)
        slab_fini(&o->cells);
    slabs_fini(&o->memory);
    arena_free(o->scratch);
    mem_free(o->waiting);
    mem_free(o->slots);
    mem_free(o);
}

/* --- keys in order of time --- */

static void unlist(struct over *o, struct over_cell *c)
{
    *(c->older != NULL ? &c->older->newer : &o->oldest) = c->newer;
    *(c->newer != NULL ? &c->newer->older : &o->newest) = c->older;
}

static void list(struct over *o, struct over_cell *c, evtime ts)
{
    c->listed = ts;
    c->newer = NULL;
    c->older = o->newest;
    *(o->newest != NULL ? &o->newest->newer : &o->oldest) = c;
    o->newest = c;
}

static inline void touch(struct over *o, struct over_cell *c, evtime ts)
{
    if (o->p->idle_ms < 0 || ts - c->listed <= o->p->idle_ms / OVER_LAZY)
        return;
    unlist(o, c);
    list(o, c, ts);
}

static int by_time(const void *a, const void *b)
{
    const struct over_cell *const *x = a, *const *y = b;
    return ((*x)->listed > (*y)->listed) - ((*x)->listed < (*y)->listed);
}

void over_sort(struct over *o)
{
    size_t n = 0;
    struct over_cell **all = mem_array(o->cells.live, sizeof(struct over_cell *));
    for (struct over_cell *c = o->oldest; c != NULL; c = c->newer)
        all[n++] = c;
    qsort(all, n, sizeof(struct over_cell *), by_time);
    o->oldest = o->newest = NULL;
    for (size_t i = 0; i < n; i++)
        list(o, all[i], all[i]->listed);
    mem_free(all);
}

/* --- a key's state --- */

struct overacc over_acc(struct over *o, struct over_cell *c, unsigned call)
{
    const struct overprog_call *of = &o->p->calls[call];
    return (struct overacc){o->p, of, c->words + of->acc, &c->ring, &o->memory, o->scratch};
}

struct over_cell *over_make(struct over *o, struct key *key, evtime ts)
{
    struct over_cell *c = slab_alloc(&o->cells);
    memset(c, 0, sizeof *c + o->p->words * sizeof(uint64_t));
    c->ring.entry = o->p->entry;
    c->first = c->last = OVER_NONE;
    list(o, c, ts);
    keytable_link(key, &c->state, o->rule.slot);
    return c;
}

static size_t ring_size(const struct overacc_ring *r, uint32_t cap)
{
    return (size_t)cap * r->entry * sizeof(uint64_t);
}

static void set_cap(struct over *o, struct overacc_ring *r, uint32_t cap)
{
    struct overacc_ring old = *r;
    r->cap = cap;
    r->words = slabs_alloc(&o->memory, ring_size(r, cap));
    for (uint64_t i = old.head; i < old.tail; i++)
        memcpy(overacc_entry(r, i), overacc_entry(&old, i), old.entry * sizeof(uint64_t));
    if (old.cap > 0)
        slabs_free(&o->memory, old.words, ring_size(&old, old.cap));
}

static void free_entry(struct over *o, const uint64_t *entry)
{
    for (unsigned i = 0; i < o->p->ninputs; i++)
        if (o->p->inputs[i].text && !overacc_is_null(entry, i))
            overtext_unref(&o->memory, (int64_t)entry[o->p->inputs[i].at]);
}

static void drop_entries(struct over *o, struct overacc_ring *r, uint64_t to)
{
    for (; o->p->texts && r->head < to; r->head++)
        free_entry(o, overacc_entry(r, r->head));
    r->head = to;
}

static void cell_free(struct over *o, struct over_cell *c)
{
    for (unsigned i = 0; i < o->p->ncalls; i++) {
        struct overacc a = over_acc(o, c, i);
        overacc_fini(&a);
    }
    drop_entries(o, &c->ring, c->ring.tail);
    if (c->ring.cap > 0)
        slabs_free(&o->memory, c->ring.words, ring_size(&c->ring, c->ring.cap));
    unlist(o, c);
    keytable_unlink(&c->state);
    slab_free(&o->cells, c);
}

void over_drop(struct over *o, struct keystate *state)
{
    cell_free(o, (struct over_cell *)(void *)state);
}

/* --- frames --- */

static void change(struct over *o, struct over_cell *c, unsigned frame, uint64_t number, bool add)
{
    for (unsigned i = 0; i < o->p->ncalls; i++) {
        const struct overprog_call *call = &o->p->calls[i];
        if (call->frame != frame || call->way < OVERPROG_SUM)
            continue;
        struct overacc a = over_acc(o, c, i);
        if (add)
            overacc_add(&a, number);
        else
            overacc_retract(&a, number);
    }
}

static void settle(struct over *o, struct over_cell *c, unsigned frame, uint64_t end)
{
    for (unsigned i = 0; i < o->p->ncalls; i++) {
        const struct overprog_call *call = &o->p->calls[i];
        if (call->frame != frame || call->way != OVERPROG_SUFFIX)
            continue;
        struct overacc a = over_acc(o, c, i);
        overacc_settle(&a, c->words[o->p->frames[frame].start], end);
    }
}

/* Rows before `to` leave the frame, whose end is `end`. */
static void leave(struct over *o, struct over_cell *c, unsigned frame, uint64_t to, uint64_t end)
{
    const struct overprog_frame *f = &o->p->frames[frame];
    uint64_t *start = &c->words[f->start];
    if (*start >= to)
        return;
    for (; !f->passive && *start < to; ++*start)
        change(o, c, frame, *start, false);
    *start = to;
    if (!f->passive)
        settle(o, c, frame, end);
}

/* Rows [from, to), of one time, come into the frames of time. */
static void range_rows(struct over *o, struct over_cell *c, uint64_t from, uint64_t to, evtime ts)
{
    for (unsigned i = 0; i < o->p->nframes; i++) {
        const struct overprog_frame *f = &o->p->frames[i];
        if (f->f.rows)
            continue;
        for (uint64_t n = from; !f->passive && n < to; n++)
            change(o, c, i, n, true);
        if (f->f.preceding < 0)
            continue;
        uint64_t first = c->words[f->start];
        while (first < to && ts - (evtime)*overacc_entry(&c->ring, first) > f->f.preceding)
            first++;
        leave(o, c, i, first, to);
    }
}

/* A row comes into the frames of rows. */
static void count_row(struct over *o, struct over_cell *c, uint64_t number)
{
    for (unsigned i = 0; i < o->p->nframes; i++) {
        const struct overprog_frame *f = &o->p->frames[i];
        if (!f->f.rows)
            continue;
        if (!f->passive)
            change(o, c, i, number, true);
        uint64_t most = (uint64_t)f->f.preceding;
        if (f->f.preceding >= 0 && number > most)
            leave(o, c, i, number - most, number + 1);
    }
}

/* The first row that some frame, or LAG of the next row, still needs. */
static uint64_t needed(const struct over *o, const struct over_cell *c)
{
    uint64_t least = c->ring.tail, lag = (uint64_t)o->p->lag;
    if (lag > 0)
        least = least > lag ? least - lag : 0;
    for (unsigned i = 0; i < o->p->nframes; i++) {
        uint64_t start = c->words[o->p->frames[i].start];
        if (o->p->frames[i].f.preceding >= 0 && start < least)
            least = start;
    }
    return least > c->ring.head ? least : c->ring.head;
}

void over_trim(struct over *o, struct over_cell *c)
{
    struct overacc_ring *r = &c->ring;
    drop_entries(o, r, needed(o, c));
    if (r->cap > 4 * RING_FIRST && r->tail - r->head < r->cap / 8)
        set_cap(o, r, r->cap / 4);
}

/* --- rows --- */

uint64_t *over_extend(struct over *o, struct over_cell *c)
{
    struct overacc_ring *r = &c->ring;
    if (r->tail - r->head == r->cap)
        set_cap(o, r, r->cap > 0 ? 2 * r->cap : RING_FIRST);
    uint64_t *entry = overacc_entry(r, r->tail++);
    memset(entry, 0, r->entry * sizeof *entry);
    if (o->p->ninputs > 0)
        entry[1] = UINT64_MAX >> (OVERPROG_INPUTS_MAX - o->p->ninputs);
    return entry;
}

static void make_room(struct over *o, struct over_cell *c, struct rowref at, evtime ts)
{
    struct overacc_ring *r = &c->ring;
    uint64_t n = r->tail - r->head;
    bool over = n >= o->max_rows && r->head < c->done; /* the row in hand's own time is not cut */
    if (c->state.room != 0 && n < o->max_rows / 2)
        c->state.room = 0;
    if (n < r->cap && !over)
        return;
    if (!over) {
        set_cap(o, r, r->cap > 0 ? 2 * r->cap : RING_FIRST);
        return;
    }
    uint64_t gone = n - o->max_rows + 1; /* more than one, if the limit was higher */
    gone = gone < c->done - r->head ? gone : c->done - r->head;
    for (unsigned i = 0; i < o->p->nframes; i++)
        if (o->p->frames[i].f.preceding >= 0)
            leave(o, c, i, r->head + gone, c->done);
    drop_entries(o, r, r->head + gone);
    o->dropped += gone;
    o->k->partials_dropped += gone;
    if (c->state.room == 0) /* state.room: it has been told */
        keyed_tell_limit(o->k, &o->rule, c->state.key, at, ts, "kept rows", o->max_rows,
                         "the oldest leave their frames");
    c->state.room = 1;
}

static bool read_input(struct over *o, const struct overprog_input *in, struct rowref at,
                       uint64_t *to)
{
    const struct exprvm_env env = {.current = at, .scratch = o->scratch};
    union cell v = {0};
    if (in->filter != NULL && !(exprvm_eval(in->filter, &env, &v) && v.i != 0))
        return false;
    if (in->e == NULL)
        return true;
    if (!(in->column >= 0 ? rowref_cell(at, NULL, (unsigned)in->column, &v)
                          : exprvm_eval(in->arg, &env, &v)))
        return false;
    *to = in->text ? (uint64_t)overtext_new(&o->memory, v.s) : (uint64_t)v.i;
    return true;
}

static void append(struct over *o, struct over_cell *c, struct rowref at, evtime ts)
{
    make_room(o, c, at, ts);
    uint64_t *entry = overacc_entry(&c->ring, c->ring.tail), nulls = 0, unused;
    entry[0] = (uint64_t)ts;
    for (unsigned i = 0; i < o->p->ninputs; i++) {
        const struct overprog_input *in = &o->p->inputs[i];
        if (!read_input(o, in, at, in->e != NULL ? &entry[in->at] : &unused))
            nulls |= UINT64_C(1) << i;
    }
    if (o->p->ninputs > 0)
        entry[1] = nulls;
    c->ring.tail++;
}

static struct value lag(struct over *o, struct over_cell *c, const struct overprog_call *call,
                        uint64_t number, struct rowref at)
{
    struct value v = {.type = call->c->type, .null = true};
    const struct overprog_input *in = &o->p->inputs[call->input];
    uint64_t back = (uint64_t)call->c->offset;
    if (number < back) {
        const struct exprvm_env env = {.current = at, .scratch = o->scratch};
        v.null = call->fallback == NULL || !exprvm_eval(call->fallback, &env, &v.c);
    } else if (number - back >= c->ring.head) {
        const uint64_t *entry = overacc_entry(&c->ring, number - back);
        v.null = overacc_is_null(entry, (unsigned)call->input);
        if (!v.null)
            v.c = overtext_cell(in->text, (int64_t)entry[in->at]);
    }
    return v;
}

static void fill_slots(struct over *o, struct over_cell *c, uint64_t number, struct rowref at)
{
    for (unsigned i = 0; i < o->p->ncalls; i++) {
        const struct overprog_call *call = &o->p->calls[i];
        if (call->way == OVERPROG_NUMBER) {
            o->slots[i] = (struct value){.type = call->c->type, .c.i = (int64_t)number + 1};
        } else if (call->way == OVERPROG_LAG) {
            o->slots[i] = lag(o, c, call, number, at);
        } else {
            const struct overprog_frame *f = &o->p->frames[call->frame];
            struct overacc a = over_acc(o, c, i);
            o->slots[i] =
                overacc_result(&a, c->words[f->start], f->f.rows ? number + 1 : c->ring.tail);
        }
    }
}

void over_watch(struct over *o, void (*each)(void *ctx, const struct over_given *g), void *ctx)
{
    o->each = each;
    o->each_ctx = ctx;
}

static void show(struct over *o, const struct over_cell *c, uint64_t number, const struct batch *b,
                 unsigned i)
{
    uint64_t *rows = arena_alloc(o->scratch, (o->p->ncalls + 1) * sizeof *rows);
    for (unsigned k = 0; k < o->p->ncalls; k++) {
        const struct overprog_call *call = &o->p->calls[k];
        const struct overprog_frame *f = &o->p->frames[call->frame];
        rows[k] = 0;
        if (call->c->kind == OVER_AGG)
            rows[k] = (f->f.rows ? number + 1 : c->ring.tail) - c->words[f->start];
    }
    o->each(o->each_ctx, &(struct over_given){b, i, o->slots, rows});
}

/* The result of a row whose frames are filled. */
static void give(struct over *o, struct over_cell *c, uint64_t number, struct batch *b, unsigned i)
{
    struct rowref at = {.b = b, .i = i};
    struct keyed *k = o->k;
    fill_slots(o, c, number, at);
    if (o->each != NULL)
        show(o, c, number, b, i);
    if (o->p->having != NULL && !output_holds_both(o->p->having, at, o->slots, o->scratch))
        return;
    struct result *r = keyed_result(k, &o->rule, c->state.key, RESULT_MATCH, b->ts[i]);
    if (r == NULL)
        return;
    struct result_row *row = arena_alloc(k->emit->arena, sizeof *row);
    *row = (struct result_row){-1, {schema_place(b->schema), b->partition, b->offset[i]}, b->ts[i]};
    r->time = b->ts[i];
    r->nvalues = o->p->output.n;
    r->values = output_of_both(&o->p->output, at, o->slots, k->emit);
    r->nrows = 1;
    r->rows = row;
    emit_done(r);
}

static void give_row(struct over *o, struct over_cell *c, struct batch *b, unsigned i)
{
    uint64_t number = c->done;
    count_row(o, c, number);
    give(o, c, number, b, i);
    c->done++;
    if (arena_bytes(o->scratch) > 0)
        arena_reset(o->scratch);
}

/* All rows of one key and time. */
static void give_key(struct over *o, struct over_cell *c, evtime ts)
{
    uint64_t from = c->ring.tail;
    int first = c->first;
    for (int n = first; n != OVER_NONE; n = o->waiting[n].next) {
        const struct over_waiting *w = &o->waiting[n];
        append(o, c, (struct rowref){.b = w->b, .i = w->i}, ts);
    }
    range_rows(o, c, from, c->ring.tail, ts);
    for (int n = first; n != OVER_NONE; n = o->waiting[n].next) {
        const struct over_waiting *w = &o->waiting[n];
        give_row(o, c, w->b, w->i);
        batch_unref(w->b);
    }
    c->first = c->last = OVER_NONE;
    over_trim(o, c);
}

static void give_waiting(struct over *o)
{
    for (size_t n = 0; n < o->nwaiting; n++)
        if (o->waiting[n].cell->first == (int)n)
            give_key(o, o->waiting[n].cell, o->waiting_ts);
    o->nwaiting = 0;
}

static void hold(struct over *o, struct over_cell *c, const struct keyed_row *r)
{
    int n = (int)o->nwaiting;
    o->waiting = mem_grow(o->waiting, o->nwaiting, 1, &o->waiting_cap, sizeof *o->waiting);
    o->waiting[o->nwaiting++] = (struct over_waiting){c, batch_ref(r->b), r->i, OVER_NONE};
    o->waiting_ts = r->ts;
    if (c->last == OVER_NONE)
        c->first = n;
    else
        o->waiting[c->last].next = n;
    c->last = n;
}

void over_row(struct over *o, struct keystate *state, struct key *key, const struct keyed_row *r)
{
    struct over_cell *c = (struct over_cell *)(void *)state;
    if (o->nwaiting > 0 && r->ts != o->waiting_ts)
        give_waiting(o);
    if (c == NULL)
        c = over_make(o, key, r->ts);
    touch(o, c, r->ts);
    if (o->p->ranges) {
        hold(o, c, r);
        return;
    }
    append(o, c, (struct rowref){.b = r->b, .i = r->i}, r->ts);
    give_row(o, c, r->b, r->i);
    over_trim(o, c);
}

void over_advance(struct over *o, evtime to)
{
    give_waiting(o);
    if (o->p->idle_ms < 0)
        return;
    int64_t idle = o->p->idle_ms + o->p->idle_ms / OVER_LAZY;
    while (o->oldest != NULL && (to == EVTIME_MAX || to - o->oldest->listed > idle)) {
        struct key *key = o->oldest->state.key;
        keyed_touch(o->k, key);
        cell_free(o, o->oldest);
        keyed_drop_if_idle(o->k, key);
    }
}

void over_prefetch(const struct over *o, const struct keystate *state, unsigned link)
{
    const struct over_cell *c = (const struct over_cell *)(const void *)state;
    if (!o->ready || c->ring.cap == 0)
        return;
    if (link == 1) {
        __builtin_prefetch(overacc_entry(&c->ring, c->ring.tail));
        __builtin_prefetch(overacc_entry(&c->ring, c->ring.head));
    }
}

uint64_t over_keys(const struct over *o)
{
    return o->ready ? o->cells.live : 0;
}

size_t over_bytes(const struct over *o)
{
    return slabs_bytes(&o->memory) + (o->ready ? o->cells.bytes : 0) +
           o->waiting_cap * sizeof *o->waiting;
}

size_t over_used(const struct over *o)
{
    return slabs_used(&o->memory) + (o->ready ? slab_used(&o->cells) : 0) +
           o->nwaiting * sizeof *o->waiting;
}

uint64_t over_kept(const struct keystate *state)
{
    const struct overacc_ring *r = &((const struct over_cell *)(const void *)state)->ring;
    return r->tail - r->head;
}

uint64_t over_dropped(const struct over *o)
{
    return o->dropped;
}
