/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "checkpoint"
#include "server/checkpoint/checkpointer.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/checkpoint/checkadopt.h"
#include "server/checkpoint/checkhistory.h"
#include "server/checkpoint/checkmeta.h"
#include "server/checkpoint/checkretain.h"
#include "server/checkpoint/checkstart.h"
#include "server/checkpoint/checkwaiter.h"
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FOLDER_MODE = 0750, HOLD_CHANGES_MS = 3000 };
enum phase { IDLE, ALIGNING, WRITING };

struct checkpointer {
    struct runtime_checkpoint_options o;
    struct checkpointer_env env;
    struct checkstart *start; /* what there is to go on from */
    char *root, *state;
    struct checkhistory *history;

    /* the one under way */
    enum phase phase;
    struct checkmeta *meta; /* NULL: none */
    montime began;
    unsigned begun, written; /* workers that have answered */
    bool failed; /* it will not be complete; the workers' answers are still waited for */
    struct checkwaiter *answers; /* who waits for it */

    uint64_t next_id;
    uint64_t only; /* see checkpointer_insist; 0: any will do */
    montime ended; /* the last one */
    unsigned failed_in_a_row;
    struct bytes out;

    pthread_mutex_t lock; /* of what follows */
    uint64_t storing; /* the id of which results are being stored */
    unsigned stored;
    struct bytes cooldown, sinks;
    char not_stored[200]; /* why the results of that one cannot be; "": nothing was said */
    bool again; /* … and something may be lost */
    struct checkwaiter *wanted;
    bool refuses;
};

/* --- folders ----------------------------------------------------------------------------------------------------- */

enum err checkpointer_open(const char *data, const struct runtime_checkpoint_options *o,
                           struct diag *d, struct checkpointer **out)
{
    struct checkpointer *c = mem_new(sizeof *c);
    c->o = *o;
    c->root = mem_printf("%s/checkpoints", data);
    c->state = mem_printf("%s/state", data);
    c->history = checkhistory_new();
    pthread_mutex_init(&c->lock, NULL);
    enum err e = checkpoint_open(c->root, d);
    if (e == ERR_OK && mkdir(c->state, FOLDER_MODE) < 0 && errno != EEXIST) {
        diag_say(d, "data", NULL, "the folder %s cannot be made: %s", c->state, strerror(errno));
        e = err_from_errno(errno);
    }
    if (e == ERR_OK) {
        c->start = checkstart_open(c->root, c->history);
        c->next_id = checkstart_last(c->start) + 1;
        c->ended = timebase_mono_ns();
        *out = c;
    } else {
        checkpointer_close(c);
    }
    return e;
}

void checkpointer_set_env(struct checkpointer *c, const struct checkpointer_env *env)
{
    c->env = *env;
}

void checkpointer_scale(struct checkpointer *c, unsigned workers)
{
    c->env.workers = workers;
}

static void refuse(struct checkwaiter *w, enum err e, const char *why)
{
    checkwaiter_answer(w, e, why, NULL, NULL);
}

static struct checkwaiter *take_wanted(struct checkpointer *c)
{
    pthread_mutex_lock(&c->lock);
    struct checkwaiter *w = c->wanted;
    c->wanted = NULL;
    pthread_mutex_unlock(&c->lock);
    return w;
}

void checkpointer_refuse(struct checkpointer *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    c->refuses = true;
    pthread_mutex_unlock(&c->lock);
    refuse(c->answers, ERR_CLOSED, "the server ends");
    c->answers = NULL;
    refuse(take_wanted(c), ERR_CLOSED, "the server ends");
}

void checkpointer_close(struct checkpointer *c)
{
    if (c == NULL)
        return;
    checkpointer_refuse(c);
    checkmeta_free(c->meta);
    checkstart_free(c->start);
    checkhistory_free(c->history);
    bytes_fini(&c->out);
    bytes_fini(&c->cooldown);
    bytes_fini(&c->sinks);
    pthread_mutex_destroy(&c->lock);
    mem_free(c->root);
    mem_free(c->state);
    mem_free(c);
}

/* --- the end of one ---------------------------------------------------------------------------------------------- */

static int64_t age_ms(const struct checkpointer *c)
{
    return (timebase_mono_ns() - c->began) / 1000000;
}

