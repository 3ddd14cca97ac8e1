/* SPDX-License-Identifier: Apache-2.0
 *
 * A cell as bytes: its nodes, each once and a parent before its children, then its runs with their lists, which name nodes
 * by number. What a node carries for conditions is made again from its parent and its row, as when the row came.
 *
 * While a cell is written, a node's number stands in place of its references. */
#include "base/bug.h"
#include "base/mem.h"
#include "cep/match/matchmap.h"
#include "cep/match/matchrun.h"
#include <string.h>

enum { CELL_TOLD = 1, CELL_ALL = 1 };

enum {
    RUN_DECIDED = 1,
    RUN_UNTIMED = 2,
    RUN_AT_END = 4,
    RUN_EMPTY = 8,
    RUN_PAST = 16,
    RUN_BARE = 32, /* of no node: where it begins is said */
    RUN_AGED = 64, /* rows were taken since it began: how many is said */
    RUN_FOUND = 128 /* has a best match, or ways that were given */
};

enum {
    NODE_FLAGS = MATCH_NODE_FOUND | MATCH_NODE_OLD | MATCH_NODE_LATE | MATCH_NODE_WAITED |
                 MATCH_NODE_DONE | MATCH_NODE_HELD
};

struct match_saver { /* nodes of the cell in hand, by number */
    struct numbered {
        struct match_node *node;
        uint32_t refs; /* saving: its own */
        uint32_t root; /* loading: number of the first of its way */
        bool listed; /* loading: in a list */
        uint16_t was; /* loading: its state before the map */
        bool lost; /* loading: by the map, or what it extends is */
    } * v;
    size_t n, cap;
};

struct match_saver *matchsave_new(void)
{
    return mem_new(sizeof(struct match_saver));
}

void matchsave_free(struct match_saver *s)
{
    if (s == NULL)
        return;
    mem_free(s->v);
    mem_free(s);
}

/* --- the rule --- */

/* What numbers of states, edges and variables in cells mean. */
void matchsave_put_head(const struct match *m, struct bytes *out)
{
    const struct match_prog *p = m->p;
    bytes_varint(out, p->m->nvars);
    for (unsigned v = 0; v < p->m->nvars; v++)
        bytes_str(out, p->m->vars[v].name, strlen(p->m->vars[v].name));
    bytes_varint(out, p->nfa->nstates);
    for (unsigned s = 0; s < p->nfa->nstates; s++) {
        const struct nfa_state *st = &p->nfa->states[s];
        bytes_varint(out, (uint64_t)(st->var + 1));
        bytes_varint(out, st->nedges);
        for (unsigned e = 0; e < st->nedges; e++) {
            bytes_varint(out, st->edges[e].to == NFA_ACCEPT ? 0 : st->edges[e].to);
            bytes_u8(out, st->edges[e].how);
        }
    }
    bytes_varint(out, p->nfa->ndepths);
    bytes_u8(out, (uint8_t)(p->no_skip | p->nfa->ambiguous << 1 | p->tangled << 2 | p->queued << 3 |
                            p->keeps_rows << 4));
}

enum err matchsave_load_head(struct match *m, struct bytes_reader *in)
{
    struct bytes now = {0};
    matchsave_put_head(m, &now);
    const uint8_t *then = bytes_get(in, now.n);
    bool same = then != NULL && in->p == in->end && memcmp(then, now.p, now.n) == 0;
    bytes_fini(&now);
    return same ? ERR_OK : ERR_CORRUPT;
}

/* --- saving --- */

static bool is_numbered(const struct match_saver *s, const struct match_node *n)
{
    return n->refs < s->n && s->v[n->refs].node == n;
}

/* Of n and those that it extends. */
static void number(struct match_saver *s, struct match_node *n)
{
    size_t from = s->n;
    for (; n != NULL && !is_numbered(s, n); n = n->parent) {
        s->v = mem_grow(s->v, s->n, 1, &s->cap, sizeof *s->v);
        s->v[s->n++] = (struct numbered){.node = n, .refs = n->refs};
    }
    for (size_t a = from, b = s->n; a < b; a++) {
        struct numbered last = s->v[--b];
        s->v[b] = s->v[a];
        s->v[a] = last;
    }
    BUG_IF(s->n > UINT32_MAX, "a key has %zu nodes", s->n);
    for (size_t i = from; i < s->n; i++)
        s->v[i].node->refs = (uint32_t)i;
}

