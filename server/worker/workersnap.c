/* SPDX-License-Identifier: Apache-2.0
 *
 * The barriers are those of a change of rules (workerchange.h), and so is the epoch: what comes after a checkpoint is of
 * the next one, so that frames of a worker that has begun wait at one that has not. */
#define LOG_MODULE "snapshot"
#include "server/worker/workersnap.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/worker/snapthread.h"
#include "server/worker/statestore.h"
#include "server/worker/workerchange.h"
#include "server/worker/workerlookup.h"
#include "state/flowfile.h"
#include "state/storeout.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    SLICE_NS = 1000000, /* of each turn */
    SLICE_ENTRIES = 64,
};

struct workersnap {
    char *dir, *folder; /* folder: to go on from; NULL: none */
    unsigned key_groups, nfiles;
    bool same;
    enum store_backend backend;
    uint32_t files[TASK_WORKERS_MAX];
    struct snapthread *thread;
    bool ordered, giving, writing;
    uint64_t id;
    enum snapwire_mode mode;
    char *to; /* the folder of the one under way */
    int64_t alignment_timeout_ms; /* 0: none */
    bool unaligned;
    bool held; /* frames are still to come that belong to it */
    uint32_t next_epoch;
    montime ordered_at;
    struct control_position *positions;
    unsigned npositions;
    size_t positions_cap;
};

enum err workersnap_state(struct worker *w, const struct channel_frame *f)
{
    struct snapwire_state m;
    struct arena *a = arena_new(4096, 0);
    enum err e =
        w->task != NULL || w->snap != NULL ? ERR_CORRUPT : snapwire_get_state(f->p, f->n, a, &m);
    if (e == ERR_OK) {
        struct workersnap *s = w->snap = mem_new(sizeof *s);
        s->dir = mem_str(m.dir);
        s->folder = m.folder[0] != '\0' ? mem_str(m.folder) : NULL;
        s->key_groups = m.key_groups;
        s->same = m.same;
        s->backend = (enum store_backend)m.backend;
        s->nfiles = m.n;
        memcpy(s->files, m.files, m.n * sizeof *s->files);
    }
    arena_free(a);
    return e;
}

void workersnap_free(struct workersnap *s)
{
    if (s == NULL)
        return;
    snapthread_stop(s->thread);
    mem_free(s->dir);
    mem_free(s->folder);
    mem_free(s->to);
    mem_free(s->positions);
    mem_free(s);
}

/* --- going on from a checkpoint ---------------------------------------------------------------------------------- */

struct restoring {
    struct task *task;
    struct diag *d;
    uint64_t entries, records;
};

static enum err take_record(void *ctx, const void *p, size_t n)
{
    struct restoring *r = ctx;
    r->records++;
    return taskload_flow(r->task, p, n, r->d);
}

static enum err take_entry(void *ctx, const char *op, unsigned group,
                           const struct snapfile_entry *e)
{
    struct restoring *r = ctx;
    r->entries++;
    return taskload_entry(r->task, op, group, e->key, e->key_n, e->value, e->value_n, r->d);
}

static enum err restore_flows(const struct workersnap *s, struct restoring *r)
{
    enum err e = ERR_OK;
    for (unsigned i = 0; i < s->nfiles && e == ERR_OK; i++) {
        char *path = mem_printf("%s/worker-%u.flow", s->folder, i);
        e = flowfile_read(path, take_record, r, r->d);
        mem_free(path);
    }
    return e;
}

/* What the checkpoint has becomes what the store has, so that the next one writes changes alone. */
static bool is_kept(const struct worker *w)
{
    return w->snap->thread != NULL && w->snap->same && w->snap->key_groups == w->key_groups;
}

