/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker/workerstatus.h"
#include "base/mem.h"

static void add_rules(const struct task *t, const struct job *j, struct arena *a,
                      struct control_status *out)
{
    out->nrules = job_nrules(j);
    struct control_rule_stats *rules = arena_zero(a, out->nrules * sizeof *rules);
    for (unsigned i = 0; i < out->nrules; i++) {
        struct task_rule_stats s = {0};
        task_rule_stats(t, i, &s);
        const struct job_rule *r = job_rule(j, i);
        rules[i] = (struct control_rule_stats){.uid = r->uid,
                                               .results = s.results,
                                               .partials = s.partials,
                                               .windows_open = s.windows_open,
                                               .dropped = s.dropped,
                                               .version = r->version,
                                               .took = s.took,
                                               .kept = s.kept,
                                               .keys = s.keys};
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
