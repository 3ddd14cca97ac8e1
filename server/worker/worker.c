/* SPDX-License-Identifier: Apache-2.0 */
/* One turn of the loop: write what waits, sleep until there is something, read, take rows, step, perform effects.
 *
 * What is stopped when (there is no cycle of waiting: only sources feed the exchange):
 *   sources   while the coordinator changes the rules, while the credit of a channel to another worker or of the results
 *             is used up, while state fills its budget; some of them while rows that wait fill theirs;
 *   exchange  from one worker, when it already runs a newer set of rules; from all, while results have overdrawn their
 *             credit by as much again. The coordinator takes results without waiting for any worker. */
#define LOG_MODULE "worker"
#include "server/worker/worker.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/args.h"
#include "server/wire/resultwire.h"
#include "server/worker/workerchange.h"
#include "server/worker/workerdef.h"
#include "server/worker/workerinspect.h"
#include "server/worker/workerlane.h"
#include "server/worker/workerlist.h"
#include "server/worker/workerlookup.h"
#include "server/worker/workersnap.h"
#include "server/worker/workerstatus.h"
#include "server/worker/workertrace.h"
#include "server/worker/workerwatch.h"
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BATCHES_A_TURN = 4,
    FRAMES_A_TURN = 256, /* of one peer */
    RESULT_FRAME_BYTES = 64 << 10,
    ORDERING_MORE_BYTES = 16 << 20, /* for what was under way when the share was used up */
    TAKEN_ROWS = 4096, /* of so many it is said that they are taken: the coordinator's credit */
    STATUS_MS = 250, /* a whole status while something happens … */
    IDLE_MS = 1000, /* … and when nothing does */
    WRITING_MS = 5 /* a checkpoint's writer is asked as often */
};

void worker_say(struct worker *w, enum control_kind kind, const struct bytes *b)
{
    struct channel_frame f = {.kind = (uint8_t)kind, .epoch = w->epoch};
    if (b != NULL) {
        f.p = b->p;
        f.n = (uint32_t)b->n;
    }
    channel_send(w->coordinator, &f);
}

/* What the coordinator has to store: it gives credit for it. */
static void say_counted(struct worker *w, enum control_kind kind, const struct bytes *b)
{
    channel_send(w->coordinator, &(struct channel_frame){.kind = (uint8_t)kind,
                                                         .counted = true,
                                                         .epoch = w->epoch,
                                                         .p = b->p,
                                                         .n = (uint32_t)b->n});
}