static enum err restore_entries(const struct worker *w, struct restoring *r)
{
    const struct workersnap *s = w->snap;
    unsigned from = 0, to = SNAPFILE_GROUPS_MAX;
    enum err e = ERR_OK;
    if (s->key_groups == w->key_groups)
        taskload_key_groups(w->index, w->workers, w->key_groups, &from, &to);
    char names[TASK_WORKERS_MAX][24];
    struct store_part parts[TASK_WORKERS_MAX];
    for (unsigned i = 0; i < s->nfiles; i++) {
        snprintf(names[i], sizeof names[i], "worker-%u", i);
        parts[i] = (struct store_part){s->folder, names[i], s->files[i]};
    }
    if (is_kept(w))
        return store_restore(snapthread_store(s->thread), parts, s->nfiles, from, to, take_entry, r,
                             r->d);
    for (unsigned i = 0; i < s->nfiles && e == ERR_OK; i++)
        e = store_read(s->folder, names[i], s->files[i], from, to, take_entry, r, r->d);
    return e;
}

static void say_unusable(struct worker *w, enum err e, const struct diag *d)
{
    char *text = diag_text(d);
    const char *why = text[0] != '\0' ? text : err_text(e);
    struct bytes b = {(uint8_t *)(uintptr_t)why, strlen(why), 0};
    if (b.n > CONTROL_TEXT_MAX - 1)
        b.n = CONTROL_TEXT_MAX - 1;
    worker_say(w, CONTROL_UNUSABLE, &b);
    mem_free(text);
}

/* Keys may leave memory, for the store. */
static bool leaves(const struct workersnap *s)
{
    return s->backend == STORE_ROCKSDB;
}

void workersnap_track(struct worker *w)
{
    struct workersnap *s = w->snap;
    struct diag d;
    if (s == NULL || s->dir[0] == '\0')
        return;
    char name[32];
    snprintf(name, sizeof name, "worker-%u", w->index);
    diag_init(&d, NULL, 0);
    const struct store_options o = statestore_options(s->backend, w->budget.state_bytes);
    enum err e = snapthread_start(s->dir, &o, name, &d, &s->thread);
    if (e != ERR_OK)
        worker_fail_diag(w, "the folder of the state", e, &d);
    else
        tasksnap_track(w->task);
    if (e == ERR_OK && leaves(s) && w->budget.state_bytes > 0) {
        const struct keystore k = statestore_of(snapthread_store(s->thread));
        taskout_attach(w->task, &k, statestore_keys_bytes(w->budget.state_bytes));
    }
    diag_fini(&d);
}

static bool is_live(const void *task, const char *op)
{
    return tasksnap_knows((struct task *)(uintptr_t)task, op);
}

/* Rules, versions and lanes that are no more have left entries. */
static enum err drop_the_rest(const struct worker *w, struct diag *d)
{
    return is_kept(w) ? storeout_keep(snapthread_store(w->snap->thread), is_live, w->task, d)
                      : ERR_OK;
}

bool workersnap_restore(struct worker *w)
{
    struct workersnap *s = w->snap;
    struct diag d;
    if (s == NULL || s->folder == NULL)
        return true;
    montime began = timebase_mono_ns(), cpu = timebase_thread_ns();
    struct restoring r = {.task = w->task, .d = &d};
    diag_init(&d, NULL, 0);
    enum err e = w->job == NULL ? ERR_OK : restore_flows(s, &r);
    if (e == ERR_OK && fault_at("restore.load") != FAULT_NONE)
        e = ERR_CORRUPT;
    taskload_foreign(w->task, s->thread != NULL && !is_kept(w));
    if (e == ERR_OK && w->job != NULL)
        e = restore_entries(w, &r);
    if (e == ERR_OK && w->job != NULL)
        e = drop_the_rest(w, &d);
    taskload_foreign(w->task, false);
    if (e == ERR_OK) {
        taskload_done(w->task);
        if (s->thread != NULL && !is_kept(w) && !leaves(s))
            tasksnap_forget(w->task); /* the store has nothing of it */
        LOG_INFO("state was read from a checkpoint",
                 "folder=%s entries=%" PRIu64 " records=%" PRIu64 " ms=%" PRId64 " cpu_ms=%" PRId64,
                 s->folder, r.entries, r.records, (timebase_mono_ns() - began) / 1000000,
                 (timebase_thread_ns() - cpu) / 1000000);
    } else {
        say_unusable(w, e, &d);
    }
    diag_fini(&d);
    mem_free(s->folder);
    s->folder = NULL;
    return e == ERR_OK;
}

