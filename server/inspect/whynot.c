/* SPDX-License-Identifier: Apache-2.0 */
#include "server/inspect/whynot.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/key/keyrows.h"
#include "cep/why/why.h"
#include "server/inspect/keyscan.h"
#include "server/inspect/whyrun.h"
#include "server/wire/tracewire.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct asking {
    struct asking *next;
    struct whynot_ask ask;
    struct keyscan_found found;
    whynot_done *done;
    void *ctx;
};

struct whynot {
    struct intakelog *log;
    struct inspector *inspector;
    void (*wake)(void *ctx);
    void *ctx;
    pthread_t thread;
    bool stopped;
    atomic_bool stop;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t more;
    struct asking *first, **last;
    unsigned n;
};

const char *whynot_cannot(const struct rule_plan *p)
{
    for (unsigned s = 0; s < (p->shape == RULE_JOIN ? 2 : 1); s++) {
        const struct schema *from = keyrows_schema(p, s);
        if (from->derived == DERIVED_LOOKUP)
            return "what it looks up in a table is not recorded";
        if (from->derived != DERIVED_NOT)
            return "it reads rows that are not recorded themselves; ask the rule that makes them";
        if (strcmp(from->connector, "file") == 0)
            return "its stream is read from files, of which nothing is recorded; weir eval finds "
                   "the "
                   "same over the file";
    }
    return why_cannot(p);
}

const char *whynot_upstream(const struct rule_plan *p)
{
    const struct schema *from = p->shape != RULE_JOIN ? schema_rows(p->input) : NULL;
    return from != NULL && from->derived == DERIVED_RESULTS ? from->of : NULL;
}

void whynot_then_free(struct whynot_then *t)
{
    for (unsigned i = 0; t != NULL && i < t->ncuts; i++)
        mem_free((struct job_mark *)(uintptr_t)t->cuts[i].marks);
    if (t != NULL)
        mem_free(t->cuts);
    mem_free(t);
}

static void end(struct asking *a, enum err e, const struct diag *d, const char *json, size_t n)
{
    const struct whynot_answer answer = {.key = &a->ask.key,
                                         .rows = &a->found.rows,
                                         .json = json,
                                         .n = n,
                                         .scanned = a->found.scanned,
                                         .events = a->found.nrows,
                                         .complete = a->found.complete};
    a->done(a->ctx, e, d, &answer);
    plan_unref(a->ask.plan);
    whynot_then_free(a->ask.then);
    bytes_fini(&a->ask.key);
    bytes_fini(&a->found.rows);
    mem_free(a);
}

static void answered(void *ctx, enum err e, const struct inspector_answer *m)
{
    struct diag none;
    diag_init(&none, NULL, 0);
    end(ctx, e, &none, m->json, m->n);
    diag_fini(&none);
}

static bool skips(void *ctx, uint32_t partition, uint64_t offset)
{
    const struct whynot_ask *ask = ctx;
    for (unsigned i = 0; i < ask->nskips; i++)
        if (ask->skips[i].partition == partition && ask->skips[i].offset == offset)
            return true;
    return false;
}

static struct tracewire_ask trace_of(const struct asking *a)
{
    const struct whynot_ask *ask = &a->ask;
    return (struct tracewire_ask){.uid = ask->uid,
                                  .key = ask->key.p,
                                  .key_n = ask->key.n,
                                  .at = ask->at,
                                  .has_focus = ask->has_event,
                                  .partition = ask->partition,
                                  .offset = ask->offset,
                                  .stream = ask->stream,
                                  .steps = ask->steps,
                                  .nrows = a->found.nrows};
}

static void send(struct whynot *w, struct asking *a)
{
    const struct tracewire_ask trace = trace_of(a);
    struct bytes frame = {0};
    tracewire_put_ask(&trace, &frame);
    bytes_put(&frame, a->found.rows.p, a->found.rows.n);
    bytes_fini(&a->found.rows);
    a->found.rows = (struct bytes){0};
    inspector_want(w->inspector, &(struct inspector_ask){.uid = a->ask.uid, .trace = &frame},
                   answered, a);
    bytes_fini(&frame);
    w->wake(w->ctx);
}

static void run_here(struct asking *a, struct diag *d)
{
    const struct whynot_then *then = a->ask.then;
    const struct job_rule rule = {.plan = a->ask.plan,
                                  .uid = a->ask.uid,
                                  .version = then->version,
                                  .ncuts = then->ncuts,
                                  .cuts = then->cuts};
    const struct tracewire_ask trace = trace_of(a);
    struct bytes_reader rows = bytes_read(a->found.rows.p, a->found.rows.n);
    struct bytes json = {0};
    enum err e = whyrun(&(struct whyrun_ask){.rule = &rule,
                                             .trace = &trace,
                                             .now = then->until,
                                             .max_partials = then->max_partials,
                                             .max_rows = then->max_rows},
                        &rows, &json);
    end(a, e, d, (const char *)json.p, json.n);
    bytes_fini(&json);
}

