/* SPDX-License-Identifier: Apache-2.0 */
#include "server/evalscript.h"
#include "base/mem.h"
#include <strings.h>

static void add_rule(struct evalscript *e, const struct statement *s)
{
    unsigned i =
        s->or_replace ? 0 : e->nrules; /* else the compiler has seen to it that it is new */
    while (i < e->nrules && strcasecmp(e->rules[i].plan->name, s->rule->name) != 0)
        i++;
    if (i == e->nrules)
        e->nrules++;
    e->rules[i] = (struct job_rule){.plan = s->rule, .uid = i + 1, .version = 1};
}

struct evalscript evalscript_sort(const struct script *s)
{
    struct evalscript e = {.streams = mem_array(s->n + 1, sizeof(struct schema *)),
                           .rules = mem_array(s->n + 1, sizeof(struct job_rule))};
    for (unsigned i = 0; i < s->n; i++) {
        if (s->statements[i].kind == STATEMENT_STREAM)
            e.streams[e.nstreams++] = s->statements[i].schema;
        if (s->statements[i].kind == STATEMENT_RULE)
            add_rule(&e, &s->statements[i]);
    }
    return e;
}
