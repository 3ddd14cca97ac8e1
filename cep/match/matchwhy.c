/* SPDX-License-Identifier: Apache-2.0
 *
 * Why nothing was found, from a trace: the partial match that needs the fewest rows still, what ended it, and the row that came
 * nearest to going on with it. */
#include "base/mem.h"
#include "cep/match/matchtracedef.h"
#include "cep/task/taskinspect.h"
#include "cep/why/whyrows.h"
#include <inttypes.h>
#include <string.h>

const char *matchwhy_end_name(enum trace_end e)
{
    static const char *const names[] = {"lives", "taken", "matched", "time", "not",
                                        "next",  "until", "skipped", "limit"};
    return names[e];
}

/* Fewer parts that do not hold, then the later row. */
bool matchwhy_is_nearer(const struct trace_miss *best, struct cond_said said)
{
    return best->row == TRACE_NONE || said.parts - said.hold <= best->parts - best->hold;
}

void matchwhy_note(struct trace_miss *best, uint32_t row, int var, struct cond_said said,
                   struct bytes *conditions)
{
    best->row = row;
    best->var = var;
    best->parts = said.parts;
    best->hold = said.hold;
    best->failed = said.failed;
    bytes_reset(&best->conditions);
    bytes_put(&best->conditions, conditions->p, conditions->n);
}

void matchwhy_put_place(const struct trace *t, uint32_t row, struct bytes *out)
{
    const struct trace_row *r = &t->row[row];
    bytes_printf(out, "\"partition\":%u,\"offset\":%" PRIu64 ",", r->b->partition,
                 r->b->offset[r->i]);
    taskinspect_time("time", r->b->ts[r->i], out);
}

static void put_var(const struct trace *t, int var, struct bytes *out)
{
    const char *name = t->plan->match.vars[var].name;
    value_json_string(name, strlen(name), out);
}

/* The last rows of a long way. */
void matchwhy_put_rows(const struct trace *t, const struct trace_partial *p, struct bytes *out)
{
    const struct match_node *way[TRACE_ROWS_TOLD];
    unsigned n = 0;
    for (const struct match_node *i = p->node; i != NULL && n < TRACE_ROWS_TOLD; i = i->parent)
        way[n++] = i;
    bytes_printf(out, ",\"earlier\":%u,\"rows\":[", p->rows - n);
    for (unsigned i = n; i-- > 0;) {
        bytes_printf(out, "%s{\"variable\":", i + 1 < n ? "," : "");
        put_var(t, t->prog->nfa->states[way[i]->state].var, out);
        bytes_printf(out, ",\"partition\":%u,\"offset\":%" PRIu64 ",", way[i]->row->row.partition,
                     way[i]->row->row.offset);
        taskinspect_time("time", way[i]->row->row.ts, out);
        bytes_printf(out, "}");
    }
    bytes_printf(out, "]");
}

void matchwhy_put_waits(const struct trace *t, const struct trace_partial *p, struct bytes *out)
{
    const struct nfa_state *st = &t->prog->nfa->states[p->node->state];
    const char *comma = "";
    uint64_t told = 0;
    bytes_printf(out, ",\"waits_for\":[");
    for (uint64_t left = p->live & ~st->accepts; left != 0; left &= left - 1) {
        int var = t->prog->nfa->states[st->edges[__builtin_ctzll(left)].to].var;
        if (told >> var & 1)
            continue;
        told |= UINT64_C(1) << var;
        bytes_printf(out, "%s", comma);
        put_var(t, var, out);
        comma = ",";
    }
    bytes_printf(out, "]");
}

/* --- the furthest --- */

/* Does the question about one row have to do with it? It waited when the row came, or its time had been over by then. */
static bool concerns(const struct trace *t, const struct trace_partial *p)
{
    if (t->focus == TRACE_NONE)
        return true;
    return p->born < t->focus &&
           (p->ended == TRACE_NONE || p->ended >= t->focus || p->late.row == t->focus);
}

bool matchwhy_is_further(const struct trace_partial *a, const struct trace_partial *b)
{
    if (a->left != b->left)
        return a->left < b->left;
    if (a->rows != b->rows)
        return a->rows > b->rows;
    return a->born >= b->born;
}

static const struct trace_partial *furthest(const struct trace *t)
{
    const struct trace_partial *best = NULL, *skipped = NULL;
    for (uint32_t i = 0; i < t->npartials; i++) {
        const struct trace_partial *p = &t->partial[i];
        if (p->node == NULL || p->matched || p->end == TRACE_TAKEN || !concerns(t, p))
            continue;
        if (p->was_taken && p->left > 0 && p->end != TRACE_TIME)
            continue; /* its continuation says more */
        const struct trace_partial **in = p->end == TRACE_SKIPPED ? &skipped : &best;
        if (*in == NULL || matchwhy_is_further(p, *in))
            *in = p;
    }
    return best != NULL ? best : skipped;
}