/* This worker cannot go on: the coordinator is told why, and ends the attempt. */
void worker_fail(struct worker *w, const char *fmt, ...)
{
    char text[CONTROL_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct bytes b = {(uint8_t *)text, strlen(text), sizeof text};
    LOG_ERROR("worker ends itself", "reason=\"%s\"", text);
    if (!w->failed)
        worker_say(w, CONTROL_FAILED, &b);
    w->failed = true;
}

void worker_fail_diag(struct worker *w, const char *what, enum err e, const struct diag *d)
{
    char *text = diag_text(d);
    worker_fail(w, "%s: %s", what, text[0] != '\0' ? text : err_text(e));
    mem_free(text);
}

/* --- effects ----------------------------------------------------------------------------------------------------- */

static void send_results(struct worker *w, const struct task_effects *fx)
{
    bytes_reset(&w->out);
    for (unsigned i = 0; i < fx->nresults; i++) {
        resultwire_put(&fx->results[i], &w->out);
        if (w->out.n >= RESULT_FRAME_BYTES || i + 1 == fx->nresults) {
            say_counted(w, CONTROL_RESULTS, &w->out);
            bytes_reset(&w->out);
        }
    }
}

/* all: also frames that are not full. */
static void perform_effects(struct worker *w, bool all)
{
    const struct task_effects *fx = all ? task_effects(w->task) : task_effects_full(w->task);
    send_results(w, fx);
    lookups_take(w->lookups, fx);
    for (unsigned i = 0; i < fx->nframes; i++) {
        const struct task_frame *f = &fx->frames[i];
        struct channel *to = w->peers[f->to].channel;
        if (to != NULL)
            channel_send(to, &(struct channel_frame){.kind = CONTROL_TASK,
                                                     .counted = true,
                                                     .epoch = w->epoch,
                                                     .p = f->p,
                                                     .n = f->n});
    }
    w->active = w->active || fx->nresults > 0 || fx->nframes > 0;
    task_effects_clear(w->task);
}

void worker_step(struct worker *w)
{
    if (w->job == NULL)
        return;
    task_clock(w->task, timebase_now_ms());
    task_step(w->task);
    perform_effects(w, true);
    w->holds_frames = false;
}

static uint64_t full_peers(const struct worker *w)
{
    uint64_t full = 0;
    for (unsigned i = 0; i < w->workers; i++)
        if (w->peers[i].channel != NULL && !channel_ready(w->peers[i].channel))
            full |= UINT64_C(1) << i;
    return full;
}

/* Rows are there: why are they not taken? */
static struct workload_rest rest_of(const struct worker *w)
{
    struct workload_rest r = {.peers = full_peers(w),
                              .coordinator = !channel_ready(w->coordinator)};
    if (w->job == NULL || w->preparing || w->broken)
        return (struct workload_rest){0};
    bool has = workersource_has(w->source);
    if (w->state_full) /* what it has may be held by the coordinator for that */
        r.why = LOADWIRE_STATE;
    else if (has && (r.peers != 0 || r.coordinator))
        r.why = LOADWIRE_CHANNEL;
    else if (has && workerlookup_is_full(w))
        r.why = LOADWIRE_LOOKUPS;
    else if (!has && workersource_waits(w->source))
        r.why = LOADWIRE_ORDERING;
    return r;
}

static void send_load(struct worker *w)
{
    struct loadwire m;
    workload_look(&w->load, timebase_mono_ns(), &m);
    m.why = rest_of(w).why;
    m.state_full = w->state_full;
    m.intake_bytes = workersource_bytes(w->source);
    m.ordering_bytes = task_ordering_bytes(w->task);
    workload_channel(&w->load, LOADWIRE_COORDINATOR, w->coordinator, &m);
    for (unsigned i = 0; i < w->workers; i++)
        if (w->peers[i].channel != NULL)
            workload_channel(&w->load, i, w->peers[i].channel, &m);
    bytes_reset(&w->out);
    loadwire_put(&m, &w->out);
    worker_say(w, CONTROL_LOAD, &w->out);
}

/* State does not shrink by being fed. What makes it shrink, a rule that goes or the clock, comes without sources. */
static void watch_state(struct worker *w, uint64_t bytes)
{
    bool full = w->budget.state_bytes > 0 && bytes >= w->budget.state_bytes;
    if (full && !w->state_full)
        LOG_ERROR("state fills its budget, no events are taken until there is room",
                  "state_bytes=%" PRIu64 " budget_bytes=%" PRIu64 " option=memory-state", bytes,
                  w->budget.state_bytes);
    else if (!full && w->state_full)
        LOG_INFO("there is room for state again", "state_bytes=%" PRIu64, bytes);
    w->state_full = full;
}

void worker_send_status(struct worker *w, enum control_kind kind, bool whole)
{
    struct control_status m;
    arena_reset(w->scratch);
    workerstatus_make(w->source, w->task, w->job, whole, w->scratch, &m);
    if (whole)
        m.pause = workerpause_take(&w->pause);
    watch_state(w, workersnap_state_bytes(w, &m.task));
    bytes_reset(&w->out);
    control_put_status(&m, &w->out);
    worker_say(w, kind, &w->out);
    w->status_rows = workersource_rows_taken(w->source);
    if (whole) {
        w->active = false;
        w->status_at = timebase_mono_ns();
        send_load(w);
        workerlookup_say(w);
    }
}

static void maybe_send_status(struct worker *w)
{
    if (w->task == NULL || w->failed)
        return;
    montime age_ms = (timebase_mono_ns() - w->status_at) / 1000000;
    uint64_t rows = workersource_rows_taken(w->source) - w->status_rows;
    if (age_ms >= IDLE_MS || (w->active && age_ms >= STATUS_MS))
        worker_send_status(w, CONTROL_STATUS, true);
    else if (rows >= TAKEN_ROWS || (rows > 0 && !workersource_has(w->source)))
        worker_send_status(w, CONTROL_STATUS, false);
}

void worker_bad_row(void *ctx, const struct control_bad_row *row)
{
    struct worker *w = ctx;
    bytes_reset(&w->out);
    control_put_bad_row(row, &w->out);
    say_counted(w, CONTROL_BAD_ROW, &w->out);
}

/* --- what comes in ----------------------------------------------------------------------------------------------- */

static enum err on_list(struct worker *w, const struct channel_frame *f)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = workerlist_take(w->registry, f->p, f->n, &d);
    if (e != ERR_OK)
        worker_fail_diag(w, "a list", e, &d);
    diag_fini(&d);
    return ERR_OK;
}

