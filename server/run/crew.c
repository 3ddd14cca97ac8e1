/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "crew"
#include "server/run/crew.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/run/crewload.h"
#include "server/wire/lookupwire.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct member {
    struct channel *channel; /* NULL: not up */
    struct runtime_worker shown;
    struct crewload load;
    struct lookupwire lookups;
    struct control_rule_stats *rules;
    unsigned nrules;
    size_t rules_cap;
    montime heard_at; /* its last message */
    char last_words[CONTROL_TEXT_MAX];
    bool silent; /* it was killed for saying nothing */
    uint64_t owed; /* of its results: see crew_owed */
};
struct crew {
    struct crew_events events;
    struct supervisor *supervisor;
    unsigned workers;
    size_t results_window;
    uint32_t attempt;
    montime began;
    struct arena *scratch;
    pthread_mutex_t lock; /* of what members show */
    struct member *members;
};

struct crew *crew_new(unsigned workers, size_t results_window, const struct crew_events *events)
{
    struct crew *c = mem_new(sizeof *c);
    c->events = *events;
    c->workers = workers;
    c->results_window = results_window;
    c->supervisor = supervisor_new(workers);
    c->members = mem_array(TASK_WORKERS_MAX, sizeof *c->members);
    c->scratch = arena_new(64 << 10, 0);
    pthread_mutex_init(&c->lock, NULL);
    for (unsigned i = 0; i < TASK_WORKERS_MAX; i++)
        c->members[i].shown = (struct runtime_worker){.index = i, .watermark = EVTIME_MIN};
    return c;
}

static void close_channels(struct crew *c)
{
    for (unsigned i = 0; i < c->workers; i++) {
        channel_free(c->members[i].channel);
        c->members[i].channel = NULL;
    }
}

void crew_scale(struct crew *c, unsigned workers, size_t results_window)
{
    supervisor_scale(c->supervisor, workers);
    pthread_mutex_lock(&c->lock);
    c->workers = workers;
    c->results_window = results_window;
    pthread_mutex_unlock(&c->lock);
}

void crew_free(struct crew *c)
{
    if (c == NULL)
        return;
    close_channels(c);
    supervisor_free(c->supervisor);
    for (unsigned i = 0; i < TASK_WORKERS_MAX; i++)
        mem_free(c->members[i].rules);
    mem_free(c->members);
    arena_free(c->scratch);
    pthread_mutex_destroy(&c->lock);
    mem_free(c);
}

/* --- life of an attempt ------------------------------------------------------------------------------------------ */

enum err crew_start(struct crew *c)
{
    int fds[TASK_WORKERS_MAX];
    c->attempt++;
    c->began = timebase_mono_ns();
    enum err e = supervisor_start(c->supervisor, fds);
    if (e != ERR_OK)
        return e;
    evtime now = timebase_now_ms();
    pthread_mutex_lock(&c->lock);
    for (unsigned i = 0; i < c->workers; i++) {
        struct member *m = &c->members[i];
        m->channel = channel_new(fds[i], c->results_window);
        m->shown = (struct runtime_worker){.index = i,
                                           .pid = supervisor_pid(c->supervisor, i),
                                           .state = WORKER_SCHEDULED,
                                           .attempt = c->attempt,
                                           .started = now,
                                           .watermark = EVTIME_MIN};
        m->nrules = 0;
        crewload_reset(&m->load);
        m->lookups.n = 0;
        m->heard_at = c->began;
        m->last_words[0] = '\0';
        m->silent = false;
        m->owed = 0;
    }
    pthread_mutex_unlock(&c->lock);
    LOG_INFO("workers started", "attempt=%u workers=%u", c->attempt, c->workers);
    return ERR_OK;
}

uint32_t crew_attempt(const struct crew *c)
{
    return c->attempt;
}

bool crew_up(const struct crew *c)
{
    return c->members[0].channel != NULL;
}

struct channel *crew_channel(struct crew *c, unsigned worker)
{
    return c->members[worker].channel;
}

static void set_state(struct crew *c, unsigned worker, enum runtime_worker_state state)
{
    pthread_mutex_lock(&c->lock);
    c->members[worker].shown.state = state;
    pthread_mutex_unlock(&c->lock);
}

void crew_set_running(struct crew *c, unsigned worker)
{
    set_state(c, worker, WORKER_RUNNING);
}