/* --- what is said --- */

struct says {
    const char *kind;
    uint32_t row; /* TRACE_NONE: none */
    int var; /* -1: none */
    const struct bytes *conditions, *failed;
    bool late;
    int64_t late_ms;
};

static struct says of_partial(const struct trace *t, const struct trace_partial *p)
{
    struct says s = {.row = TRACE_NONE, .var = -1};
    bool near = p->miss.row != TRACE_NONE;
    s.kind = p->end == TRACE_LIVES ? "waiting" : matchwhy_end_name(p->end);
    if (p->end == TRACE_TIME && p->late.row != TRACE_NONE) {
        s.row = p->late.row;
        s.var = p->late.var;
        s.conditions = &p->late.conditions;
        s.late = p->ends != EVTIME_MAX;
        s.late_ms = s.late ? t->row[s.row].r.ts - p->ends : 0;
    } else if (p->end == TRACE_LIMIT) {
        s.row = p->ended;
    } else if (p->end == TRACE_NOT || p->end == TRACE_UNTIL) {
        s.row = p->ended;
        s.var = p->end_var;
    } else if (near) {
        if (p->end == TRACE_TIME || (p->end == TRACE_LIVES && t->focus != TRACE_NONE))
            s.kind = "condition";
        s.row = p->miss.row;
        s.var = p->miss.var;
        s.conditions = &p->miss.conditions;
        s.failed = p->miss.failed;
    } else if (p->end == TRACE_NEXT) {
        s.row = p->ended;
    }
    return s;
}

/* A row that no operator was shown. */
static const char *not_taken(const struct trace *t)
{
    if (t->focus == TRACE_NONE)
        return NULL;
    const struct trace_row *r = &t->row[t->focus];
    return !r->seen     ? "before-rule"
           : r->late    ? "late"
           : r->paused  ? "paused"
           : r->pending ? "pending"
           : !r->where  ? "where"
                        : NULL;
}

static uint32_t first_row(const struct trace_partial *p)
{
    const struct match_node *n = p->node;
    while (n->parent != NULL)
        n = n->parent;
    return (uint32_t)n->row->seq - 1;
}

static struct says find(const struct trace *t, const struct trace_partial **p)
{
    struct says s = {.row = t->focus, .var = -1, .kind = not_taken(t)};
    *p = NULL;
    if (t->nrows == 0)
        return (struct says){.kind = "no-events", .row = TRACE_NONE, .var = -1};
    if (t->ask->has_focus && t->focus == TRACE_NONE)
        return (struct says){.kind = "unknown-event", .row = TRACE_NONE, .var = -1};
    if (s.kind != NULL)
        return s;
    if (t->focus_matched)
        return (struct says){.kind = "matched", .row = t->focus, .var = -1};
    *p = furthest(t);
    if (t->last_match != TRACE_NONE && t->focus == TRACE_NONE &&
        (*p == NULL || first_row(*p) <= t->last_match)) {
        *p = NULL;
        return (struct says){.kind = "matched",
                             .row = t->last_match < t->nrows ? t->last_match : TRACE_NONE,
                             .var = -1};
    }
    if (*p != NULL)
        return of_partial(t, *p);
    s.kind = "nothing-began";
    s.row = t->start.row;
    if (t->start.row != TRACE_NONE) {
        s.var = t->start.var;
        s.conditions = &t->start.conditions;
        s.failed = t->start.failed;
    }
    return s;
}

static void put_partial(const struct trace *t, const struct trace_partial *p, struct bytes *out)
{
    bytes_printf(out, "{\"partial\":%u,\"state\":%u,\"left\":%u,", p->id, p->node->state, p->left);
    taskinspect_time("begun", p->begun, out);
    bytes_printf(out, ",");
    taskinspect_time("ends", p->ends, out);
    bytes_printf(out, ",\"end\":\"%s\"", matchwhy_end_name(p->end));
    matchwhy_put_rows(t, p, out);
    matchwhy_put_waits(t, p, out);
    bytes_printf(out, "}");
}

/* --- as a sentence --- */

static const char *name_of(const struct trace *t, int var)
{
    return t->plan->match.vars[var].name;
}

/* "A, A, B were there" */
static void say_rows(const struct trace *t, const struct trace_partial *p, struct bytes *out)
{
    enum { LAST = 8 };
    int way[LAST];
    unsigned n = 0;
    for (const struct match_node *i = p->node; i != NULL && n < LAST; i = i->parent)
        way[n++] = t->prog->nfa->states[i->state].var;
    bytes_printf(out, n < p->rows ? "… " : "");
    for (unsigned i = n; i-- > 0;)
        bytes_printf(out, "%s%s", name_of(t, way[i]), i > 0 ? ", " : "");
    bytes_printf(out, p->rows == 1 ? " was there" : " were there");
}

