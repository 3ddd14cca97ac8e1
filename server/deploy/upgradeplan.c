/* SPDX-License-Identifier: Apache-2.0 */
#include "server/deploy/upgradeplan.h"
#include "cep/key/statemap.h"
#include "server/http/jsonw.h"
#include <string.h>
#include <strings.h>

struct report {
    const struct rule_plan *from, *to;
    const struct statemap *map;
    struct bytes *out;
};

static void item(const struct report *r, const char *kind, const char *name, const char *verdict,
                 const char *reason)
{
    jsonw_open(r->out, '{');
    jsonw_kstr(r->out, "kind", kind);
    jsonw_kstr(r->out, "name", name);
    jsonw_kstr(r->out, "verdict", verdict);
    jsonw_kstr(r->out, "reason", reason);
    jsonw_close(r->out, '}');
}

/* --- patterns --- */

static bool same_expr(const struct expr *a, const struct expr *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || expr_same(a, b));
}

static void old_variable(const struct report *r, const struct nfa *n, unsigned v)
{
    const struct match_var *old = &r->from->match.vars[v];
    const struct matchmap *m = r->map->match;
    int to = m->var[v];
    unsigned places = 0, lost = 0;
    bool edges = false;
    if (to < 0) {
        item(
            r, "variable", old->name, "reset",
            "it is not in the pattern any more: partial matches that have a row of it are dropped");
        return;
    }
    const struct match_var *new = &r->to->match.vars[to];
    for (unsigned s = 1; s < m->nstates; s++) {
        if (n->states[s].var != (int)v)
            continue;
        places++;
        lost += m->states[s].to == MATCHMAP_NONE;
        edges |= m->states[s].to != MATCHMAP_NONE && m->states[s].loses;
    }
    if (places > 0 && lost == places)
        item(r, "variable", old->name, "reset",
             "its place in the pattern is another: partial matches that have come to it are "
             "dropped");
    else if (lost > 0)
        item(r, "variable", old->name, "migrate",
             "some of its places in the pattern are gone: partial matches at these are dropped");
    else if (edges)
        item(r, "variable", old->name, "migrate",
             "what may follow it is another: partial matches that can take none of it are dropped");
    else if (strcasecmp(old->name, new->name) != 0)
        item(r, "variable", old->name, "keep", "it has another name, and the same condition");
    else if (!same_expr(old->row, new->row) || !same_expr(old->path, new->path))
        item(r, "variable", old->name, "keep",
             "its condition is another: rows that were taken before stay");
    else
        item(r, "variable", old->name, "keep", NULL);
}

static void pattern(const struct report *r, const struct nfa *n)
{
    const struct match_plan *a = &r->from->match, *b = &r->to->match;
    for (unsigned v = 0; v < a->nvars; v++)
        old_variable(r, n, v);
    for (unsigned v = 0; v < b->nvars; v++) {
        bool known = false;
        for (unsigned o = 0; o < a->nvars; o++)
            known |= r->map->match->var[o] == (int)v;
        if (!known)
            item(r, "variable", b->vars[v].name, "new", NULL);
    }
    if (a->within_ms != b->within_ms)
        item(r, "time", "WITHIN", "keep",
             b->within_ms >= 0 && (a->within_ms < 0 || b->within_ms < a->within_ms)
                 ? "it is shorter: partial matches that are older end at once"
                 : "it is longer: partial matches that are there have more time");
}

/* --- aggregates --- */

static void agg_name(const struct agg_call *c, const struct schema *s, struct bytes *out)
{
    bytes_reset(out);
    bytes_printf(out, "%s", expr_agg_name(c->kind));
    if (c->arg != NULL) {
        bytes_printf(out, "(%s", c->distinct ? "DISTINCT " : "");
        expr_print(c->arg, s, NULL, out);
        bytes_printf(out, ")");
    }
    bytes_u8(out, 0);
}

static void aggregate(const struct report *r, const struct agg_call *c, const char *verdict,
                      const char *reason)
{
    struct bytes name = {0};
    agg_name(c, r->to->input, &name);
    item(r, "aggregate", (const char *)name.p, verdict, reason);
    bytes_fini(&name);
}

static const char *window_name(enum window_kind k)
{
    static const char *const names[] = {
        [WINDOW_TUMBLE] = "TUMBLE",
        [WINDOW_HOP] = "HOP",
        [WINDOW_CUMULATE] = "CUMULATE",
        [WINDOW_SESSION] = "SESSION",
    };
    return (unsigned)k < sizeof names / sizeof *names && names[k] != NULL ? names[k] : "windows";
}

static void window(const struct report *r)
{
    const struct window_plan *a = &r->from->window, *b = &r->to->window;
    const struct windowmap *m = r->map->window;
    const char *why = r->map->way == STATEMAP_RESET ? r->map->why : NULL;
    if (m == NULL) /* its keys are others, which says all */
        return;
    if (why != NULL)
        item(r, "window", window_name(b->kind), "reset", why);
    else if (m->resized)
        item(r, "window", window_name(b->kind), "migrate",
             "its windows are others, made of the same panes: those that are open then begin with "
             "the panes that are still there");
    else
        item(r, "window", window_name(b->kind), "keep", NULL);
    for (unsigned i = 0; i < b->naggs; i++) {
        bool known = false;
        for (unsigned o = 0; o < a->naggs; o++)
            known |= m->aggs[o] == (int)i;
        aggregate(r, &b->aggs[i],
                  !known        ? "new"
                  : why != NULL ? "reset"
                                : "keep",
                  known
                      ? why
                      : "it is of the rows that come from then on, also in windows that are open");
    }
    for (unsigned o = 0; o < a->naggs; o++)
        if (m->aggs[o] == WINDOWMAP_NONE)
            aggregate(r, &a->aggs[o], "reset", "nothing asks for it any more");
}

