/* SPDX-License-Identifier: Apache-2.0 */
#include "server/eval/evalscript.h"
#include "base/mem.h"
#include <strings.h>

/* The last version of a rule; nrules: there is none. */
static unsigned find(const struct evalscript *e, const char *name)
{
    unsigned i = e->nrules;
    while (i > 0 && strcasecmp(e->rules[i - 1].plan->name, name) != 0)
        i--;
    return i > 0 ? i - 1 : e->nrules;
}

static void add_rule(struct evalscript *e, const struct statement *s)
{
    unsigned i =
        s->or_replace ? find(e, s->rule->name) : e->nrules; /* else the compiler has seen to it */
    if (i == e->nrules)
        e->nrules++;
    e->rules[i] = (struct job_rule){.plan = s->rule, .uid = i + 1, .version = 1};
}

/* The version before ends where this one begins. */
static void add_version(struct evalscript *e, const struct statement *s, evtime at)
{
    unsigned i = find(e, s->rule->name), n = e->nrules++;
    bool first = i == n;
    struct job_rule *r = &e->rules[n];
    *r = (struct job_rule){.plan = s->rule, .uid = n + 1, .version = 1, .ncuts = 1};
    e->cuts[n][0] = (struct job_cut){.deployed = true,
                                     .mode = s->rule->mode,
                                     .w = at,
                                     .handover = first ? JOB_HANDOVER_NONE : JOB_HANDOVER_KEEP};
    r->cuts = e->cuts[n];
    if (first)
        return;
    struct job_rule *old = &e->rules[i];
    if (old->ncuts == 0) /* sees all from the beginning */
        e->cuts[i][old->ncuts++] =
            (struct job_cut){.deployed = true, .mode = old->plan->mode, .w = EVTIME_MIN};
    e->cuts[i][old->ncuts++] = (struct job_cut){.w = at, .handover = JOB_HANDOVER_KEEP};
    old->cuts = e->cuts[i];
    r->uid = old->uid;
    r->version = old->version + 1;
}

struct evalscript evalscript_sort_versions(const struct script *s,
                                           const struct evalscript_switch *switches, unsigned n)
{
    struct evalscript e = {.streams = mem_array(s->n + 1, sizeof(struct schema *)),
                           .rules = mem_array(s->n + 1, sizeof(struct job_rule)),
                           .cuts = n > 0 ? mem_array(s->n + 1, sizeof *e.cuts) : NULL};
    for (unsigned i = 0; i < s->n; i++) {
        const struct statement *of = &s->statements[i];
        unsigned w = n;
        while (w > 0 && switches[w - 1].begin > of->at.begin)
            w--;
        if (of->kind == STATEMENT_STREAM)
            e.streams[e.nstreams++] = of->schema;
        else if (of->kind == STATEMENT_RULE && w > 0)
            add_version(&e, of, switches[w - 1].at);
        else if (of->kind == STATEMENT_RULE)
            add_rule(&e, of);
    }
    return e;
}

struct evalscript evalscript_sort(const struct script *s)
{
    return evalscript_sort_versions(s, NULL, 0);
}
