/* SPDX-License-Identifier: Apache-2.0 */
#include "server/deploy/upgradeplan.h"
#include "base/mem.h"
#include "cep/join/joinmap.h"
#include "cep/key/statemap.h"
#include "server/http/jsonw.h"
#include <string.h>
#include <strings.h>

struct upgradeplan {
    const struct rule_plan *from, *to;
    struct statemap_rule a, b;
    struct statemap *map;
};
struct report {
    const struct rule_plan *from, *to;
    const struct statemap *map;
    const struct upgradeplan_counts *now; /* NULL: not counted */
    struct bytes *out;
};
enum touched { TOUCHED_KEYS, TOUCHED_PARTIALS, TOUCHED_DROPPED, TOUCHED_WINDOWS, TOUCHED_ROWS };
#define TOUCHED_NONE UINT64_MAX
struct touches { /* of which there is nothing to be told: TOUCHED_NONE */
    uint64_t n[TOUCHED_ROWS + 1];
};

static void item_of(const struct report *r, const char *kind, const char *name, const char *verdict,
                    const char *reason, const struct touches *touches)
{
    static const char *const names[] = {[TOUCHED_KEYS] = "keys",
                                        [TOUCHED_PARTIALS] = "partials",
                                        [TOUCHED_DROPPED] = "dropped",
                                        [TOUCHED_WINDOWS] = "windows",
                                        [TOUCHED_ROWS] = "rows"};
    jsonw_open(r->out, '{');
    jsonw_kstr(r->out, "kind", kind);
    jsonw_kstr(r->out, "name", name);
    jsonw_kstr(r->out, "verdict", verdict);
    jsonw_kstr(r->out, "reason", reason);
    jsonw_key(r->out, "touches");
    if (touches == NULL || r->now == NULL) {
        jsonw_null(r->out);
    } else {
        jsonw_open(r->out, '{');
        for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
            if (touches->n[i] != TOUCHED_NONE)
                jsonw_ku64(r->out, names[i], touches->n[i]);
        jsonw_close(r->out, '}');
    }
    jsonw_close(r->out, '}');
}

static void item(const struct report *r, const char *kind, const char *name, const char *verdict,
                 const char *reason)
{
    item_of(r, kind, name, verdict, reason, NULL);
}

/* Of a variable of the old pattern: partial matches that have come to it. */
static struct touches of_variable(const struct report *r, unsigned v)
{
    const struct taskcount_var none = {0};
    const struct taskcount_var *c = r->now != NULL ? &r->now->state.vars[v] : &none;
    uint64_t dropped = r->map->way == STATEMAP_RESET ? c->partials : c->dropped;
    return (struct touches){{c->keys, c->partials, dropped, TOUCHED_NONE, TOUCHED_NONE}};
}

static struct touches of_rows(const struct report *r)
{
    return (struct touches){{r->now != NULL ? r->now->keys : 0, TOUCHED_NONE, TOUCHED_NONE,
                             TOUCHED_NONE, r->now != NULL ? r->now->state.rows : 0}};
}

static struct touches of_windows(const struct report *r)
{
    return (struct touches){{r->now != NULL ? r->now->keys : 0, TOUCHED_NONE, TOUCHED_NONE,
                             r->now != NULL ? r->now->windows : 0, TOUCHED_NONE}};
}

/* --- patterns --- */

static bool same_expr(const struct expr *a, const struct expr *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || expr_same(a, b));
}

/* What becomes of partial matches at its places, of which some are lost. NULL: nothing is to be said. */
static const char *places_of(const struct report *r, const struct nfa *n, unsigned v,
                             const char **verdict)
{
    const struct matchmap *m = r->map->match;
    unsigned places = 0, lost = 0;
    bool edges = false;
    for (unsigned s = 1; s < m->nstates; s++) {
        if (n->states[s].var != (int)v)
            continue;
        places++;
        lost += m->states[s].to == MATCHMAP_NONE;
        edges |= m->states[s].to != MATCHMAP_NONE && m->states[s].loses;
    }
    *verdict = places > 0 && lost == places ? "reset" : "migrate";
    if (places > 0 && lost == places)
        return "its place in the pattern is another: partial matches that have come to it are "
               "dropped";
    if (lost > 0)
        return "some of its places in the pattern are gone: partial matches at these are dropped";
    if (edges)
        return "what may follow it is another: partial matches that can take none of it are "
               "dropped";
    return NULL;
}

