/* SPDX-License-Identifier: Apache-2.0
 *
 * One batch: results are decoded and turned into alerts; the places of all their events are sorted, so that each block
 * of the log is unpacked once for the batch; one transaction; then those that were new are told. */
#define LOG_MODULE "alertwriter"
#include "server/alerts/alertwriter.h"
#include "base/bug.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/alerts/alertbuild.h"
#include "server/alerts/alertnotes.h"
#include "server/alerts/alertpace.h"
#include "server/alerts/alertsinks.h"
#include "server/alerts/alerttexts.h"
#include "server/alerts/cooldown.h"
#include "server/alerts/timeoutring.h"
#include "server/api/alertjson.h"
#include "server/wire/resultwire.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BATCH_RESULTS = 4000,
    RETRY_MS = 500,
    EXPIRE_MS = 60000,
};

struct round {
    struct arena *arena;
    struct catalog_alert alerts[BATCH_RESULTS];
    struct alerttexts events;
    struct alertnotes notes;
    struct catalog_dead_letter dead[BATCH_RESULTS];
    struct catalog_alert_event dead_places[BATCH_RESULTS];
    struct rule_plan *plans[BATCH_RESULTS]; /* references held until the batch is stored */
    struct {
        char id[RESULT_ID_TEXT];
        uint32_t count;
    } raised[BATCH_RESULTS];
    unsigned nalerts, ndead, nplans, nraised;
    evtime now;
};

struct alertwriter {
    struct alertwriter_options o;
    pthread_t thread;
    struct eventtext *texts;
    struct cooldown *cooldown;
    struct alertsinks *sinks;
    struct timeoutring *timeouts;
    montime expired; /* when what is too old was let go last */
    struct round *batch;
    struct bytes json;
    struct alertpace pace;
    uint64_t timeouts_found; /* since they were stored */

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake, idle;
    unsigned syncing; /* that many wait for idle: no need to wait for more */
    bool working, holds_timeouts;
    struct alertitem *first, **last;
    size_t queued, in_work; /* bytes */
    size_t letters; /* of queued: refused rows */
    bool full, hurry, stop; /* hurry: a checkpoint waits */
    struct alertwriter_counts counts;
};

/* --- the queue --------------------------------------------------------------------------------------------------- */