void crew_kill(struct crew *c, unsigned failed, char *why)
{
    supervisor_kill(c->supervisor, (int)failed);
    struct member *m = &c->members[failed];
    const char *ended = supervisor_ended(c->supervisor, failed);
    snprintf(why, CONTROL_TEXT_MAX, "worker %u (pid %d): %.300s%s%.100s", failed, m->shown.pid,
             m->last_words, m->last_words[0] != '\0' && ended[0] != '\0' ? "; " : "", ended);
    if (m->last_words[0] == '\0' && ended[0] == '\0')
        snprintf(why, CONTROL_TEXT_MAX, "worker %u (pid %d) does not answer as it should", failed,
                 m->shown.pid);
    close_channels(c);
    for (unsigned i = 0; i < c->workers; i++)
        set_state(c, i, WORKER_FAILED);
}

bool crew_died_at(const struct crew *c, unsigned failed, struct lastplace *at, bool *crashed)
{
    *crashed = c->members[failed].silent || supervisor_crashed(c->supervisor, failed);
    return *crashed && supervisor_place(c->supervisor, failed, at);
}

void crew_join(struct crew *c, int wait_ms)
{
    close_channels(c);
    supervisor_join(c->supervisor, wait_ms);
    for (unsigned i = 0; i < c->workers; i++)
        set_state(c, i, WORKER_FINISHED);
}

montime crew_began(const struct crew *c)
{
    return c->began;
}

bool crew_silent(struct crew *c, int64_t timeout_ms, unsigned *worker)
{
    montime now = timebase_mono_ns();
    for (unsigned i = 0; i < c->workers; i++) {
        struct member *m = &c->members[i];
        if (m->channel == NULL || (now - m->heard_at) / 1000000 < timeout_ms)
            continue;
        snprintf(m->last_words, CONTROL_TEXT_MAX, "has not been heard for %" PRId64 " ms",
                 (now - m->heard_at) / 1000000);
        m->silent = true;
        *worker = i;
        return true;
    }
    return false;
}

/* --- messages ---------------------------------------------------------------------------------------------------- */

void crew_send(struct crew *c, unsigned worker, enum control_kind kind, uint32_t epoch,
               const struct bytes *b)
{
    struct channel_frame f = {.kind = (uint8_t)kind, .epoch = epoch};
    if (b != NULL) {
        f.p = b->p;
        f.n = (uint32_t)b->n;
    }
    channel_send(c->members[worker].channel, &f);
}

static void note_status(struct crew *c, struct member *m, const struct control_status *s)
{
    pthread_mutex_lock(&c->lock);
    struct runtime_worker *w = &m->shown;
    const struct task_stats *t = &s->task;
    w->rows_in = t->rows_in;
    w->rows_late = t->rows_late;
    w->frames_in = t->frames_in;
    w->frames_out = t->frames_out;
    w->results = t->results;
    w->rows_waiting = t->rows_waiting;
    w->keys = t->keys;
    w->partials = t->partials;
    w->windows_open = t->windows_open;
    w->rows_kept = t->rows_kept;
    w->rows_dropped = t->rows_dropped;
    w->expired = t->expired;
    w->state_bytes = t->state_bytes;
    w->keys_out = t->keys_out;
    w->keys_left = t->keys_left;
    w->keys_asked = t->keys_asked;
    w->keys_loaded = t->keys_loaded;
    w->watermark = t->watermark;
    if (s->rss_bytes > 0) { /* it is a whole one */
        w->rss_bytes = s->rss_bytes;
        w->change_us = s->pause.change_ns / 1000;
        w->change_cpu_us = s->pause.change_cpu_ns / 1000;
        w->turn_us = s->pause.turn_ns / 1000;
        w->turn_cpu_us = s->pause.turn_cpu_ns / 1000;
    }
    if (s->nrules > 0) {
        m->rules = mem_grow(m->rules, 0, s->nrules, &m->rules_cap, sizeof *m->rules);
        memcpy(m->rules, s->rules, s->nrules * sizeof *m->rules);
        m->nrules = s->nrules;
    }
    pthread_mutex_unlock(&c->lock);
}

static enum err on_status(struct crew *c, unsigned i, const struct channel_frame *f)
{
    struct control_status s;
    enum err e = control_get_status(f->p, f->n, c->scratch, &s);
    if (e != ERR_OK)
        return e;
    note_status(c, &c->members[i], &s);
    c->events.status(c->events.ctx, i, &s);
    if (f->kind == CONTROL_PREPARED)
        c->events.prepared(c->events.ctx, i, f->epoch);
    return ERR_OK;
}

