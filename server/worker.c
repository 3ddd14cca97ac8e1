/* SPDX-License-Identifier: Apache-2.0
 *
 * One turn of the loop: write what waits, sleep until there is something, read, take rows, step, perform effects.
 *
 * What is stopped when (no cycle of waiting can arise, since only sources feed the exchange):
 *   sources   while the coordinator changes the rules, while a channel to another worker is full, while many results
 *             wait for the coordinator;
 *   exchange  from one worker, when it already runs a newer set of rules; from all, while very many results wait. The
 *             coordinator takes results without waiting for any worker. */
#define LOG_MODULE "worker"
#include "server/worker.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/args.h"
#include "server/registry.h"
#include "server/resultwire.h"
#include "server/workerlist.h"
#include "server/workersource.h"
#include "server/workerstatus.h"
#include <errno.h>
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
    RESULTS_STOP_SOURCES_BYTES = 4 << 20,
    RESULTS_STOP_EXCHANGE_BYTES = 32 << 20,
    RESULT_FRAME_BYTES = 64 << 10,
    TAKEN_ROWS =
        4096, /* what is taken is said at least every so many rows: it is the coordinator's credit */
    STATUS_MS = 250, /* a whole status while something happens … */
    IDLE_MS = 1000, /* … and when nothing does */
};

struct peer {
    struct channel *channel; /* NULL: this worker itself, or gone */
    unsigned
        barriers; /* that many have come: the n-th says that no more frames of stage n - 1 will */
    bool ahead; /* its next frame is of a newer epoch */
};

struct worker {
    unsigned index, workers;
    struct channel *coordinator;
    struct peer peers[TASK_WORKERS_MAX];
    struct registry *registry;
    struct task *task; /* NULL before INIT */
    struct job *job; /* NULL: no streams yet */
    struct workersource *source;
    uint32_t epoch;
    bool preparing, prepared, closed;
    unsigned barriers; /* sent */
    bool failed; /* this one ends itself */
    bool broken; /* another worker has died: this attempt is over */
    bool active; /* something happened since the last status */
    struct bytes out; /* a message being put together */
    uint64_t status_rows;
    montime status_at;
    struct arena *scratch;
};

static void say(struct worker *w, enum control_kind kind, const struct bytes *b)
{
    struct channel_frame f = {.kind = (uint8_t)kind, .epoch = w->epoch};
    if (b != NULL) {
        f.p = b->p;
        f.n = (uint32_t)b->n;
    }
    channel_send(w->coordinator, &f);
}