static void number_all(struct match_saver *s, const struct match_prog *p,
                       const struct match_cell *c)
{
    s->n = 0;
    for (const struct match_run *run = c->first; run != NULL; run = run->next) {
        for (struct match_node *n = run->list; n != NULL; n = n->next)
            number(s, n);
        if (!p->no_skip)
            number(s, run->best);
    }
}

static void put_nodes(const struct match *m, struct keysave *rows, struct bytes *out)
{
    const struct match_prog *p = m->p;
    const struct match_saver *s = m->saver;
    bytes_varint(out, s->n);
    for (uint32_t i = 0; i < s->n; i++) {
        struct match_node *n = s->v[i].node;
        bytes_varint(out, n->parent == NULL ? 0 : i - n->parent->refs);
        bytes_varint(out, keysave_row(rows, n->row));
        bytes_varint(out, n->state);
        for (unsigned d = 0; d < p->nfa->ndepths; d++)
            bytes_varint(out, matchrun_counts(p, n)[d]);
        if (p->tangled)
            bytes_varint(out, *matchrank_word(p, n));
    }
}

static void put_run(const struct match *m, const struct match_cell *c, const struct match_run *run,
                    struct bytes *out)
{
    const struct match_prog *p = m->p;
    uint32_t age = m->limited ? (c->taken - run->taken) & MATCH_TAKEN_MASK : 0;
    bool found = p->no_skip ? run->found != NULL : run->best != NULL;
    bool bare = run->list == NULL && (p->no_skip || run->best == NULL);
    size_t listed = 0;
    for (const struct match_node *n = run->list; n != NULL; n = n->next)
        listed++;
    bytes_u8(out, (uint8_t)((run->decided ? RUN_DECIDED : 0) | (run->untimed ? RUN_UNTIMED : 0) |
                            (run->best_at_end ? RUN_AT_END : 0) | (run->empty ? RUN_EMPTY : 0) |
                            (run->past ? RUN_PAST : 0) | (bare ? RUN_BARE : 0) |
                            (age > 0 ? RUN_AGED : 0) | (found ? RUN_FOUND : 0)));
    if (bare) {
        bytes_varint(out, run->start);
        bytes_u64(out, (uint64_t)run->first);
    }
    if (age > 0)
        bytes_varint(out, age);
    bytes_varint(out, listed);
    for (const struct match_node *n = run->list; n != NULL; n = n->next) {
        bytes_varint(out, n->refs);
        bytes_u8(out, n->flags);
        bytes_varint(out, n->live);
    }
    if (found && !p->no_skip) {
        bytes_varint(out, run->best->refs);
    } else if (found) {
        bytes_varint(out, run->found->n);
        for (uint32_t i = 0; i < run->found->n; i++)
            bytes_u64(out, run->found->hashes[i]);
    }
}

static void put_memory(const struct match *m, const struct match_memory *h, struct keysave *rows,
                       struct bytes *out)
{
    bytes_varint(out, h->matches);
    bytes_varint(out, h->first);
    bytes_varint(out, h->n - h->from);
    if (m->p->queued)
        bytes_varint(out, h->n - h->next);
    for (size_t i = h->from; i < h->n; i++) {
        bytes_varint(out, (uint64_t)keysave_row(rows, h->rows[i].row) << 1 | h->rows[i].taken);
        if (m->p->queued)
            bytes_varint(out, h->rows[i].holds);
    }
}

void matchsave_put(const struct match *m, const struct keystate *state, struct keysave *rows,
                   struct bytes *out)
{
    const struct match_cell *c = (const struct match_cell *)(const void *)state;
    struct match_saver *s = m->saver;
    bytes_u8(out, c->told ? CELL_TOLD : 0);
    bytes_varint(out, c->pauses);
    if (c->memory != NULL)
        put_memory(m, c->memory, rows, out);
    number_all(s, m->p, c);
    put_nodes(m, rows, out);
    bytes_varint(out, c->state.room);
    for (const struct match_run *run = c->first; run != NULL; run = run->next)
        put_run(m, c, run, out);
    for (size_t i = 0; i < s->n; i++)
        s->v[i].node->refs = s->v[i].refs;
}