/* --- a checkpoint ------------------------------------------------------------------------------------------------ */

static void note_positions(struct worker *w)
{
    struct workersnap *s = w->snap;
    const struct control_position *at = NULL;
    s->npositions = workersource_positions(w->source, &at);
    s->positions =
        mem_grow(s->positions, 0, s->npositions, &s->positions_cap, sizeof *s->positions);
    if (s->npositions > 0)
        memcpy(s->positions, at, s->npositions * sizeof *at);
}

enum err workersnap_order(struct worker *w, const struct channel_frame *f)
{
    struct workersnap *s = w->snap;
    struct snapwire_order m;
    struct arena *a = arena_new(4096, 0);
    enum err e = s == NULL || s->thread == NULL || w->preparing || s->ordered || s->writing ||
                         f->epoch <= w->epoch
                     ? ERR_CORRUPT
                     : snapwire_get_order(f->p, f->n, a, &m);
    if (e == ERR_OK) {
        s->ordered = true;
        s->id = m.id;
        s->mode = m.mode;
        s->alignment_timeout_ms = m.alignment_timeout_ms;
        mem_free(s->to);
        s->to = mem_str(m.folder);
        s->next_epoch = f->epoch;
        s->ordered_at = timebase_mono_ns();
        workerchange_prepare(w); /* the sources' last rows, the barrier behind them */
        note_positions(w);
    }
    arena_free(a);
    return e;
}

bool workersnap_is_ordered(const struct worker *w)
{
    return w->snap != NULL && w->snap->ordered;
}

bool workersnap_lets_rows_pass(const struct worker *w)
{
    return workersnap_is_ordered(w) && w->snap->mode == SNAPWIRE_AT_LEAST_ONCE;
}

static void say_begun(struct worker *w, montime sync_ns)
{
    struct workersnap *s = w->snap;
    struct snapwire_begun m = {.id = s->id,
                               .alignment_ns = (uint64_t)(timebase_mono_ns() - s->ordered_at),
                               .sync_ns = (uint64_t)sync_ns,
                               .unaligned = s->unaligned,
                               .npositions = s->npositions,
                               .positions = s->positions};
    bytes_reset(&w->out);
    snapwire_put_begun(&m, &w->out);
    worker_say(w, CONTROL_BEGUN, &w->out);
}

void workersnap_begin(struct worker *w)
{
    struct workersnap *s = w->snap;
    struct tasksnap_out out;
    montime began = timebase_mono_ns();
    snapthread_begin(s->thread, s->id, s->to, &out);
    tasksnap_begin(w->task, &out);
    bool held = false;
    for (unsigned i = 0; i < w->workers; i++) {
        struct peer *p = &w->peers[i];
        p->ahead = false;
        p->recorded = p->channel != NULL && p->barriers < workerchange_rounds(w);
        held = held || p->recorded;
        if (!p->recorded)
            p->barriers = 0;
    }
    tasksnap_hold(w->task, held);
    s->unaligned = s->held = held;
    say_begun(w, timebase_mono_ns() - began);
    s->ordered = false;
    s->giving = s->writing = true;
    w->epoch = s->next_epoch;
    w->preparing = false;
    w->active = true;
}

