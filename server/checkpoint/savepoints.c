/* SPDX-License-Identifier: Apache-2.0
 *
 * One after the other. Making one: the thread prepares its folder, asks for a checkpoint and waits; the runtime's thread links
 * the checkpoint's files into the folder when it is complete; the thread writes them anew. */
#define LOG_MODULE "savepoint"
#include "server/checkpoint/savepoints.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/checkpoint/savewrite.h"
#include "server/deploy/lanes.h"
#include "server/run/runtimeloop.h"
#include "state/definitions.h"
#include "state/savepoint.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { FOLDER_MODE = 0750, DRAIN_LOOK_NS = 10000000, NS_A_SECOND = 1000000000 };
#define DRAIN_NS ((montime)60 * NS_A_SECOND)
enum job_kind { JOB_TAKE, JOB_VERIFY, JOB_RESTORE };

struct job {
    enum job_kind kind;
    char name[SAVEPOINTS_NAME_BYTES];
    struct savemeta *meta; /* JOB_TAKE */
    char *part; /* its folder, for now */
    bool last; /* JOB_TAKE: see savepoints_order */
    runtime_done *done;
    void *ctx;
    struct job *next;
    struct savepoints *owner;
    struct restore_ask ask; /* JOB_RESTORE */
    struct diag answer; /* … and what the runtime's thread says */
    /* the checkpoint that it begins as: the runtime's thread says */
    struct definitions *definitions;
    bool ended;
    enum err e;
    char *why;
};

struct savepoints {
    struct savepoints_options o;
    char *root, *catalogue;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows, and of a job's `ended` */
    pthread_cond_t wake;
    struct job *first, **last, *now;
    bool stop;
};

void savepoints_make_name(char out[SAVEPOINTS_NAME_BYTES])
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static evtime last;
    struct tm tm;
    pthread_mutex_lock(&lock);
    evtime now = timebase_now_ms();
    last = now > last ? now : last + 1;
    now = last;
    pthread_mutex_unlock(&lock);
    time_t seconds = (time_t)(now / 1000);
    gmtime_r(&seconds, &tm);
    snprintf(out, SAVEPOINTS_NAME_BYTES, "sp-%04d%02d%02d-%02d%02d%02d.%03d", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(now % 1000));
}

char *savepoints_folder(const struct savepoints *s, const char *name)
{
    return savepoint_folder(s->root, name);
}

size_t savepoints_list(const struct savepoints *s, char ***names)
{
    return savepoint_list(s->root, names);
}

size_t savepoints_usage(const struct savepoints *s, uint64_t *bytes)
{
    return savepoint_usage(s->root, bytes);
}

static enum err no_such(const char *name, struct diag *d)
{
    diag_say(d, "not-found", "GET /api/v1/savepoints lists what there is",
             "there is no savepoint '%.80s'", name);
    return ERR_NOT_FOUND;
}

enum err savepoints_read(const struct savepoints *s, const char *name, struct diag *d,
                         struct savemeta **out)
{
    struct stat st;
    char *folder = savepoint_folder(s->root, name);
    enum err e = ERR_OK;
    if (!savepoint_is_name(name) || stat(folder, &st) < 0)
        e = no_such(name, d);
    else
        e = savemeta_read(folder, d, out);
    mem_free(folder);
    return e;
}

/* --- jobs ---------------------------------------------------------------------------------------------------------- */

static struct job *new_job(struct savepoints *s, enum job_kind kind, const char *name,
                           runtime_done *done, void *ctx)
{
    struct job *j = mem_new(sizeof *j);
    j->kind = kind;
    j->owner = s;
    j->done = done;
    j->ctx = ctx;
    snprintf(j->name, sizeof j->name, "%s", name);
    return j;
}