/* --- loading --- */

struct loading {
    struct match *m;
    const struct match_prog *p;
    struct keyload *l;
    struct match_cell *c;
    struct match_saver *s;
    struct bytes_reader *in;
    const struct matchmap *map; /* NULL: of the same version */
    unsigned nstates, ndepths; /* of the version that saved it */
};

/* A number of things that take a byte each at least. */
static bool read_count(struct bytes_reader *in, uint64_t *n)
{
    *n = bytes_get_varint(in);
    return !in->bad && *n <= (size_t)(in->end - in->p);
}

static bool remembers(const struct match_memory *h, uint64_t seq)
{
    size_t at = matchrows_find(h, seq);
    return at < h->n && h->rows[at].row->seq == seq;
}

static bool load_memory(struct loading *x)
{
    struct match_memory *h = x->c->memory;
    uint64_t n, queued = 0;
    h->matches = bytes_get_varint(x->in);
    h->first = bytes_get_varint(x->in);
    if (!read_count(x->in, &n) || (n > 0 && !x->p->keeps_rows))
        return false;
    if (x->p->queued)
        queued = bytes_get_varint(x->in);
    if (queued > n)
        return false;
    h->rows = mem_grow(h->rows, 0, n, &h->cap, sizeof *h->rows);
    while (h->n < n) {
        uint64_t packed = bytes_get_varint(x->in);
        struct match_seen *to = &h->rows[h->n];
        *to = (struct match_seen){.row = keyload_row(x->l, packed >> 1), .taken = packed & 1};
        if (to->row == NULL)
            return false;
        h->n++;
        if (h->n > 1 && to->row->seq <= to[-1].row->seq)
            return false;
        if (x->p->queued)
            to->holds = bytes_get_varint(x->in);
        if (x->in->bad || (to->holds & ~x->p->nfa->vars) != 0)
            return false;
    }
    h->next = h->n - queued;
    return true;
}

static bool load_counts(struct loading *x, struct match_node *n)
{
    for (unsigned d = 0; d < x->ndepths; d++) {
        uint64_t count = bytes_get_varint(x->in);
        if (d < x->p->nfa->ndepths)
            matchrun_counts(x->p, n)[d] = (uint32_t)count;
        if (count > UINT32_MAX)
            return false;
    }
    return true;
}

/* A node, with a reference that is the loader's. One that is lost stays until all has been read. */
static bool load_node(struct loading *x)
{
    struct match *m = x->m;
    const struct match_prog *p = x->p;
    struct match_saver *s = x->s;
    uint64_t up = bytes_get_varint(x->in), row = bytes_get_varint(x->in);
    uint64_t state = bytes_get_varint(x->in);
    if (x->in->bad || up > s->n || state == 0 || state >= x->nstates)
        return false;
    struct match_node *parent = up == 0 ? NULL : s->v[s->n - up].node;
    uint16_t was = (uint16_t)state;
    bool lost = parent != NULL && s->v[s->n - up].lost;
    if (x->map != NULL && (lost |= x->map->states[state].to == MATCHMAP_NONE))
        state = 0;
    else if (x->map != NULL)
        state = x->map->states[state].to;
    struct match_node *n = slab_alloc(&m->nodes);
    *n = (struct match_node){.parent = parent, .refs = 1, .state = (uint16_t)state};
    n->row = keyload_row(x->l, row);
    if (n->row == NULL) {
        slab_free(&m->nodes, n);
        return false;
    }
    if (parent != NULL)
        parent->refs++;
    s->v = mem_grow(s->v, s->n, 1, &s->cap, sizeof *s->v);
    s->v[s->n] = (struct numbered){.node = n,
                                   .was = was,
                                   .lost = lost,
                                   .root = parent == NULL ? (uint32_t)s->n : s->v[s->n - up].root};
    s->n++;
    if (parent != NULL && parent->row->seq >= n->row->seq)
        return false;
    if (p->keeps_rows && !remembers(x->c->memory, n->row->seq))
        return false;
    memset(n->extra, 0, p->nextra * sizeof n->extra[0]);
    if (!load_counts(x, n))
        return false;
    if (p->tangled)
        *matchrank_word(p, n) = bytes_get_varint(x->in);
    if (x->in->bad || (p->tangled && !matchrank_is_word(*matchrank_word(p, n))))
        return false;
    const struct keyed_row r = {.ts = n->row->row.ts, .seq = n->row->seq, .kept = n->row};
    if (!lost)
        matchrun_derive(m, n, &r);
    return true;
}