/* It has waited long enough. What is still on its way to this worker will be in its part of the checkpoint. */
static void maybe_begin_unaligned(struct worker *w)
{
    const struct workersnap *s = w->snap;
    if (!s->ordered || s->alignment_timeout_ms == 0 || s->mode != SNAPWIRE_EXACTLY_ONCE ||
        w->broken || !workerlookup_is_idle(w) ||
        (timebase_mono_ns() - s->ordered_at) / 1000000 < s->alignment_timeout_ms)
        return;
    worker_step(w);
    workerchange_send_rest(w);
    workersnap_begin(w);
}

enum err workersnap_record(struct worker *w, unsigned from, const struct channel_frame *f)
{
    struct peer *p = &w->peers[from];
    bool held = false;
    if (f->epoch + 1 != w->epoch)
        return ERR_CORRUPT;
    if (f->kind == CONTROL_TASK)
        return tasksnap_frame(w->task, from, f->p, f->n);
    if (f->kind != CONTROL_BARRIER)
        return ERR_CORRUPT;
    if (++p->barriers < workerchange_rounds(w))
        return ERR_OK;
    p->barriers = 0;
    p->recorded = false;
    for (unsigned i = 0; i < w->workers; i++)
        held = held || w->peers[i].recorded;
    tasksnap_hold(w->task, held);
    w->snap->held = held;
    return ERR_OK;
}

static void report(struct worker *w)
{
    struct workersnap *s = w->snap;
    struct snapwire_done done;
    bool lost = false;
    if (!snapthread_done(s->thread, &done, &lost))
        return;
    s->writing = false;
    if (!done.ok) {
        LOG_ERROR("a checkpoint could not be written", "id=%" PRIu64 " reason=\"%s\"", done.id,
                  done.why);
        if (lost && leaves(s))
            worker_fail(w, "the store of the state cannot be written: %s", done.why);
        else if (lost)
            tasksnap_forget(w->task); /* what has been given out is lost */
    }
    if (!lost) {
        taskout_kept(w->task);
        storeout_now(snapthread_store(s->thread), taskout_time(w->task));
    }
    bytes_reset(&w->out);
    snapwire_put_done(&done, &w->out);
    worker_say(w, CONTROL_WRITTEN, &w->out);
}

bool workersnap_go_on(struct worker *w)
{
    struct workersnap *s = w->snap;
    if (s != NULL)
        maybe_begin_unaligned(w);
    if (w->task != NULL && !w->failed && taskout_error(w->task) != ERR_OK)
        worker_fail(w, "the store of the state: %s", err_text(taskout_error(w->task)));
    if (s == NULL || !s->writing)
        return false;
    montime until = timebase_mono_ns() + SLICE_NS;
    bool gave = s->giving;
    while (s->giving && snapthread_room(s->thread) == SNAPTHREAD_ROOM && timebase_mono_ns() < until)
        if (!tasksnap_slice(w->task, SLICE_ENTRIES)) {
            s->giving = false;
            snapthread_end(s->thread);
        } else if (s->held) {
            return false; /* there is time: no haste until the last barrier */
        }
    if (!s->giving)
        report(w);
    return gave && snapthread_room(s->thread) == SNAPTHREAD_ROOM;
}

uint64_t workersnap_state_bytes(const struct worker *w, struct task_stats *stats)
{
    const struct workersnap *s = w->snap;
    struct storeout_stats of_store;
    struct taskout_counts of_keys;
    if (s == NULL || s->thread == NULL || !leaves(s))
        return stats->state_bytes;
    storeout_stats(snapthread_store(s->thread), &of_store);
    taskout_counts(w->task, &of_keys);
    stats->state_bytes += of_store.memory_bytes;
    return of_keys.used_bytes;
}

bool workersnap_is_full(const struct worker *w)
{
    const struct workersnap *s = w->snap;
    return s != NULL && s->giving && snapthread_room(s->thread) == SNAPTHREAD_HARD;
}

bool workersnap_is_writing(const struct worker *w)
{
    return w->snap != NULL && (w->snap->writing || w->snap->ordered);
}
