/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker/workerinspect.h"
#include "cep/task/taskinspect.h"
#include "server/wire/inspectwire.h"
#include "server/worker/workerdef.h"
#include <inttypes.h>

/* The newest version that has its keys; while one takes over from another, the one before it has them. */
bool workerinspect_rule(const struct worker *w, uint64_t uid, unsigned *out)
{
    uint32_t version = 0;
    unsigned n = w->job != NULL ? job_nrules(w->job) : 0, same = 0;
    for (unsigned i = 0; i < n; i++)
        same += job_rule(w->job, i)->uid == uid;
    for (unsigned i = 0; i < n; i++) {
        const struct job_rule *r = job_rule(w->job, i);
        struct task_rule_stats s = {0};
        if (r->uid != uid)
            continue;
        task_rule_stats(w->task, i, &s);
        bool has = same == 1 || s.took || s.partials > 0 || s.windows_open > 0;
        if (version != 0 && (!has || r->version < version))
            continue;
        version = r->version;
        *out = i;
    }
    return same > 0;
}

/* Returns where to go on. */
static size_t count(struct worker *w, const struct inspectwire_ask *m, unsigned rule,
                    struct inspectwire_answer *answer, struct bytes *json)
{
    const struct taskcount_ask ask = {.rule = rule,
                                      .from = (size_t)m->from,
                                      .states = m->states,
                                      .nstates = m->nstates,
                                      .older_ms = m->older_ms};
    const struct job_rule *r = job_rule(w->job, rule);
    struct taskcount c = {0};
    size_t next = taskcount_rule(w->task, &ask, &c);
    answer->keys = (uint32_t)(c.keys < UINT32_MAX ? c.keys : UINT32_MAX);
    if (c.keys == 0)
        return next;
    bytes_printf(json,
                 "{\"version\":%u,\"keys\":%" PRIu64 ",\"partials\":%" PRIu64
                 ",\"dropped\":%" PRIu64 ",\"older\":%" PRIu64 ",\"rows\":%" PRIu64
                 ",\"sides\":[%" PRIu64 ",%" PRIu64 "],\"vars\":[",
                 r->version, c.keys, c.partials, c.dropped, c.older, c.rows, c.sides[0],
                 c.sides[1]);
    for (unsigned v = 0; r->plan->shape == RULE_MATCH && v < r->plan->match.nvars; v++)
        bytes_printf(json, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", v > 0 ? "," : "",
                     c.vars[v].keys, c.vars[v].partials, c.vars[v].dropped);
    bytes_printf(json, "]}");
    return next;
}

enum err workerinspect_take(struct worker *w, const struct channel_frame *f)
{
    struct inspectwire_ask m;
    arena_reset(w->scratch);
    enum err e = inspectwire_get_ask(f->p, f->n, w->scratch, &m);
    if (e != ERR_OK)
        return e;
    struct taskinspect_ask ask = {.key = m.key,
                                  .key_n = m.key_n,
                                  .from = (size_t)m.from,
                                  .keys = m.keys,
                                  .items = m.items,
                                  .at = m.at,
                                  .older_ms = m.older_ms};
    struct inspectwire_answer answer = {.number = m.number};
    struct bytes json = {0};
    if (workerinspect_rule(w, m.uid, &ask.rule) && m.counts)
        answer.next = count(w, &m, ask.rule, &answer, &json);
    else if (workerinspect_rule(w, m.uid, &ask.rule))
        answer.next = taskinspect_rule(w->task, &ask, &json, &answer.keys);
    answer.json = (const char *)json.p;
    answer.json_n = json.n;
    bytes_reset(&w->out);
    inspectwire_put_answer(&answer, &w->out);
    worker_say(w, CONTROL_INSPECTED, &w->out);
    bytes_fini(&json);
    return ERR_OK;
}