/* A node of this run's: the first that is named says where it begins. */
static struct numbered *named_node(struct loading *x, struct match_run *run, bool *begun)
{
    uint64_t number = bytes_get_varint(x->in);
    if (x->in->bad || number >= x->s->n)
        return NULL;
    struct numbered *of = &x->s->v[number];
    const struct kept *first = x->s->v[of->root].node->row;
    if (!*begun) {
        run->start = first->seq;
        run->first = first->row.ts;
        *begun = true;
    }
    return run->start == first->seq ? of : NULL;
}

/* The edges that a node may still take, as this version has them. */
static uint64_t live_of(const struct loading *x, const struct numbered *of, uint64_t live)
{
    if (x->map == NULL)
        return live;
    return of->lost ? 0 : matchmap_live(x->map, of->was, live) & matchrun_open(x->p, of->node);
}

static bool load_list(struct loading *x, struct match_run *run, bool *begun)
{
    struct match_node **end = &run->list;
    uint64_t n;
    if (!read_count(x->in, &n))
        return false;
    for (; n > 0; n--) {
        struct numbered *of = named_node(x, run, begun);
        uint8_t flags = bytes_get_u8(x->in);
        uint64_t live = bytes_get_varint(x->in);
        if (x->in->bad || of == NULL || of->listed || (flags & ~NODE_FLAGS) != 0)
            return false;
        live = live_of(x, of, live);
        if (x->map != NULL && live == 0)
            continue;
        if ((live & ~x->p->nfa->states[of->node->state].all) != 0)
            return false;
        of->listed = true;
        of->node->flags = flags;
        of->node->live = live;
        of->node->refs++;
        *end = of->node;
        end = &of->node->next;
        matchheld_load_node(x->m, of->node);
        matchrun_count(x->m, x->c, 1);
        if (!run->decided)
            x->c->state.waiting |= x->p->wait[of->node->state];
    }
    return true;
}

static bool load_hashes(struct bytes_reader *in, struct match_found **out)
{
    uint64_t n = bytes_get_varint(in);
    if (in->bad || n == 0 || n > (size_t)(in->end - in->p) / sizeof(uint64_t))
        return false;
    struct match_found *f = mem_alloc(sizeof *f + n * sizeof f->hashes[0]);
    *f = (struct match_found){.n = (uint32_t)n, .cap = (uint32_t)n};
    for (uint64_t i = 0; i < n; i++)
        f->hashes[i] = bytes_get_u64(in);
    *out = f;
    return true;
}

/* What the run has found; it is known by then where it begins. */
static bool load_found(struct loading *x, struct match_run *run, bool *begun, bool *lost)
{
    struct numbered *best = NULL;
    if (x->p->no_skip)
        return load_hashes(x->in, &run->found);
    best = named_node(x, run, begun);
    if (best == NULL)
        return false;
    if (best->lost) {
        *lost = true;
        return true;
    }
    matchheld_load_run(x->m, run, best->node);
    best->node->refs++;
    run->best = best->node;
    return true;
}

static bool is_run(const struct loading *x, const struct match_run *run)
{
    if (run->before != NULL && run->start < run->before->start)
        return false;
    if (run->untimed && !run->decided)
        return false;
    if (run->empty && !x->p->empties)
        return false;
    return !x->p->keeps_rows || remembers(x->c->memory, run->start);
}

