/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker/workertrace.h"
#include "cep/key/keyrows.h"
#include "server/inspect/whyrun.h"
#include "server/wire/inspectwire.h"
#include "server/worker/workerdef.h"
#include "server/worker/workerinspect.h"

static evtime watermark_of(const struct worker *w, const struct rule_plan *p)
{
    evtime least = EVTIME_MAX;
    for (unsigned i = 0; i < (p->shape == RULE_JOIN ? 2 : 1); i++) {
        evtime own = task_stream_watermark(w->task, keyrows_schema(p, i)->id);
        least = own < least ? own : least;
    }
    return least;
}

enum err workertrace_take(struct worker *w, const struct channel_frame *f)
{
    struct bytes_reader in = bytes_read(f->p, f->n);
    struct inspectwire_answer answer = {.keys = 0};
    struct tracewire_ask m;
    struct bytes json = {0};
    unsigned rule = 0;
    enum err e = tracewire_get_ask(&in, &answer.number, &m);
    if (e != ERR_OK)
        return e;
    if (workerinspect_rule(w, m.uid, &rule))
        e = whyrun(&(struct whyrun_ask){.rule = job_rule(w->job, rule),
                                        .trace = &m,
                                        .now = watermark_of(w, job_rule(w->job, rule)->plan),
                                        .max_partials = w->max_partials_per_key,
                                        .max_rows = w->max_rows_per_key},
                   &in, &json);
    answer.json = (const char *)json.p;
    answer.json_n = json.n;
    bytes_reset(&w->out);
    inspectwire_put_answer(&answer, &w->out);
    if (e == ERR_OK)
        worker_say(w, CONTROL_INSPECTED, &w->out);
    bytes_fini(&json);
    return e;
}
