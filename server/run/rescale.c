/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "rescale"
#include "server/run/rescale.h"
#include "base/durable.h"
#include "base/log.h"
#include "server/run/runtimeloop.h"
#include <stdio.h>

enum err rescale_want(struct runtimeloop *l, unsigned workers, const struct budget *budget,
                      runtime_done *done, void *ctx)
{
    pthread_mutex_lock(&l->lock);
    bool busy = l->rescale.phase != RESCALE_NONE; /* or it is closed */
    if (!busy)
        l->rescale = (struct rescale){RESCALE_ASKED, workers, *budget, done, ctx};
    pthread_mutex_unlock(&l->lock);
    if (!busy)
        runtimeloop_wake(l);
    return busy ? ERR_CONFLICT : ERR_OK;
}

static enum rescale_phase phase_of(struct runtimeloop *l)
{
    pthread_mutex_lock(&l->lock);
    enum rescale_phase phase = l->rescale.phase;
    pthread_mutex_unlock(&l->lock);
    return phase;
}

static void move(struct runtimeloop *l, enum rescale_phase to)
{
    pthread_mutex_lock(&l->lock);
    l->rescale.phase = to;
    pthread_mutex_unlock(&l->lock);
}

static void answer(struct runtimeloop *l, enum err e, const struct diag *d)
{
    struct rescale asked = l->rescale;
    move(l, RESCALE_NONE);
    asked.done(asked.ctx, e, d);
}

static void on_ended(void *ctx, enum err e, const struct diag *d, const struct checkmeta *m,
                     const char *folder)
{
    struct runtimeloop *l = ctx;
    (void)m, (void)folder;
    if (e == ERR_OK)
        move(l, RESCALE_READY);
    else
        answer(l, e, d);
}

bool rescale_turn(struct runtimeloop *l)
{
    const struct checkpointer_keeper keeper = {"rescale", NULL, on_ended, l};
    enum rescale_phase phase = phase_of(l);
    if (phase == RESCALE_ASKED && l->phase == PHASE_DOWN) {
        move(l, RESCALE_READY); /* whatever the next attempt begins from */
    } else if (phase == RESCALE_ASKED && l->phase == PHASE_RUNNING) {
        move(l, RESCALE_CHECKPOINT);
        checkpointer_keep(l->checkpointer, &keeper);
    }
    return phase == RESCALE_READY && l->phase != PHASE_DOWN;
}

void rescale_attempt(struct runtimeloop *l)
{
    struct rescale *r = &l->rescale;
    if (phase_of(l) != RESCALE_READY)
        return;
    LOG_INFO("another number of workers", "before=%u now=%u", l->task.workers, r->workers);
    pthread_mutex_lock(&l->lock);
    l->task.workers = r->workers;
    l->budget = r->budget;
    r->phase = RESCALE_STARTED;
    pthread_mutex_unlock(&l->lock);
    crew_scale(l->crew, r->workers, r->budget.results_window);
    feed_scale(l->env.feed, r->workers, &r->budget);
    inspector_scale(l->inspector, r->workers);
    checkpointer_scale(l->checkpointer, r->workers);
}

void rescale_running(struct runtimeloop *l)
{
    struct diag d;
    char text[16];
    if (phase_of(l) != RESCALE_STARTED)
        return;
    int n = snprintf(text, sizeof text, "%u\n", l->task.workers);
    if (durable_file(l->workers_file, text, (size_t)n) != ERR_OK)
        LOG_WARN("the number of workers cannot be kept for the next start", "workers=%u",
                 l->task.workers);
    diag_init(&d, NULL, 0);
    answer(l, ERR_OK, &d);
    diag_fini(&d);
}

void rescale_refuse(struct runtimeloop *l)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    diag_say(&d, "closed", NULL, "the server ends");
    if (phase_of(l) != RESCALE_NONE)
        answer(l, ERR_CLOSED, &d);
    move(l, RESCALE_CLOSED);
    diag_fini(&d);
}
