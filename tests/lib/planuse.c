/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/planuse.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/expr/exprvm.h"
#include "cep/match/match.h"
#include "cep/task/task.h"
#include "cep/window/window.h"
#include "io/codec_json.h"
#include <string.h>
#include <strings.h>

enum { RULES_MAX = 8, PARTIALS_MAX = 64, ORDERING_MAX = 1 << 16 };

const char planuse_stream[] =
    "CREATE STREAM t (s STRING, b BIGINT, d DOUBLE, m DECIMAL(12,2), k DECIMAL(6,4), o BOOLEAN, "
    "c AS m > 3, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) "
    "WITH ('connector'='inline')";

/* Times one after the other, equal, out of order and late; values of each type at both ends, and NULLs. */
static const char rows[] =
    "{\"ts\":1000,\"s\":\"x\",\"b\":1,\"d\":0.5,\"m\":2.50,\"k\":1.25,\"o\":true}\n"
    "{\"ts\":1000,\"s\":\"y\",\"b\":2,\"d\":-1e300,\"m\":3.01,\"k\":-1,\"o\":false}\n"
    "{\"ts\":1500,\"s\":\"x\",\"b\":9223372036854775807,\"d\":1e300,\"m\":9999999999.99}\n"
    "{\"ts\":2000,\"s\":\"x\",\"b\":-9223372036854775808,\"k\":99.9999,\"o\":true}\n"
    "{\"ts\":1800,\"s\":\"y\",\"b\":3,\"d\":3,\"m\":-9999999999.99,\"o\":true}\n"
    "{\"ts\":2600,\"s\":\"x\"}\n"
    "{\"ts\":3000,\"b\":0,\"d\":0,\"m\":0,\"k\":0,\"o\":false}\n"
    "{\"ts\":9000,\"s\":\"y\",\"b\":4,\"d\":4,\"m\":4,\"k\":4,\"o\":true}\n"
    "{\"ts\":2500,\"s\":\"y\",\"b\":5,\"d\":5,\"m\":5,\"k\":5,\"o\":true}\n"
    "{\"ts\":9000,\"s\":\"x\",\"b\":6,\"d\":0.1,\"m\":6,\"k\":6,\"o\":false}\n"
    "{\"ts\":9500,\"s\":\"\\u00e4\\u20ac\",\"b\":-7,\"d\":-0.0,\"m\":7,\"k\":7,\"o\":true}\n"
    "{\"ts\":9600,\"s\":\"\",\"b\":8,\"d\":8,\"m\":8.88,\"k\":8,\"o\":true}\n"
    "{\"ts\":253402300799999,\"s\":\"x\",\"b\":9,\"d\":9,\"m\":9,\"k\":9,\"o\":false}\n";

static struct script *streams; /* as long as the process: LeakSanitizer finds it here */

static const struct schema *scope_stream(void *ctx, const char *name)
{
    (void)ctx;
    return strcasecmp(name, "t") == 0 ? streams->statements[0].schema : NULL;
}

static const char *scope_name(void *ctx, unsigned i)
{
    (void)ctx;
    return i == 0 ? "t" : NULL;
}

const struct scope *planuse_scope(void)
{
    static const struct scope scope = {.stream = scope_stream, .stream_name = scope_name};
    struct diag d;
    if (streams != NULL)
        return &scope;
    diag_init(&d, planuse_stream, strlen(planuse_stream));
    BUG_IF(compile_script(planuse_stream, strlen(planuse_stream), NULL, &d, &streams) != ERR_OK,
           "the stream");
    diag_fini(&d);
    return &scope;
}

void planuse_check_outcome(enum err e, const struct diag *d)
{
    BUG_IF((e == ERR_OK) != (d->errors == 0), "%s with %d errors", err_name(e), d->errors);
    BUG_IF(e != ERR_OK && e != ERR_INVALID && e != ERR_UNSUPPORTED && e != ERR_LIMIT, "%s",
           err_name(e));
}

static void build(const struct expr *e)
{
    if (e == NULL)
        return;
    struct exprvm *x = exprvm_new(e, NULL);
    exprvm_free(x);
    BUG_IF(!expr_same(e, e), "an expression differs from itself");
    (void)expr_hash(e);
}

