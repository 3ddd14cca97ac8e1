/* SPDX-License-Identifier: Apache-2.0 */
/* A plan for people: what is read, which rows count, what each variable asks, what comes out. */
#include "rules/explain.h"
#include "rules/explainjoin.h"
#include "rules/explainlookup.h"
#include "rules/explainover.h"
#include "rules/explainwindow.h"
#include <string.h>

struct explain {
    const struct rule_plan *p;
    struct bytes *out;
    const char *const *vars;
};

static void put(struct explain *x, const char *text)
{
    bytes_put(x->out, text, strlen(text));
}

/* --- text ------------------------------------------------------------------------------------- */

static void print_to(const struct explain *x, const struct expr *e, struct bytes *out)
{
    if (x->p->shape == RULE_JOIN)
        explainjoin_expr(x->p, e, out);
    else
        expr_print(e, x->p->input, x->vars, out);
}

static void print(struct explain *x, const struct expr *e)
{
    print_to(x, e, x->out);
}

static void put_line(struct explain *x, const char *label, const struct expr *e)
{
    if (e == NULL)
        return;
    bytes_printf(x->out, "  %-10s ", label);
    print(x, e);
    put(x, "\n");
}

static void put_columns(struct explain *x, const char *label, const struct colset *set)
{
    const char *comma = "";
    bytes_printf(x->out, "  %-10s ", label);
    for (unsigned i = 0; i < x->p->input->ncolumns; i++)
        if (colset_has(set, i)) {
            bytes_printf(x->out, "%s%s", comma, x->p->input->columns[i].name);
            comma = ", ";
        }
    put(x, *comma == '\0' ? "nothing\n" : "\n");
}

static void put_key(struct explain *x, const char *label)
{
    const struct plan_key *k = &x->p->key;
    unsigned n = x->p->shape == RULE_WINDOW ? plan_nkeys(x->p) : k->n;
    if (n == 0)
        return;
    bytes_printf(x->out, "  %-10s ", label);
    for (unsigned i = 0; i < n; i++)
        bytes_printf(x->out, "%s%s", i > 0 ? ", " : "",
                     i < k->n ? plan_key_part(k, x->p->input, i) : plan_key_name(x->p, i));
    put(x, "\n");
}

void explain_duration(int64_t ms, struct bytes *out)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
    for (unsigned i = ms == 0 ? 3 : 0; i < 5; i++)
        if (ms % units[i].ms == 0 || i == 4) {
            bytes_printf(out, "%lld %s", (long long)(ms / units[i].ms), units[i].unit);
            return;
        }
}

static void put_duration(struct explain *x, int64_t ms)
{
    explain_duration(ms, x->out);
}

static void put_pattern(struct explain *x, const struct pattern *p);

static void put_quantifier(struct explain *x, const struct pattern *p)
{
    put(x, p->inner == CONTIGUITY_FOLLOWED ? "->" : p->inner == CONTIGUITY_ANY ? "->>" : "");
    if (p->max == UINT32_MAX && p->min < 2)
        put(x, p->min == 0 ? "*" : "+");
    else if (p->min == 0 && p->max == 1)
        put(x, "?");
    else if (p->min == p->max)
        bytes_printf(x->out, "{%u}", p->min);
    else if (p->max == UINT32_MAX)
        bytes_printf(x->out, "{%u,}", p->min);
    else
        bytes_printf(x->out, "{%u,%u}", p->min, p->max);
    put(x, p->reluctant ? "?" : "");
}

static void put_children(struct explain *x, const struct pattern *p, const char *between)
{
    for (unsigned i = 0; i < p->nchildren; i++) {
        const struct pattern *c = p->children[i];
        if (i > 0)
            put(x, p->kind != PATTERN_SEQ             ? between
                   : c->before == CONTIGUITY_FOLLOWED ? " -> "
                   : c->before == CONTIGUITY_ANY      ? " ->> "
                                                      : " ");
        put_pattern(x, c);
    }
}