/* --- calls of OVER --- */

static void call(const struct report *r, const struct over_call *c, const char *verdict,
                 const char *reason)
{
    struct bytes name = {0};
    if (c->kind == OVER_ROW_NUMBER)
        bytes_printf(&name, "ROW_NUMBER()");
    else if (c->kind == OVER_LAG)
        bytes_printf(&name, "LAG(");
    else
        agg_name(&c->agg, r->to->input, &name);
    if (c->kind == OVER_AGG)
        name.n--; /* the zero */
    if (c->kind == OVER_LAG) {
        expr_print(c->agg.arg, r->to->input, NULL, &name);
        bytes_printf(&name, ", %lld)", (long long)c->offset);
    } else if (c->kind == OVER_AGG && c->frame.preceding < 0) {
        bytes_printf(&name, " OVER all rows");
    } else if (c->kind == OVER_AGG) {
        bytes_printf(&name, " OVER %lld %s", (long long)c->frame.preceding,
                     c->frame.rows ? "rows before" : "ms before");
    }
    bytes_u8(&name, 0);
    item(r, "call", (const char *)name.p, verdict, reason);
    bytes_fini(&name);
}

static void over(const struct report *r)
{
    const struct over_plan *a = &r->from->over, *b = &r->to->over;
    const struct overmap *m = r->map->over;
    bool reset = r->map->way == STATEMAP_RESET;
    for (unsigned i = 0; m != NULL && i < b->ncalls; i++) {
        bool had = false;
        for (unsigned o = 0; o < a->ncalls; o++)
            had |= m->calls[o] == (int)i;
        if (reset || m->fates[i] == OVERMAP_NEW)
            call(r, &b->calls[i], had ? "reset" : "new",
                 had ? r->map->why : "it is of the rows that come from then on");
        else if (m->fates[i] == OVERMAP_PART)
            call(r, &b->calls[i], "migrate",
                 "it is made of the rows that were kept, which may be fewer than it is over");
        else
            call(r, &b->calls[i], had ? "keep" : "migrate",
                 had ? NULL : "it is made of the rows that were kept: it lacks none");
    }
    for (unsigned o = 0; m != NULL && o < a->ncalls; o++)
        if (m->calls[o] == OVERMAP_NONE)
            call(r, &a->calls[o], "reset", "nothing asks for it any more");
}

/* --- what comes out, and what rows hold --- */

static void measures(const struct report *r)
{
    for (unsigned i = 0; i < r->to->noutputs; i++) {
        const struct plan_output *new = &r->to->outputs[i];
        unsigned o = 0;
        while (o < r->from->noutputs && strcasecmp(r->from->outputs[o].name, new->name) != 0)
            o++;
        const char *why = NULL;
        if (o < r->from->noutputs && !schema_type_same(r->from->outputs[o].type, new->type))
            why = "its type is another";
        item(r, "measure", new->name, o < r->from->noutputs ? "keep" : "new", why);
    }
    for (unsigned i = 0; i < r->from->noutputs; i++) {
        unsigned o = 0;
        while (o < r->to->noutputs &&
               strcasecmp(r->to->outputs[o].name, r->from->outputs[i].name) != 0)
            o++;
        if (o == r->to->noutputs)
            item(r, "measure", r->from->outputs[i].name, "reset", "it is not a result any more");
    }
}

static void columns(const struct report *r)
{
    const struct schema *s = r->to->input;
    for (unsigned c = 0; c < s->ncolumns && r->from->input == s; c++)
        if (colset_has(&r->to->keeps, c) && !colset_has(&r->from->keeps, c))
            item(r, "column", s->columns[c].name, "migrate",
                 "rows that were taken before may not have it: there it is NULL");
}

static struct statemap_rule version_of(const struct rule_plan *p)
{
    return (struct statemap_rule){
        .plan = p,
        .match = p->shape == RULE_MATCH ? match_prog_new(p) : NULL,
        .window = p->shape == RULE_WINDOW ? windowprog_new(p) : NULL,
        .over = p->shape == RULE_OVER ? overprog_new(p) : NULL,
    };
}

static void free_version(const struct statemap_rule *v)
{
    match_prog_free((struct match_prog *)(uintptr_t)v->match);
    windowprog_free((struct windowprog *)(uintptr_t)v->window);
    overprog_free((struct overprog *)(uintptr_t)v->over);
}

void upgradeplan_write(const struct rule_plan *from, const struct rule_plan *to, struct bytes *out)
{
    static const char *const states[] = {
        [STATEMAP_RESET] = "reset", [STATEMAP_IN_PLACE] = "kept", [STATEMAP_MOVED] = "mapped"};
    const struct statemap_rule a = version_of(from), b = version_of(to);
    struct statemap *map = statemap_new(&a, &b);
    const struct report r = {from, to, map, out};
    if (map->way != STATEMAP_RESET && a.window != NULL && windowprog_by_arrival(to))
        statemap_refuse(map, "its rows are taken as they come, not in order of time");
    jsonw_open(out, '{');
    jsonw_kstr(out, "state", states[map->way]);
    jsonw_kstr(out, "reason", map->why);
    jsonw_key(out, "items");
    jsonw_open(out, '[');
    if (map->match != NULL)
        pattern(&r, match_prog_nfa(a.match));
    else if (from->shape == RULE_WINDOW && to->shape == RULE_WINDOW)
        window(&r);
    else if (from->shape == RULE_OVER && to->shape == RULE_OVER)
        over(&r);
    measures(&r);
    if (to->shape == RULE_MATCH)
        columns(&r);
    jsonw_close(out, ']');
    jsonw_close(out, '}');
    statemap_free(map);
    free_version(&a);
    free_version(&b);
}
