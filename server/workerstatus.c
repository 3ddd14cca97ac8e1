/* SPDX-License-Identifier: Apache-2.0 */
#include "server/workerstatus.h"
#include "base/mem.h"

static void add_rules(const struct task *t, const struct job *j, struct arena *a,
                      struct control_status *out)
{
    out->nrules = job_nrules(j);
    struct control_rule_stats *rules = arena_zero(a, out->nrules * sizeof *rules);
    for (unsigned i = 0; i < out->nrules; i++) {
        struct task_rule_stats s = {0};
        task_rule_stats(t, i, &s);
        rules[i] = (struct control_rule_stats){job_rule(j, i)->uid, s.results, s.partials,
                                               s.windows_open, s.dropped};
    }
    out->rules = rules;
}

void workerstatus_make(const struct workersource *s, const struct task *t, const struct job *j,
                       bool whole, struct arena *a, struct control_status *out)
{
    *out = (struct control_status){.cpu_ns = (uint64_t)timebase_cpu_ns(),
                                   .task = {.due = EVTIME_MAX, .watermark = EVTIME_MIN}};
    out->npositions = workersource_positions(s, &out->positions);
    if (j != NULL)
        task_stats(t, &out->task);
    if (whole)
        out->rss_bytes = mem_resident_bytes();
    if (whole && j != NULL)
        add_rules(t, j, a, out);
}