static enum err on_load(struct crew *c, unsigned i, const struct channel_frame *f)
{
    struct loadwire m;
    enum err e = loadwire_get(f->p, f->n, &m);
    if (e != ERR_OK)
        return e;
    struct channel_stats here;
    channel_stats(c->members[i].channel, &here);
    pthread_mutex_lock(&c->lock);
    c->members[i].owed = here.owed;
    crewload_take(&c->members[i].load, &m);
    crewload_show(&c->members[i].load, &c->members[i].shown);
    pthread_mutex_unlock(&c->lock);
    c->events.load(c->events.ctx, i, &m);
    return ERR_OK;
}

static enum err on_lookups(struct crew *c, unsigned i, const struct channel_frame *f)
{
    pthread_mutex_lock(&c->lock);
    enum err e = lookupwire_get(f->p, f->n, &c->members[i].lookups);
    pthread_mutex_unlock(&c->lock);
    return e;
}

static enum err on_frame(struct crew *c, unsigned i, const struct channel_frame *f)
{
    struct control_bad_row row;
    enum err e = ERR_OK;
    switch ((enum control_kind)f->kind) {
    case CONTROL_RUNNING:
        c->events.running(c->events.ctx, i, f->epoch);
        return ERR_OK;
    case CONTROL_STATUS:
    case CONTROL_PREPARED:
        return on_status(c, i, f);
    case CONTROL_LOAD:
        return on_load(c, i, f);
    case CONTROL_LOOKUPS:
        return on_lookups(c, i, f);
    case CONTROL_BEGUN:
    case CONTROL_WRITTEN:
    case CONTROL_UNUSABLE:
        return c->events.snapshot(c->events.ctx, i, f);
    case CONTROL_INSPECTED:
        return c->events.inspected(c->events.ctx, i, f);
    case CONTROL_LANED:
        return c->events.laned(c->events.ctx, i, f);
    case CONTROL_RESULTS:
        c->events.results(c->events.ctx, i, f->p, f->n);
        return ERR_OK;
    case CONTROL_BAD_ROW:
        if ((e = control_get_bad_row(f->p, f->n, c->scratch, &row)) == ERR_OK)
            c->events.bad_row(c->events.ctx, i, &row);
        return e;
    case CONTROL_FAILED:
        snprintf(c->members[i].last_words, CONTROL_TEXT_MAX, "%.*s", (int)f->n, (const char *)f->p);
        return ERR_OK;
    default:
        return ERR_CORRUPT;
    }
}

static enum err read_member(struct crew *c, unsigned i)
{
    struct channel *ch = c->members[i].channel;
    struct channel_frame f;
    enum err closed = channel_read(ch), e = ERR_OK;
    while (e == ERR_OK && (e = channel_peek(ch, &f)) == ERR_OK) {
        c->members[i].heard_at = timebase_mono_ns();
        arena_reset(c->scratch);
        e = on_frame(c, i, &f);
        channel_drop(ch);
    }
    if (e != ERR_END) {
        LOG_ERROR("a worker's message cannot be read", "worker=%u reason=\"%s\"", i, err_text(e));
        return e;
    }
    return closed == ERR_CLOSED ? ERR_CLOSED : ERR_OK;
}

void crew_hold_results(struct crew *c, bool held)
{
    for (unsigned i = 0; i < c->workers; i++)
        if (c->members[i].channel != NULL)
            channel_hold(c->members[i].channel, held);
}

void crew_polls(const struct crew *c, struct pollfd *fds)
{
    for (unsigned i = 0; i < c->workers; i++) {
        const struct channel *ch = c->members[i].channel;
        fds[i] = (struct pollfd){.fd = ch != NULL ? channel_fd(ch) : -1, .events = POLLIN};
        if (ch != NULL && channel_queued(ch) > 0)
            fds[i].events |= POLLOUT;
    }
}

enum err crew_turn(struct crew *c, const struct pollfd *fds, unsigned *worker)
{
    enum err e = ERR_OK;
    for (unsigned i = 0; i < c->workers && e == ERR_OK; i++) {
        if (c->members[i].channel == NULL)
            continue;
        *worker = i;
        if (fds[i].fd >= 0 && (fds[i].revents & (POLLIN | POLLHUP | POLLERR)))
            e = read_member(c, i);
        if (e == ERR_OK && channel_flush(c->members[i].channel) != ERR_OK) {
            while ((e = read_member(c, i)) == ERR_OK) /* its last words */
                ;
        }
    }
    return e;
}