/* Its folder stays until the last worker has answered: they may be writing into it. */
static void fail(struct checkpointer *c, const char *why)
{
    if (c->failed)
        return;
    c->failed = true;
    c->failed_in_a_row++;
    LOG_ERROR("checkpoint failed", "id=%" PRIu64 " ms=%" PRId64 " in_a_row=%u reason=\"%s\"",
              c->meta->id, age_ms(c), c->failed_in_a_row, why);
    c->meta->duration_ms = age_ms(c);
    checkhistory_failed(c->history, c->meta, why);
    pthread_mutex_lock(&c->lock);
    c->storing = 0;
    pthread_mutex_unlock(&c->lock);
    refuse(c->answers, ERR_IO, why);
    c->answers = NULL;
}

static void end(struct checkpointer *c)
{
    if (c->failed)
        checkstart_remove(c->start, c->meta->id);
    checkmeta_free(c->meta);
    c->meta = NULL;
    c->phase = IDLE;
    c->ended = timebase_mono_ns();
}

/* One that could not be deleted is tried again with the next. */
static void remove_old(struct checkpointer *c)
{
    uint64_t id = 0;
    while ((id = checkstart_too_many(c->start, c->o.kept)) != 0) {
        checkstart_remove(c->start, id);
        checkhistory_removed(c->history, id);
    }
}

static enum err write_cooldown(struct checkpointer *c, const char *folder)
{
    pthread_mutex_lock(&c->lock);
    struct bytes b = c->cooldown;
    c->cooldown = (struct bytes){0};
    checkmeta_set_sinks(c->meta, &c->sinks);
    pthread_mutex_unlock(&c->lock);
    enum err e = checkmeta_write_cooldown(c->meta, folder, &b);
    bytes_fini(&b);
    return e;
}

static void complete(struct checkpointer *c)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    char *folder = checkpoint_folder(c->root, c->meta->id);
    enum err e = write_cooldown(c, folder);
    c->meta->duration_ms = age_ms(c);
    bytes_reset(&c->out);
    checkmeta_put(c->meta, &c->out);
    if (e == ERR_OK)
        e = checkpoint_complete(c->root, c->meta->id, (const char *)c->out.p, c->out.n, &d);
    if (e != ERR_OK) {
        char *text = diag_text(&d);
        fail(c, text[0] != '\0' ? text : err_text(e));
        mem_free(text);
    } else {
        LOG_INFO("checkpoint done", "id=%" PRIu64 " trigger=%s ms=%" PRId64, c->meta->id,
                 c->meta->trigger, c->meta->duration_ms);
        c->failed_in_a_row = 0;
        c->only = 0;
        checkhistory_completed(c->history, c->meta);
        checkstart_add(c->start, c->meta);
        alertwriter_commit(c->env.alerts, c->meta->id);
        checkwaiter_answer(c->answers, ERR_OK, "", c->meta, folder);
        c->answers = NULL;
        remove_old(c);
        checkstart_forget_versions(c->start, c->env.registry);
        if (c->o.retention_ms > 0)
            checkretain(c->start, c->env.registry, c->env.log, c->o.retention_ms);
    }
    end(c);
    mem_free(folder);
    diag_fini(&d);
}

/* --- the beginning of one ---------------------------------------------------------------------------------------- */

static void order(struct checkpointer *c, uint32_t epoch)
{
    char *folder = checkpoint_folder(c->root, c->meta->id);
    struct snapwire_order m = {.id = c->meta->id,
                               .mode = c->o.mode == RUNTIME_EXACTLY_ONCE ? SNAPWIRE_EXACTLY_ONCE
                                                                         : SNAPWIRE_AT_LEAST_ONCE,
                               .alignment_timeout_ms = c->o.alignment_timeout_ms,
                               .folder = folder};
    bytes_reset(&c->out);
    snapwire_put_order(&m, &c->out);
    for (unsigned i = 0; i < c->env.workers; i++)
        crew_send(c->env.crew, i, CONTROL_CHECKPOINT, epoch, &c->out);
    mem_free(folder);
}