static void say_event(const struct trace *t, uint32_t row, struct bytes *out)
{
    char time[TIMEBASE_TEXT];
    const struct trace_row *r = &t->row[row];
    timebase_format(r->b->ts[r->i], time);
    bytes_printf(out, "event %u/%" PRIu64 " of %s", r->b->partition, r->b->offset[r->i], time);
}

static void say_miss(const struct trace *t, const struct says *s, struct bytes *out)
{
    say_event(t, s->row, out);
    if (s->failed != NULL)
        bytes_printf(out, " came nearest to %s, but %.*s does not hold", name_of(t, s->var),
                     (int)s->failed->n, (const char *)s->failed->p);
    else
        bytes_printf(out, " was not %s", s->var >= 0 ? name_of(t, s->var) : "it");
}

static void say_waits(const struct trace *t, const struct trace_partial *p, const struct says *s,
                      struct bytes *out)
{
    say_rows(t, p, out);
    if (strcmp(s->kind, "waiting") == 0)
        bytes_printf(out, "; the rest may still come");
    else if (s->late)
        bytes_printf(out,
                     "; %s came %" PRId64 ".%03d s after the time was over: ", name_of(t, s->var),
                     s->late_ms / 1000, (int)(s->late_ms % 1000));
    else if (p->end == TRACE_TIME)
        bytes_printf(out, "; the time was over");
    else if (p->end == TRACE_NOT)
        bytes_printf(out, "; then %s came, which was not to come: ", name_of(t, s->var));
    else if (p->end == TRACE_UNTIL)
        bytes_printf(out, "; %s (UNTIL) ended it: ", name_of(t, s->var));
    else if (p->end == TRACE_NEXT)
        bytes_printf(out, "; the very next event had to go on with it");
    else if (p->end == TRACE_SKIPPED)
        bytes_printf(out, "; another match came first, and what overlaps it is skipped");
    else if (p->end == TRACE_LIMIT)
        bytes_printf(
            out, "; it was dropped, since the key had more partial matches than it may have, at ");
    if (s->late || p->end == TRACE_NOT || p->end == TRACE_UNTIL || p->end == TRACE_LIMIT) {
        say_event(t, s->row, out);
    } else if (s->row != TRACE_NONE && s->row < t->nrows && p->end != TRACE_SKIPPED) {
        bytes_printf(out, "; ");
        say_miss(t, s, out);
    }
}

static void say(const struct trace *t, const struct trace_partial *p, const struct says *s,
                struct bytes *out)
{
    const char *fixed = whyrows_text(s->kind);
    if (p != NULL) {
        say_waits(t, p, s, out);
        return;
    }
    if (fixed != NULL) {
        bytes_printf(out, "%s", fixed);
        return;
    }
    bytes_printf(out, "no event began the pattern");
    if (s->row != TRACE_NONE && s->row < t->nrows) {
        bytes_printf(out, "; ");
        say_miss(t, s, out);
    }
}

void matchwhy_put(struct trace *t, struct bytes *out)
{
    const struct trace_partial *p = NULL;
    struct says s = find(t, &p);
    struct bytes text = {0};
    say(t, p, &s, &text);
    bytes_printf(out, "{\"kind\":\"%s\",\"text\":", s.kind);
    value_json_string((const char *)text.p, text.n, out);
    bytes_fini(&text);
    bytes_printf(out,
                 ",\"matches\":%s,\"partial\":", t->last_match != TRACE_NONE ? "true" : "false");
    if (p != NULL)
        put_partial(t, p, out);
    else
        bytes_printf(out, "null");
    bytes_printf(out, ",\"event\":");
    if (s.row != TRACE_NONE && s.row < t->nrows) {
        bytes_printf(out, "{");
        matchwhy_put_place(t, s.row, out);
        bytes_printf(out, "}");
    } else {
        bytes_printf(out, "null");
    }
    bytes_printf(out, ",\"variable\":");
    if (s.var >= 0)
        put_var(t, s.var, out);
    else
        bytes_printf(out, "null");
    bytes_printf(out, ",\"conditions\":");
    if (s.conditions != NULL)
        bytes_put(out, s.conditions->p, s.conditions->n);
    else
        bytes_printf(out, "[]");
    if (s.late)
        bytes_printf(out, ",\"late_by_ms\":%" PRId64, s.late_ms);
    bytes_printf(out, ",\"cut_off\":%s}", t->cut_off ? "true" : "false");
}
