/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "worker"
#include "server/worker/workerchange.h"
#include "base/log.h"
#include "server/deploy/tableset.h"
#include "server/worker/workerlookup.h"
#include "server/worker/workersnap.h"
#include "server/worker/workerwatch.h"
#include <stdio.h>
#include <string.h>

enum {
    HAND_OVER_NS = 1000000, /* at a time, between batches … */
    HAND_OVER_KEYS = 64 /* … by so many */
};

static void run_job(struct worker *w)
{
    struct job *j = registry_job(w->registry);
    if (j == NULL)
        return;
    task_set_job(w->task, j);
    workersource_set_job(w->source, j);
    job_unref(w->job);
    w->job = j;
}

static bool replaces(const struct control_change *c)
{
    for (unsigned i = 0; i < c->nremoved; i++)
        for (unsigned k = 0; k < c->nrules; k++)
            if (c->removed[i] == c->rules[k].uid)
                return true;
    return false;
}

static bool apply_forks(struct worker *w, const struct control_change *c, struct diag *d)
{
    for (unsigned i = 0; i < c->nforks; i++) {
        const struct control_fork *f = &c->forks[i];
        enum err e = registryfork_add(w->registry, f->id, f->stream, f->lane, d);
        if (e != ERR_OK) {
            worker_fail_diag(w, "a stream that is read again", e, d);
            return false;
        }
    }
    return true;
}

static bool apply_texts(struct worker *w, const struct control_change *c, struct diag *d)
{
    for (unsigned i = 0; i < c->ntables; i++) {
        const struct control_table *t = &c->tables[i];
        enum err e = tableset_put(registry_tables(w->registry), t->uid, t->sql, strlen(t->sql), d);
        if (e != ERR_OK) {
            worker_fail_diag(w, "a table does not compile", e, d);
            return false;
        }
    }
    for (unsigned i = 0; i < c->nstreams; i++) {
        const struct control_stream *s = &c->streams[i];
        enum err e =
            registry_add_stream(w->registry, s->id, s->partitions, s->sql, strlen(s->sql), d);
        if (e != ERR_OK) {
            worker_fail_diag(w, "a stream does not compile", e, d);
            return false;
        }
    }
    if (!apply_forks(w, c, d))
        return false;
    for (unsigned i = 0; i < c->nremoved; i++) {
        registry_remove_rule(w->registry, c->removed[i]);
        registryfork_remove(w->registry, c->removed[i]);
    }
    if (replaces(c))
        run_job(w); /* the new version of a rule does not go on with the state of the old one */
    for (unsigned i = 0; i < c->nrules; i++) {
        enum err e = registry_put_rule(w->registry, &c->rules[i], NULL, d);
        if (e != ERR_OK) {
            worker_fail_diag(w, c->rules[i].name, e, d);
            return false;
        }
        registry_forget_versions(w->registry, c->rules[i].uid, c->rules[i].oldest);
    }
    return true;
}

static void apply_change(struct worker *w, const struct control_change *c, uint32_t epoch)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    /* The plans of rules that go are kept by the old job until the task has let go of it. */
    if (!apply_texts(w, c, &d))
        goto out;
    run_job(w);
    if (!workersnap_restore(w))
        goto out; /* the coordinator ends this attempt */
    w->epoch = epoch;
    w->preparing = w->prepared = false;
    for (unsigned i = 0; i < w->workers; i++)
        w->peers[i].barriers = w->peers[i].ahead = 0;
    for (unsigned i = 0; i < c->nopens; i++) {
        const struct control_open *o = &c->opens[i];
        const struct schema *s = registry_stream_by_id(w->registry, o->stream);
        if (s == NULL) {
            worker_fail(w, "no stream %u", o->stream);
            goto out;
        }
        enum err e = workersource_open(w->source, s, o, &d);
        if (e != ERR_OK) {
            worker_fail_diag(w, "a source cannot be opened", e, &d);
            goto out;
        }
    }
    workerpause_changed(&w->pause);
    worker_say(w, CONTROL_RUNNING, NULL);
    w->active = true;
out:
    diag_fini(&d);
}

