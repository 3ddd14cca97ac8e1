/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/explainover.h"
#include "rules/explain.h"
#include <inttypes.h>

static void put_frame(const struct over_frame *f, struct bytes *out)
{
    bytes_printf(out, " OVER %s ", f->rows ? "ROWS" : "RANGE");
    if (f->preceding < 0)
        bytes_printf(out, "UNBOUNDED");
    else if (f->rows)
        bytes_printf(out, "%" PRId64, f->preceding);
    else
        explain_duration(f->preceding, out);
    bytes_printf(out, " PRECEDING");
}

void explainover_call(const struct rule_plan *p, unsigned i, struct bytes *out)
{
    const struct over_call *c = &p->over.calls[i];
    if (c->kind == OVER_ROW_NUMBER) {
        bytes_printf(out, "ROW_NUMBER()");
    } else if (c->kind == OVER_LAG) {
        bytes_printf(out, "LAG(");
        expr_print(c->agg.arg, p->input, NULL, out);
        bytes_printf(out, ", %" PRId64, c->offset);
        if (c->fallback != NULL) {
            bytes_printf(out, ", ");
            expr_print(c->fallback, p->input, NULL, out);
        }
        bytes_printf(out, ")");
    } else {
        struct expr e = {.kind = EXPR_MATCH_AGG, .type = c->type};
        e.agg.call = c->agg;
        e.agg.vars = UINT64_MAX;
        e.agg.running = true;
        expr_print(&e, p->input, NULL, out);
        put_frame(&c->frame, out);
    }
}

void explainover_text(const struct rule_plan *p, struct bytes *out)
{
    for (unsigned i = 0; i < p->over.ncalls; i++) {
        bytes_printf(out, "  slot #%-3u  ", i);
        explainover_call(p, i, out);
        bytes_printf(out, "\n");
    }
    if (p->over.having == NULL)
        return;
    bytes_printf(out, "  having     ");
    expr_print(p->over.having, p->input, NULL, out);
    bytes_printf(out, "\n");
}

void explainover_json(const struct rule_plan *p, struct bytes *out)
{
    struct bytes text = {0};
    bytes_printf(out, ",\"over\":[");
    for (unsigned i = 0; i < p->over.ncalls; i++) {
        text.n = 0;
        explainover_call(p, i, &text);
        bytes_printf(out, "%s{\"slot\":%u,\"text\":", i > 0 ? "," : "", i);
        value_json_string((const char *)text.p, text.n, out);
        bytes_printf(out, "}");
    }
    bytes_printf(out, "],\"having\":");
    text.n = 0;
    if (p->over.having != NULL) {
        expr_print(p->over.having, p->input, NULL, &text);
        value_json_string((const char *)text.p, text.n, out);
    } else {
        bytes_printf(out, "null");
    }
    bytes_fini(&text);
}

int64_t explainover_ms(const struct rule_plan *p)
{
    int64_t ms = 0;
    for (unsigned i = 0; i < p->over.ncalls; i++) {
        const struct over_call *c = &p->over.calls[i];
        if (c->kind != OVER_AGG || c->frame.rows || c->frame.preceding < 0)
            return -1;
        ms = c->frame.preceding > ms ? c->frame.preceding : ms;
    }
    return ms;
}

void explainover_state(const struct rule_plan *p, struct bytes *out)
{
    int64_t rows = 0, ms = explainover_ms(p);
    bool all = false;
    if (ms >= 0) {
        bytes_printf(out, "a key keeps its rows of the last ");
        explain_duration(ms, out);
        bytes_printf(out, ", and is forgotten without any");
        return;
    }
    ms = 0;
    for (unsigned i = 0; i < p->over.ncalls; i++) {
        const struct over_call *c = &p->over.calls[i];
        int64_t back = c->kind == OVER_LAG ? c->offset : c->frame.preceding + 1;
        if (c->kind == OVER_AGG && c->frame.preceding < 0)
            all = true;
        else if (c->kind == OVER_AGG && !c->frame.rows)
            ms = c->frame.preceding > ms ? c->frame.preceding : ms;
        else if (c->kind != OVER_ROW_NUMBER)
            rows = back > rows ? back : rows;
    }
    bytes_printf(out, "a key keeps the number of its rows, ");
    if (rows > 0)
        bytes_printf(out, "its last %" PRId64 " row%s, ", rows, rows == 1 ? "" : "s");
    if (ms > 0) {
        bytes_printf(out, "its rows of the last ");
        explain_duration(ms, out);
        bytes_printf(out, ", ");
    }
    if (all)
        bytes_printf(out, "one value for each frame that has all rows, ");
    bytes_printf(out, "as long as the rule lives");
}