/* This worker cannot go on: the coordinator is told why, and ends the attempt. */
__attribute__((format(printf, 2, 3))) static void fail(struct worker *w, const char *fmt, ...)
{
    char text[CONTROL_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    LOG_ERROR("worker ends itself", "reason=\"%s\"", text);
    struct bytes b = {(uint8_t *)text, strlen(text), sizeof text};
    if (!w->failed)
        say(w, CONTROL_FAILED, &b);
    w->failed = true;
}

static void fail_diag(struct worker *w, const char *what, enum err e, const struct diag *d)
{
    char *text = diag_text(d);
    fail(w, "%s: %s", what, text[0] != '\0' ? text : err_text(e));
    mem_free(text);
}

/* --- effects ----------------------------------------------------------------------------------------------------- */

static void send_results(struct worker *w, const struct task_effects *fx)
{
    bytes_reset(&w->out);
    for (unsigned i = 0; i < fx->nresults; i++) {
        resultwire_put(&fx->results[i], &w->out);
        if (w->out.n >= RESULT_FRAME_BYTES || i + 1 == fx->nresults) {
            say(w, CONTROL_RESULTS, &w->out);
            bytes_reset(&w->out);
        }
    }
}

static void perform_effects(struct worker *w)
{
    const struct task_effects *fx = task_effects(w->task);
    send_results(w, fx);
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

static void step(struct worker *w)
{
    if (w->job == NULL)
        return;
    task_clock(w->task, timebase_now_ms());
    task_step(w->task);
    perform_effects(w);
}

static void send_status(struct worker *w, enum control_kind kind, bool whole)
{
    struct control_status m;
    arena_reset(w->scratch);
    workerstatus_make(w->source, w->task, w->job, whole, w->scratch, &m);
    bytes_reset(&w->out);
    control_put_status(&m, &w->out);
    say(w, kind, &w->out);
    w->status_rows = workersource_rows_taken(w->source);
    if (whole) {
        w->active = false;
        w->status_at = timebase_mono_ns();
    }
}

static void maybe_send_status(struct worker *w)
{
    if (w->task == NULL || w->failed)
        return;
    montime age_ms = (timebase_mono_ns() - w->status_at) / 1000000;
    uint64_t rows = workersource_rows_taken(w->source) - w->status_rows;
    if (age_ms >= IDLE_MS || (w->active && age_ms >= STATUS_MS))
        send_status(w, CONTROL_STATUS, true);
    else if (rows >= TAKEN_ROWS || (rows > 0 && !workersource_has(w->source)))
        send_status(w, CONTROL_STATUS, false);
}

static void tell_bad_row(void *ctx, const struct control_bad_row *row)
{
    struct worker *w = ctx;
    bytes_reset(&w->out);
    control_put_bad_row(row, &w->out);
    say(w, CONTROL_BAD_ROW, &w->out);
}

/* --- a set of rules ---------------------------------------------------------------------------------------------- */

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

static bool apply_texts(struct worker *w, const struct control_change *c, struct diag *d)
{
    for (unsigned i = 0; i < c->nstreams; i++) {
        const struct control_stream *s = &c->streams[i];
        enum err e =
            registry_add_stream(w->registry, s->id, s->partitions, s->sql, strlen(s->sql), d);
        if (e != ERR_OK) {
            fail_diag(w, "a stream does not compile", e, d);
            return false;
        }
    }
    for (unsigned i = 0; i < c->nremoved; i++)
        registry_remove_rule(w->registry, c->removed[i]);
    if (replaces(c))
        run_job(w); /* the new version of a rule does not go on with the state of the old one */
    for (unsigned i = 0; i < c->nrules; i++) {
        enum err e = registry_put_rule(w->registry, &c->rules[i], NULL, d);
        if (e != ERR_OK) {
            fail_diag(w, c->rules[i].name, e, d);
            return false;
        }
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
    w->epoch = epoch;
    w->preparing = w->prepared = false;
    for (unsigned i = 0; i < w->workers; i++)
        w->peers[i].barriers = w->peers[i].ahead = 0;
    for (unsigned i = 0; i < c->nopens; i++) {
        const struct control_open *o = &c->opens[i];
        const struct schema *s = registry_stream_by_id(w->registry, o->stream);
        if (s == NULL) {
            fail(w, "no stream %u", o->stream);
            goto out;
        }
        enum err e = workersource_open(w->source, s, o, &d);
        if (e != ERR_OK) {
            fail_diag(w, "a source cannot be opened", e, &d);
            goto out;
        }
    }
    say(w, CONTROL_RUNNING, NULL);
    w->active = true;
out:
    diag_fini(&d);
}

static enum err on_init(struct worker *w, const struct channel_frame *f)
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
        w->source = workersource_new(w->task, tell_bad_row, w);
        apply_change(w, &m.first, f->epoch);
    } else {
        e = ERR_CORRUPT;
    }
    arena_free(a);
    return e;
}

static enum err on_change(struct worker *w, const struct channel_frame *f)
{
    struct control_change m;
    struct arena *a = arena_new(64 << 10, 0);
    enum err e = !w->prepared ? ERR_CORRUPT : control_get_change(f->p, f->n, a, &m);
    if (e == ERR_OK)
        apply_change(w, &m, f->epoch);
    arena_free(a);
    return e;
}

static enum err on_list(struct worker *w, const struct channel_frame *f)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = workerlist_take(w->registry, f->p, f->n, &d);
    if (e != ERR_OK)
        fail_diag(w, "a list", e, &d);
    diag_fini(&d);
    return ERR_OK;
}

static unsigned rounds_of(const struct worker *w)
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
static void on_prepare(struct worker *w)
{
    step(w);
    w->preparing = true;
    w->barriers = 0;
    send_barrier(w);
}

static bool have_barriers(const struct worker *w)
{
    for (unsigned i = 0; i < w->workers; i++)
        if (w->peers[i].channel != NULL && w->peers[i].barriers < w->barriers)
            return false;
    return true;
}

/* What has come has been worked off. With all barriers of a stage here, no more rows of the next stage are made. */
static void maybe_prepared(struct worker *w)
{
    while (w->preparing && !w->prepared && !w->broken && have_barriers(w)) {
        if (w->barriers < rounds_of(w)) {
            step(w);
            send_barrier(w);
            continue;
        }
        w->prepared = true;
        send_status(w, CONTROL_PREPARED, true);
    }
}

