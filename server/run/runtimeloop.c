/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "runtime"
#include "server/run/runtimeloop.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/deploy/changelist.h"
#include "server/deploy/changemessage.h"
#include "server/deploy/laneload.h"
#include "server/deploy/registrylist.h"
#include "server/intake/feedtime.h"
#include "server/run/lanestep.h"
#include "server/run/runtimelast.h"
#include "server/run/runtimepoison.h"
#include "server/run/trialstep.h"
#include "server/wire/listwire.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    TICK_MS = 250,
    CLOCK_MS = 100,
    RATE_MS = 1000,
    EXPIRY_MS = 1000,
    JOIN_MS = 3000,
    AGAIN_MS = 1000
};

void runtimeloop_init(struct runtimeloop *l)
{
    pthread_mutex_init(&l->lock, NULL);
    l->last = &l->first;
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    BUG_IF(l->wake_fd < 0, "no eventfd: %s", strerror(errno));
    l->scratch = arena_new(64 << 10, 0);
    l->rate_at = timebase_mono_ns();
    diag_init(&l->change_diag, NULL, 0);
}

void runtimeloop_fini(struct runtimeloop *l)
{
    close(l->wake_fd);
    arena_free(l->scratch);
    bytes_fini(&l->out);
    mem_free(l->workers_file);
    diag_fini(&l->change_diag);
    pthread_mutex_destroy(&l->lock);
}

void runtimeloop_wake(struct runtimeloop *l)
{
    uint64_t one = 1;
    ssize_t n = write(l->wake_fd, &one, sizeof one);
    (void)n; /* full: it will wake anyway */
}

void runtimeloop_enqueue(struct runtimeloop *l, struct change *c)
{
    struct runtimeloop_queued *q = mem_new(sizeof *q);
    q->change = c;
    pthread_mutex_lock(&l->lock);
    *l->last = q;
    l->last = &q->next;
    pthread_mutex_unlock(&l->lock);
    runtimeloop_wake(l);
}

static struct change *dequeue(struct runtimeloop *l)
{
    pthread_mutex_lock(&l->lock);
    struct runtimeloop_queued *q = l->first;
    if (q != NULL && (l->first = q->next) == NULL)
        l->last = &l->first;
    pthread_mutex_unlock(&l->lock);
    if (q == NULL)
        return NULL;
    struct change *c = q->change;
    mem_free(q);
    return c;
}

static void move(struct runtimeloop *l, enum runtimeloop_phase to)
{
    static const char *const names[] = {"down", "starting", "running", "preparing", "committing"};
    LOG_DEBUG("phase", "from=%s to=%s epoch=%u", names[l->phase], names[to], l->epoch);
    pthread_mutex_lock(&l->lock);
    l->phase = to;
    pthread_mutex_unlock(&l->lock);
    l->answered = 0;
    atomic_store(&l->ready, to >= PHASE_RUNNING);
}

/* --- attempts ---------------------------------------------------------------------------------------------------- */

static void note_exception(struct runtimeloop *l, unsigned worker, const char *text)
{
    pthread_mutex_lock(&l->lock);
    struct runtime_exception *x = &l->exceptions[l->nexceptions++ % RUNTIMELOOP_EXCEPTIONS];
    *x = (struct runtime_exception){.at = timebase_now_ms(),
                                    .attempt = crew_attempt(l->crew),
                                    .worker = worker};
    snprintf(x->text, sizeof x->text, "%.255s", text);
    pthread_mutex_unlock(&l->lock);
}

static void end_change(struct runtimeloop *l, enum err e)
{
    struct change *c = l->change;
    l->change = NULL;
    l->change_begun = l->change_recorded = false;
    change_done(c, e, &l->change_diag);
    diag_fini(&l->change_diag);
    diag_init(&l->change_diag, NULL, 0);
}

/* final: there is to be no other, whatever the strategy says. */
static void end_attempt(struct runtimeloop *l, const char *why, bool final)
{
    checkpointer_attempt_failed(l->checkpointer, why);
    inspector_attempt_failed(l->inspector);
    montime now = timebase_mono_ns();
    int64_t delay = restart_failed(&l->restart, crew_began(l->crew), now);
    delay = final ? -1 : delay;
    if (delay >= 0)
        LOG_ERROR("attempt failed", "attempt=%u retry_ms=%" PRId64 " reason=\"%s\"",
                  crew_attempt(l->crew), delay, why);
    else
        LOG_ERROR("attempt failed, there is no other until POST /api/v1/workers:restart",
                  "attempt=%u strategy=%s reason=\"%s\"", crew_attempt(l->crew),
                  restart_strategy_name(l->restart.o.strategy), why);
    pthread_mutex_lock(&l->lock);
    struct runtime_restart *shown = &l->shown_restart;
    l->next_attempt = delay < 0 ? INT64_MAX : now + delay * 1000000;
    shown->given_up = delay < 0;
    shown->failed = l->restart.failed;
    snprintf(shown->why, sizeof shown->why, "%.255s", why);
    pthread_mutex_unlock(&l->lock);
    move(l, PHASE_DOWN);
    if (l->change_recorded) /* the next attempt begins with it */
        end_change(l, l->change_result);
}

