/* SPDX-License-Identifier: Apache-2.0 */
#include "server/eval/evalexplain.h"
#include "base/mem.h"
#include "rules/compile.h"
#include <strings.h>

static const struct rule_plan *find(const struct job *job, const char *name)
{
    for (unsigned i = 0; i < job_nrules(job); i++)
        if (strcasecmp(job_rule(job, i)->plan->name, name) == 0)
            return job_rule(job, i)->plan;
    return NULL;
}

static void say_no_rule(const struct job *job, const struct statement *s, struct diag *d)
{
    const char **names = mem_array(job_nrules(job) + 1, sizeof *names);
    for (unsigned i = 0; i < job_nrules(job); i++)
        names[i] = job_rule(job, i)->plan->name;
    const char *near = diag_nearest(s->name, names, job_nrules(job));
    char *hint = near ? mem_printf("did you mean '%s'?", near) : NULL;
    diag_error(d, "unknown-rule", s->at, hint, "there is no rule %s", s->name);
    mem_free(hint);
    mem_free(names);
}

void evalexplain_script(const struct script *script, const struct job *job, struct diag *d,
                        struct bytes *out)
{
    for (unsigned i = 0; i < script->n; i++) {
        const struct statement *s = &script->statements[i];
        enum explain_format f = EXPLAIN_TEXT;
        if (s->kind != STATEMENT_EXPLAIN)
            continue;
        const struct rule_plan *p = find(job, s->name);
        if (p && compile_explain_format(s->format, &f))
            compile_explain_rule(p, job, f, out);
        else
            say_no_rule(job, s, d);
    }
}
