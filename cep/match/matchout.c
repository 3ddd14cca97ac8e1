/* SPDX-License-Identifier: Apache-2.0
 *
 * A match is laid out from its last node back to its first row; then measures are evaluated over it, as of its last row, or
 * (ALL ROWS PER MATCH) as of each row that is not excluded. A match without rows is one of the row at which it begins. */
#include "base/mem.h"
#include "cep/match/matchrun.h"

static struct match_view view_of(struct match *m, const struct match_cell *c,
                                 const struct match_node *n, evtime time)
{
    struct match_view v = {.cell = c, .time = time};
    for (const struct match_node *at = n; at != NULL; at = at->parent)
        v.n++;
    v.rows = arena_alloc(m->k->scratch, v.n * sizeof(struct kept *));
    v.vars = arena_alloc(m->k->scratch, v.n * sizeof *v.vars);
    v.excluded = arena_alloc(m->k->scratch, v.n * sizeof *v.excluded);
    v.seen = v.n;
    v.row = n->row;
    unsigned i = v.n;
    for (const struct match_node *at = n; at != NULL; at = at->parent) {
        v.rows[--i] = at->row;
        v.vars[i] = m->p->nfa->states[at->state].var;
        v.excluded[i] = m->p->nfa->states[at->state].excluded;
    }
    return v;
}

static bool having_holds(struct match *m, const struct match_view *v)
{
    union cell c = {0};
    return m->p->having == NULL || (matchenv_value(m, v, m->p->having, &c) && c.i != 0);
}

static const struct value *values_of(struct match *m, const struct match_view *v)
{
    const struct match_prog *p = m->p;
    struct value *values = arena_alloc(m->k->emit->arena, p->noutputs * sizeof *values);
    for (unsigned i = 0; i < p->noutputs; i++) {
        union cell c = {0};
        bool some;
        if (p->outputs[i] != NULL) {
            some = matchenv_value(m, v, p->outputs[i], &c);
        } else {
            struct rowref current = {.b = NULL, .r = &v->row->row};
            some = rowref_cell(current, &m->k->layout, p->plan->outputs[i].e->index, &c);
        }
        values[i] = emit_value(m->k->emit, p->plan->outputs[i].type, !some, c);
    }
    return values;
}

static struct result_row row_of(const struct match *m, const struct kept *r, int var)
{
    return (
        struct result_row){.var = var,
                           .place = {schema_place(m->k->schema), r->row.partition, r->row.offset},
                           .ts = r->row.ts};
}

/* The rows of the match; of one without rows, where it begins. */
static void put_rows(struct match *m, const struct match_view *v, struct result *r)
{
    r->nrows = v->n > 0 ? v->n : 1;
    struct result_row *rows = arena_alloc(m->k->emit->arena, r->nrows * sizeof *rows);
    rows[0] = row_of(m, v->row, -1);
    for (unsigned i = 0; i < v->n; i++)
        rows[i] = row_of(m, v->rows[i], v->vars[i]);
    r->rows = rows;
}

static struct result *tell(struct match *m, const struct match_view *v, enum result_kind kind,
                           evtime decided)
{
    struct result *r = keyed_result(m->k, &m->rule, v->cell->state.key, kind, decided);
    if (r == NULL)
        return NULL;
    r->time = v->time;
    r->nvalues = m->p->noutputs;
    r->values = values_of(m, v);
    put_rows(m, v, r);
    return r;
}

static void tell_each_row(struct match *m, struct match_view *v, evtime decided)
{
    for (unsigned i = 0; i < v->n; i++) {
        v->seen = i + 1;
        v->row = v->rows[i];
        if (v->excluded[i] || !having_holds(m, v))
            continue;
        struct result *r = tell(m, v, RESULT_MATCH, decided);
        if (r == NULL)
            return;
        r->row_number = i + 1;
        emit_done(r);
    }
}

/* Both are in order of time. */
static void mark_taken(struct match_memory *h, const struct match_view *v)
{
    size_t at = matchrows_find(h, v->rows[0]->seq);
    for (unsigned i = 0; i < v->n; i++) {
        while (h->rows[at].row->seq < v->rows[i]->seq)
            at++;
        h->rows[at].taken = true;
    }
}

void matchout_match(struct match *m, struct match_cell *c, struct match_node *n, evtime time,
                    evtime decided)
{
    struct match_view v = view_of(m, c, n, time);
    if (c->memory != NULL)
        c->memory->matches++;
    if (m->p->unmatched)
        mark_taken(c->memory, &v);
    if (m->p->m->rows != ROWS_ONE) {
        tell_each_row(m, &v, decided);
        return;
    }
    struct result *r = having_holds(m, &v) ? tell(m, &v, RESULT_MATCH, decided) : NULL;
    if (r != NULL)
        emit_done(r);
}

static void tell_alone(struct match *m, struct match_cell *c, const struct match_seen *s,
                       bool unmatched, evtime decided)
{
    const struct match_view v = {.row = s->row,
                                 .unmatched = unmatched,
                                 .cell = c,
                                 .time = s->row->row.ts};
    struct result *r = having_holds(m, &v) ? tell(m, &v, RESULT_MATCH, decided) : NULL;
    if (r != NULL)
        emit_done(r);
}

void matchout_empty(struct match *m, struct match_cell *c, const struct match_run *run,
                    evtime decided)
{
    struct match_memory *h = c->memory;
    struct match_seen *s = &h->rows[matchrows_find(h, run->start)];
    enum rows_kind rows = m->p->m->rows;
    if (run->empty)
        h->matches++;
    if (rows == ROWS_ALL_UNMATCHED ? s->taken : rows == ROWS_ALL_OMIT_EMPTY)
        return;
    s->taken = true;
    tell_alone(m, c, s, !run->empty, decided);
}

void matchout_passed(struct match *m, struct match_cell *c, uint64_t from, uint64_t to,
                     evtime decided)
{
    struct match_memory *h = c->memory;
    for (size_t i = matchrows_find(h, from); i < h->n && h->rows[i].row->seq < to; i++)
        if (!h->rows[i].taken) {
            h->rows[i].taken = true;
            tell_alone(m, c, &h->rows[i], true, decided);
        }
}

void matchout_timeout(struct match *m, struct match_cell *c, struct match_node *n, evtime time)
{
    m->k->timeouts++;
    const struct match_view v = view_of(m, c, n, time);
    struct result *r = tell(m, &v, RESULT_TIMEOUT, time);
    if (r != NULL)
        emit_done(r);
}

void matchout_bad_skip(struct match *m, struct match_cell *c, struct match_node *n, evtime decided)
{
    const struct match_view v = view_of(m, c, n, n->row->row.ts);
    struct result *r = tell(m, &v, RESULT_ERROR, decided);
    if (r == NULL)
        return;
    r->reason =
        "AFTER MATCH SKIP TO names a variable that took no row, or the first row of the match: "
        "matching went on at the "
        "next row";
    emit_done(r);
}
