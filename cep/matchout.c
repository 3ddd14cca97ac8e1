/* SPDX-License-Identifier: Apache-2.0
 *
 * A match is laid out from its last node back to its first row; then measures are evaluated over it, as of its last row, or (ALL ROWS PER
 * MATCH) as of each row that is not excluded. */
#include "base/mem.h"
#include "cep/matchrun.h"

static struct match_view view_of(struct match *m, const struct match_cell *c,
                                 const struct match_node *n)
{
    struct match_view v = {.cell = c};
    for (const struct match_node *at = n; at != NULL; at = at->parent)
        v.n++;
    v.rows = arena_alloc(m->k->scratch, v.n * sizeof(struct kept *));
    v.vars = arena_alloc(m->k->scratch, v.n * sizeof *v.vars);
    v.excluded = arena_alloc(m->k->scratch, v.n * sizeof *v.excluded);
    v.seen = v.n;
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
            struct rowref last = {.b = NULL, .r = &v->rows[v->seen - 1]->row};
            some = rowref_cell(last, &m->k->layout, p->plan->outputs[i].e->index, &c);
        }
        values[i] = emit_value(m->k->emit, p->plan->outputs[i].type, !some, c);
    }
    return values;
}

static const struct result_row *rows_of(struct match *m, const struct match_view *v)
{
    struct result_row *rows = arena_alloc(m->k->emit->arena, v->n * sizeof *rows);
    for (unsigned i = 0; i < v->n; i++) {
        const struct row *r = &v->rows[i]->row;
        rows[i] = (struct result_row){.var = v->vars[i],
                                      .place = {m->k->schema->id, r->partition, r->offset},
                                      .ts = r->ts};
    }
    return rows;
}

static struct result *tell(struct match *m, const struct match_view *v, enum result_kind kind,
                           evtime time, evtime decided)
{
    struct result *r = keyed_result(m->k, &m->rule, v->cell->state.key, kind, decided);
    if (r == NULL)
        return NULL;
    r->time = time;
    r->nvalues = m->p->noutputs;
    r->values = values_of(m, v);
    r->nrows = v->n;
    r->rows = rows_of(m, v);
    return r;
}

static void tell_each_row(struct match *m, struct match_view *v, evtime time, evtime decided)
{
    for (unsigned i = 0; i < v->n; i++) {
        v->seen = i + 1;
        if (v->excluded[i] || !having_holds(m, v))
            continue;
        struct result *r = tell(m, v, RESULT_MATCH, time, decided);
        if (r == NULL)
            return;
        r->row_number = i + 1;
        emit_done(r);
    }
}

void matchout_match(struct match *m, struct match_cell *c, struct match_node *n, evtime time,
                    evtime decided)
{
    struct match_view v = view_of(m, c, n);
    if (c->memory != NULL)
        c->memory->matches++;
    if (m->p->m->rows != ROWS_ONE) {
        tell_each_row(m, &v, time, decided);
        return;
    }
    struct result *r = having_holds(m, &v) ? tell(m, &v, RESULT_MATCH, time, decided) : NULL;
    if (r != NULL)
        emit_done(r);
}

void matchout_timeout(struct match *m, struct match_cell *c, struct match_node *n, evtime time)
{
    m->k->timeouts++;
    const struct match_view v = view_of(m, c, n);
    struct result *r = tell(m, &v, RESULT_TIMEOUT, time, time);
    if (r != NULL)
        emit_done(r);
}

void matchout_bad_skip(struct match *m, struct match_cell *c, struct match_node *n, evtime decided)
{
    const struct match_view v = view_of(m, c, n);
    struct result *r = tell(m, &v, RESULT_ERROR, n->row->row.ts, decided);
    if (r == NULL)
        return;
    r->reason =
        "AFTER MATCH SKIP TO names a variable that took no row, or the first row of the match: "
        "matching went on at the "
        "next row";
    emit_done(r);
}