static enum err on_message(struct worker *w, const struct channel_frame *f)
{
    if (f->kind != CONTROL_INIT && f->kind != CONTROL_LIST && f->kind != CONTROL_STATE &&
        f->kind != CONTROL_WATCH && w->task == NULL)
        return ERR_CORRUPT;
    struct control_hold hold;
    struct control_advance advance;
    enum err e = ERR_OK;
    switch ((enum control_kind)f->kind) {
    case CONTROL_INIT:
        return workerchange_init(w, f);
    case CONTROL_CHANGE:
        return workerchange_take(w, f);
    case CONTROL_PREPARE:
        workerchange_prepare(w);
        return ERR_OK;
    case CONTROL_ROWS:
        return workersource_rows(w->source, f->p, f->n);
    case CONTROL_WATCH:
        return workerwatch_take(w->watch, f->p, f->n);
    case CONTROL_LIST:
        return on_list(w, f);
    case CONTROL_STATE:
        return workersnap_state(w, f);
    case CONTROL_CHECKPOINT:
        return workersnap_order(w, f);
    case CONTROL_INSPECT:
        return workerinspect_take(w, f);
    case CONTROL_TRACE:
        return workertrace_take(w, f);
    case CONTROL_LANE:
        return workerlane_take(w, f);
    case CONTROL_HOLD:
        if ((e = control_get_hold(f->p, f->n, &hold)) == ERR_OK)
            workersource_hold(w->source, &hold);
        return e;
    case CONTROL_TRIM:
        mem_trim();
        return ERR_OK;
    case CONTROL_ADVANCE:
        if ((e = control_get_advance(f->p, f->n, &advance)) == ERR_OK)
            workersource_advance(w->source, &advance);
        w->active = true;
        return e;
    default:
        return ERR_CORRUPT;
    }
}

static void read_coordinator(struct worker *w)
{
    enum err e = channel_read(w->coordinator);
    struct channel_frame f;
    if (e == ERR_CLOSED)
        w->closed = true;
    while (!w->failed && (e = channel_peek(w->coordinator, &f)) == ERR_OK) {
        if ((e = on_message(w, &f)) != ERR_OK)
            break;
        channel_drop(w->coordinator);
    }
    if (e != ERR_END && !w->failed)
        worker_fail(w, "the coordinator's message of kind %u: %s", f.kind, err_text(e));
}

static enum err on_peer_frame(struct worker *w, unsigned from, const struct channel_frame *f)
{
    struct peer *p = &w->peers[from];
    if (p->recorded)
        return workersnap_record(w, from, f);
    if (f->epoch != w->epoch ||
        (p->barriers == workerchange_rounds(w) && f->kind == CONTROL_BARRIER))
        return ERR_CORRUPT; /* older: it was to be here before its barrier */
    if (f->kind == CONTROL_BARRIER)
        p->barriers++;
    else if (f->kind == CONTROL_TASK)
        return task_frame(w->task, from, f->p, f->n);
    else
        return ERR_CORRUPT;
    return ERR_OK;
}

/* Takes frames that are here. True: there are more. */
static bool take_frames(struct worker *w, unsigned from)
{
    struct peer *p = &w->peers[from];
    struct channel_frame f;
    enum err e = ERR_OK;
    for (unsigned n = 0; n < FRAMES_A_TURN; n++) {
        if ((e = channel_peek(p->channel, &f)) != ERR_OK)
            break;
        p->ahead = f.epoch > w->epoch;
        if (p->ahead)
            return false;
        if ((e = on_peer_frame(w, from, &f)) != ERR_OK)
            break;
        channel_drop(p->channel);
        w->active = true;
        fault_at(w->fault);
    }
    if (e != ERR_OK && e != ERR_END)
        worker_fail(w, "a frame of worker %u: %s", from, err_text(e));
    return e == ERR_OK;
}

static bool takes_exchange(const struct worker *w)
{
    return w->task != NULL && !channel_overdrawn(w->coordinator) && !workersnap_is_full(w);
}

static bool takes_sources(const struct worker *w)
{
    bool lets_pass = workersnap_lets_rows_pass(w) && workerlookup_is_idle(w);
    if (w->job == NULL || (w->preparing && !lets_pass) || w->broken || w->failed || w->state_full ||
        workersnap_is_full(w) || workerlookup_is_full(w) || !channel_ready(w->coordinator) ||
        full_peers(w) != 0)
        return false;
    return workersource_has(w->source);
}