static void set_budget(struct worker *w, const struct control_init *m)
{
    w->budget = m->budget;
    w->buffer_timeout_ms = m->buffer_timeout_ms;
    channel_set_window(w->coordinator, m->budget.results_window);
    for (unsigned i = 0; i < w->workers; i++)
        if (w->peers[i].channel != NULL)
            channel_set_window(w->peers[i].channel, m->budget.peer_window);
}

enum err workerchange_init(struct worker *w, const struct channel_frame *f)
{
    struct control_init m;
    struct arena *a = arena_new(64 << 10, 0);
    enum err e = w->task != NULL ? ERR_CORRUPT : control_get_init(f->p, f->n, a, &m);
    if (e == ERR_OK && m.task.workers == w->workers) {
        char name[32];
        w->index = m.task.worker;
        snprintf(name, sizeof name, "worker-%u", w->index);
        log_init(name, LOG_INFO_LEVEL);
        w->task = task_new(&m.task);
        w->key_groups = m.task.key_groups;
        w->max_partials_per_key = m.task.max_partials_per_key;
        w->max_rows_per_key = m.task.max_rows_per_key;
        set_budget(w, &m);
        workersnap_track(w);
        workerlookup_init(w);
        w->source = workersource_new(w->task, w->watch, worker_bad_row, w);
        task_watch(w->task, workerwatch_rows(w->watch));
        apply_change(w, &m.first, f->epoch);
    } else {
        e = ERR_CORRUPT;
    }
    arena_free(a);
    return e;
}

enum err workerchange_take(struct worker *w, const struct channel_frame *f)
{
    struct control_change m;
    struct arena *a = arena_new(64 << 10, 0);
    enum err e = !w->prepared ? ERR_CORRUPT : control_get_change(f->p, f->n, a, &m);
    if (e == ERR_OK)
        apply_change(w, &m, f->epoch);
    arena_free(a);
    return e;
}

unsigned workerchange_rounds(const struct worker *w)
{
    return 1 + (w->job == NULL ? 0 : job_stages(w->job));
}

static void send_barrier(struct worker *w)
{
    w->barriers++;
    for (unsigned i = 0; i < w->workers; i++)
        if (w->peers[i].channel != NULL)
            channel_send(w->peers[i].channel,
                         &(struct channel_frame){.kind = CONTROL_BARRIER, .epoch = w->epoch});
}

/* Sources stop here; what they have made is sent, and behind it the barrier. */
void workerchange_prepare(struct worker *w)
{
    worker_step(w);
    workerpause_change(&w->pause);
    w->preparing = true;
    w->barriers = 0;
    send_barrier(w);
}

void workerchange_send_rest(struct worker *w)
{
    while (w->barriers < workerchange_rounds(w))
        send_barrier(w);
}

static bool have_barriers(const struct worker *w)
{
    for (unsigned i = 0; i < w->workers; i++)
        if (w->peers[i].channel != NULL &&
            (w->peers[i].recorded || w->peers[i].barriers < w->barriers))
            return false;
    return true;
}

/* What has come has been worked off. With all barriers of a stage here, and no row of it being looked up any more, no more
 * rows of the next stage are made. */
void workerchange_go_on(struct worker *w)
{
    while (w->preparing && !w->prepared && !w->broken && have_barriers(w) &&
           workerlookup_is_idle(w)) {
        if (w->barriers < workerchange_rounds(w)) {
            worker_step(w);
            send_barrier(w);
            continue;
        }
        if (workersnap_is_ordered(w)) {
            workersnap_begin(w);
            continue;
        }
        w->prepared = true;
        worker_send_status(w, CONTROL_PREPARED, true);
    }
}

bool workerchange_hand_over(struct worker *w)
{
    bool more = w->task != NULL && !w->failed;
    for (montime until = 0; more;) {
        montime now = timebase_mono_ns();
        until = until == 0 ? now + HAND_OVER_NS : until;
        more = now < until && taskupgrade_go_on(w->task, HAND_OVER_KEYS);
        if (now >= until)
            return true;
    }
    return false;
}
