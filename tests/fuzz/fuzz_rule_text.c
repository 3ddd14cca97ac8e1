/* SPDX-License-Identifier: Apache-2.0 */
/* Any text into the whole compiler: it must end, keep to its limits, and what it accepts must be fit for EXPLAIN and for
 * the operators that run it. The stream t is there; a text is tried as a script and as one rule. */
#include "base/mem.h"
#include "tests/lib/planuse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_script(const char *text, size_t n)
{
    struct script *s = NULL;
    struct diag d;
    diag_init(&d, text, n);
    planuse_check_outcome(compile_script_bounded(text, n, planuse_scope(), &d, &s), &d);
    for (unsigned i = 0; s != NULL && i < s->n; i++)
        if (s->statements[i].rule != NULL)
            planuse_explain(s->statements[i].rule);
    mem_free(diag_text(&d));
    compile_script_free(s);
    diag_fini(&d);
}

static void try_rule(const char *text, size_t n)
{
    struct rule_plan *p = NULL;
    struct diag d;
    diag_init(&d, text, n);
    planuse_check_outcome(compile_rule("r", text, n, planuse_scope(), &d, &p), &d);
    if (p != NULL)
        planuse_explain(p);
    plan_unref(p);
    diag_fini(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_dup(data, size);
    try_script(text, size);
    try_rule(text, size);
    mem_free(text);
    return 0;
}