static void delay_attempt(struct runtimeloop *l, const char *why)
{
    end_attempt(l, why, false);
}

static void fail_attempt(struct runtimeloop *l, unsigned worker)
{
    char why[CONTROL_TEXT_MAX], text[CONTROL_TEXT_MAX];
    crew_kill(l->crew, worker, why);
    note_exception(l, worker, why);
    bool final = runtimepoison_died(l, worker, why, text);
    if (final)
        note_exception(l, worker, text);
    end_attempt(l, final ? text : why, final);
}

static void send_list(void *ctx, const struct bytes *message)
{
    struct runtimeloop *l = ctx;
    for (unsigned i = 0; i < l->task.workers && message->n > 0; i++)
        crew_send(l->crew, i, CONTROL_LIST, l->epoch, message);
}

static enum err send_all_lists(struct runtimeloop *l)
{
    const struct registry_list *k;
    enum err e = ERR_OK;
    for (unsigned i = 0; e == ERR_OK && (k = registrylist_at(l->env.registry, i)) != NULL; i++) {
        e = changelist_everything(&l->env, k, send_list, l);
        l->last_list = k->uid;
    }
    return e;
}

static void send_init(struct runtimeloop *l, unsigned worker)
{
    struct control_init m = {.task = l->task,
                             .budget = l->budget,
                             .buffer_timeout_ms = l->buffer_timeout_ms};
    m.task.worker = worker;
    arena_reset(l->scratch);
    changemessage_all(&l->env, worker, l->scratch, &m.first);
    bytes_reset(&l->out);
    control_put_init(&m, &l->out);
    crew_send(l->crew, worker, CONTROL_INIT, l->epoch, &l->out);
    if (m.first.nstreams > 0)
        l->last_stream = m.first.streams[m.first.nstreams - 1].id;
}

static void start_attempt(struct runtimeloop *l)
{
    pthread_mutex_lock(&l->lock);
    l->shown_restart.given_up = false;
    pthread_mutex_unlock(&l->lock);
    inspector_attempt_failed(l->inspector);
    rescale_attempt(l);
    enum err e = crew_start(l->crew);
    if (e != ERR_OK) {
        note_exception(l, 0, "worker processes cannot be started");
        delay_attempt(l, err_text(e));
        return;
    }
    l->epoch++;
    checkpointer_attempt(l->checkpointer, l->epoch);
    lanestep_attempt(l);
    runtimepoison_tell(l);
    if ((e = send_all_lists(l)) != ERR_OK) {
        char why[CONTROL_TEXT_MAX];
        crew_kill(l->crew, 0, why);
        note_exception(l, 0, "the lists cannot be read from the catalogue");
        delay_attempt(l, err_text(e));
        return;
    }
    for (unsigned i = 0; i < l->task.workers; i++)
        send_init(l, i);
    move(l, PHASE_STARTING);
}

/* --- changes ----------------------------------------------------------------------------------------------------- */

/* Lists that are new to the workers, then what has changed in any. */
static void send_lists(struct runtimeloop *l, const struct change_delta *delta)
{
    const struct registry_list *k;
    for (unsigned i = 0; (k = registrylist_at(l->env.registry, i)) != NULL; i++) {
        if (k->uid <= l->last_list)
            continue;
        bytes_reset(&l->out);
        listwire_put_head(&(struct listwire_head){k->uid, false, k->sql}, &l->out);
        send_list(l, &l->out);
        l->last_list = k->uid;
    }
    for (size_t i = 0; i < delta->nlists; i++)
        send_list(l, &delta->lists[i]);
}

static void send_change(struct runtimeloop *l, const struct change_delta *delta)
{
    uint32_t after = l->last_stream;
    send_lists(l, delta);
    for (unsigned i = 0; i < l->task.workers; i++) {
        struct control_change m;
        arena_reset(l->scratch);
        changemessage_changed(delta, &l->env, i, after, l->scratch, &m);
        bytes_reset(&l->out);
        control_put_change(&m, &l->out);
        crew_send(l->crew, i, CONTROL_CHANGE, l->epoch, &l->out);
        if (m.nstreams > 0)
            l->last_stream = m.streams[m.nstreams - 1].id;
    }
}