/* --- pages ------------------------------------------------------------------------------------------------------- */

unsigned crew_workers(struct crew *c, struct runtime_worker *out, unsigned cap)
{
    pthread_mutex_lock(&c->lock);
    for (unsigned i = 0; i < c->workers && i < cap; i++)
        out[i] = c->members[i].shown;
    pthread_mutex_unlock(&c->lock);
    return c->workers;
}

uint64_t crew_resident(struct crew *c)
{
    uint64_t sum = 0;
    pthread_mutex_lock(&c->lock);
    for (unsigned i = 0; i < c->workers; i++)
        sum += c->members[i].shown.rss_bytes;
    pthread_mutex_unlock(&c->lock);
    return sum;
}

uint64_t crew_owed(struct crew *c)
{
    uint64_t owed = 0;
    pthread_mutex_lock(&c->lock);
    for (unsigned i = 0; i < c->workers; i++)
        owed += c->members[i].owed;
    pthread_mutex_unlock(&c->lock);
    return owed;
}

unsigned crew_channels(struct crew *c, struct runtime_channel *out, unsigned cap)
{
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    for (unsigned i = 0; i < c->workers; i++)
        n += crewload_channels(&c->members[i].load, i, n < cap ? out + n : NULL,
                               n < cap ? cap - n : 0);
    pthread_mutex_unlock(&c->lock);
    return n;
}

unsigned crew_lookups(struct crew *c, struct runtime_lookups *out, unsigned cap)
{
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    for (unsigned i = 0; i < c->workers; i++)
        for (unsigned k = 0; k < c->members[i].lookups.n; k++, n++)
            if (n < cap)
                out[n] = (struct runtime_lookups){i, c->members[i].lookups.tables[k].uid, NULL,
                                                  c->members[i].lookups.tables[k].stats};
    pthread_mutex_unlock(&c->lock);
    return n;
}

evtime crew_watermark(struct crew *c)
{
    evtime least = EVTIME_MAX;
    pthread_mutex_lock(&c->lock);
    for (unsigned i = 0; i < c->workers; i++)
        if (c->members[i].shown.watermark < least)
            least = c->members[i].shown.watermark;
    pthread_mutex_unlock(&c->lock);
    return least;
}

bool crew_took(struct crew *c, uint64_t uid, uint32_t version, struct task_kept *kept)
{
    unsigned took = 0;
    *kept = (struct task_kept){0};
    pthread_mutex_lock(&c->lock);
    for (unsigned i = 0; i < c->workers; i++)
        for (unsigned k = 0; k < c->members[i].nrules; k++) {
            const struct control_rule_stats *s = &c->members[i].rules[k];
            if (s->uid != uid || s->version != version || !s->took)
                continue;
            took++;
            kept->keys += s->kept.keys;
            kept->partials += s->kept.partials;
            kept->partials_lost += s->kept.partials_lost;
            kept->windows += s->kept.windows;
        }
    pthread_mutex_unlock(&c->lock);
    return took == c->workers;
}

unsigned crew_rules(struct crew *c, struct runtime_rule_stats *out, unsigned cap)
{
    unsigned n = 0, most = 0;
    pthread_mutex_lock(&c->lock);
    /* All workers run the same rules in the same order, but not all have said so yet. */
    for (unsigned i = 0; i < c->workers; i++) {
        if (c->members[i].nrules > most)
            most = c->members[i].nrules;
        for (unsigned k = 0; k < c->members[i].nrules; k++) {
            const struct control_rule_stats *s = &c->members[i].rules[k];
            unsigned at = k < n && k < cap && out[k].uid == s->uid ? k : 0;
            while (at < n && at < cap && out[at].uid != s->uid)
                at++;
            if (at == n) {
                n++;
                if (at < cap)
                    out[at] = (struct runtime_rule_stats){.uid = s->uid};
            }
            if (at < cap) {
                out[at].results += s->results;
                out[at].partials += s->partials;
                out[at].keys += s->keys;
                out[at].windows_open += s->windows_open;
                out[at].dropped += s->dropped;
            }
        }
    }
    pthread_mutex_unlock(&c->lock);
    return n > most ? n : most; /* those that found no room were not told apart */
}