static void begin(struct checkpointer *c, struct checkwaiter *asked, uint32_t *epoch)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    c->meta = checkmeta_new();
    c->meta->id = c->next_id++;
    c->meta->started = timebase_now_ms();
    snprintf(c->meta->trigger, sizeof c->meta->trigger, "%s", checkwaiter_trigger(asked));
    c->meta->workers = c->env.workers;
    c->meta->key_groups = c->env.key_groups;
    checkmeta_add_rules(c->meta, c->env.registry);
    c->began = timebase_mono_ns();
    c->begun = c->written = 0;
    c->failed = false;
    c->answers = asked;
    checkhistory_begun(c->history, c->meta);
    pthread_mutex_lock(&c->lock);
    c->storing = c->meta->id;
    c->stored = 0;
    bytes_reset(&c->cooldown);
    bytes_reset(&c->sinks);
    c->not_stored[0] = '\0';
    c->again = false;
    pthread_mutex_unlock(&c->lock);
    if (checkpoint_begin(c->root, c->meta->id, &d) != ERR_OK) {
        char *text = diag_text(&d);
        fail(c, text);
        mem_free(text);
        end(c);
    } else {
        c->phase = ALIGNING;
        order(c, ++*epoch);
        checkwaiter_began(asked);
    }
    diag_fini(&d);
}

/* What a sink could not take. */
static void fail_if_not_stored(struct checkpointer *c)
{
    char why[sizeof c->not_stored];
    pthread_mutex_lock(&c->lock);
    snprintf(why, sizeof why, "%s", c->not_stored);
    bool again = c->again;
    c->not_stored[0] = '\0';
    pthread_mutex_unlock(&c->lock);
    if (why[0] == '\0' || c->phase == IDLE)
        return;
    fail(c, why);
    if (again)
        c->failed_in_a_row = c->o.tolerated + 1;
}

static bool is_due(const struct checkpointer *c)
{
    montime now = timebase_mono_ns();
    return c->o.interval_ms > 0 && (now - c->began) / 1000000 >= c->o.interval_ms &&
           (now - c->ended) / 1000000 >= c->o.min_pause_ms;
}

bool checkpointer_turn(struct checkpointer *c, bool may_begin, uint32_t *epoch)
{
    fail_if_not_stored(c);
    pthread_mutex_lock(&c->lock);
    bool stored = c->storing != 0 && c->stored == c->env.workers, asked = c->wanted != NULL;
    pthread_mutex_unlock(&c->lock);
    if (c->phase == WRITING && c->written == c->env.workers) {
        if (c->failed)
            end(c);
        else if (stored)
            complete(c);
    }
    if (c->phase != IDLE && !c->failed && age_ms(c) >= c->o.timeout_ms)
        fail(c, c->phase == ALIGNING ? "it has expired while barriers were on their way"
                                     : "it has expired before all was written");
    if (asked && !crew_up(c->env.crew))
        refuse(take_wanted(c), ERR_CONFLICT, "no workers run");
    else if (may_begin && c->phase == IDLE && (asked || is_due(c)))
        begin(c, take_wanted(c), epoch);
    return c->failed_in_a_row <= c->o.tolerated;
}

bool checkpointer_holds_changes(const struct checkpointer *c)
{
    return c->phase == ALIGNING ||
           (c->phase == WRITING && c->written < c->env.workers && age_ms(c) < HOLD_CHANGES_MS);
}

/* --- one that was a savepoint ------------------------------------------------------------------------------------ */

void checkpointer_insist(struct checkpointer *c, uint64_t id)
{
    c->only = id;
}

uint64_t checkpointer_newest(const struct checkpointer *c)
{
    return checkstart_last(c->start);
}

bool checkpointer_has_rule(const struct checkpointer *c, uint64_t uid)
{
    return checkstart_has_rule(c->start, uid);
}

bool checkpointer_began_with(const struct checkpointer *c, uint64_t uid)
{
    return checkstart_took(c->start, uid);
}

bool checkpointer_is_idle(const struct checkpointer *c)
{
    return c->phase == IDLE;
}

enum err checkpointer_adopt(struct checkpointer *c, const struct savemeta *m, const char *folder,
                            struct diag *d, uint64_t *id)
{
    struct checkmeta *own = NULL;
    enum err e = checkadopt(c->root, c->next_id++, m, folder, d, &own);
    if (e == ERR_OK) {
        *id = own->id;
        checkhistory_found(c->history, own);
        checkstart_add(c->start, own);
    }
    checkmeta_free(own);
    return e;
}

/* --- what workers say -------------------------------------------------------------------------------------------- */