static void commit_change(struct runtimeloop *l)
{
    struct change_delta delta = {0};
    l->change_result = change_commit(l->change, &l->env, &l->change_diag, &delta);
    l->change_recorded = true;
    if (l->phase == PHASE_DOWN) {
        end_change(l, l->change_result);
    } else if (delta.again) {
        move(
            l,
            PHASE_STARTING); /* by the loop, which is just reading from the workers that are to go */
        l->start_again = true;
    } else {
        l->epoch++;
        send_change(l, &delta);
        move(l, PHASE_COMMITTING);
    }
    change_delta_fini(&delta);
}

/* Goes on with the change under way, or begins the next one. */
static void step_changes(struct runtimeloop *l)
{
    while (l->phase == PHASE_DOWN ||
           (l->phase == PHASE_RUNNING && !checkpointer_holds_changes(l->checkpointer))) {
        if (l->change == NULL && (l->change = dequeue(l)) == NULL)
            return;
        bool rules = true;
        enum err e =
            l->change_begun ? ERR_OK : change_begin(l->change, &l->env, &l->change_diag, &rules);
        if (e != ERR_OK || !rules) {
            end_change(l, e);
            continue;
        }
        l->change_begun = true;
        if (l->phase == PHASE_DOWN) {
            commit_change(l);
            continue;
        }
        for (unsigned i = 0; i < l->task.workers; i++)
            crew_send(l->crew, i, CONTROL_PREPARE, l->epoch, NULL);
        move(l, PHASE_PREPARING);
    }
}

/* Versions that have given way everywhere cost the workers their conditions still. */
static void retire_versions(struct runtimeloop *l)
{
    const struct registry_rule *r;
    struct task_kept kept;
    for (unsigned i = 0; (r = registry_rule_at(l->env.registry, i)) != NULL; i++)
        if (r->before != NULL && r->retired < r->version &&
            crew_took(l->crew, r->uid, r->version, &kept))
            runtimeloop_enqueue(l, change_retire(r->uid, r->version));
    trialstep(l);
}

/* What is due to go from a list goes as any other edit does, once nothing else is being changed. */
static void expire_items(struct runtimeloop *l)
{
    const char *name = NULL;
    pthread_mutex_lock(&l->lock);
    bool busy = l->first != NULL || l->change != NULL;
    pthread_mutex_unlock(&l->lock);
    if (busy || (l->phase != PHASE_DOWN && l->phase != PHASE_RUNNING) ||
        (timebase_mono_ns() - l->expiry_at) / 1000000 < EXPIRY_MS)
        return;
    l->expiry_at = timebase_mono_ns();
    if (l->phase == PHASE_RUNNING)
        retire_versions(l);
    struct changelist *due = changelist_expired(&l->env, timebase_now_ms(), &name);
    if (due != NULL)
        runtimeloop_enqueue(l, change_edit(name, due));
    changelist_unref(due);
}

static void refuse_changes(struct runtimeloop *l)
{
    while (l->change != NULL || (l->change = dequeue(l)) != NULL)
        end_change(l, ERR_CLOSED);
}

/* --- what workers say -------------------------------------------------------------------------------------------- */

static void on_running(void *ctx, unsigned worker, uint32_t epoch)
{
    struct runtimeloop *l = ctx;
    if (epoch != l->epoch || (l->phase != PHASE_STARTING && l->phase != PHASE_COMMITTING))
        return;
    crew_set_running(l->crew, worker);
    if (++l->answered < l->task.workers)
        return;
    bool committed = l->phase == PHASE_COMMITTING;
    move(l, PHASE_RUNNING);
    if (l->change_recorded)
        end_change(l, l->change_result);
    rescale_running(l);
    restore_running(l);
    if (!committed)
        LOG_INFO("workers run", "attempt=%u epoch=%u", crew_attempt(l->crew), l->epoch);
}

static void on_prepared(void *ctx, unsigned worker, uint32_t epoch)
{
    struct runtimeloop *l = ctx;
    (void)worker;
    if (l->phase == PHASE_PREPARING && epoch == l->epoch && ++l->answered == l->task.workers)
        commit_change(l);
}

