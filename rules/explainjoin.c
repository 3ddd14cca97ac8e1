/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/explainjoin.h"
#include "rules/explain.h"
#include "rules/explainwindow.h"
#include <string.h>

/* --- expressions ------------------------------------------------------------------------------ */

/* A schema of both sides' columns, called as in the rule: slot i is its column i. */
static struct schema *both_sides(const struct join_plan *j, struct arena *a)
{
    struct schema *s = arena_zero(a, sizeof *s);
    static const char *const windows[] = {"window_start", "window_end", "window_time"};
    for (unsigned k = 0; k < 2; k++)
        s->ncolumns += j->side[k].schema->ncolumns + 3;
    struct column *columns = arena_zero(a, s->ncolumns * sizeof *columns), *at = columns;
    for (unsigned k = 0; k < 2; k++)
        for (unsigned i = 0; i < j->side[k].schema->ncolumns; i++, at++) {
            *at = j->side[k].schema->columns[i];
            at->name = arena_printf(a, "%s.%s", j->side[k].name, at->name);
        }
    for (unsigned k = 0; k < 2; k++)
        for (unsigned i = 0; i < 3; i++, at++)
            *at = (struct column){.name = arena_printf(a, "%s.%s", j->side[k].name, windows[i]),
                                  .type.kind = TYPE_TIMESTAMP};
    s->columns = columns;
    return s;
}

static void put_slots(const struct join_plan *j, const struct expr *e, struct bytes *out)
{
    struct arena *a = arena_new(4096, 0);
    expr_print(expr_moved(a, e, EXPR_SLOT, 0), both_sides(j, a), NULL, out);
    arena_free(a);
}

/* An expression over one side's row. */
static void put_side(const struct join_plan *j, unsigned side, const struct expr *e,
                     struct bytes *out)
{
    struct arena *a = arena_new(4096, 0);
    unsigned first = side == JOIN_LEFT ? 0 : j->side[JOIN_LEFT].schema->ncolumns;
    put_slots(j, expr_moved(a, e, EXPR_COLUMN, first), out);
    arena_free(a);
}

void explainjoin_expr(const struct rule_plan *p, const struct expr *e, struct bytes *out)
{
    put_slots(&p->join, e, out);
}

static const char *time_name(const struct join_side *s)
{
    return s->schema->columns[s->schema->time_column].name;
}

/* --- bounds ----------------------------------------------------------------------------------- */

static void put_bound(const struct join_plan *j, int64_t ms, struct bytes *out)
{
    const struct join_side *a = &j->side[JOIN_LEFT];
    if (ms != 0) {
        explain_duration(ms < 0 ? -ms : ms, out);
        bytes_printf(out, ms < 0 ? " before " : " after ");
    }
    bytes_printf(out, "%s.%s", a->name, time_name(a));
}

void explainjoin_bounds(const struct join_plan *j, struct bytes *out)
{
    const struct join_side *b = &j->side[JOIN_RIGHT];
    if (j->windowed) {
        bytes_printf(out, "in the same window, ");
        explainwindow_kind(&j->window, out);
        return;
    }
    bytes_printf(out, "%s.%s ", b->name, time_name(b));
    if (j->least_ms > j->most_ms) {
        bytes_printf(out, "in no time: the bounds exclude each other");
        return;
    }
    if (j->least_ms == j->most_ms) {
        bytes_printf(out, "= ");
        put_bound(j, j->least_ms, out);
        return;
    }
    bytes_printf(out, "from ");
    put_bound(j, j->least_ms, out);
    bytes_printf(out, " to ");
    put_bound(j, j->most_ms, out);
}

static int64_t keeps(const struct join_plan *j, unsigned side)
{
    int64_t ms = side == JOIN_LEFT ? j->most_ms : -j->least_ms;
    return j->least_ms > j->most_ms ? -1 : ms;
}

int64_t explainjoin_ms(const struct rule_plan *p)
{
    if (p->join.windowed)
        return p->join.window.size_ms;
    int64_t left = keeps(&p->join, JOIN_LEFT), right = keeps(&p->join, JOIN_RIGHT);
    int64_t ms = left > right ? left : right;
    return ms > 0 ? ms : 0;
}

void explainjoin_state(const struct rule_plan *p, struct bytes *out)
{
    const struct join_plan *j = &p->join;
    const char *what = "a key keeps ";
    if (j->windowed) {
        bytes_printf(out, "a key keeps the rows of its open windows, for at most ");
        explain_duration(j->window.size_ms, out);
        return;
    }
    for (unsigned s = 0; s < 2; s++) {
        if (keeps(j, s) < 0)
            continue;
        bytes_printf(out, "%srows of %s for ", what, j->side[s].name);
        explain_duration(keeps(j, s), out);
        what = ", ";
    }
    if (*what == 'a')
        bytes_printf(out, "none: no row waits for a partner");
}

void explainjoin_waits(const struct rule_plan *p, struct bytes *out)
{
    const struct schema *streams[PLAN_STREAMS_MAX];
    unsigned n = plan_streams(p, streams);
    bytes_printf(out, "for the watermark%s", n > 1 ? " of both streams" : "");
    for (unsigned i = 0; i < n; i++) {
        bytes_printf(out, ", ");
        explain_duration(streams[i]->delay_ms, out);
        bytes_printf(out, " behind the newest row");
        if (n > 1)
            bytes_printf(out, " of %s", streams[i]->name);
    }
}