/* --- what comes in ----------------------------------------------------------------------------------------------- */

static enum err on_message(struct worker *w, const struct channel_frame *f)
{
    if (f->kind != CONTROL_INIT && f->kind != CONTROL_LIST && w->task == NULL)
        return ERR_CORRUPT;
    struct control_hold hold;
    struct control_advance advance;
    enum err e = ERR_OK;
    switch ((enum control_kind)f->kind) {
    case CONTROL_INIT:
        return on_init(w, f);
    case CONTROL_CHANGE:
        return on_change(w, f);
    case CONTROL_PREPARE:
        on_prepare(w);
        return ERR_OK;
    case CONTROL_ROWS:
        return workersource_rows(w->source, f->p, f->n);
    case CONTROL_LIST:
        return on_list(w, f);
    case CONTROL_HOLD:
        if ((e = control_get_hold(f->p, f->n, &hold)) == ERR_OK)
            workersource_hold(w->source, &hold);
        return e;
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
        fail(w, "the coordinator's message of kind %u: %s", f.kind, err_text(e));
}

static enum err on_peer_frame(struct worker *w, unsigned from, const struct channel_frame *f)
{
    struct peer *p = &w->peers[from];
    if (f->epoch != w->epoch || p->barriers == rounds_of(w))
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
    }
    if (e != ERR_OK && e != ERR_END)
        fail(w, "a frame of worker %u: %s", from, err_text(e));
    return e == ERR_OK;
}

static bool takes_exchange(const struct worker *w)
{
    return w->task != NULL && channel_queued(w->coordinator) < RESULTS_STOP_EXCHANGE_BYTES;
}

static bool takes_sources(const struct worker *w)
{
    if (w->job == NULL || w->preparing || w->broken || w->failed ||
        channel_queued(w->coordinator) >= RESULTS_STOP_SOURCES_BYTES)
        return false;
    for (unsigned i = 0; i < w->workers; i++)
        if (w->peers[i].channel != NULL && !channel_ready(w->peers[i].channel))
            return false;
    return workersource_has(w->source);
}

static void take_rows(struct worker *w)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = ERR_OK;
    for (unsigned i = 0; i < BATCHES_A_TURN && e == ERR_OK; i++)
        e = workersource_take(w->source, &d);
    if (e != ERR_OK && e != ERR_END && e != ERR_AGAIN)
        fail_diag(w, "a source has failed", e, &d);
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
    evtime next = w->task != NULL && !busy ? task_clock_next(w->task) : EVTIME_MAX;
    if (next == EVTIME_MAX)
        return timeout;
    evtime left = next - timebase_now_ms();
    return left <= 0 ? 0 : left < timeout ? (int)left : timeout;
}

/* One turn. True: there is more to do at once. */
static bool turn(struct worker *w, bool busy)
{
    struct pollfd fds[1 + TASK_WORKERS_MAX];
    int who[1 + TASK_WORKERS_MAX];
    flush_all(w);
    unsigned n = set_polls(w, fds, who);
    bool waiting = w->active || (w->source != NULL && workersource_follows(w->source));
    if (poll(fds, n, timeout_ms(w, busy, waiting)) < 0 && errno != EINTR)
        fail(w, "poll: %s", strerror(errno));
    read_ready(w, fds, who, n);
    bool more = false;
    for (unsigned i = 0; i < w->workers && takes_exchange(w); i++)
        if (w->peers[i].channel != NULL && take_frames(w, i))
            more = true;
    if (takes_sources(w))
        take_rows(w);
    if (w->task != NULL && !w->failed)
        step(w);
    maybe_prepared(w);
    maybe_send_status(w);
    return more || (!w->failed && takes_sources(w));
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
    workersource_free(w->source);
    if (w->task != NULL)
        task_free(w->task);
    job_unref(w->job);
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
    w->registry = registry_new();
    w->scratch = arena_new(16 << 10, 0);
    w->coordinator = channel_new(WORKER_FD, CONTROL_WINDOW);
    for (unsigned i = 0; i < w->workers; i++)
        if (i != w->index)
            w->peers[i].channel = channel_new(WORKER_FD + 1 + (int)i, CONTROL_WINDOW);
    run(w);
    int code = w->failed ? ARGS_FAILED : ARGS_OK;
    worker_fini(w);
    return code;
}