static void on_status(void *ctx, unsigned worker, const struct control_status *s)
{
    struct runtimeloop *l = ctx;
    for (unsigned i = 0; i < s->npositions; i++)
        feed_position(l->env.feed, worker, &s->positions[i]);
    feed_waiting(l->env.feed, worker, s->task.rows_waiting);
    feed_due(l->env.feed, worker, s->task.due);
}

static void on_load(void *ctx, unsigned worker, const struct loadwire *m)
{
    struct runtimeloop *l = ctx;
    feed_load(l->env.feed, worker, m);
}

static void on_results(void *ctx, unsigned worker, const void *frame, size_t n)
{
    struct runtimeloop *l = ctx;
    alertwriter_results(l->env.alerts, worker, frame, n);
}

static enum err on_snapshot(void *ctx, unsigned worker, const struct channel_frame *f)
{
    struct runtimeloop *l = ctx;
    bool again = false;
    enum err e = checkpointer_frame(l->checkpointer, worker, f, &again);
    l->start_again = l->start_again || again;
    return e;
}

static void on_bad_row(void *ctx, unsigned worker, const struct control_bad_row *row)
{
    struct runtimeloop *l = ctx;
    const struct schema *s = registry_stream_by_id(l->env.registry, row->stream);
    struct catalog_dead_letter d = {.kind = "error",
                                    .stream = row->stream,
                                    .partition = row->partition,
                                    .offset = row->offset,
                                    .code = row->code,
                                    .reason = row->reason,
                                    .raw = row->text_len > 0 ? row->text
                                                             : NULL, /* else by its place */
                                    .raw_len = row->text_len,
                                    .at = timebase_now_ms()};
    enum err e =
        s == NULL || s->errors == NULL ? ERR_NOT_FOUND : intakeerrors_file(l->env.intake, s, &d);
    if (e != ERR_OK) {
        LOG_ERROR("a bad row could not be written down", "worker=%u stream=%u reason=\"%s\"",
                  worker, row->stream, err_text(e));
        alertwriter_dead_letter(l->env.alerts, &d);
    }
}

static enum err on_inspected(void *ctx, unsigned worker, const struct channel_frame *f)
{
    return inspector_frame(((struct runtimeloop *)ctx)->inspector, worker, f);
}

void runtimeloop_events(struct runtimeloop *l, struct crew_events *out)
{
    *out = (struct crew_events){on_running, on_status,  on_load,      on_snapshot,    on_prepared,
                                on_results, on_bad_row, on_inspected, lanestep_laned, l};
}

/* --- the loop ---------------------------------------------------------------------------------------------------- */

static void push(struct runtimeloop *l)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    for (unsigned i = 0; i < l->task.workers && l->phase >= PHASE_STARTING; i++) {
        enum err e = feed_push(l->env.feed, i, crew_channel(l->crew, i), &d);
        if (e == ERR_OK)
            continue;
        char why[CONTROL_TEXT_MAX];
        crew_kill(l->crew, i, why);
        note_exception(l, i, d.items[0].message);
        delay_attempt(l, d.items[0].message);
    }
    diag_fini(&d);
}

static void measure(struct runtimeloop *l)
{
    montime now = timebase_mono_ns();
    uint64_t late = 0, rows = feed_rows(l->env.feed, &late);
    pthread_mutex_lock(&l->lock);
    if (rows > l->processed)
        l->processed = rows; /* a replay does not count again */
    if (late > l->late)
        l->late = late;
    if ((now - l->rate_at) / 1000000 >= RATE_MS) {
        double seconds = (double)(now - l->rate_at) / 1e9;
        double more = rows >= l->rate_rows ? (double)(rows - l->rate_rows) : (double)rows;
        l->rates[l->nrates++ % RUNTIMELOOP_RATE_SECONDS] = more / seconds;
        l->rate_rows = rows;
        l->rate_at = now;
    }
    pthread_mutex_unlock(&l->lock);
}

/* Idle partitions go on by the clock, at most so often that nobody sees the steps. */
static void tell_time(struct runtimeloop *l)
{
    montime now = timebase_mono_ns();
    if (l->phase != PHASE_RUNNING || (now - l->clock_at) / 1000000 < CLOCK_MS)
        return;
    evtime clock = intake_clock(l->env.intake);
    bool files = feedtime_tick(l->env.feed, clock);
    l->by_clock = intake_tick(l->env.intake, clock, feed_least_due(l->env.feed)) || files;
    l->clock_at = now;
}