static void old_variable(const struct report *r, const struct nfa *n, unsigned v)
{
    const struct match_var *old = &r->from->match.vars[v], *new = NULL;
    const struct touches touches = of_variable(r, v);
    const char *verdict = "reset", *why = NULL;
    int to = r->map->way != STATEMAP_RESET ? r->map->match->var[v] : -1;
    if (r->map->way == STATEMAP_RESET) {
        why = r->map->why;
    } else if (to < 0) {
        why =
            "it is not in the pattern any more: partial matches that have a row of it are dropped";
    } else if ((why = places_of(r, n, v, &verdict)) == NULL) {
        new = &r->to->match.vars[to];
        verdict = "keep";
        if (strcasecmp(old->name, new->name) != 0)
            why = "it has another name, and the same condition";
        else if (!same_expr(old->row, new->row) || !same_expr(old->path, new->path))
            why = "its condition is another: rows that were taken before stay";
    }
    item_of(r, "variable", old->name, verdict, why, &touches);
}

/* Of an old pattern that becomes a rule of another kind, or is begun anew, too. */
static void pattern(const struct report *r, const struct nfa *n)
{
    const struct match_plan *a = &r->from->match, *b = &r->to->match;
    const struct taskcount none = {0}, *now = r->now != NULL ? &r->now->state : &none;
    bool reset = r->map->way == STATEMAP_RESET;
    for (unsigned v = 0; v < a->nvars; v++)
        old_variable(r, n, v);
    for (unsigned v = 0; r->to->shape == RULE_MATCH && v < b->nvars; v++) {
        bool known = false;
        for (unsigned o = 0; o < a->nvars; o++)
            known |= reset ? strcasecmp(a->vars[o].name, b->vars[v].name) == 0
                           : r->map->match->var[o] == (int)v;
        if (!known)
            item(r, "variable", b->vars[v].name, "new", NULL);
    }
    if (reset || a->within_ms == b->within_ms)
        return;
    bool shorter = upgradeplan_shorter_ms(r->from, r->to) > 0;
    const struct touches touches = {
        {TOUCHED_NONE, now->partials, shorter ? now->older : 0, TOUCHED_NONE, TOUCHED_NONE}};
    item_of(r, "time", "WITHIN", "keep",
            shorter ? "it is shorter: partial matches that are older end at once"
                    : "it is longer: partial matches that are there have more time",
            &touches);
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

static void aggregate(const struct report *r, const struct agg_call *c, const struct rule_plan *of,
                      const char *verdict, const char *reason, const struct touches *touches)
{
    struct bytes name = {0};
    agg_name(c, of->input, &name);
    item_of(r, "aggregate", (const char *)name.p, verdict, reason, touches);
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

/* Windows that go on, or end: of an old rule that becomes one of another kind, or has other keys, too. */
static void window(const struct report *r)
{
    const struct window_plan *a = &r->from->window, *b = &r->to->window;
    const struct windowmap *m = r->map->window;
    const char *why = r->map->way == STATEMAP_RESET ? r->map->why : NULL;
    const struct touches all = of_windows(r);
    if (why != NULL)
        item_of(r, "window", window_name(a->kind), "reset", why, &all);
    else if (m->resized)
        item_of(r, "window", window_name(b->kind), "migrate",
                "its windows are others, made of the same panes: those that are open then begin "
                "with the panes that are still there",
                &all);
    else
        item_of(r, "window", window_name(b->kind), "keep", NULL, &all);
    for (unsigned i = 0; m != NULL && i < b->naggs; i++) {
        bool known = false;
        for (unsigned o = 0; o < a->naggs; o++)
            known |= m->aggs[o] == (int)i;
        aggregate(r, &b->aggs[i], r->to,
                  !known        ? "new"
                  : why != NULL ? "reset"
                                : "keep",
                  known ? why
                        : "it is of the rows that come from then on, also in windows that are open",
                  &all);
    }
    for (unsigned o = 0; o < a->naggs; o++)
        if (m == NULL || m->aggs[o] == WINDOWMAP_NONE)
            aggregate(r, &a->aggs[o], r->from, "reset",
                      m == NULL ? why : "nothing asks for it any more", &all);
}

/* --- calls of OVER --- */

static void call(const struct report *r, const struct over_call *c, const struct rule_plan *of,
                 const char *verdict, const char *reason)
{
    const struct touches touches = of_rows(r);
    struct bytes name = {0};
    if (c->kind == OVER_ROW_NUMBER)
        bytes_printf(&name, "ROW_NUMBER()");
    else if (c->kind == OVER_LAG)
        bytes_printf(&name, "LAG(");
    else
        agg_name(&c->agg, of->input, &name);
    if (c->kind == OVER_AGG)
        name.n--; /* the zero */
    if (c->kind == OVER_LAG) {
        expr_print(c->agg.arg, of->input, NULL, &name);
        bytes_printf(&name, ", %lld)", (long long)c->offset);
    } else if (c->kind == OVER_AGG && c->frame.preceding < 0) {
        bytes_printf(&name, " OVER all rows");
    } else if (c->kind == OVER_AGG) {
        bytes_printf(&name, " OVER %lld %s", (long long)c->frame.preceding,
                     c->frame.rows ? "rows before" : "ms before");
    }
    bytes_u8(&name, 0);
    item_of(r, "call", (const char *)name.p, verdict, reason, &touches);
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
            call(r, &b->calls[i], r->to, had ? "reset" : "new",
                 had ? r->map->why : "it is of the rows that come from then on");
        else if (m->fates[i] == OVERMAP_PART)
            call(r, &b->calls[i], r->to, "migrate",
                 "it is made of the rows that were kept, which may be fewer than it is over");
        else
            call(r, &b->calls[i], r->to, had ? "keep" : "migrate",
                 had ? NULL : "it is made of the rows that were kept: it lacks none");
    }
    for (unsigned o = 0; o < a->ncalls; o++)
        if (m == NULL || m->calls[o] == OVERMAP_NONE)
            call(r, &a->calls[o], r->from, "reset",
                 m == NULL ? r->map->why : "nothing asks for it any more");
}

/* --- joins --- */

static void side(const struct report *r, enum join_which s)
{
    const struct join_side *a = &r->from->join.side[s], *b = &r->to->join.side[s];
    int64_t had = joinmap_keeps_ms(&r->from->join, s), has = joinmap_keeps_ms(&r->to->join, s);
    struct touches touches = of_rows(r);
    touches.n[TOUCHED_ROWS] = r->now != NULL ? r->now->state.sides[s] : 0;
    bool windowed = r->from->join.windowed;
    bool same = same_expr(a->where, b->where) && same_expr(a->partner, b->partner);
    if (r->map->why != NULL)
        item_of(r, "join", a->name, "reset", r->map->why, &touches);
    else if (!windowed && had < 0 && has >= 0)
        item_of(r, "join", b->name, "migrate",
                "its rows did not wait: those of before find no partner any more", &touches);
    else if (!windowed && has < had)
        item_of(r, "join", b->name, "keep",
                "its rows wait for a shorter time: those that are older end at once", &touches);
    else if (!windowed && has > had)
        item_of(r, "join", b->name, "keep",
                "its rows wait longer: those that are there have more time", &touches);
    else
        item_of(r, "join", b->name, "keep",
                same ? NULL : "its condition is another: rows that were taken before stay",
                &touches);
    for (unsigned c = 0; r->map->why == NULL && c < b->schema->ncolumns; c++)
        if (colset_has(&b->keeps, c) && !colset_has(&a->keeps, c))
            item(r, "column", b->schema->columns[c].name, "migrate",
                 "rows that were taken before may not have it: there it is NULL");
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

struct upgradeplan *upgradeplan_new(const struct rule_plan *from, const struct rule_plan *to)
{
    struct upgradeplan *p = mem_new(sizeof *p);
    *p = (struct upgradeplan){from, to, version_of(from), version_of(to), NULL};
    p->map = statemap_new(&p->a, &p->b);
    if (p->map->way != STATEMAP_RESET && p->a.window != NULL && windowprog_by_arrival(to))
        statemap_refuse(p->map, "its rows are taken as they come, not in order of time");
    return p;
}

void upgradeplan_free(struct upgradeplan *p)
{
    if (p == NULL)
        return;
    statemap_free(p->map);
    free_version(&p->a);
    free_version(&p->b);
    mem_free(p);
}

int64_t upgradeplan_shorter_ms(const struct rule_plan *from, const struct rule_plan *to)
{
    int64_t a = from->match.within_ms, b = to->match.within_ms;
    bool both = from->shape == RULE_MATCH && to->shape == RULE_MATCH;
    return both && b >= 0 && (a < 0 || b < a) ? (b > 0 ? b : 1) : 0;
}

struct taskcount_state *upgradeplan_states(const struct upgradeplan *p, unsigned *n)
{
    bool lost = p->map->match != NULL && p->map->way == STATEMAP_MOVED;
    *n = lost ? p->map->match->nstates : 0;
    return lost ? matchcount_states(p->map->match) : NULL;
}

void upgradeplan_write(const struct upgradeplan *p, const struct upgradeplan_counts *now,
                       struct bytes *out)
{
    static const char *const states[] = {
        [STATEMAP_RESET] = "reset", [STATEMAP_IN_PLACE] = "kept", [STATEMAP_MOVED] = "mapped"};
    const struct report r = {p->from, p->to, p->map, now, out};
    jsonw_open(out, '{');
    jsonw_kstr(out, "state", states[p->map->way]);
    jsonw_kstr(out, "reason", p->map->why);
    jsonw_key(out, "items");
    jsonw_open(out, '[');
    if (p->from->shape == RULE_MATCH)
        pattern(&r, match_prog_nfa(p->a.match));
    else if (p->from->shape == RULE_WINDOW)
        window(&r);
    else if (p->from->shape == RULE_OVER)
        over(&r);
    for (unsigned s = 0; s < 2 && p->from->shape == RULE_JOIN && p->to->shape == RULE_JOIN; s++)
        side(&r, s);
    measures(&r);
    if (p->to->shape == RULE_MATCH)
        columns(&r);
    jsonw_close(out, ']');
    jsonw_close(out, '}');
}