static enum err on_begun(struct checkpointer *c, unsigned worker, const struct channel_frame *f)
{
    struct snapwire_begun m;
    struct arena *a = arena_new(4096, 0);
    enum err e = snapwire_get_begun(f->p, f->n, a, &m);
    if (e == ERR_OK && (c->phase != ALIGNING || m.id != c->meta->id))
        e = ERR_CORRUPT;
    for (unsigned i = 0; e == ERR_OK && i < m.npositions; i++) {
        struct control_position at = m.positions[i];
        const struct schema *s = registry_stream_by_id(c->env.registry, at.stream);
        if (s == NULL || !feed_total(c->env.feed, &at))
            continue; /* no rule reads it any more */
        checkmeta_add_position(c->meta, s->name, &at);
    }
    if (e == ERR_OK) {
        struct checkmeta_worker *w = &c->meta->worker[worker];
        w->alignment_ns = m.alignment_ns;
        w->sync_ns = m.sync_ns;
        w->unaligned = m.unaligned;
        bool first = c->begun == 0, last = ++c->begun == c->env.workers;
        const struct alertitem_mark mark = {m.id, first, last};
        alertwriter_mark(c->env.alerts, worker, &mark);
        if (last)
            c->phase = WRITING;
    }
    arena_free(a);
    return e;
}

static enum err on_written(struct checkpointer *c, unsigned worker, const struct channel_frame *f)
{
    struct snapwire_done m;
    enum err e = snapwire_get_done(f->p, f->n, &m);
    if (e != ERR_OK || c->meta == NULL || m.id != c->meta->id)
        return e != ERR_OK ? e : ERR_CORRUPT;
    c->meta->worker[worker].done = m;
    c->written++;
    checkhistory_progress(c->history, c->meta);
    if (!m.ok) {
        char why[sizeof m.why + 32];
        snprintf(why, sizeof why, "worker %u: %s", worker, m.why);
        fail(c, why);
    }
    return ERR_OK;
}

enum err checkpointer_frame(struct checkpointer *c, unsigned worker, const struct channel_frame *f,
                            bool *again)
{
    char why[CONTROL_TEXT_MAX];
    switch ((enum control_kind)f->kind) {
    case CONTROL_BEGUN:
        return on_begun(c, worker, f);
    case CONTROL_WRITTEN:
        return on_written(c, worker, f);
    case CONTROL_UNUSABLE:
        snprintf(why, sizeof why, "%.*s", (int)f->n, (const char *)f->p);
        if (c->only != 0) {
            LOG_ERROR("the savepoint cannot be begun with; start without it, or with another",
                      "id=%" PRIu64 " reason=\"%s\"", c->only, why);
            return ERR_CORRUPT;
        }
        *again = checkstart_damaged(c->start, why);
        return ERR_OK;
    default:
        return ERR_CORRUPT;
    }
}

/* --- attempts ---------------------------------------------------------------------------------------------------- */

void checkpointer_attempt_failed(struct checkpointer *c, const char *why)
{
    char text[200];
    if (c->phase == IDLE)
        return;
    snprintf(text, sizeof text, "the workers were ended: %.150s", why);
    unsigned in_a_row = c->failed_in_a_row;
    fail(c, text);
    c->failed_in_a_row = in_a_row; /* that is no failure of the checkpoint's own */
    end(c);
}

static void tell_workers(struct checkpointer *c, const struct checkmeta *from, uint32_t epoch)
{
    uint32_t files[TASK_WORKERS_MAX];
    char *folder = from == NULL ? mem_str("") : checkpoint_folder(c->root, from->id);
    struct snapwire_state m = {.backend = c->o.backend, .folder = folder, .files = files};
    if (from != NULL) {
        m.key_groups = from->key_groups;
        m.same = checkmeta_is_same(from, c->env.registry);
        m.n = from->workers;
        for (unsigned i = 0; i < m.n; i++)
            files[i] = from->worker[i].done.files;
    }
    for (unsigned i = 0; i < c->env.workers; i++) {
        char *dir = mem_printf("%s/worker-%u", c->state, i);
        m.dir = dir;
        bytes_reset(&c->out);
        snapwire_put_state(&m, &c->out);
        crew_send(c->env.crew, i, CONTROL_STATE, epoch, &c->out);
        mem_free(dir);
    }
    mem_free(folder);
}