static void enqueue(struct alertwriter *w, struct alertitem *item)
{
    item->next = NULL;
    pthread_mutex_lock(&w->lock);
    *w->last = item;
    w->last = &item->next;
    w->queued += sizeof *item + item->n;
    if (item->kind == ALERTITEM_DEAD_LETTER || item->kind == ALERTITEM_ALARM)
        w->letters += sizeof *item + item->n;
    if (w->queued >= w->o.queue_bytes / 2)
        w->full = true;
    w->hurry |= item->kind == ALERTITEM_MARK;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void alertwriter_results(struct alertwriter *w, unsigned worker, const void *frame, size_t n)
{
    struct alertitem *item = alertitem_new(ALERTITEM_RESULTS, frame, n);
    item->worker = worker;
    enqueue(w, item);
}

void alertwriter_dead_letter(struct alertwriter *w, const struct catalog_dead_letter *d)
{
    enqueue(w, alertitem_letter(ALERTITEM_DEAD_LETTER, d));
}

void alertwriter_alarm(struct alertwriter *w, const struct catalog_dead_letter *d)
{
    enqueue(w, alertitem_letter(ALERTITEM_ALARM, d));
}

void alertwriter_new_attempt(struct alertwriter *w, const struct bytes *cooldown,
                             const struct bytes *sinks)
{
    struct alertitem *item = alertitem_new(ALERTITEM_NEW_ATTEMPT, NULL, cooldown->n + sinks->n);
    item->cooldown_n = cooldown->n;
    if (cooldown->n > 0)
        memcpy(item->bytes, cooldown->p, cooldown->n);
    if (sinks->n > 0)
        memcpy(item->bytes + cooldown->n, sinks->p, sinks->n);
    enqueue(w, item);
}

void alertwriter_mark(struct alertwriter *w, unsigned worker, const struct alertitem_mark *mark)
{
    struct alertitem *item = alertitem_new(ALERTITEM_MARK, NULL, 0);
    item->worker = worker;
    item->mark = *mark;
    enqueue(w, item);
}

void alertwriter_commit(struct alertwriter *w, uint64_t id)
{
    struct alertitem *item = alertitem_new(ALERTITEM_COMMIT, NULL, 0);
    item->mark.id = id;
    enqueue(w, item);
}

bool alertwriter_full(struct alertwriter *w)
{
    pthread_mutex_lock(&w->lock);
    bool full = w->full;
    pthread_mutex_unlock(&w->lock);
    return full;
}

bool alertwriter_letters_full(struct alertwriter *w)
{
    pthread_mutex_lock(&w->lock);
    bool full = w->letters >= w->o.queue_bytes / 4;
    pthread_mutex_unlock(&w->lock);
    return full;
}

void alertwriter_count(struct alertwriter *w, struct alertwriter_counts *out)
{
    pthread_mutex_lock(&w->lock);
    *out = w->counts;
    out->waiting_bytes = w->queued + w->in_work;
    pthread_mutex_unlock(&w->lock);
}

/* Waits for something, then for the time of the next batch: one result after a pause is stored at
 * once, many are stored together. False: nothing, and the writer is to end. */
static bool take_queue(struct alertwriter *w, struct alertitem **out)
{
    struct timespec idle = w->timeouts_found > 0 ? w->pace.next_timeouts : alertpace_in(EXPIRE_MS);
    pthread_mutex_lock(&w->lock);
    w->working = false;
    w->in_work = 0;
    w->holds_timeouts = w->timeouts_found > 0;
    pthread_cond_broadcast(&w->idle);
    while (w->first == NULL && !w->stop && !(w->holds_timeouts && w->syncing > 0) &&
           pthread_cond_timedwait(&w->wake, &w->lock, &idle) != ETIMEDOUT)
        ;
    struct timespec until = w->pace.next_batch;
    while (w->first != NULL && !w->stop && !w->full && !w->hurry && w->syncing == 0 &&
           pthread_cond_timedwait(&w->wake, &w->lock, &until) != ETIMEDOUT)
        ;
    struct alertitem *items = w->first;
    w->working = items != NULL;
    w->in_work = w->queued;
    bool was_full = w->full;
    w->first = NULL;
    w->last = &w->first;
    w->queued = w->letters = 0;
    alertpace_batch_begins(&w->pace);
    w->full = w->hurry = false;
    bool go_on = items != NULL || !w->stop;
    pthread_mutex_unlock(&w->lock);
    if (was_full)
        w->o.drained(w->o.drained_ctx);
    *out = items;
    return go_on;
}

void alertwriter_sync(struct alertwriter *w, int wait_ms)
{
    struct timespec until = alertpace_in(wait_ms);
    pthread_mutex_lock(&w->lock);
    w->syncing++;
    pthread_cond_signal(&w->wake);
    while ((w->first != NULL || w->working || w->holds_timeouts) &&
           pthread_cond_timedwait(&w->idle, &w->lock, &until) != ETIMEDOUT)
        ;
    w->syncing--;
    pthread_mutex_unlock(&w->lock);
}

/* --- a batch ----------------------------------------------------------------------------------------------------- */

static void fetch_texts(struct alertwriter *w, struct round *b)
{
    alerttexts_fetch(&b->events, w->texts, b->arena);
    for (unsigned i = 0; i < b->ndead; i++)
        if (b->dead[i].raw == NULL) {
            b->dead[i].raw = b->dead_places[i].json;
            b->dead[i].raw_len = b->dead_places[i].json_len;
        }
}

static void add_dead_letter(struct round *b, const struct catalog_dead_letter *d)
{
    unsigned i = b->ndead++;
    b->dead[i] = *d;
    b->dead_places[i] = (struct catalog_alert_event){.stream = d->stream,
                                                     .partition = d->partition,
                                                     .offset = d->offset};
    if (d->raw == NULL && d->offset != UINT64_MAX)
        alerttexts_want(&b->events, &b->dead_places[i]);
}

static void add_alert(struct alertwriter *w, struct round *b, const struct result *r,
                      unsigned worker, uint32_t version)
{
    struct trials_verdict v = trials_judge(w->o.trials, r);
    if (r->kind == RESULT_MATCH && r->rule->cooldown_ms > 0) {
        uint32_t count = 0;
        char id[RESULT_ID_TEXT];
        if (!cooldown_passes(w->cooldown, r, version, worker, id, &count)) {
            memcpy(b->raised[b->nraised].id, id, sizeof id);
            b->raised[b->nraised].count = count;
            b->nraised += v.tell;
            return;
        }
    }
    struct catalog_alert_event *events = NULL;
    struct catalog_alert *a = &b->alerts[b->nalerts];
    alertbuild_alert(r, version, w->o.registry, b->now, b->arena, a, &events);
    alertnotes_add(&b->notes, &v, r, a, b->arena);
    b->nalerts += v.tell;
    if (v.tell)
        alertsinks_add(w->sinks, worker, r, a);
    for (unsigned i = 0; v.tell && i < a->nevents; i++)
        alerttexts_want(&b->events, &events[i]);
}

static void add_timeout(struct alertwriter *w, const struct result *r, const uint8_t *wire,
                        size_t n)
{
    uint64_t dropped = timeoutring_add(w->timeouts, r, wire, n);
    w->timeouts_found++;
    pthread_mutex_lock(&w->lock);
    w->counts.timeouts_dropped += dropped;
    pthread_mutex_unlock(&w->lock);
}

static void add_result(struct alertwriter *w, struct round *b, unsigned worker, struct result *r)
{
    uint32_t version = r->rule_version;
    struct rule_plan *plan = registry_plan(w->o.registry, r->rule_uid, &version);
    if (plan == NULL)
        return; /* deleted while the result was on its way */
    b->plans[b->nplans++] = plan;
    r->rule = plan;
    pthread_mutex_lock(&w->lock);
    w->counts.results++;
    w->counts.late += r->kind == RESULT_LATE;
    pthread_mutex_unlock(&w->lock);
    if (r->kind == RESULT_MATCH || r->kind == RESULT_UPDATE)
        add_alert(w, b, r, worker, version);
    else if (plan->stands_for == 0)
        alertsinks_add(w->sinks, worker, r, NULL);
    if ((r->kind == RESULT_LATE && plan->stands_for == 0) || r->kind == RESULT_ERROR) {
        struct catalog_dead_letter d;
        alertbuild_dead_letter(r, b->now, &d);
        add_dead_letter(b, &d);
    }
}

static enum err store_once(struct alertwriter *w, struct round *b, unsigned *inserted)
{
    enum err e = ERR_OK;
    fault_at("alerts.store");
    if (b->nalerts > 0)
        e = catalog_alerts_add(w->o.catalog, b->alerts, b->nalerts, inserted);
    for (unsigned i = 0; i < b->nraised && e == ERR_OK; i++)
        e = catalog_alerts_raise(w->o.catalog, b->raised[i].id, b->raised[i].count);
    return e == ERR_OK ? alertnotes_store(&b->notes, w->o.catalog, w->o.trials) : e;
}

static void wait_to_retry(struct alertwriter *w)
{
    struct timespec until = alertpace_in(RETRY_MS);
    pthread_mutex_lock(&w->lock);
    while (!w->stop && pthread_cond_timedwait(&w->wake, &w->lock, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&w->lock);
}

static bool stopping(struct alertwriter *w)
{
    pthread_mutex_lock(&w->lock);
    bool stop = w->stop;
    pthread_mutex_unlock(&w->lock);
    return stop;
}

static void tell_new(struct alertwriter *w, const struct round *b)
{
    for (unsigned i = 0; i < b->nalerts; i++) {
        if (b->alerts[i].seq == 0)
            continue;
        bytes_reset(&w->json);
        alertjson_short(&b->alerts[i], &w->json);
        w->o.on_alert(w->o.ctx, b->alerts[i].seq, (const char *)w->json.p, w->json.n);
    }
}

static bool store_dead(struct alertwriter *w, const struct round *b)
{
    enum err e = ERR_OK;
    while (b->ndead > 0 && (e = catalog_dead_add(w->o.catalog, b->dead, b->ndead,
                                                 w->o.dead_letters_kept)) != ERR_OK) {
        LOG_ERROR("dead letters could not be stored", "rows=%u reason=\"%s\"", b->ndead,
                  err_text(e));
        if (stopping(w))
            break; /* the replay of the next start finds them again, or the log of what was refused has them */
        wait_to_retry(w);
    }
    return e == ERR_OK;
}

static bool store_timeouts(struct alertwriter *w)
{
    enum err e = ERR_OK;
    montime began = timebase_mono_ns();
    uint64_t dropped = 0;
    for (;;) {
        e = timeoutring_flush(w->timeouts, w->o.catalog, w->o.registry, timebase_now_ms(),
                              &dropped);
        pthread_mutex_lock(&w->lock);
        w->counts.timeouts_dropped += dropped;
        w->counts.timeouts += e == ERR_OK ? w->timeouts_found : 0;
        pthread_mutex_unlock(&w->lock);
        if (e == ERR_OK)
            break;
        LOG_ERROR("timeouts could not be stored", "reason=\"%s\"", err_text(e));
        if (stopping(w))
            break;
        wait_to_retry(w);
    }
    w->timeouts_found = 0;
    alertpace_timeouts_took(&w->pace, timebase_mono_ns() - began);
    return e == ERR_OK;
}

/* The first after a pause at once. */
static void store_timeouts_if_due(struct alertwriter *w)
{
    pthread_mutex_lock(&w->lock);
    bool awaited = w->syncing > 0;
    pthread_mutex_unlock(&w->lock);
    if (w->timeouts_found > 0 && (awaited || alertpace_timeouts_due(&w->pace)))
        (void)store_timeouts(w);
}

/* Once a minute. */
static void expire(struct alertwriter *w)
{
    montime now = timebase_mono_ns();
    if (w->o.side_retention_ms <= 0 ||
        (w->expired != 0 && (now - w->expired) / 1000000 < EXPIRE_MS))
        return;
    w->expired = now;
    evtime before = timebase_now_ms() - w->o.side_retention_ms;
    enum err e = catalog_dead_expire(w->o.catalog, before);
    if (e == ERR_OK)
        e = catalog_timeouts_expire(w->o.catalog, before);
    if (e != ERR_OK)
        LOG_ERROR("old dead letters could not be deleted", "reason=\"%s\"", err_text(e));
}

/* A checkpoint that is being made would wait, and not say for what. */
static bool wait_for_sink(void *writer, const char *why)
{
    struct alertwriter *w = writer;
    w->o.not_stored(w->o.marked_ctx, 0, why, false);
    if (!stopping(w))
        wait_to_retry(w);
    return !stopping(w);
}

/* False: the server is ending, and something could not be stored. */
static bool store(struct alertwriter *w, struct round *b)
{
    unsigned inserted = 0;
    enum err e = ERR_OK;
    fetch_texts(w, b);
    while ((e = store_once(w, b, &inserted)) != ERR_OK) {
        LOG_ERROR("alerts could not be stored", "alerts=%u reason=\"%s\"", b->nalerts, err_text(e));
        if (stopping(w))
            break; /* the replay of the next start finds them again */
        wait_to_retry(w);
    }
    pthread_mutex_lock(&w->lock);
    w->counts.alerts += inserted;
    pthread_mutex_unlock(&w->lock);
    if (inserted > 0)
        tell_new(w, b);
    bool all = store_dead(w, b) && e == ERR_OK;
    all = all && alertsinks_give(w->sinks, wait_for_sink, w);
    for (unsigned i = 0; i < b->nplans; i++)
        plan_unref(b->plans[i]);
    b->nalerts = b->ndead = b->nplans = b->nraised = 0;
    alertnotes_clear(&b->notes);
    arena_reset(b->arena);
    return all;
}

static bool is_full(const struct round *b)
{
    return b->nalerts >= BATCH_RESULTS || b->ndead >= BATCH_RESULTS || b->nplans >= BATCH_RESULTS;
}

/* --- the thread -------------------------------------------------------------------------------------------------- */

static void work_off_results(struct alertwriter *w, struct round *b, const struct alertitem *item)
{
    struct bytes_reader in = bytes_read(item->bytes, item->n);
    struct result r;
    enum err e = ERR_OK;
    const uint8_t *from = in.p;
    while ((e = resultwire_get(&in, b->arena, &r)) == ERR_OK) {
        add_result(w, b, item->worker, &r);
        if (r.kind == RESULT_TIMEOUT && (r.rule == NULL || r.rule->stands_for == 0))
            add_timeout(w, &r, from, (size_t)(in.p - from));
        from = in.p;
        if (is_full(b))
            (void)store(w, b);
    }
    if (e != ERR_END)
        LOG_ERROR("results of a worker cannot be read", "bytes=%zu", item->n);
}

static void new_attempt(struct alertwriter *w, struct round *b, const struct alertitem *item)
{
    (void)store(w, b); /* of the attempt before */
    cooldown_reset(w->cooldown);
    if (cooldown_load(w->cooldown, item->bytes, item->cooldown_n) != ERR_OK)
        LOG_ERROR("cooldowns of a checkpoint cannot be read", "bytes=%zu", item->cooldown_n);
    alertsinks_new_attempt(w->sinks, item->bytes + item->cooldown_n, item->n - item->cooldown_n);
}

/* What came before is stored first. One that was not, because the server is ending, is not confirmed. */
static void mark(struct alertwriter *w, struct round *b, const struct alertitem *item)
{
    struct bytes out = {0}, sinks = {0};
    struct diag d;
    diag_init(&d, NULL, 0);
    if (item->mark.first)
        cooldown_save(w->cooldown, COOLDOWN_NOBODY, &out);
    cooldown_save(w->cooldown, item->worker, &out);
    if (store(w, b) && store_timeouts(w)) {
        enum err e = alertsinks_mark(w->sinks, item->worker, &item->mark, &sinks, &d);
        char *why = diag_text(&d);
        if (e == ERR_OK)
            w->o.marked(w->o.marked_ctx, item->mark.id, &out, &sinks);
        else
            w->o.not_stored(w->o.marked_ctx, item->mark.id, why, e == ERR_CORRUPT);
        mem_free(why);
    }
    bytes_fini(&out);
    bytes_fini(&sinks);
    diag_fini(&d);
}

static void add_alarm(struct alertwriter *w, struct round *b, const struct alertitem *item)
{
    struct catalog_alert_event *events = NULL;
    struct catalog_alert *a = &b->alerts[b->nalerts++];
    alertbuild_alarm(&item->dead, w->o.registry, b->now, b->arena, a, &events);
    alerttexts_want(&b->events, &events[0]);
}

static void work_off(struct alertwriter *w, struct alertitem *items)
{
    struct round *b = w->batch;
    struct alertitem *next = NULL, *held = NULL;
    montime began = timebase_mono_ns();
    b->now = timebase_now_ms();
    for (struct alertitem *item = items; item != NULL; item = next) {
        next = item->next;
        if (item->kind == ALERTITEM_RESULTS)
            work_off_results(w, b, item);
        else if (item->kind == ALERTITEM_NEW_ATTEMPT)
            new_attempt(w, b, item);
        else if (item->kind == ALERTITEM_MARK)
            mark(w, b, item);
        else if (item->kind == ALERTITEM_COMMIT)
            sinks_commit(w->o.sinks, item->mark.id);
        else
            add_dead_letter(b, &item->dead);
        if (item->kind == ALERTITEM_ALARM)
            add_alarm(w, b, item);
        item->next = held;
        held = item; /* dead letters point into it until they are stored */
        if (is_full(b))
            (void)store(w, b);
    }
    (void)store(w, b);
    for (; held != NULL; held = next) {
        next = held->next;
        mem_free(held);
    }
    alertpace_batch_took(&w->pace, timebase_mono_ns() - began);
}

static void *run(void *arg)
{
    struct alertwriter *w = arg;
    struct alertitem *items = NULL;
    while (take_queue(w, &items)) {
        if (items != NULL)
            work_off(w, items);
        store_timeouts_if_due(w);
        sinks_retry(w->o.sinks);
        expire(w);
    }
    (void)store_timeouts(w);
    return NULL;
}

struct alertwriter *alertwriter_start(const struct alertwriter_options *o)
{
    struct alertwriter *w = mem_new(sizeof *w);
    w->o = *o;
    w->last = &w->first;
    w->texts = eventtext_new(o->log, o->registry);
    w->cooldown = cooldown_new();
    w->sinks = alertsinks_new(o->sinks);
    w->timeouts = timeoutring_new(o->timeouts_kept);
    w->batch = mem_new(sizeof *w->batch);
    w->batch->arena = arena_new(256 << 10, 0);
    w->batch->notes.kept = o->trial_results_kept;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_t monotonic; /* a clock that is set back must not make the writer wait */
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &monotonic);
    pthread_cond_init(&w->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
    BUG_IF(pthread_create(&w->thread, NULL, run, w) != 0, "no thread for the alert writer");
    return w;
}

void alertwriter_stop(struct alertwriter *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    eventtext_free(w->texts);
    cooldown_free(w->cooldown);
    alertsinks_free(w->sinks);
    timeoutring_free(w->timeouts);
    arena_free(w->batch->arena);
    alerttexts_fini(&w->batch->events);
    alertnotes_fini(&w->batch->notes);
    mem_free(w->batch);
    bytes_fini(&w->json);
    pthread_cond_destroy(&w->wake);
    pthread_cond_destroy(&w->idle);
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
}