/* It is in its cell from the beginning, and among those in order of time with the end. */
static bool load_run(struct loading *x)
{
    struct match *m = x->m;
    struct match_run *run = slab_alloc(&m->runs);
    uint8_t flags = bytes_get_u8(x->in);
    bool begun = flags & RUN_BARE, lost = false;
    *run = (struct match_run){.cell = x->c,
                              .decided = flags & RUN_DECIDED,
                              .untimed = true,
                              .best_at_end = (flags & RUN_AT_END) != 0,
                              .empty = (flags & RUN_EMPTY) != 0,
                              .past = (flags & RUN_PAST) != 0};
    timer_init(&run->timer);
    match_link(x->c, run);
    if (matchrun_counts_runs(x->p))
        matchrun_count(m, x->c, 1);
    if (begun) {
        run->start = bytes_get_varint(x->in) & MATCH_SEQ_MASK;
        run->first = (evtime)bytes_get_u64(x->in);
    }
    if (flags & RUN_AGED)
        run->taken = -(uint32_t)bytes_get_varint(x->in) & MATCH_TAKEN_MASK;
    if (!load_list(x, run, &begun))
        return false;
    if ((flags & RUN_FOUND) && !load_found(x, run, &begun, &lost))
        return false;
    if (!begun || x->in->bad || (run->list != NULL && (flags & RUN_BARE)))
        return false;
    if (x->p->no_skip || run->best == NULL)
        matchheld_load_run(m, run, NULL);
    run->untimed = (flags & RUN_UNTIMED) != 0;
    if (!run->untimed)
        matchdue_add(m, run);
    if (!is_run(x, run))
        return false;
    if (x->map != NULL && !(flags & RUN_BARE))
        lost |= run->list == NULL && (x->p->no_skip || run->best == NULL);
    if (lost)
        matchsettle_remove(m, x->c, run);
    return true;
}

/* Of a version that counted the matches of a key, by one that does not. */
static bool skip_memory(struct loading *x)
{
    (void)bytes_get_varint(x->in);
    (void)bytes_get_varint(x->in);
    return bytes_get_varint(x->in) == 0 && !x->in->bad; /* rows: both keep some, or none does */
}

static bool load_cell(struct loading *x)
{
    uint64_t n;
    bool saved = x->map != NULL ? x->map->remembers : x->c->memory != NULL;
    if (saved && !(x->c->memory != NULL ? load_memory(x) : skip_memory(x)))
        return false;
    if (!saved && x->c->memory != NULL)
        x->c->memory->first = 1; /* which was another one: its next row is not its first */
    if (!read_count(x->in, &n))
        return false;
    for (; n > 0; n--)
        if (!load_node(x))
            return false;
    if (!read_count(x->in, &n))
        return false;
    for (; n > 0; n--)
        if (!load_run(x))
            return false;
    return x->c->first != NULL || x->p->sticky || x->map != NULL;
}

enum err matchsave_load(struct match *m, struct keyload *l, struct bytes_reader *in)
{
    struct match_saver *s = m->saver;
    struct loading x = {.m = m, .p = m->p, .l = l, .s = s, .in = in, .map = l->map};
    x.nstates = l->map != NULL ? l->map->nstates : m->p->nfa->nstates;
    x.ndepths = l->map != NULL ? l->map->ndepths : m->p->nfa->ndepths;
    uint8_t flags = bytes_get_u8(in);
    uint64_t pauses = bytes_get_varint(in);
    if (in->bad || (flags & ~CELL_ALL) != 0 || pauses > MATCH_PAUSES_MASK)
        return ERR_CORRUPT;
    if (l->bulk)
        matchheld_loose(m);
    s->n = 0;
    x.c = match_cell_new(m, l->key, (unsigned)pauses);
    x.c->told = flags & CELL_TOLD;
    x.c->state.waiting = m->p->every_row ? matchrun_fold(m->p->see_bit) : 0;
    bool good = load_cell(&x);
    while (s->n > 0) /* what no run holds goes */
        matchrun_unref(m, s->v[--s->n].node);
    if (!good || (x.c->first == NULL && !m->p->sticky))
        match_drop(m, &x.c->state);
    return good ? ERR_OK : ERR_CORRUPT;
}

void matchsave_loaded(struct match *m)
{
    matchheld_order(m);
}

/* --- out of memory --- */

/* One that results of others wait for must stay: EVTIME_MIN. */
evtime matchsave_when(const struct match *m, const struct keystate *state)
{
    const struct match_cell *c = (const struct match_cell *)(const void *)state;
    evtime when = EVTIME_MAX;
    if (m->rule.read)
        return EVTIME_MIN;
    for (const struct match_run *run = c->first; run != NULL && m->p->ahead == 0; run = run->next)
        if (!run->untimed && matchdue_time(run) < when)
            when = matchdue_time(run);
    return when;
}