static void take_rows(struct worker *w)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = ERR_OK;
    for (unsigned i = 0; i < BATCHES_A_TURN && e == ERR_OK; i++) {
        e = workersource_take(w->source, &d);
        fault_at(w->fault);
        if (workersource_careful(w->source))
            break;
    }
    if (e != ERR_OK && e != ERR_END && e != ERR_AGAIN)
        worker_fail_diag(w, "a source has failed", e, &d);
    w->active = true;
    diag_fini(&d);
}

/* --- the loop ---------------------------------------------------------------------------------------------------- */

static void close_peer(struct worker *w, unsigned i)
{
    /* That worker has died. The coordinator sees it too and ends this attempt; until then nothing is to be done. */
    channel_free(w->peers[i].channel);
    w->peers[i].channel = NULL;
    w->broken = true;
}

static void flush_all(struct worker *w)
{
    if (channel_flush(w->coordinator) != ERR_OK)
        w->closed = true;
    for (unsigned i = 0; i < w->workers; i++)
        if (w->peers[i].channel != NULL && channel_flush(w->peers[i].channel) != ERR_OK)
            close_peer(w, i);
}

static unsigned set_polls(const struct worker *w, struct pollfd *fds, int *who)
{
    unsigned n = 0;
    bool exchange = takes_exchange(w);
    fds[n] = (struct pollfd){.fd = channel_fd(w->coordinator), .events = POLLIN};
    if (channel_queued(w->coordinator) > 0)
        fds[n].events |= POLLOUT;
    who[n++] = -1;
    if (w->lookups != NULL) {
        fds[n] = (struct pollfd){.fd = lookups_fd(w->lookups), .events = POLLIN};
        who[n++] = -1; /* workerlookup_turn looks */
    }
    for (unsigned i = 0; i < w->workers; i++) {
        const struct peer *p = &w->peers[i];
        if (p->channel == NULL)
            continue;
        short events = exchange && !p->ahead ? POLLIN : 0;
        if (channel_queued(p->channel) > 0)
            events |= POLLOUT;
        if (events == 0)
            continue; /* else a hang-up would wake us again and again */
        fds[n] = (struct pollfd){.fd = channel_fd(p->channel), .events = events};
        who[n++] = (int)i;
    }
    return n;
}

static void read_ready(struct worker *w, const struct pollfd *fds, const int *who, unsigned n)
{
    if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
        read_coordinator(w);
    for (unsigned i = 1; i < n; i++) {
        if (who[i] < 0)
            continue;
        struct peer *p = &w->peers[who[i]];
        if ((fds[i].revents & (POLLIN | POLLHUP | POLLERR)) && p->channel != NULL &&
            channel_read(p->channel) == ERR_CLOSED)
            close_peer(w, (unsigned)who[i]);
    }
}

/* How long nothing is to be done, if nothing comes. */
static int timeout_ms(const struct worker *w, bool busy, bool waiting)
{
    int timeout = busy ? 0 : waiting ? STATUS_MS : IDLE_MS;
    if ((workersnap_is_writing(w) || workerlane_is_open(w)) && timeout > WRITING_MS)
        timeout = WRITING_MS;
    timeout = workerlookup_timeout_ms(w, timeout);
    evtime next = w->task != NULL && !busy ? task_clock_next(w->task) : EVTIME_MAX;
    if (next == EVTIME_MAX)
        return timeout;
    evtime left = next - timebase_now_ms();
    return left <= 0 ? 0 : left < timeout ? (int)left : timeout;
}

/* Partitions that are ahead wait while this is full; the one that holds time back does not. If that one alone makes so much
 * wait, memory is at an end, and waiting would not help. */
static void watch_ordering(struct worker *w)
{
    uint64_t share = w->budget.ordering_bytes, bytes = task_ordering_bytes(w->task);
    if (share == 0 || bytes < 2 * share + ORDERING_MORE_BYTES || w->failed)
        return;
    worker_fail(w,
                "rows that wait for the watermark take %" PRIu64 " MiB; this worker's share of "
                "memory-ordering is %" PRIu64
                " MiB. Raise it, or let less wait: a shorter delay in "
                "WATERMARK, or an idle-timeout for partitions that are silent",
                bytes >> 20, share >> 20);
}

/* Frames wait to be full while there is more to do, but not for long. */
static void step(struct worker *w, bool more)
{
    if (w->job == NULL)
        return;
    evtime now = timebase_now_ms();
    if (!w->preparing) /* what the clock would make could not be sent any more */
        task_clock(w->task, now);
    task_step(w->task);
    bool all = w->buffer_timeout_ms == 0 || w->preparing || workersource_careful(w->source) ||
               !(more || takes_sources(w)) || now - w->sent_all_at >= w->buffer_timeout_ms ||
               now < w->sent_all_at;
    watch_ordering(w);
    w->holds_frames = !all;
    if (all)
        w->sent_all_at = now;
    perform_effects(w, all);
    workerwatch_at(w->watch, NULL);
}