/* near: the arrival of the event on the other side. */
static enum err scan(struct whynot *w, struct asking *a, unsigned side, bool focus, evtime near,
                     struct diag *d)
{
    const struct whynot_ask *ask = &a->ask;
    const struct keyscan_ask m = {.log = w->log,
                                  .plan = ask->plan,
                                  .side = side,
                                  .by = ask->has_by ? &ask->by : NULL,
                                  .key = &a->ask.key,
                                  .scan = ask->scan,
                                  .at = ask->then != NULL && ask->at >= ask->then->until
                                            ? ask->then->until - 1
                                            : ask->at,
                                  .near = near,
                                  .has_focus = focus,
                                  .partition = ask->partition,
                                  .offset = ask->offset,
                                  .skips = skips,
                                  .skips_ctx = &a->ask,
                                  .stop = &w->stop};
    return keyscan(&m, d, &a->found);
}

/* The side that has the event first: it says which key. */
static enum err scan_join(struct whynot *w, struct asking *a, struct diag *d)
{
    const struct whynot_ask *ask = &a->ask;
    unsigned own = ask->has_event && keyrows_schema(ask->plan, JOIN_LEFT)->id != ask->stream
                       ? JOIN_RIGHT
                       : JOIN_LEFT;
    a->ask.scan = ask->scan / 2 + 1;
    enum err e = scan(w, a, own, ask->has_event, EVTIME_MIN, d);
    return e == ERR_OK ? scan(w, a, !own, false, a->found.arrival, d) : e;
}

static void work(struct whynot *w, struct asking *a)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    a->found.complete = true;
    enum err e = a->ask.plan->shape == RULE_JOIN ? scan_join(w, a, &d)
                                                 : scan(w, a, 0, a->ask.has_event, EVTIME_MIN, &d);
    if (e == ERR_OK && a->ask.then != NULL)
        run_here(a, &d);
    else if (e == ERR_OK && !a->ask.finds)
        send(w, a);
    else
        end(a, e, &d, NULL, 0);
    diag_fini(&d);
}

static struct asking *next(struct whynot *w)
{
    pthread_mutex_lock(&w->lock);
    while (w->first == NULL && !atomic_load(&w->stop))
        pthread_cond_wait(&w->more, &w->lock);
    struct asking *a = w->first;
    if (a != NULL && (w->first = a->next) == NULL)
        w->last = &w->first;
    w->n -= a != NULL;
    pthread_mutex_unlock(&w->lock);
    return a;
}

static void *run(void *arg)
{
    struct whynot *w = arg;
    struct diag none;
    diag_init(&none, NULL, 0);
    for (struct asking *a; (a = next(w)) != NULL;) {
        if (atomic_load(&w->stop))
            end(a, ERR_CLOSED, &none, NULL, 0);
        else
            work(w, a);
    }
    diag_fini(&none);
    return NULL;
}

struct whynot *whynot_new(struct intakelog *log, struct inspector *inspector,
                          void (*wake)(void *ctx), void *ctx)
{
    struct whynot *w = mem_new(sizeof *w);
    w->log = log;
    w->inspector = inspector;
    w->wake = wake;
    w->ctx = ctx;
    w->last = &w->first;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    BUG_IF(pthread_create(&w->thread, NULL, run, w) != 0, "no thread to look back");
    return w;
}

void whynot_stop(struct whynot *w)
{
    if (w == NULL || w->stopped)
        return;
    pthread_mutex_lock(&w->lock);
    atomic_store(&w->stop, true);
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    w->stopped = true;
}

void whynot_free(struct whynot *w)
{
    if (w == NULL)
        return;
    whynot_stop(w);
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
}

enum err whynot_want(struct whynot *w, struct whynot_ask *ask, whynot_done *done, void *ctx)
{
    enum err e = ERR_OK;
    pthread_mutex_lock(&w->lock);
    if (w->n >= WHYNOT_WAITING_MAX) {
        e = ERR_AGAIN;
    } else {
        struct asking *a = mem_new(sizeof *a);
        a->ask = *ask;
        a->done = done;
        a->ctx = ctx;
        *w->last = a;
        w->last = &a->next;
        w->n++;
        pthread_cond_signal(&w->more);
    }
    pthread_mutex_unlock(&w->lock);
    return e;
}