static void put_pattern(struct explain *x, const struct pattern *p)
{
    bool group = (p->kind == PATTERN_SEQ || p->kind == PATTERN_ALT);
    switch (p->kind) {
    case PATTERN_VAR:
        put(x, p->negated ? "!" : "");
        put(x, x->vars[p->var]);
        break;
    case PATTERN_EMPTY:
        put(x, "()");
        break;
    case PATTERN_START:
        put(x, "^");
        break;
    case PATTERN_END:
        put(x, "$");
        break;
    case PATTERN_EXCLUDE:
        put(x, "{- ");
        put_children(x, p, " ");
        put(x, " -}");
        break;
    default:
        put(x, p->kind == PATTERN_PERMUTE ? "PERMUTE(" : group ? "(" : "");
        put_children(x, p, p->kind == PATTERN_PERMUTE ? ", " : " | ");
        put(x, ")");
    }
    if (p->quantified)
        put_quantifier(x, p);
    if (p->until >= 0)
        bytes_printf(x->out, " UNTIL %s", x->vars[p->until]);
    if (p->within_ms >= 0) {
        put(x, " WITHIN ");
        put_duration(x, p->within_ms);
    }
}

void explain_pattern(const struct pattern *p, const char *const *vars, struct bytes *out)
{
    struct explain x = {NULL, out, vars};
    put_pattern(&x, p);
}

static void put_match(struct explain *x)
{
    static const char *const skips[] = {"past the last row", "to the next row", "to the first ",
                                        "to the last ", "none: every match"};
    static const char *const rows[] = {"one a match", "all", "all, empty matches omitted",
                                       "all, unmatched ones too"};
    const struct match_plan *m = &x->p->match;
    put(x, "  pattern    ");
    put_pattern(x, m->pattern);
    put(x, "\n");
    if (m->within_ms >= 0) {
        put(x, "  within     ");
        put_duration(x, m->within_ms);
        put(x, m->within_each_step ? " each step\n" : "\n");
    }
    bytes_printf(x->out, "  skip       %s", skips[m->skip]);
    const char *comma = "";
    for (unsigned v = 0; v < m->nvars && (m->skip == SKIP_TO_FIRST || m->skip == SKIP_TO_LAST); v++)
        if (m->skip_vars >> v & 1) {
            bytes_printf(x->out, "%s%s", comma, x->vars[v]);
            comma = " or ";
        }
    bytes_printf(x->out, "\n  rows       %s\n", rows[m->rows]);
    for (unsigned i = 0; i < m->norder; i++)
        bytes_printf(x->out, "  order      equal times by %s%s\n",
                     x->p->input->columns[m->order_columns[i]].name,
                     m->order_desc >> i & 1 ? " descending" : "");
    for (unsigned v = 0; v < m->nvars; v++) {
        bytes_printf(x->out, "  define %s%s\n", m->vars[v].name,
                     m->vars[v].row == NULL && m->vars[v].path == NULL ? ": every row" : "");
        put_line(x, "  row", m->vars[v].row);
        put_line(x, "  path", m->vars[v].path);
    }
    put_columns(x, "keeps", &x->p->keeps);
    put_line(x, "having", m->having);
}

static void put_window(struct explain *x)
{
    const struct window_plan *w = &x->p->window;
    put(x, "  window     ");
    explainwindow_kind(w, x->out);
    put(x, "\n  fires      ");
    explainwindow_trigger(w, x->out);
    put(x, "\n");
    bytes_printf(x->out, "  slots      #0 to #%u: key, window_start, window_end, window_time\n",
                 x->p->key.n + 2);
    for (unsigned i = 0; i < w->naggs; i++) {
        struct expr e = {.kind = EXPR_MATCH_AGG, .type = w->aggs[i].type};
        e.agg.call = w->aggs[i];
        e.agg.vars = UINT64_MAX;
        e.agg.running = true;
        bytes_printf(x->out, "  slot #%-3u  ", x->p->key.n + 3 + i);
        print(x, &e);
        put(x, "\n");
    }
    put_line(x, "having", w->having);
}

/* "rising <- per_card <- payments" */
static void put_chain(struct explain *x, const struct schema *s)
{
    put(x, s->name);
    if (s->derived == DERIVED_NOT)
        return;
    put(x, " <- ");
    put_chain(x, s->from);
    if (s->with == NULL)
        return;
    put(x, " and ");
    put_chain(x, s->with);
}

