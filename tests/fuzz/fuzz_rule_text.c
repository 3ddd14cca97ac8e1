/* SPDX-License-Identifier: Apache-2.0 */
/* Any text into the whole compiler: it must end, keep to its limits, and what it accepts must be fit for EXPLAIN and for
 * the operators that run it. The stream t is there; a text is tried as a script and as one rule. */
#include "base/bug.h"
#include "base/mem.h"
#include "cep/exprvm.h"
#include "cep/match.h"
#include "cep/window.h"
#include "rules/compile.h"
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char stream[] =
    "CREATE STREAM t (s STRING, b BIGINT, d DOUBLE, m DECIMAL(12,2), k DECIMAL(6,4), o BOOLEAN, "
    "c AS m > 3, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) "
    "WITH ('connector'='inline')";

static const struct schema *scope_stream(void *ctx, const char *name)
{
    const struct script *s = ctx;
    return strcasecmp(name, "t") == 0 ? s->statements[0].schema : NULL;
}

static const char *scope_name(void *ctx, unsigned i)
{
    (void)ctx;
    return i == 0 ? "t" : NULL;
}

static void run(const struct expr *e)
{
    if (e == NULL)
        return;
    struct exprvm *x = exprvm_new(e, NULL);
    exprvm_free(x);
    BUG_IF(!expr_same(e, e), "an expression differs from itself");
    (void)expr_hash(e);
}

static void use(const struct rule_plan *p)
{
    struct bytes out = {0};
    compile_explain(p, EXPLAIN_TEXT, &out);
    compile_explain(p, EXPLAIN_JSON, &out);
    compile_explain_rule(p, NULL, EXPLAIN_TEXT, &out);
    compile_explain_rule(p, NULL, EXPLAIN_JSON, &out);
    compile_explain_rule(p, NULL, EXPLAIN_DOT, &out);
    bytes_fini(&out);
    run(p->where);
    for (unsigned i = 0; i < p->noutputs; i++)
        run(p->outputs[i].e);
    if (p->shape == RULE_WINDOW) {
        window_prog_free(window_prog_new(p));
        run(p->window.having);
        for (unsigned i = 0; i < p->window.naggs; i++)
            run(p->window.aggs[i].arg);
    } else if (p->shape == RULE_MATCH) {
        match_prog_free(match_prog_new(p));
        run(p->match.having);
        for (unsigned v = 0; v < p->match.nvars; v++) {
            BUG_IF(p->match.vars[v].row != NULL && !expr_is_row_only(p->match.vars[v].row),
                   "a row condition reads more than its row");
            run(p->match.vars[v].row);
            run(p->match.vars[v].path);
        }
    }
}

/* What is refused says why; what is accepted says no error. */
static void check(enum err e, const struct diag *d)
{
    BUG_IF((e == ERR_OK) != (d->errors == 0), "%s with %d errors", err_name(e), d->errors);
    BUG_IF(e != ERR_OK && e != ERR_INVALID && e != ERR_UNSUPPORTED && e != ERR_LIMIT, "%s",
           err_name(e));
}

static void try_script(const char *text, size_t n, const struct scope *scope)
{
    struct script *s = NULL;
    struct diag d;
    diag_init(&d, text, n);
    enum err e = compile_script_bounded(text, n, scope, &d, &s);
    check(e, &d);
    for (unsigned i = 0; s != NULL && i < s->n; i++)
        if (s->statements[i].rule != NULL)
            use(s->statements[i].rule);
    mem_free(diag_text(&d));
    compile_script_free(s);
    diag_fini(&d);
}

static void try_rule(const char *text, size_t n, const struct scope *scope)
{
    struct rule_plan *p = NULL;
    struct diag d;
    diag_init(&d, text, n);
    check(compile_rule("r", text, n, scope, &d, &p), &d);
    if (p != NULL)
        use(p);
    plan_unref(p);
    diag_fini(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct script *streams; /* as long as the process: LeakSanitizer finds it here */
    struct diag d;
    if (streams == NULL) {
        diag_init(&d, stream, sizeof stream - 1);
        BUG_IF(compile_script(stream, sizeof stream - 1, NULL, &d, &streams) != ERR_OK,
               "the stream");
        diag_fini(&d);
    }
    struct scope scope = {.ctx = streams,
                          .stream = scope_stream,
                          .stream_name = scope_name,
                          .lists = true};
    char *text = mem_dup(data, size);
    try_script(text, size, &scope);
    try_rule(text, size, &scope);
    mem_free(text);
    return 0;
}