/* What has given its state away before that checkpoint is not begun again. */
static void forget_lanes(struct checkpointer *c, const struct checkmeta *from)
{
    unsigned n = registryfork_all(c->env.registry, NULL, 0);
    struct registry_fork *forks = mem_array(n + 1, sizeof *forks);
    unsigned got = registryfork_all(c->env.registry, forks, n);
    for (unsigned i = 0; i < got && i < n; i++) {
        if (!checkmeta_is_past(from, forks[i].lane, c->env.registry))
            continue;
        feed_close(c->env.feed, forks[i].id);
        registry_remove_rule(c->env.registry, forks[i].lane);
        registryfork_remove(c->env.registry, forks[i].lane);
    }
    mem_free(forks);
}

/* What has given its state to an heir before that checkpoint is not begun again. */
static void forget_trials(struct checkpointer *c, const struct checkmeta *from)
{
    const struct registry_rule *r;
    for (unsigned i = 0; (r = registry_rule_at(c->env.registry, i)) != NULL;)
        if (r->stands_for != 0 && checkmeta_is_past(from, r->uid, c->env.registry))
            registry_remove_rule(c->env.registry, r->uid); /* the next one is in its place */
        else
            i++;
}

void checkpointer_attempt(struct checkpointer *c, uint32_t epoch)
{
    struct bytes cooldown = {0}, sinks = {0};
    checkpointer_attempt_failed(c, "another attempt begins");
    c->failed_in_a_row = 0;
    c->began = c->ended = timebase_mono_ns();
    feed_restart(c->env.feed);
    struct checkmeta *from = checkstart_take(c->start, c->env.registry, &cooldown);
    for (size_t i = 0; from != NULL && i < from->npositions; i++)
        feed_restore(c->env.feed, &from->positions[i].at);
    if (from != NULL) {
        forget_lanes(c, from);
        forget_trials(c, from);
    }
    checkhistory_restored(c->history, from != NULL ? from->id : 0);
    feed_settle(c->env.feed);
    checkmeta_sinks(from, &sinks);
    alertwriter_new_attempt(c->env.alerts, &cooldown, &sinks);
    tell_workers(c, from, epoch);
    checkmeta_free(from);
    bytes_fini(&cooldown);
    bytes_fini(&sinks);
}

/* --- any thread -------------------------------------------------------------------------------------------------- */

static void wait_for_one(struct checkpointer *c, struct checkwaiter *w)
{
    pthread_mutex_lock(&c->lock);
    bool refused = c->refuses;
    if (!refused)
        c->wanted = checkwaiter_join(w, c->wanted);
    pthread_mutex_unlock(&c->lock);
    if (refused)
        refuse(w, ERR_CLOSED, "the server ends");
    else
        c->env.wake(c->env.ctx);
}

void checkpointer_want(struct checkpointer *c, runtime_done *done, void *ctx)
{
    wait_for_one(c, checkwaiter_new(done, ctx));
}

void checkpointer_keep(struct checkpointer *c, const struct checkpointer_keeper *k)
{
    wait_for_one(c, checkwaiter_keeper(k));
}

void checkpointer_stored(void *checkpointer, uint64_t id, const struct bytes *cooldown,
                         const struct bytes *sinks)
{
    struct checkpointer *c = checkpointer;
    pthread_mutex_lock(&c->lock);
    bool wanted = id == c->storing;
    if (wanted) {
        bytes_put(&c->cooldown, cooldown->p, cooldown->n);
        bytes_put(&c->sinks, sinks->p, sinks->n);
        c->stored++;
    }
    pthread_mutex_unlock(&c->lock);
    if (wanted)
        c->env.wake(c->env.ctx);
}

void checkpointer_not_stored(void *checkpointer, uint64_t id, const char *why, bool again)
{
    struct checkpointer *c = checkpointer;
    pthread_mutex_lock(&c->lock);
    if (c->storing != 0 && (id == 0 || id == c->storing)) {
        snprintf(c->not_stored, sizeof c->not_stored, "%s", why);
        c->again = again;
    }
    pthread_mutex_unlock(&c->lock);
    c->env.wake(c->env.ctx);
}

unsigned checkpointer_history(struct checkpointer *c, struct runtime_checkpoint *out, unsigned cap)
{
    return checkhistory_list(c->history, out, cap);
}

void checkpointer_counts(struct checkpointer *c, struct runtime_checkpoint_counts *out)
{
    checkhistory_counts(c->history, out);
}