static unsigned stage_of(const struct rule_plan *p)
{
    const struct schema *streams[PLAN_STREAMS_MAX];
    unsigned stage = 0;
    for (unsigned i = 0, n = plan_streams(p, streams); i < n; i++)
        stage = streams[i]->stage > stage ? streams[i]->stage : stage;
    return stage;
}

static void put_stage(struct explain *x)
{
    const struct schema *streams[PLAN_STREAMS_MAX];
    if (!plan_is_derived(x->p))
        return;
    bytes_printf(x->out, "  stage      %u: ", stage_of(x->p));
    for (unsigned i = 0, n = plan_streams(x->p, streams); i < n; i++) {
        put(x, i > 0 ? "; " : "");
        put_chain(x, streams[i]);
    }
    put(x, "\n");
}

static void put_rule(struct explain *x)
{
    static const char *const shapes[] = {"filter", "window", "over", "pattern", "join"};
    static const char *const modes[] = {"active", "shadow", "paused"};
    char type[32];
    const struct rule_plan *p = x->p;
    const struct schema *streams[PLAN_STREAMS_MAX];
    unsigned nstreams = plan_streams(p, streams);
    bytes_printf(x->out, "rule %s: %s over %s%s %s", p->name, shapes[p->shape],
                 nstreams == 1 && schema_rows(p->input)->derived == DERIVED_RESULTS ? "rule"
                                                                                    : "stream",
                 nstreams > 1 ? "s" : "", schema_rows(p->input)->name);
    bytes_printf(x->out, nstreams > 1 ? ", %s\n" : "\n", streams[nstreams - 1]->name);
    bytes_printf(x->out, "  mode       %s, severity %s\n", modes[p->mode], p->severity);
    put_stage(x);
    if (p->cooldown_ms > 0) {
        put(x, "  cooldown   ");
        put_duration(x, p->cooldown_ms);
        put(x, "\n");
    }
    explainlookup_text(p, x->out);
    if (p->shape != RULE_JOIN)
        put_columns(x, "reads", &p->reads);
    put_line(x, "where", p->where);
    put_key(x, p->shape == RULE_WINDOW ? "group by" : "key");
    if (p->shape == RULE_MATCH)
        put_match(x);
    else if (p->shape == RULE_WINDOW)
        put_window(x);
    else if (p->shape == RULE_OVER)
        explainover_text(p, x->out);
    else if (p->shape == RULE_JOIN)
        explainjoin_text(p, x->out);
    for (unsigned i = 0; i < p->noutputs; i++) {
        bytes_printf(x->out, "  output     %s %s = ", p->outputs[i].name,
                     schema_type_name(p->outputs[i].type, type));
        print(x, p->outputs[i].e);
        put(x, "\n");
    }
    if (p->shape == RULE_MATCH && p->match.within_ms < 0)
        put(x, "  note       without WITHIN, partial matches wait as long as the rule lives\n");
    if ((p->shape == RULE_MATCH || p->shape == RULE_OVER) && p->key.n == 0)
        put(x, "  note       without PARTITION BY all events are one sequence, on one worker\n");
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void json_string(struct explain *x, const char *name, const char *text)
{
    bytes_printf(x->out, "\"%s\":", name);
    if (text != NULL)
        value_json_string(text, strlen(text), x->out);
    else
        put(x, "null");
}

/* What `print` writes, as a JSON string. */
static void json_printed(struct explain *x, const char *name, const struct expr *e)
{
    bytes_printf(x->out, "\"%s\":", name);
    if (e == NULL) {
        put(x, "null");
        return;
    }
    struct bytes text = {0};
    print_to(x, e, &text);
    value_json_string((const char *)text.p, text.n, x->out);
    bytes_fini(&text);
}

static void json_columns(struct explain *x, const char *name, const struct colset *set)
{
    const char *comma = "";
    bytes_printf(x->out, "\"%s\":[", name);
    for (unsigned i = 0; i < x->p->input->ncolumns; i++)
        if (colset_has(set, i)) {
            const char *c = x->p->input->columns[i].name;
            put(x, comma);
            value_json_string(c, strlen(c), x->out);
            comma = ",";
        }
    put(x, "]");
}

static void json_match(struct explain *x)
{
    static const char *const skips[] = {"past-last", "to-next", "to-first", "to-last", "none"};
    static const char *const rows[] = {"one", "all", "all-omit-empty", "all-unmatched"};
    const struct match_plan *m = &x->p->match;
    struct bytes text = {0};
    struct explain inner = {x->p, &text, x->vars};
    put_pattern(&inner, m->pattern);
    put(x, ",\"pattern\":");
    value_json_string((const char *)text.p, text.n, x->out);
    bytes_fini(&text);
    bytes_printf(x->out, ",\"skip\":\"%s\",\"rows\":\"%s\"", skips[m->skip], rows[m->rows]);
    if (m->within_ms >= 0)
        bytes_printf(x->out, ",\"within_ms\":%lld,\"within_each_step\":%s", (long long)m->within_ms,
                     m->within_each_step ? "true" : "false");
    put(x, ",");
    json_columns(x, "keeps", &x->p->keeps);
    put(x, ",\"variables\":[");
    for (unsigned v = 0; v < m->nvars; v++) {
        put(x, v > 0 ? ",{" : "{");
        json_string(x, "name", m->vars[v].name);
        put(x, ",");
        json_printed(x, "row", m->vars[v].row);
        put(x, ",");
        json_printed(x, "path", m->vars[v].path);
        put(x, "}");
    }
    put(x, "],");
    json_printed(x, "having", m->having);
}

static void json_window(struct explain *x)
{
    const struct window_plan *w = &x->p->window;
    put(x, ",\"window\":{");
    explainwindow_json(w, x->out);
    put(x, "\"aggregates\":[");
    for (unsigned i = 0; i < w->naggs; i++) {
        struct expr e = {.kind = EXPR_MATCH_AGG, .type = w->aggs[i].type};
        e.agg.call = w->aggs[i];
        e.agg.vars = UINT64_MAX;
        e.agg.running = true;
        bytes_printf(x->out, "%s{\"slot\":%u,", i > 0 ? "," : "", x->p->key.n + 3 + i);
        json_printed(x, "text", &e);
        put(x, "}");
    }
    put(x, "]},");
    json_printed(x, "having", w->having);
}

static void json_rule(struct explain *x)
{
    static const char *const shapes[] = {"filter", "window", "over", "pattern", "join"};
    static const char *const modes[] = {"active", "shadow", "paused"};
    char type[32];
    const struct rule_plan *p = x->p;
    put(x, "{");
    json_string(x, "rule", p->name);
    bytes_printf(x->out, ",\"shape\":\"%s\",", shapes[p->shape]);
    json_string(x, "stream", schema_rows(p->input)->name);
    if (plan_is_derived(p))
        bytes_printf(x->out, ",\"stage\":%u", stage_of(p));
    bytes_printf(x->out, ",\"mode\":\"%s\",\"severity\":\"%s\",\"cooldown_ms\":%lld,",
                 modes[p->mode], p->severity, (long long)p->cooldown_ms);
    explainlookup_json(p, x->out);
    json_columns(x, "reads", &p->reads);
    put(x, ",\"key\":[");
    for (unsigned i = 0; p->shape != RULE_JOIN && i < plan_nkeys(p); i++) {
        put(x, i > 0 ? "," : "");
        value_json_string(plan_key_name(p, i), strlen(plan_key_name(p, i)), x->out);
    }
    put(x, "],");
    json_printed(x, "where", p->where);
    if (p->shape == RULE_MATCH)
        json_match(x);
    else if (p->shape == RULE_WINDOW)
        json_window(x);
    else if (p->shape == RULE_OVER)
        explainover_json(p, x->out);
    else if (p->shape == RULE_JOIN)
        explainjoin_json(p, x->out);
    put(x, ",\"outputs\":[");
    for (unsigned i = 0; i < p->noutputs; i++) {
        put(x, i > 0 ? ",{" : "{");
        json_string(x, "name", p->outputs[i].name);
        bytes_printf(x->out, ",\"type\":\"%s\",", schema_type_name(p->outputs[i].type, type));
        json_printed(x, "expression", p->outputs[i].e);
        put(x, "}");
    }
    put(x, "]}");
}

void explain_plan(const struct rule_plan *p, bool json, struct bytes *out)
{
    struct explain x = {p, out, p->shape == RULE_MATCH ? p->match.var_names : NULL};
    if (json)
        json_rule(&x);
    else
        put_rule(&x);
}
