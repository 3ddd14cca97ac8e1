/* SPDX-License-Identifier: Apache-2.0
 *
 * {"begun":"…","ends":"…"|null,"age_ms":5000,"left_ms":55000|null,"at":"B","earlier":0,"rows":[{"variable":"A","partition":0,
 * "offset":17,"time":"…","values":{…}}],"waits_for":["C"],"complete":false}: the oldest first. `complete`: it is a match
 * already, which a later row may yet outrank or lengthen. */
#include "cep/match/matchrun.h"
#include "cep/task/taskinspect.h"
#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum { ROWS_MAX = 64 };

static void put_name(const struct match *m, unsigned var, struct bytes *out)
{
    const char *name = m->p->m->vars[var].name;
    value_json_string(name, strlen(name), out);
}

/* The rows up to this node, the last so many of them; `earlier`: how many came before these. */
static void put_rows(const struct match *m, const struct match_node *n, struct bytes *out)
{
    const struct match_node *last[ROWS_MAX];
    size_t len = 0, shown;
    for (const struct match_node *i = n; i != NULL; i = i->parent, len++)
        if (len < ROWS_MAX)
            last[len] = i;
    shown = len < ROWS_MAX ? len : ROWS_MAX;
    bytes_printf(out, "\"earlier\":%zu,\"rows\":[", len - shown);
    for (size_t at = shown; at-- > 0;) {
        const struct match_node *i = last[at];
        bytes_printf(out, "%s{\"variable\":", at + 1 < shown ? "," : "");
        put_name(m, (unsigned)m->p->nfa->states[i->state].var, out);
        bytes_printf(out, ",\"partition\":%u,\"offset\":%" PRIu64 ",", i->row->row.partition,
                     i->row->row.offset);
        taskinspect_time("time", i->row->row.ts, out);
        bytes_printf(out, ",\"values\":");
        taskinspect_values(m->k, i->row, out);
        bytes_printf(out, "}");
    }
    bytes_printf(out, "]");
}

static void put_waits(const struct match *m, const struct match_node *n, struct bytes *out)
{
    const struct nfa_state *st = &m->p->nfa->states[n->state];
    const char *comma = "";
    uint64_t told = 0;
    bytes_printf(out, ",\"waits_for\":[");
    for (uint64_t left = n->live & ~st->accepts; left != 0; left &= left - 1) {
        int var = m->p->nfa->states[st->edges[__builtin_ctzll(left)].to].var;
        if (told >> var & 1)
            continue;
        told |= UINT64_C(1) << var;
        bytes_printf(out, "%s", comma);
        put_name(m, (unsigned)var, out);
        comma = ",";
    }
    bytes_printf(out, "]");
}

static void put_partial(const struct match *m, const struct match_run *run,
                        const struct match_node *n, evtime now, struct bytes *out)
{
    evtime ends = matchend_time(m, run);
    bool timed = now != EVTIME_MIN && now != EVTIME_MAX;
    bytes_printf(out, "{");
    taskinspect_time("begun", run->first, out);
    bytes_printf(out, ",");
    taskinspect_time("ends", ends, out);
    if (timed)
        bytes_printf(out, ",\"age_ms\":%" PRId64, now - run->first);
    if (timed && ends != EVTIME_MAX)
        bytes_printf(out, ",\"left_ms\":%" PRId64, ends - now);
    bytes_printf(out, ",\"at\":");
    put_name(m, (unsigned)m->p->nfa->states[n->state].var, out);
    bytes_printf(out, ",");
    put_rows(m, n, out);
    put_waits(m, n, out);
    bool complete = n == (m->p->no_skip ? NULL : run->best) || (n->flags & MATCH_NODE_FOUND);
    bytes_printf(out, ",\"complete\":%s}", complete ? "true" : "false");
}

static bool fits(const struct match *m, const struct match_run *run, const struct match_node *n,
                 evtime now, const struct taskinspect_ask *ask)
{
    if (ask->older_ms > 0 && (now == EVTIME_MIN || run->first > now - ask->older_ms))
        return false;
    return ask->at == NULL ||
           strcasecmp(m->p->m->vars[m->p->nfa->states[n->state].var].name, ask->at) == 0;
}

bool matchinspect_key(const struct match *m, const struct keystate *state, evtime now,
                      const struct taskinspect_ask *ask, struct bytes *out)
{
    const struct match_cell *c = (const struct match_cell *)(const void *)state;
    size_t n = 0;
    bytes_printf(out, ",\"partials\":[");
    for (const struct match_run *run = c->first; run != NULL; run = run->next)
        for (const struct match_node *i = run->list; i != NULL; i = i->next) {
            if (!fits(m, run, i, now, ask) || n++ >= ask->items)
                continue;
            bytes_printf(out, n > 1 ? "," : "");
            put_partial(m, run, i, now, out);
        }
    bytes_printf(out, "],\"more\":%zu", n > ask->items ? n - ask->items : 0);
    return n > 0 || (ask->at == NULL && ask->older_ms == 0);
}
