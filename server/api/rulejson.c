/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/rulejson.h"
#include "cep/match/nfa.h"
#include "server/http/jsonw.h"
#include <inttypes.h>
#include <stdio.h>

const char *rulejson_kind(const struct rule_plan *p)
{
    switch (p->shape) {
    case RULE_FILTER:
        return "filter";
    case RULE_WINDOW:
        return "window";
    case RULE_OVER:
        return "over";
    case RULE_JOIN:
        return "join";
    default:
        return "pattern";
    }
}

void rulejson_shape(struct bytes *out, const struct rule_plan *p)
{
    jsonw_kstr(out, "kind", rulejson_kind(p));
    const struct schema *streams[PLAN_STREAMS_MAX];
    unsigned n = plan_streams(p, streams);
    jsonw_kstr(out, "stream", schema_rows(p->input)->name);
    jsonw_key(out, "streams");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < n; i++)
        jsonw_str(out, streams[i]->name);
    jsonw_close(out, ']');
    jsonw_key(out, "keys");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < plan_nkeys(p); i++)
        jsonw_str(out, plan_key_name(p, i));
    jsonw_close(out, ']');
}

/* Both halves of a DEFINE: what reads the row alone, and what reads the match so far. */
static void write_condition(struct bytes *out, const char *key, const struct rule_plan *p,
                            const struct match_var *v)
{
    struct bytes text = {0};
    if (v->row)
        expr_print(v->row, p->input, p->match.var_names, &text);
    if (v->row && v->path)
        bytes_printf(&text, " AND ");
    if (v->path)
        expr_print(v->path, p->input, p->match.var_names, &text);
    jsonw_key(out, key);
    if (text.n)
        jsonw_strn(out, (const char *)text.p, text.n);
    else
        jsonw_null(out); /* always true */
    bytes_fini(&text);
}

void rulejson_parts(struct bytes *out, const struct rule_plan *p)
{
    char type[32];
    jsonw_key(out, "variables");
    jsonw_open(out, '[');
    for (unsigned i = 0; p->shape == RULE_MATCH && i < p->match.nvars; i++) {
        jsonw_open(out, '{');
        jsonw_kstr(out, "name", p->match.vars[i].name);
        write_condition(out, "define", p, &p->match.vars[i]);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
    jsonw_key(out, "outputs");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < p->noutputs; i++) {
        jsonw_open(out, '{');
        jsonw_kstr(out, "name", p->outputs[i].name);
        jsonw_kstr(out, "type", schema_type_name(p->outputs[i].type, type));
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
}

/* --- the automaton ------------------------------------------------------------------------------------------------ */

struct drawing {
    struct bytes *out;
    const struct rule_plan *p;
    const struct nfa *n;
};

static const char *var_name(const struct drawing *d, int var)
{
    return d->p->match.vars[var].name;
}

/* A, or A/2 for the second place of A in the pattern. */
static void write_label(const struct drawing *d, unsigned s)
{
    unsigned nth = 0, all = 0;
    char label[256];
    for (unsigned i = 1; i < d->n->nstates; i++)
        if (d->n->states[i].var == d->n->states[s].var) {
            all++;
            nth += i <= s;
        }
    const char *name = var_name(d, d->n->states[s].var);
    snprintf(label, sizeof label, all > 1 ? "%s/%u" : "%s", name, nth);
    jsonw_kstr(d->out, "label", label);
}

static void write_state(const struct drawing *d, unsigned s)
{
    bool final = s == d->n->nstates;
    jsonw_open(d->out, '{');
    jsonw_ku64(d->out, "id", s);
    if (s == 0 || final)
        jsonw_kstr(d->out, "label", final ? "match" : "start");
    else
        write_label(d, s);
    jsonw_kstr(d->out, "kind", s == 0 ? "start" : final ? "final" : "state");
    jsonw_kstr(d->out, "variable", s == 0 || final ? NULL : var_name(d, d->n->states[s].var));
    jsonw_close(d->out, '}');
}

static void note_vars(const struct drawing *d, struct bytes *text, const char *before,
                      uint64_t vars)
{
    const char *between = before;
    if (vars == 0)
        return;
    if (text->n)
        bytes_printf(text, "; ");
    for (; vars != 0; vars &= vars - 1, between = ", ")
        bytes_printf(text, "%s%s", between, var_name(d, __builtin_ctzll(vars)));
}

/* What the edge asks for beside the variable's own condition, in words. */
static void write_note(const struct drawing *d, const struct nfa_edge *e)
{
    struct bytes text = {0};
    note_vars(d, &text, "no row between is ", e->nots);
    note_vars(d, &text, "the next row is not ", e->next_nots);
    note_vars(d, &text, "until ", e->untils | e->untils_row);
    for (unsigned i = 0; i < e->nguards; i++) {
        if (e->guards[i].least > 0)
            bytes_printf(&text, "%safter %" PRIu32 " or more", text.n ? "; " : "",
                         e->guards[i].least);
        if (e->guards[i].below != UINT32_MAX)
            bytes_printf(&text, "%sup to %" PRIu32, text.n ? "; " : "", e->guards[i].below);
    }
    if (e->step_ms >= 0)
        bytes_printf(&text, "%swithin %g s", text.n ? "; " : "", (double)e->step_ms / 1000);
    if (e->at_start)
        bytes_printf(&text, "%sat the start", text.n ? "; " : "");
    if (e->at_end)
        bytes_printf(&text, "%sat the end", text.n ? "; " : "");
    jsonw_key(d->out, "note");
    if (text.n)
        jsonw_strn(d->out, (const char *)text.p, text.n);
    else
        jsonw_null(d->out);
    bytes_fini(&text);
}

static void write_edge(const struct drawing *d, unsigned from, unsigned rank,
                       const struct nfa_edge *e)
{
    static const char *const contiguities[] = {"next", "followed", "any"};
    bool accepts = e->to == NFA_ACCEPT;
    int var = accepts ? -1 : d->n->states[e->to].var;
    jsonw_open(d->out, '{');
    jsonw_ku64(d->out, "from", from);
    jsonw_ku64(d->out, "to", accepts ? d->n->nstates : e->to);
    jsonw_ku64(d->out, "rank", rank);
    jsonw_kstr(d->out, "label", accepts ? "" : var_name(d, var));
    jsonw_kstr(d->out, "contiguity", from == 0 || accepts ? "followed" : contiguities[e->how]);
    jsonw_kstr(d->out, "kind", accepts ? "skip" : e->to <= from ? "loop" : "take");
    if (accepts)
        jsonw_kstr(d->out, "condition", NULL);
    else
        write_condition(d->out, "condition", d->p, &d->p->match.vars[var]);
    write_note(d, e);
    jsonw_close(d->out, '}');
}

void rulejson_nfa(struct bytes *out, const struct rule_plan *p)
{
    struct nfa *n = NULL;
    if (p->shape != RULE_MATCH || nfa_build(&p->match, NULL, &n) != ERR_OK) {
        jsonw_null(out);
        return;
    }
    const struct drawing d = {out, p, n};
    jsonw_open(out, '{');
    jsonw_key(out, "states");
    jsonw_open(out, '[');
    for (unsigned s = 0; s <= n->nstates; s++)
        write_state(&d, s);
    jsonw_close(out, ']');
    jsonw_key(out, "edges");
    jsonw_open(out, '[');
    for (unsigned s = 0; s < n->nstates; s++)
        for (unsigned i = 0; i < n->states[s].nedges; i++)
            write_edge(&d, s, i + 1, &n->states[s].edges[i]);
    jsonw_close(out, ']');
    jsonw_close(out, '}');
    nfa_free(n);
}