void planuse_explain(const struct rule_plan *p)
{
    struct bytes out = {0};
    compile_explain(p, EXPLAIN_TEXT, &out);
    compile_explain(p, EXPLAIN_JSON, &out);
    compile_explain_rule(p, NULL, EXPLAIN_TEXT, &out);
    compile_explain_rule(p, NULL, EXPLAIN_JSON, &out);
    compile_explain_rule(p, NULL, EXPLAIN_DOT, &out);
    bytes_fini(&out);
    build(p->where);
    for (unsigned i = 0; i < p->noutputs; i++)
        build(p->outputs[i].e);
    if (p->shape == RULE_WINDOW) {
        windowprog_free(windowprog_new(p));
        build(p->window.having);
        for (unsigned i = 0; i < p->window.naggs; i++)
            build(p->window.aggs[i].arg);
    } else if (p->shape == RULE_MATCH) {
        match_prog_free(match_prog_new(p));
        build(p->match.having);
        for (unsigned v = 0; v < p->match.nvars; v++) {
            BUG_IF(p->match.vars[v].row != NULL && !expr_is_row_only(p->match.vars[v].row),
                   "a row condition reads more than its row");
            build(p->match.vars[v].row);
            build(p->match.vars[v].path);
        }
    }
}

/* --- rows --- */

static void on_bad(void *ctx, uint64_t offset, const char *text, size_t n,
                   const struct codec_problem *p)
{
    (void)ctx;
    (void)text;
    (void)n;
    BUG_IF(true, "row %llu: %s", (unsigned long long)offset, p->text);
}

static struct batch *decode(const struct schema *s, const struct job *job)
{
    char text[sizeof rows + CODEC_PADDING] = {0};
    size_t pos = 0;
    uint64_t offset = 0;
    memcpy(text, rows, sizeof rows);
    struct codec_json *c = codec_json_new(s, job_columns(job, s->id), job_dict(job));
    struct batch *b = batch_new(s, job_columns(job, s->id));
    codec_json_lines(c, text, sizeof rows - 1, &pos, &offset, b, on_bad, NULL);
    codec_json_free(c);
    return b;
}

/* Every value of every result is read. */
static void look_at_results(struct task *t)
{
    struct bytes out = {0};
    const struct task_effects *fx = task_effects(t);
    for (unsigned i = 0; i < fx->nresults; i++)
        for (unsigned v = 0; v < fx->results[i].nvalues; v++)
            value_json(&fx->results[i].values[v], &out);
    bytes_fini(&out);
    task_effects_clear(t);
}

static void run(const struct schema *s, const struct job_rule *rules, unsigned n)
{
    struct job *job = job_new(&s, 1, rules, n);
    struct task *t = task_new(&(struct task_options){.workers = 1,
                                                     .key_groups = 16,
                                                     .max_ordering_rows = ORDERING_MAX,
                                                     .max_partials_per_key = PARTIALS_MAX});
    task_set_job(t, job);
    if (job_columns(job, s->id) != NULL) {
        struct batch *b = decode(s, job);
        task_source_open(t, s->id, 0, EVTIME_MIN);
        enum err e = task_source_rows(t, b);
        BUG_IF(e != ERR_OK, "%s", err_name(e));
        task_step(t);
        look_at_results(t);
        batch_unref(b);
        task_source_watermark(t, s->id, 0, EVTIME_MAX);
        task_step(t);
        look_at_results(t);
    }
    task_free(t);
    job_unref(job);
}

void planuse_run(const struct script *s)
{
    struct job_rule rules[RULES_MAX];
    const struct schema *t = streams->statements[0].schema;
    unsigned n = 0;
    for (unsigned i = 0; i < s->n && n < RULES_MAX; i++) {
        struct rule_plan *p = s->statements[i].rule;
        if (p != NULL && p->input == t && p->shape != RULE_JOIN)
            rules[n++] = (struct job_rule){.plan = p, .uid = i + 1, .version = 1};
    }
    if (n > 0)
        run(t, rules, n);
}
