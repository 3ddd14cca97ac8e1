/* SPDX-License-Identifier: Apache-2.0 */
/* planbuild.h - plans put together by hand, for tests of the engine that may not lean on the compiler.
 *
 * One stream `pay` (id BIGINT, ts, card STRING, account STRING, amount DECIMAL(12,2), status STRING). All that is made
 * lives in the arena `trees` of exprtree.h, plans too: they hold one reference more than anyone gives back. */
#ifndef WEIR_TESTS_LIB_PLANBUILD_H
#define WEIR_TESTS_LIB_PLANBUILD_H
#include "cep/plan.h"
#include "tests/lib/exprtree.h"

enum { PAY_ID, PAY_TS, PAY_CARD, PAY_ACCOUNT, PAY_AMOUNT, PAY_STATUS, PAY_COLUMNS };

static inline struct schema *pay_stream(unsigned partitions, int64_t delay_ms)
{
    static const struct column columns[PAY_COLUMNS] = {
        {.name = "id", .type = {.kind = TYPE_BIGINT}, .not_null = true},
        {.name = "ts", .type = {.kind = TYPE_TIMESTAMP}, .not_null = true},
        {.name = "card", .type = {.kind = TYPE_STRING}},
        {.name = "account", .type = {.kind = TYPE_STRING}},
        {.name = "amount", .type = {.kind = TYPE_DECIMAL, .precision = 12, .scale = 2}},
        {.name = "status", .type = {.kind = TYPE_STRING}},
    };
    struct schema *s = arena_zero(trees, sizeof *s);
    *s = (struct schema){.name = "pay",
                         .id = 7,
                         .sql = "CREATE STREAM pay",
                         .ncolumns = PAY_COLUMNS,
                         .columns = columns,
                         .time_column = PAY_TS,
                         .delay_ms = delay_ms,
                         .partitions = partitions,
                         .connector = "inline"};
    return s;
}

static inline struct expr *column(unsigned c)
{
    static const uint8_t kinds[PAY_COLUMNS] = {TYPE_BIGINT, TYPE_TIMESTAMP, TYPE_STRING,
                                               TYPE_STRING, TYPE_DECIMAL,   TYPE_STRING};
    struct type t = {.kind = kinds[c]};
    if (c == PAY_AMOUNT)
        t = DECIMAL(12, 2);
    struct expr *e = node(EXPR_COLUMN, t, 0, NULL);
    e->index = c;
    return e;
}

/* Column c of the first or last row of a variable. */
static inline struct expr *nav_of(int var, bool first, unsigned c)
{
    const struct expr *arg = column(c);
    struct expr *e = node(EXPR_NAV, arg->type, 1, &arg);
    e->nav = (struct nav){.vars = UINT64_C(1) << var, .first = first, .running = true};
    return e;
}

static inline struct expr *agg_of(enum agg_kind kind, struct type t, uint64_t vars,
                                  const struct expr *arg)
{
    struct expr *e = node(EXPR_MATCH_AGG, t, 0, NULL);
    e->agg.call = (struct agg_call){.kind = kind, .type = t, .arg = arg};
    e->agg.vars = vars;
    e->agg.running = true;
    return e;
}

static inline struct expr *slot(struct type t, unsigned i)
{
    struct expr *e = node(EXPR_SLOT, t, 0, NULL);
    e->index = i;
    return e;
}

static inline struct rule_plan *plan_new(enum rule_shape shape, const char *name,
                                         const struct schema *s, const struct expr *where)
{
    struct rule_plan *p = arena_zero(trees, sizeof *p);
    *p = (struct rule_plan){.name = name,
                            .sql = name,
                            .shape = shape,
                            .input = s,
                            .where = where,
                            .severity = "medium",
                            .refs = 1};
    for (unsigned c = 0; c < s->ncolumns; c++)
        colset_add(&p->reads, c);
    p->keeps = p->reads;
    return p;
}

static inline void plan_by(struct rule_plan *p, unsigned c)
{
    p->key = (struct plan_key){.n = 1, .columns = {(uint16_t)c}};
}

static inline void plan_gives(struct rule_plan *p, unsigned n, const struct expr *const *outputs)
{
    struct plan_output *o = arena_zero(trees, n * sizeof *o);
    for (unsigned i = 0; i < n; i++)
        o[i] = (struct plan_output){.name = "o", .type = outputs[i]->type, .e = outputs[i]};
    p->outputs = o;
    p->noutputs = n;
}
#define PLAN_GIVES(p, ...)                                                                         \
    plan_gives(p, sizeof((const struct expr *[]){__VA_ARGS__}) / sizeof(struct expr *),            \
               (const struct expr *[]){__VA_ARGS__})

/* --- patterns --- */

static inline struct pattern *pattern_new(enum pattern_kind kind, enum contiguity before)
{
    struct pattern *p = arena_zero(trees, sizeof *p);
    *p = (struct pattern){
        .kind = kind, .before = before, .min = 1, .max = 1, .until = -1, .within_ms = -1};
    return p;
}

static inline struct pattern *var(enum contiguity before, int v)
{
    struct pattern *p = pattern_new(PATTERN_VAR, before);
    p->var = v;
    return p;
}

static inline struct pattern *not_var(enum contiguity before, int v)
{
    struct pattern *p = var(before, v);
    p->negated = true;
    return p;
}

static inline struct pattern *times(struct pattern *p, uint32_t min, uint32_t max,
                                    enum contiguity inner, bool reluctant)
{
    p->quantified = true;
    p->min = min;
    p->max = max;
    p->inner = inner;
    p->reluctant = reluctant;
    return p;
}

static inline struct pattern *of(enum pattern_kind kind, enum contiguity before, unsigned n,
                                 struct pattern *const *children)
{
    struct pattern *p = pattern_new(kind, before);
    const struct pattern **copy = arena_alloc(trees, n * sizeof *copy + 1);
    for (unsigned i = 0; i < n; i++)
        copy[i] = children[i];
    p->nchildren = n;
    p->children = copy;
    return p;
}
#define GROUP(kind, before, ...)                                                                   \
    of(PATTERN_##kind, CONTIGUITY_##before,                                                        \
       sizeof((struct pattern *[]){__VA_ARGS__}) / sizeof(struct pattern *),                       \
       (struct pattern *[]){__VA_ARGS__})

/* vars: n triples name, row condition, path condition are set by the caller in *vars. */
static inline struct rule_plan *match_new_plan(const char *name, const struct schema *s,
                                               const struct pattern *p, int64_t within_ms,
                                               enum skip_kind skip, unsigned nvars,
                                               const struct match_var *vars)
{
    struct rule_plan *plan = plan_new(RULE_MATCH, name, s, NULL);
    struct match_var *copy = arena_alloc(trees, nvars * sizeof *copy);
    memcpy(copy, vars, nvars * sizeof *copy);
    plan->match = (struct match_plan){.nvars = nvars,
                                      .vars = copy,
                                      .pattern = p,
                                      .within_ms = within_ms,
                                      .skip = skip,
                                      .rows = ROWS_ONE};
    return plan;
}

#endif