static void enqueue(struct savepoints *s, struct job *j)
{
    pthread_mutex_lock(&s->lock);
    *s->last = j;
    s->last = &j->next;
    pthread_cond_broadcast(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

static void free_job(struct job *j)
{
    savemeta_free(j->meta);
    definitions_abandon(j->definitions);
    mem_free(j->part);
    mem_free(j->why);
    mem_free(j);
}

/* Is it under way, or waits? */
static bool is_wanted(struct savepoints *s, const char *name)
{
    pthread_mutex_lock(&s->lock);
    const struct job *j = s->now != NULL ? s->now : s->first;
    bool found = false;
    if (s->now != NULL) {
        found = strcmp(s->now->name, name) == 0;
        j = s->first;
    }
    for (; j != NULL && !found; j = j->next)
        found = strcmp(j->name, name) == 0;
    pthread_mutex_unlock(&s->lock);
    return found;
}

static bool is_there(const struct savepoints *s, const char *name)
{
    char *folder = savepoint_folder(s->root, name);
    struct stat st;
    bool there = stat(folder, &st) == 0;
    mem_free(folder);
    return there;
}

static enum err check_name(const char *name, struct diag *d)
{
    if (savepoint_is_name(name))
        return ERR_OK;
    diag_say(d, "name", "letters, digits, '.', '_' and '-', at most 64 of them",
             "'%.80s' cannot be the name of a savepoint", name);
    return ERR_INVALID;
}

enum err savepoints_take(struct savepoints *s, const struct savepoints_order *o, struct diag *d,
                         runtime_done *done, void *ctx)
{
    uint64_t bytes;
    enum err e = check_name(o->name, d);
    if (e != ERR_OK)
        return e;
    if (is_there(s, o->name) || is_wanted(s, o->name)) {
        diag_say(d, "exists", "take another name, or delete that one first",
                 "there is a savepoint %s already", o->name);
        return ERR_EXISTS;
    }
    if (o->rule == NULL && savepoint_usage(s->root, &bytes) >= s->o.max) {
        diag_say(d, "too-many", "delete some, or raise max-savepoints",
                 "there are %u savepoints already", s->o.max);
        return ERR_CONFLICT;
    }
    struct job *j = new_job(s, JOB_TAKE, o->name, done, ctx);
    j->meta = savemeta_new();
    snprintf(j->meta->name, sizeof j->meta->name, "%s", o->name);
    snprintf(j->meta->trigger, sizeof j->meta->trigger, "%s", o->trigger);
    j->meta->rule = o->rule == NULL ? NULL : mem_str(o->rule);
    j->meta->version = o->version;
    j->last = o->last;
    enqueue(s, j);
    return ERR_OK;
}

enum err savepoints_verify(struct savepoints *s, const char *name, struct diag *d,
                           runtime_done *done, void *ctx)
{
    if (!savepoint_is_name(name) || !is_there(s, name))
        return no_such(name, d);
    enqueue(s, new_job(s, JOB_VERIFY, name, done, ctx));
    return ERR_OK;
}

enum err savepoints_restore(struct savepoints *s, const char *name, const struct restore_ask *ask,
                            struct diag *d, runtime_done *done, void *ctx)
{
    if (!savepoint_is_name(name) || !is_there(s, name))
        return no_such(name, d);
    struct job *j = new_job(s, JOB_RESTORE, name, done, ctx);
    j->ask = *ask;
    enqueue(s, j);
    return ERR_OK;
}

enum err savepoints_remove(struct savepoints *s, const char *name, struct diag *d)
{
    if (!savepoint_is_name(name) || (!is_there(s, name) && !is_wanted(s, name)))
        return no_such(name, d);
    if (is_wanted(s, name)) {
        diag_say(d, "in-use", "try again when that is done",
                 "savepoint %s is just being written or read", name);
        return ERR_IN_USE;
    }
    if (lanes_needs_savepoint(s->o.loop->env.lanes, name)) {
        diag_say(d, "in-use", "GET /api/v1/operations lists them",
                 "an operation goes back to savepoint %s, or has while an older checkpoint is kept",
                 name);
        return ERR_CONFLICT;
    }
    enum err e = savepoint_remove(s->root, name, d);
    if (e == ERR_OK)
        LOG_INFO("savepoint deleted", "name=%s", name);
    return e;
}

/* --- the checkpoint that one begins as: on the runtime's thread ------------------------------------------------------ */

static void say_ended(struct job *j, enum err e, const char *why)
{
    struct savepoints *s = j->owner;
    pthread_mutex_lock(&s->lock);
    j->ended = true;
    j->e = e;
    j->why = why == NULL ? NULL : mem_str(why);
    pthread_cond_broadcast(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

/* What goes wrong here is said when the checkpoint has ended. */
static void on_began(void *ctx)
{
    struct job *j = ctx;
    struct diag d;
    diag_init(&d, NULL, 0);
    char *to = mem_printf("%s/definitions.db", j->part);
    if (definitions_begin(j->owner->catalogue, to, &d, &j->definitions) != ERR_OK)
        LOG_ERROR("the definitions cannot be read", "savepoint=%s reason=\"%s\"", j->name,
                  d.items[0].message);
    mem_free(to);
    diag_fini(&d);
}

static void on_ended(void *ctx, enum err e, const struct diag *d, const struct checkmeta *m,
                     const char *folder)
{
    struct job *j = ctx;
    struct diag own;
    diag_init(&own, NULL, 0);
    char *from = mem_printf("%s/from", j->part), *why = NULL;
    if (e != ERR_OK)
        why = diag_text(d);
    else if (j->definitions == NULL)
        e = ERR_IO;
    if (e == ERR_OK && mkdir(from, FOLDER_MODE) < 0)
        e = ERR_IO;
    if (e == ERR_OK && (e = savepoint_link(folder, from, &own)) != ERR_OK)
        why = diag_text(&own);
    if (e == ERR_OK)
        j->meta->check = checkmeta_copy(m);
    say_ended(j, e, why);
    mem_free(why);
    mem_free(from);
    diag_fini(&own);
}

/* --- the thread ------------------------------------------------------------------------------------------------------ */

static enum err wait_for_checkpoint(struct savepoints *s, struct job *j, struct diag *d)
{
    const struct checkpointer_keeper keeper = {"savepoint", on_began, on_ended, j};
    checkpointer_keep(s->o.checkpointer, &keeper);
    pthread_mutex_lock(&s->lock);
    while (!j->ended)
        pthread_cond_wait(&s->wake, &s->lock);
    pthread_mutex_unlock(&s->lock);
    if (j->e != ERR_OK)
        diag_say(d, "checkpoint", NULL, "%s", j->why != NULL ? j->why : err_text(j->e));
    return j->e;
}

static bool all_is_taken(struct savepoints *s, uint64_t *left)
{
    unsigned n = feed_snapshot(s->o.feed, NULL, 0);
    struct runtime_partition *p = mem_array(n + 1, sizeof *p);
    unsigned got = feed_snapshot(s->o.feed, p, n);
    *left = 0;
    for (unsigned i = 0; i < n && i < got; i++)
        if (p[i].read && p[i].end > p[i].taken)
            *left += p[i].end - p[i].taken;
    mem_free(p);
    return *left == 0;
}

/* Whoever goes on from it in another data folder has only what is in it. */
static enum err drain(struct savepoints *s, struct diag *d)
{
    montime until = timebase_mono_ns() + DRAIN_NS;
    uint64_t left = 0;
    bool stop = false;
    intake_hold(s->o.intake, true);
    while (!all_is_taken(s, &left) && timebase_mono_ns() < until && !stop) {
        struct timespec at;
        clock_gettime(CLOCK_REALTIME, &at);
        at.tv_nsec += DRAIN_LOOK_NS;
        at.tv_sec += at.tv_nsec / NS_A_SECOND;
        at.tv_nsec %= NS_A_SECOND;
        pthread_mutex_lock(&s->lock);
        pthread_cond_timedwait(&s->wake, &s->lock, &at);
        stop = s->stop;
        pthread_mutex_unlock(&s->lock);
    }
    if (left == 0)
        return ERR_OK;
    diag_say(d, "behind", "try again, or make one without `stop`",
             "the workers are behind: %" PRIu64 " events were not read in time", left);
    return ERR_AGAIN;
}

/* Of those that were made before an activation. Names are by the clock, but people may have given others. */
static void remove_old(struct savepoints *s)
{
    char **names = NULL;
    size_t n = savepoint_list(s->root, &names), made = 0, oldest = 0;
    evtime *at = mem_array(n + 1, sizeof *at);
    for (size_t i = 0; i < n; i++) {
        struct diag d;
        struct savemeta *m = NULL;
        char *folder = savepoint_folder(s->root, names[i]);
        diag_init(&d, NULL, 0);
        at[i] = EVTIME_MAX;
        if (savemeta_read(folder, &d, &m) == ERR_OK && strcmp(m->trigger, "activation") == 0) {
            at[i] = m->created;
            made++;
        }
        savemeta_free(m);
        mem_free(folder);
        diag_fini(&d);
    }
    for (; made > s->o.kept; made--) {
        struct diag d;
        diag_init(&d, NULL, 0);
        oldest = 0;
        for (size_t i = 0; i < n; i++)
            oldest = at[i] < at[oldest] ? i : oldest;
        at[oldest] = EVTIME_MAX;
        enum err e = savepoints_remove(s, names[oldest], &d);
        (void)e; /* tried again with the next */
        diag_fini(&d);
    }
    for (size_t i = 0; i < n; i++)
        mem_free(names[i]);
    mem_free(names);
    mem_free(at);
}

static enum err write_all(struct savepoints *s, struct job *j, struct diag *d)
{
    struct definitions *definitions = j->definitions;
    j->definitions = NULL;
    enum err e = definitions_end(definitions, d);
    if (e == ERR_OK)
        e = savewrite(j->meta, j->part, d);
    if (e == ERR_OK)
        e = catalog_texts(s->o.catalog, CATALOG_STREAM, savemeta_add_stream, j->meta);
    if (e == ERR_OK)
        savemeta_add_automata(j->meta, s->o.registry);
    return e;
}

static enum err take(struct savepoints *s, struct job *j, struct diag *d)
{
    struct bytes text = {0};
    montime began = timebase_mono_ns();
    enum err e = savepoint_begin(s->root, j->name, &j->part, d);
    if (e != ERR_OK)
        return e;
    char *definitions = mem_printf("%s/definitions.db", j->part);
    e = definitions_prepare(definitions, d);
    if (e == ERR_OK && j->last)
        e = drain(s, d);
    if (e == ERR_OK)
        e = wait_for_checkpoint(s, j, d);
    if (e != ERR_OK && j->last)
        intake_hold(s->o.intake, false);
    if (e == ERR_OK)
        e = write_all(s, j, d);
    if (e == ERR_OK) {
        j->meta->created = j->meta->check->started;
        savemeta_put(j->meta, &text);
        e = savepoint_complete(s->root, j->name, (const char *)text.p, text.n, d);
    }
    if (e == ERR_OK)
        LOG_INFO("savepoint done",
                 "name=%s trigger=%s entries=%" PRIu64 " bytes=%" PRIu64 " ms=%" PRId64, j->name,
                 j->meta->trigger, savemeta_entries(j->meta), savemeta_bytes(j->meta),
                 (timebase_mono_ns() - began) / 1000000);
    else
        savepoint_abandon(s->root, j->name);
    if (e == ERR_OK && strcmp(j->meta->trigger, "activation") == 0)
        remove_old(s);
    bytes_fini(&text);
    mem_free(definitions);
    return e;
}

static enum err verify(struct savepoints *s, struct job *j, struct diag *d)
{
    char *folder = savepoint_folder(s->root, j->name);
    struct savemeta *m = NULL;
    enum err e = savemeta_read(folder, d, &m);
    if (e == ERR_OK)
        e = savemeta_verify(m, folder, d);
    savemeta_free(m);
    mem_free(folder);
    return e;
}

static void on_restored(void *ctx, enum err e, const struct diag *d)
{
    struct job *j = ctx;
    for (int i = 0; i < d->n; i++)
        diag_say(&j->answer, d->items[i].code, d->items[i].hint, "%s", d->items[i].message);
    say_ended(j, e, NULL);
}

static enum err restore(struct savepoints *s, struct job *j, struct diag *d)
{
    char *folder = savepoint_folder(s->root, j->name);
    struct savemeta *m = NULL;
    enum err e = savemeta_read(folder, d, &m);
    if (e == ERR_OK)
        e = savemeta_verify(m, folder, d);
    j->ask.meta = m;
    j->ask.folder = folder;
    j->ask.done = on_restored;
    j->ask.ctx = j;
    diag_init(&j->answer, NULL, 0);
    if (e == ERR_OK)
        e = restore_want(s->o.loop, &j->ask);
    if (e == ERR_OK) {
        pthread_mutex_lock(&s->lock);
        while (!j->ended)
            pthread_cond_wait(&s->wake, &s->lock);
        e = j->e;
        pthread_mutex_unlock(&s->lock);
        for (int i = 0; i < j->answer.n; i++)
            diag_say(d, j->answer.items[i].code, j->answer.items[i].hint, "%s",
                     j->answer.items[i].message);
    }
    diag_fini(&j->answer);
    savemeta_free(m);
    mem_free(folder);
    return e;
}

static void work_off(struct savepoints *s, struct job *j)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    static const char *const failed[] = {[JOB_TAKE] = "savepoint failed",
                                         [JOB_VERIFY] = "savepoint is damaged",
                                         [JOB_RESTORE] = "savepoint was not gone back to"};
    enum err e = j->kind == JOB_TAKE     ? take(s, j, &d)
                 : j->kind == JOB_VERIFY ? verify(s, j, &d)
                                         : restore(s, j, &d);
    if (e != ERR_OK)
        LOG_ERROR(failed[j->kind], "name=%s reason=\"%s\"", j->name,
                  d.errors > 0 ? d.items[0].message : err_text(e));
    bool unusable = j->kind != JOB_TAKE && (e == ERR_CORRUPT || e == ERR_VERSION);
    j->done(j->ctx, unusable ? ERR_INVALID : e, &d);
    diag_fini(&d);
}

static void *run(void *arg)
{
    struct savepoints *s = arg;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (s->first == NULL && !s->stop)
            pthread_cond_wait(&s->wake, &s->lock);
        if (s->first == NULL)
            break;
        struct job *j = s->now = s->first;
        if ((s->first = j->next) == NULL)
            s->last = &s->first;
        bool stop = s->stop;
        pthread_mutex_unlock(&s->lock);
        if (stop)
            j->done(j->ctx, ERR_CLOSED, NULL);
        else
            work_off(s, j);
        pthread_mutex_lock(&s->lock);
        s->now = NULL;
        free_job(j);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------------------------------ */

enum err savepoints_start(const struct savepoints_options *o, struct diag *d,
                          struct savepoints **out)
{
    char *root = mem_printf("%s/savepoints", o->data);
    enum err e = savepoint_open(root, d);
    if (e != ERR_OK) {
        mem_free(root);
        return e;
    }
    struct savepoints *s = mem_new(sizeof *s);
    s->o = *o;
    s->root = root;
    s->catalogue = mem_printf("%s/catalogue.db", o->data);
    s->last = &s->first;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    BUG_IF(pthread_create(&s->thread, NULL, run, s) != 0, "no thread for savepoints");
    *out = s;
    return ERR_OK;
}

void savepoints_stop(struct savepoints *s)
{
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->wake);
    mem_free(s->root);
    mem_free(s->catalogue);
    mem_free(s);
}