static void rest(struct worker *w)
{
    struct workload_rest r = rest_of(w);
    workload_sleep(&w->load, timebase_mono_ns(), &r);
}

/* One turn. True: there is more to do at once. */
static bool turn(struct worker *w, bool busy)
{
    struct pollfd fds[2 + TASK_WORKERS_MAX];
    int who[2 + TASK_WORKERS_MAX];
    if (!busy && w->holds_frames)
        worker_step(w); /* what was to come has to wait */
    flush_all(w);
    unsigned n = set_polls(w, fds, who);
    bool waiting = w->active || (w->source != NULL && workersource_follows(w->source));
    if (!busy)
        rest(w);
    if (poll(fds, n, timeout_ms(w, busy, waiting)) < 0 && errno != EINTR)
        worker_fail(w, "poll: %s", strerror(errno));
    if (!busy)
        workload_wake(&w->load, timebase_mono_ns());
    workerpause_turn(&w->pause);
    read_ready(w, fds, who, n);
    bool more = false;
    for (unsigned i = 0; i < w->workers && takes_exchange(w); i++)
        if (w->peers[i].channel != NULL && take_frames(w, i))
            more = true;
    if (takes_sources(w))
        take_rows(w);
    workerlookup_turn(w);
    if (w->task != NULL && !w->failed)
        step(w, more);
    workerchange_go_on(w);
    bool gives = workersnap_go_on(w);
    gives = workerchange_hand_over(w) || gives;
    gives = workerlane_go_on(w) || gives;
    workerpause_turned(&w->pause);
    maybe_send_status(w);
    return more || gives || (!w->failed && takes_sources(w));
}

static void run(struct worker *w)
{
    bool busy = false;
    while (!w->closed && !w->failed)
        busy = turn(w, busy);
    /* The last words: the socket takes them, or the coordinator is gone. */
    for (montime until = timebase_mono_ns() + 1000000000; channel_queued(w->coordinator) > 0;) {
        struct pollfd fd = {.fd = channel_fd(w->coordinator), .events = POLLOUT};
        if (channel_flush(w->coordinator) != ERR_OK || timebase_mono_ns() > until ||
            poll(&fd, 1, 100) < 0)
            break;
    }
}

static void worker_fini(struct worker *w)
{
    workersnap_free(w->snap);
    workerlane_free(w->lane);
    lookups_free(w->lookups);
    workersource_free(w->source);
    if (w->task != NULL)
        task_free(w->task);
    job_unref(w->job);
    workerwatch_free(w->watch);
    registry_free(w->registry);
    channel_free(w->coordinator);
    for (unsigned i = 0; i < w->workers; i++)
        channel_free(w->peers[i].channel);
    bytes_fini(&w->out);
    arena_free(w->scratch);
    mem_free(w);
}

int worker_main(int argc, char **argv)
{
    uint64_t workers = 0, index = 0;
    if (argc != 5 || strcmp(argv[1], "--workers") != 0 || strcmp(argv[3], "--worker") != 0 ||
        !args_number("worker", argv[1], argv[2], 1, TASK_WORKERS_MAX, &workers) ||
        !args_number("worker", argv[3], argv[4], 0, workers - 1, &index))
        return args_complain("worker", "is started by `weir serve`, not by hand");
    signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C is the coordinator's to answer */
    signal(SIGPIPE, SIG_IGN);
    struct worker *w = mem_new(sizeof *w);
    w->workers = (unsigned)workers;
    w->index = (unsigned)index;
    snprintf(w->fault, sizeof w->fault, "worker.%u", w->index);
    w->registry = registry_new();
    w->scratch = arena_new(16 << 10, 0);
    w->watch = workerwatch_new(WORKER_FD + 1 + (int)w->workers);
    workload_init(&w->load, timebase_mono_ns());
    w->coordinator = channel_new(WORKER_FD, CONTROL_WINDOW);
    for (unsigned i = 0; i < w->workers; i++)
        if (i != w->index)
            w->peers[i].channel = channel_new(WORKER_FD + 1 + (int)i, CONTROL_WINDOW);
    run(w);
    int code = w->failed ? ARGS_FAILED : ARGS_OK;
    worker_fini(w);
    return code;
}