/* Somebody has asked for another attempt. */
static void maybe_try_again(struct runtimeloop *l)
{
    if (!atomic_exchange(&l->try_again, false) || l->phase != PHASE_DOWN)
        return;
    LOG_INFO("another attempt was asked for", "attempt=%u", crew_attempt(l->crew) + 1);
    restart_reset(&l->restart);
    if (atomic_exchange(&l->skip_poison, false))
        runtimepoison_skip(l);
    l->is_poisoned = false;
    start_attempt(l);
}

static void step_checkpoints(struct runtimeloop *l)
{
    bool may_begin = l->phase == PHASE_RUNNING && l->change == NULL && !l->start_again &&
                     !laneload_is_open(l->env.lanes);
    if (checkpointer_turn(l->checkpointer, may_begin, &l->epoch) || l->phase == PHASE_DOWN)
        return;
    char why[CONTROL_TEXT_MAX];
    crew_kill(l->crew, 0, why);
    note_exception(l, 0, "too many checkpoints have failed, one after the other");
    delay_attempt(l, "too many checkpoints have failed, one after the other");
}

static void check_heartbeats(struct runtimeloop *l)
{
    unsigned silent = 0;
    if (l->heartbeat_timeout_ms > 0 && l->phase != PHASE_DOWN &&
        crew_silent(l->crew, l->heartbeat_timeout_ms, &silent))
        fail_attempt(l, silent);
}

static int timeout_ms(const struct runtimeloop *l, bool generating)
{
    int timeout = generating ? GENERATORS_TICK_MS : l->by_clock ? CLOCK_MS : TICK_MS;
    if (l->phase == PHASE_DOWN) {
        montime left_ms = l->next_attempt == INT64_MAX
                              ? TICK_MS
                              : (l->next_attempt - timebase_mono_ns()) / 1000000;
        if (left_ms < timeout)
            timeout = left_ms < 0 ? 0 : (int)left_ms + 1;
    }
    return timeout;
}

void runtimeloop_turn(struct runtimeloop *l, struct pollfd *fds, int timeout)
{
    unsigned n = l->task.workers, failed = 0;
    crew_hold_results(l->crew, alertwriter_full(l->env.alerts));
    fds[n] = (struct pollfd){.fd = l->wake_fd, .events = POLLIN};
    crew_polls(l->crew, fds);
    if (poll(fds, n + 1, timeout) < 0)
        for (unsigned i = 0; i <= n; i++)
            fds[i].revents = 0; /* a signal */
    uint64_t wakes = 0;
    if ((fds[n].revents & POLLIN) && read(l->wake_fd, &wakes, sizeof wakes) < 0)
        LOG_WARN("eventfd", "reason=\"%s\"", strerror(errno));
    if (l->phase != PHASE_DOWN && crew_turn(l->crew, fds, &failed) != ERR_OK)
        fail_attempt(l, failed);
    check_heartbeats(l);
    maybe_try_again(l);
    if (l->start_again && l->phase != PHASE_DOWN) {
        LOG_INFO("workers are to read again what has gone by", "attempt=%u", crew_attempt(l->crew));
        crew_join(l->crew, AGAIN_MS);
        start_attempt(l);
    }
    l->start_again = false;
    expire_items(l);
    lanestep(l);
    step_changes(l);
    l->start_again |= rescale_turn(l);
    l->start_again |= restore_turn(l);
    step_checkpoints(l);
    if (l->phase == PHASE_DOWN && timebase_mono_ns() >= l->next_attempt)
        start_attempt(l);
    tell_time(l);
    memwatch_turn(l);
    inspector_turn(l->inspector, l->phase >= PHASE_STARTING, l->epoch);
    push(l);
    /* What was queued goes out now, not after the next sleep. */
    for (unsigned i = 0; i < l->task.workers && l->phase != PHASE_DOWN; i++)
        if (channel_flush(crew_channel(l->crew, i)) != ERR_OK)
            break; /* it has died: the next turn reads its last words */
    measure(l);
}

void *runtimeloop_run(void *arg)
{
    struct runtimeloop *l = arg;
    struct pollfd *fds = mem_array(TASK_WORKERS_MAX + 1, sizeof *fds);
    pthread_mutex_lock(&l->lock);
    l->next_attempt = timebase_mono_ns();
    l->shown_restart.strategy = l->restart.o.strategy;
    pthread_mutex_unlock(&l->lock);
    while (!atomic_load(&l->stop)) {
        bool generating = generators_run(l->generators);
        runtimeloop_turn(l, fds, timeout_ms(l, generating));
    }
    atomic_store(&l->ready, false);
    runtimelast(l, fds);
    refuse_changes(l);
    crew_join(l->crew, JOIN_MS);
    mem_free(fds);
    return NULL;
}
