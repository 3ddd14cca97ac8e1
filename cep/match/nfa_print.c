/* SPDX-License-Identifier: Apache-2.0
 *
 * nfa_print: the automaton as text for EXPLAIN, as JSON for the dashboard, as a graph for Graphviz. */
#include "base/bytes.h"
#include "cep/match/nfa.h"
#include <inttypes.h>
#include <string.h>

struct printer {
    const struct nfa *n;
    const struct rule_plan *p;
    struct bytes *out;
};

static const char *how_text(const struct nfa_edge *e, bool start)
{
    static const char *const texts[] = {"next", "->", "->>"};
    return start || e->to == NFA_ACCEPT ? "" : texts[e->how];
}

/* "A", or "A/2" for the second position of A. */
static void put_state(const struct printer *pr, unsigned s)
{
    if (s == NFA_ACCEPT) {
        bytes_printf(pr->out, "match");
        return;
    }
    if (s == 0) {
        bytes_printf(pr->out, "start");
        return;
    }
    unsigned nth = 0, all = 0;
    for (unsigned i = 1; i < pr->n->nstates; i++)
        if (pr->n->states[i].var == pr->n->states[s].var) {
            all++;
            nth += i <= s;
        }
    bytes_printf(pr->out, "%s", pr->p->match.vars[pr->n->states[s].var].name);
    if (all > 1)
        bytes_printf(pr->out, "/%u", nth);
}

static void put_vars(const struct printer *pr, const char *before, uint64_t vars)
{
    const char *sep = before;
    for (; vars != 0; vars &= vars - 1) {
        bytes_printf(pr->out, "%s%s", sep, pr->p->match.vars[__builtin_ctzll(vars)].name);
        sep = ", ";
    }
}

/* What an edge asks and does, in words, a blank before each part. */
static void put_parts(const struct printer *pr, const struct nfa_edge *e, bool start)
{
    bytes_printf(pr->out, "%s", how_text(e, start));
    put_vars(pr, " no ", e->nots);
    put_vars(pr, " next is no ", e->next_nots);
    put_vars(pr, " until ", e->untils);
    put_vars(pr, " not on ", e->untils_row);
    for (unsigned i = 0; i < e->nguards; i++) {
        const struct nfa_guard *g = &e->guards[i];
        if (g->least > 0)
            bytes_printf(pr->out, " if n%u >= %" PRIu32, g->depth, g->least);
        if (g->below != UINT32_MAX)
            bytes_printf(pr->out, " if n%u < %" PRIu32, g->depth, g->below);
    }
    for (unsigned i = 0; i < e->nacts; i++)
        bytes_printf(pr->out, " n%u %s %" PRIu32, e->acts[i].depth, e->acts[i].more ? "+=" : "=",
                     e->acts[i].by);
    if (e->step_ms >= 0)
        bytes_printf(pr->out, " within %" PRId64 " ms", e->step_ms);
    if (e->blockers != 0)
        bytes_printf(pr->out, " once the loop takes no more");
    if (e->at_start)
        bytes_printf(pr->out, " ^");
    if (e->at_end)
        bytes_printf(pr->out, " $");
}

static void put_label(const struct printer *pr, const struct nfa_edge *e, bool start)
{
    size_t at = pr->out->n;
    put_parts(pr, e, start);
    if (pr->out->n > at && pr->out->p[at] == ' ')
        memmove(pr->out->p + at, pr->out->p + at + 1, --pr->out->n - at);
}

static void print_text(const struct printer *pr)
{
    for (unsigned s = 0; s < pr->n->nstates; s++) {
        const struct nfa_state *st = &pr->n->states[s];
        put_state(pr, s);
        bytes_printf(pr->out, "\n");
        for (unsigned i = 0; i < st->nedges; i++) {
            bytes_printf(pr->out, "  %u: ", i + 1);
            put_state(pr, st->edges[i].to);
            size_t at = pr->out->n;
            bytes_printf(pr->out, "  ");
            put_parts(pr, &st->edges[i], s == 0);
            if (pr->out->n == at + 2)
                pr->out->n = at;
            bytes_printf(pr->out, "\n");
        }
    }
}

