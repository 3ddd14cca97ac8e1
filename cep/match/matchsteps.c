/* SPDX-License-Identifier: Apache-2.0
 *
 * One row of a trace as JSON: what it is, what was asked of it, what is there after it. */
#include "cep/match/matchtracedef.h"
#include "cep/task/taskinspect.h"
#include <inttypes.h>
#include <string.h>

static bool is_in(const struct result *r, const struct match_node *n, unsigned rows)
{
    if (rows > r->nrows)
        return false;
    for (unsigned i = rows; i-- > 0; n = n->parent)
        if (r->rows[i].place.partition != n->row->row.partition ||
            r->rows[i].place.offset != n->row->row.offset)
            return false;
    return true;
}

/* Matches and timeouts that were given; of those the rows, for people. */
void matchsteps_results(struct trace *t, uint32_t row, struct bytes *out)
{
    unsigned n = 0;
    const struct result *all = emit_all(&t->emit, &n);
    for (unsigned i = 0; i < n; i++) {
        const struct result *r = &all[i];
        if (r->kind == RESULT_MATCH) {
            t->last_match = row;
            for (uint32_t k = 0; k < t->npartials; k++)
                t->partial[k].matched |=
                    t->partial[k].node != NULL && is_in(r, t->partial[k].node, t->partial[k].rows);
        }
        for (unsigned k = 0; k < r->nrows && r->kind == RESULT_MATCH; k++)
            t->focus_matched |= t->focus != TRACE_NONE &&
                                r->rows[k].place.partition == t->ask->partition &&
                                r->rows[k].place.offset == t->ask->offset;
        if (out == NULL || out->n > TRACE_RESULTS_BYTES)
            continue;
        bytes_printf(out, "%s{\"kind\":\"%s\",", out->p[out->n - 1] == '[' ? "" : ",",
                     result_kind_name(r->kind));
        taskinspect_time("time", r->time, out);
        bytes_printf(out, ",\"rows\":[");
        for (unsigned k = 0; k < r->nrows; k++)
            bytes_printf(out, "%s{\"partition\":%u,\"offset\":%" PRIu64 "}", k > 0 ? "," : "",
                         r->rows[k].place.partition, r->rows[k].place.offset);
        bytes_printf(out, "]}");
    }
    emit_clear(&t->emit);
}

void matchsteps_put_active(const struct trace *t, unsigned most, struct bytes *out)
{
    bytes_printf(out, ",\"active\":[");
    for (unsigned i = 0; i < t->nlive && i < most; i++) {
        const struct trace_partial *p = &t->partial[t->live[i]];
        bytes_printf(out, "%s{\"partial\":%u,\"state\":%u,", i > 0 ? "," : "", p->id,
                     p->node->state);
        taskinspect_time("begun", p->begun, out);
        bytes_printf(out, ",");
        taskinspect_time("ends", p->ends, out);
        matchwhy_put_rows(t, p, out);
        matchwhy_put_waits(t, p, out);
        bytes_printf(out, "}");
    }
    bytes_printf(out, "]");
}

static void put_values(const struct trace *t, const struct trace_row *r, struct bytes *out)
{
    const struct schema *s = t->plan->input;
    const char *comma = "";
    bytes_printf(out, ",\"values\":{");
    for (unsigned c = 0; c < s->ncolumns; c++) {
        if (!colset_has(&t->plan->reads, c) || !colset_has(&r->b->present, c))
            continue;
        struct value v = batch_value(r->b, c, r->i);
        bytes_printf(out, "%s", comma);
        value_json_string(s->columns[c].name, strlen(s->columns[c].name), out);
        bytes_printf(out, ":");
        value_json(&v, out);
        comma = ",";
    }
    bytes_printf(out, "}");
}

void matchsteps_put(struct trace *t, uint32_t row, const struct trace_step *s, struct bytes *out)
{
    const struct trace_row *r = &t->row[row];
    bytes_printf(out, "{");
    matchwhy_put_place(t, row, out);
    put_values(t, r, out);
    bytes_printf(out, ",\"taken\":\"%s\",\"where\":",
                 !r->seen     ? "before-rule"
                 : r->late    ? "late"
                 : r->paused  ? "paused"
                 : r->pending ? "waits"
                 : !r->where  ? "where"
                              : "yes");
    struct match_cell none = {.pauses = 0};
    cond_ask(t->where, &(struct matchcond_at){t->m, &none, 0, NULL, &r->r}, out);
    bytes_printf(out, ",\"tries\":");
    bytes_put(out, s->tries.p, s->tries.n);
    bytes_printf(out, "],\"ended\":");
    bytes_put(out, s->ended.p, s->ended.n);
    bytes_printf(out, "],\"results\":");
    bytes_put(out, s->results.p, s->results.n);
    bytes_printf(out, "]");
    matchsteps_put_active(t, TRACE_TOLD_MAX, out);
    bytes_printf(out, "}");
    arena_reset(t->k.scratch);
}