/* --- text ------------------------------------------------------------------------------------- */

static void text_side(const struct join_plan *j, unsigned side, struct bytes *out)
{
    const struct join_side *s = &j->side[side];
    const char *sep = ": reads ";
    bytes_printf(out, "  %-10s %s AS %s", side == JOIN_LEFT ? "left" : "right", s->schema->name,
                 s->name);
    for (unsigned c = 0; c < s->schema->ncolumns; c++)
        if (colset_has(&s->reads, c)) {
            bytes_printf(out, "%s%s", sep, s->schema->columns[c].name);
            sep = ", ";
        }
    bytes_printf(out, "\n");
    if (s->where != NULL) {
        bytes_printf(out, "    rows     ");
        put_side(j, side, s->where, out);
        bytes_printf(out, "\n");
    }
    if (s->partner != NULL) {
        bytes_printf(out, "    partner  ");
        put_side(j, side, s->partner, out);
        bytes_printf(out, "\n");
    }
}

static void put_keys(const struct join_plan *j, const char *sep, struct bytes *out)
{
    for (unsigned i = 0; i < j->nkeys; i++) {
        bytes_printf(out, "%s", i > 0 ? sep : "");
        put_side(j, JOIN_LEFT, j->keys[i].e[JOIN_LEFT], out);
        bytes_printf(out, " = ");
        put_side(j, JOIN_RIGHT, j->keys[i].e[JOIN_RIGHT], out);
    }
}

static void text_slots(const struct join_plan *j, const char *label, const struct expr *e,
                       struct bytes *out)
{
    if (e == NULL)
        return;
    bytes_printf(out, "  %-10s ", label);
    put_slots(j, e, out);
    bytes_printf(out, "\n");
}

void explainjoin_text(const struct rule_plan *p, struct bytes *out)
{
    const struct join_plan *j = &p->join;
    text_side(j, JOIN_LEFT, out);
    text_side(j, JOIN_RIGHT, out);
    bytes_printf(out, "  key        ");
    put_keys(j, ", ", out);
    bytes_printf(out, "%s\n  time       ", j->nkeys == 0 ? "none: on one worker" : "");
    explainjoin_bounds(j, out);
    bytes_printf(out, "\n");
    text_slots(j, "on", j->on, out);
    if (j->outer)
        bytes_printf(out, "  outer      a row of %s without partner is given by itself\n",
                     j->side[JOIN_LEFT].name);
    text_slots(j, "where", j->where, out);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void json_text(const char *name, const struct bytes *text, struct bytes *out)
{
    bytes_printf(out, ",\"%s\":", name);
    if (text->n > 0)
        value_json_string((const char *)text->p, text->n, out);
    else
        bytes_printf(out, "null");
}

static void json_side(const struct join_plan *j, unsigned side, struct bytes *out)
{
    const struct join_side *s = &j->side[side];
    const char *sep = "";
    struct bytes where = {0}, partner = {0};
    bytes_printf(out, "%s{\"stream\":", side == JOIN_LEFT ? "" : ",");
    value_json_string(s->schema->name, strlen(s->schema->name), out);
    bytes_printf(out, ",\"name\":");
    value_json_string(s->name, strlen(s->name), out);
    bytes_printf(out, ",\"reads\":[");
    for (unsigned c = 0; c < s->schema->ncolumns; c++)
        if (colset_has(&s->reads, c)) {
            bytes_printf(out, "%s", sep);
            value_json_string(s->schema->columns[c].name, strlen(s->schema->columns[c].name), out);
            sep = ",";
        }
    bytes_printf(out, "],\"keeps_ms\":%lld",
                 (long long)(j->windowed          ? j->window.size_ms
                             : keeps(j, side) < 0 ? 0
                                                  : keeps(j, side)));
    if (s->where != NULL)
        put_side(j, side, s->where, &where);
    if (s->partner != NULL)
        put_side(j, side, s->partner, &partner);
    json_text("where", &where, out);
    json_text("partner", &partner, out);
    bytes_printf(out, "}");
    bytes_fini(&where);
    bytes_fini(&partner);
}

void explainjoin_json(const struct rule_plan *p, struct bytes *out)
{
    const struct join_plan *j = &p->join;
    struct bytes on = {0}, keys = {0}, where = {0}, bounds = {0};
    bytes_printf(out, ",\"join\":{\"outer\":%s,\"sides\":[", j->outer ? "true" : "false");
    json_side(j, JOIN_LEFT, out);
    json_side(j, JOIN_RIGHT, out);
    bytes_printf(out, "],\"least_ms\":%lld,\"most_ms\":%lld", (long long)j->least_ms,
                 (long long)j->most_ms);
    put_keys(j, " AND ", &keys);
    explainjoin_bounds(j, &bounds);
    if (j->on != NULL)
        put_slots(j, j->on, &on);
    if (j->where != NULL)
        put_slots(j, j->where, &where);
    json_text("keys", &keys, out);
    json_text("time", &bounds, out);
    json_text("on", &on, out);
    json_text("where", &where, out);
    bytes_printf(out, "}");
    bytes_fini(&on);
    bytes_fini(&keys);
    bytes_fini(&where);
    bytes_fini(&bounds);
}