static void put_quoted(const struct printer *pr, size_t from)
{
    size_t n = pr->out->n - from;
    struct bytes text = {0};
    bytes_put(&text, pr->out->p + from, n);
    pr->out->n = from;
    value_json_string((const char *)text.p, n, pr->out);
    bytes_fini(&text);
}

static void print_dot(const struct printer *pr)
{
    bytes_printf(pr->out, "digraph pattern {\n  rankdir=LR;\n  node [shape=circle];\n  match "
                          "[shape=doublecircle];\n");
    for (unsigned s = 0; s < pr->n->nstates; s++) {
        const struct nfa_state *st = &pr->n->states[s];
        bytes_printf(pr->out, "  s%u [label=", s);
        size_t at = pr->out->n;
        put_state(pr, s);
        put_quoted(pr, at);
        bytes_printf(pr->out, "%s];\n", s == 0 ? ", shape=point" : "");
        for (unsigned i = 0; i < st->nedges; i++) {
            const struct nfa_edge *e = &st->edges[i];
            if (e->to == NFA_ACCEPT)
                bytes_printf(pr->out, "  s%u -> match [label=", s);
            else
                bytes_printf(pr->out, "  s%u -> s%u [label=", s, e->to);
            at = pr->out->n;
            if (st->nedges > 1)
                bytes_printf(pr->out, "%u: ", i + 1);
            put_label(pr, e, s == 0);
            put_quoted(pr, at);
            bytes_printf(pr->out, "];\n");
        }
    }
    bytes_printf(pr->out, "}\n");
}

static void print_json(const struct printer *pr)
{
    bytes_printf(pr->out, "{\"states\":[");
    for (unsigned s = 0; s <= pr->n->nstates; s++) {
        bool accept = s == pr->n->nstates;
        bytes_printf(pr->out, "%s{\"id\":%u,\"name\":", s > 0 ? "," : "", accept ? NFA_ACCEPT : s);
        size_t at = pr->out->n;
        put_state(pr, accept ? NFA_ACCEPT : s);
        put_quoted(pr, at);
        if (!accept && s > 0) {
            bytes_printf(pr->out, ",\"var\":");
            at = pr->out->n;
            bytes_printf(pr->out, "%s", pr->p->match.vars[pr->n->states[s].var].name);
            put_quoted(pr, at);
        }
        bytes_printf(pr->out, "}");
    }
    bytes_printf(pr->out, "],\"edges\":[");
    const char *sep = "";
    for (unsigned s = 0; s < pr->n->nstates; s++)
        for (unsigned i = 0; i < pr->n->states[s].nedges; i++) {
            const struct nfa_edge *e = &pr->n->states[s].edges[i];
            static const char *const hows[] = {"next", "followed", "any"};
            bytes_printf(pr->out,
                         "%s{\"from\":%u,\"to\":%u,\"rank\":%u,\"how\":\"%s\",\"label\":", sep, s,
                         e->to, i + 1,
                         s == 0                ? "start"
                         : e->to == NFA_ACCEPT ? "accept"
                                               : hows[e->how]);
            size_t at = pr->out->n;
            put_label(pr, e, s == 0);
            put_quoted(pr, at);
            bytes_printf(pr->out, "}");
            sep = ",";
        }
    bytes_printf(pr->out, "]}");
}

void nfa_print(const struct nfa *n, const struct rule_plan *p, enum nfa_format f, struct bytes *out)
{
    const struct printer pr = {n, p, out};
    if (f == NFA_TEXT)
        print_text(&pr);
    else if (f == NFA_DOT)
        print_dot(&pr);
    else
        print_json(&pr);
}
