/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "lanes"
#include "server/deploy/lanes.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/deploy/changelane.h"
#include "server/deploy/laneload.h"
#include "server/deploy/lanesave.h"
#include "server/deploy/lanesdef.h"
#include "server/deploy/runtimeversion.h"
#include "server/intake/feedfork.h"
#include <inttypes.h>
#include <string.h>

enum { LOOK_NS = 20000000, RATE_NS = 1000000000 };

struct lanes *lanes_new(const struct lanes_limits *limits, struct feed *feed, char *savepoints)
{
    feedfork_share(feed, limits->share);
    struct lanes *l = mem_new(sizeof *l);
    l->limits = *limits;
    l->savepoints = savepoints;
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

static void free_lane(struct lane *x)
{
    mem_free((char *)(uintptr_t)x->o.kind);
    mem_free((char *)(uintptr_t)x->o.rule);
    mem_free((char *)(uintptr_t)x->o.sql);
    mem_free((char *)(uintptr_t)x->o.author);
    mem_free((char *)(uintptr_t)x->o.reason);
    mem_free((char *)(uintptr_t)x->o.savepoint);
    mem_free(x->failed);
    mem_free(x);
}

void lanes_free(struct lanes *l)
{
    if (l == NULL)
        return;
    while (l->first != NULL) {
        struct lane *x = l->first;
        l->first = x->next;
        free_lane(x);
    }
    pthread_mutex_destroy(&l->lock);
    mem_free(l->savepoints);
    mem_free(l);
}

static const char *copy(const char *text)
{
    return text == NULL ? NULL : mem_str(text);
}

/* The lock is held, but at the start. */
static struct lane *add(struct lanes *l, const struct catalog_operation *o)
{
    struct lane *x = mem_new(sizeof *x), **at = &l->first;
    x->o = *o;
    x->o.kind = copy(o->kind);
    x->o.rule = copy(o->rule);
    x->o.sql = copy(o->sql);
    x->o.author = copy(o->author);
    x->o.reason = copy(o->reason);
    x->o.savepoint = copy(o->savepoint);
    x->o.error = NULL;
    x->at.watermark = EVTIME_MIN;
    while (*at != NULL)
        at = &(*at)->next;
    *at = x;
    return x;
}

static struct lane *find(struct lanes *l, uint64_t id)
{
    struct lane *x = l->first;
    while (x != NULL && x->o.id != id)
        x = x->next;
    return x;
}

static bool is_open(const struct lane *x)
{
    return x->o.state < OPERATION_DONE && !x->again;
}

/* --- the start ----------------------------------------------------------------------------------------------------- */

struct loading {
    const struct change_env *env;
    struct lanes *lanes;
    struct diag *d;
    enum err e;
};

static void load_fork(void *ctx, const struct catalog_fork *f)
{
    struct loading *l = ctx;
    if (l->e == ERR_OK)
        l->e = registryfork_add(l->env->registry, f->id, f->stream, f->lane, l->d);
}

enum err lanes_load_forks(const struct change_env *env, struct diag *d)
{
    struct loading l = {.env = env, .d = d};
    enum err e = catalog_operations_forks(env->catalog, load_fork, &l);
    return e != ERR_OK ? e : l.e;
}

static void load_one(void *ctx, const struct catalog_operation *o)
{
    struct loading *l = ctx;
    struct lane *x = add(l->lanes, o);
    x->ready =
        true; /* the savepoint that came first may be there or not: nothing has been changed since */
    x->again = o->state == OPERATION_DONE;
    if (x->again)
        x->o.state = OPERATION_SWITCHES;
}

enum err lanes_load(struct lanes *l, const struct change_env *env)
{
    struct loading loading = {.env = env, .lanes = l};
    return catalog_operations_open(env->catalog, load_one, &loading);
}

/* --- for the API ---------------------------------------------------------------------------------------------------- */

/* Is there room for one more? The lock is held. */
static enum err may_come(const struct lanes *l, const struct catalog_operation *o, struct diag *d)
{
    unsigned open = 0;
    for (const struct lane *x = l->first; x != NULL; x = x->next) {
        open += is_open(x);
        if (is_open(x) && x->o.rule_uid == o->rule_uid) {
            diag_say(d, "conflict", "wait for it, or DELETE /api/v1/operations/{id}",
                     "operation op_%" PRIu64 " of rule %s has not ended", x->o.id, o->rule);
            return ERR_CONFLICT;
        }
    }
    if (open < l->limits.at_once)
        return ERR_OK;
    diag_say(d, "conflict", "wait for one, or raise max-operations", "%u operations have not ended",
             open);
    return ERR_CONFLICT;
}

/* The catalogue is locked first, and then the lanes: a change, which holds the catalogue, comes to them in that order. */
enum err lanes_add(struct lanes *l, const struct change_env *env, struct catalog_operation *o,
                   struct diag *d)
{
    enum err e = catalog_begin(env->catalog);
    if (e != ERR_OK)
        return e;
    pthread_mutex_lock(&l->lock);
    e = may_come(l, o, d);
    if (e == ERR_OK)
        e = catalog_operations_add(env->catalog, o);
    enum err stored = catalog_end(env->catalog);
    e = e != ERR_OK ? e : stored;
    if (e == ERR_OK)
        add(l, o);
    pthread_mutex_unlock(&l->lock);
    return e;
}

void lanes_go(struct lanes *l, uint64_t id)
{
    pthread_mutex_lock(&l->lock);
    struct lane *x = find(l, id);
    if (x != NULL)
        x->ready = true;
    pthread_mutex_unlock(&l->lock);
}

/* One that is cancelled does not fail. The lock is held. */
static void fail(struct lane *x, const char *why)
{
    if (x->failed == NULL && !x->cancelled)
        x->failed = mem_str(why);
}

void lanes_failed(struct lanes *l, uint64_t id, const char *why)
{
    pthread_mutex_lock(&l->lock);
    struct lane *x = find(l, id);
    if (x != NULL)
        fail(x, why);
    pthread_mutex_unlock(&l->lock);
}

enum err lanes_cancel(struct lanes *l, uint64_t id)
{
    enum err e = ERR_OK;
    pthread_mutex_lock(&l->lock);
    struct lane *x = find(l, id);
    if (x == NULL || !is_open(x))
        e = ERR_NOT_FOUND;
    else if (x->o.state == OPERATION_SWITCHES)
        e = ERR_CONFLICT;
    else
        x->cancelled = true;
    pthread_mutex_unlock(&l->lock);
    return e;
}

bool lanes_progress(struct lanes *l, uint64_t id, struct lanes_progress *out)
{
    pthread_mutex_lock(&l->lock);
    const struct lane *x = find(l, id);
    bool open = x != NULL && is_open(x);
    if (open)
        *out = (struct lanes_progress){x->o.state,   x->at.done,      x->at.all,
                                       x->at.behind, x->at.watermark, x->rate};
    pthread_mutex_unlock(&l->lock);
    return open;
}

void lanes_counts(struct lanes *l, struct lanes_counts *out)
{
    pthread_mutex_lock(&l->lock);
    *out = l->counts;
    out->open = 0;
    for (const struct lane *x = l->first; x != NULL; x = x->next)
        out->open += is_open(x);
    pthread_mutex_unlock(&l->lock);
}

uint64_t lanes_uid(struct lanes *l, uint64_t id)
{
    pthread_mutex_lock(&l->lock);
    const struct lane *x = find(l, id);
    uint64_t uid = x == NULL ? 0 : x->o.lane;
    pthread_mutex_unlock(&l->lock);
    return uid;
}

const char *lanes_savepoints(const struct lanes *l)
{
    return l->savepoints;
}

bool lanes_needs_savepoint(struct lanes *l, const char *name)
{
    bool needs = false;
    pthread_mutex_lock(&l->lock);
    for (const struct lane *x = l->first; x != NULL; x = x->next)
        needs = needs || (x->o.savepoint != NULL && x->o.state <= OPERATION_DONE &&
                          strcmp(x->o.savepoint, name) == 0);
    pthread_mutex_unlock(&l->lock);
    return needs;
}

/* --- changes -------------------------------------------------------------------------------------------------------- */

/* *x as it is to be: recorded, or left as it was. */
static enum err set(const struct change_env *env, struct lane *x,
                    const struct catalog_operation *to)
{
    enum err e = catalog_operations_set(env->catalog, to);
    if (e != ERR_OK)
        return e;
    pthread_mutex_lock(&env->lanes->lock);
    x->o = *to;
    x->o.error = NULL;
    pthread_mutex_unlock(&env->lanes->lock);
    return ERR_OK;
}

static bool ends(struct lanes *l, const struct lane *x)
{
    pthread_mutex_lock(&l->lock);
    bool is = x->failed != NULL || x->cancelled;
    pthread_mutex_unlock(&l->lock);
    return is;
}

static bool is_ready(struct lanes *l, const struct lane *x)
{
    pthread_mutex_lock(&l->lock);
    bool is = x->ready;
    pthread_mutex_unlock(&l->lock);
    return is;
}

static struct lane *locked_find(struct lanes *l, uint64_t id)
{
    pthread_mutex_lock(&l->lock);
    struct lane *x = find(l, id);
    pthread_mutex_unlock(&l->lock);
    return x;
}

static enum err not_stored(struct diag *d, enum err e)
{
    diag_say(d, "catalogue", NULL, "the operation cannot be stored: %s", err_text(e));
    return e;
}

enum err lanes_begin(const struct change_env *env, uint64_t id, struct diag *d,
                     struct change_delta *delta)
{
    struct lane *x = locked_find(env->lanes, id);
    if (x == NULL || x->o.state != OPERATION_WAITS)
        return ERR_OK;
    struct changelane what = {.operation = id,
                              .rule = x->o.rule_uid,
                              .sql = x->o.sql,
                              .since = x->o.since};
    struct lanesave save = {0};
    enum err e = laneload_open(env->lanes, x, d, &save);
    if (e != ERR_OK)
        return e;
    what.save = save.rule == NULL ? NULL : &save;
    if ((e = catalog_begin(env->catalog)) != ERR_OK) {
        lanesave_close(&save);
        return not_stored(d, e);
    }
    e = changelane_begin(env, &what, d, delta);
    x->load = e != ERR_OK || what.save == NULL ? LOAD_NOT : LOAD_WANTED;
    lanesave_close(&save);
    struct catalog_operation to = x->o;
    to.state = OPERATION_READS;
    to.lane = what.uid;
    to.started = timebase_now_ms();
    if (e == ERR_OK && (e = set(env, x, &to)) != ERR_OK)
        e = not_stored(d, e);
    enum err stored = catalog_end(env->catalog);
    mem_free(what.marks);
    fault_at("lanes.begun");
    return e != ERR_OK ? e : stored;
}

enum err lanes_switch(const struct change_env *env, uint64_t id, evtime w, uint32_t version,
                      struct diag *d, struct change_delta *delta)
{
    struct lane *x = locked_find(env->lanes, id);
    /* It may be that it was cancelled while this change waited for its turn. */
    if (x == NULL || x->o.state != OPERATION_READS || ends(env->lanes, x)) {
        diag_say(d, "conflict", NULL, "the operation has ended");
        return ERR_CONFLICT;
    }
    struct catalog_operation to = x->o;
    to.state = OPERATION_SWITCHES;
    to.version = version;
    enum err e = changelane_ends(env, x->o.lane, w, d, delta);
    if (e == ERR_OK && (e = set(env, x, &to)) != ERR_OK)
        e = not_stored(d, e);
    return e;
}

/* Whether it could be recorded or not: once is enough. */
static void over(struct lanes *l, struct lane *x, const struct catalog_operation *o)
{
    pthread_mutex_lock(&l->lock);
    x->o = *o;
    x->o.error = NULL;
    l->counts.done += o->state == OPERATION_DONE;
    l->counts.failed += o->state == OPERATION_FAILED;
    l->counts.cancelled += o->state == OPERATION_CANCELLED;
    l->counts.rows += o->rows;
    pthread_mutex_unlock(&l->lock);
}

static void done_again(const struct change_env *env, struct lane *x, struct change_delta *delta)
{
    x->load = LOAD_NOT;
    changelane_over(env, x->o.lane, false, delta);
    pthread_mutex_lock(&env->lanes->lock);
    x->o.state = OPERATION_DONE;
    pthread_mutex_unlock(&env->lanes->lock);
}

void lanes_over(const struct change_env *env, uint64_t id, struct change_delta *delta)
{
    struct lane *x = locked_find(env->lanes, id);
    if (x != NULL && x->again)
        done_again(env, x, delta);
    if (x == NULL || !is_open(x))
        return;
    struct catalog_operation to = x->o;
    to.state = x->o.state == OPERATION_SWITCHES ? OPERATION_DONE
               : x->failed != NULL              ? OPERATION_FAILED
                                                : OPERATION_CANCELLED;
    x->load = LOAD_NOT; /* workers give it up with the lane */
    to.ended = timebase_now_ms();
    to.rows = x->at.done;
    to.error = to.state == OPERATION_FAILED ? x->failed : NULL;
    /* In one transaction: an operation without its lane could never end. */
    enum err e = catalog_begin(env->catalog), stored = e;
    bool grouped = e == ERR_OK;
    if (x->o.lane != 0)
        changelane_over(env, x->o.lane, to.state != OPERATION_DONE, delta);
    if (e == ERR_OK)
        e = catalog_operations_set(env->catalog, &to);
    if (e == ERR_OK)
        e = catalog_operations_trim(env->catalog, env->lanes->limits.kept);
    if (grouped)
        stored = catalog_end(env->catalog);
    e = e != ERR_OK ? e : stored;
    if (e != ERR_OK) /* it is done once more after the next start */
        LOG_ERROR("the end of an operation cannot be stored", "id=%" PRIu64 " reason=\"%s\"", id,
                  err_text(e));
    over(env->lanes, x, &to);
    static const char *const ends[] = {[OPERATION_DONE] = "done",
                                       [OPERATION_FAILED] = "failed",
                                       [OPERATION_CANCELLED] = "cancelled"};
    LOG_INFO("operation ended", "id=%" PRIu64 " rule=%s as=%s rows=%" PRIu64 " reason=\"%s\"", id,
             x->o.rule, ends[to.state], to.rows, x->failed == NULL ? "" : x->failed);
}

void lanes_superseded(const struct change_env *env, uint64_t rule, const char *why)
{
    struct lanes *l = env->lanes;
    if (l == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    for (struct lane *x = l->first; x != NULL; x = x->next)
        if (x->o.rule_uid == rule && x->o.state < OPERATION_SWITCHES)
            fail(x, why);
    pthread_mutex_unlock(&l->lock);
}

/* --- the loop ------------------------------------------------------------------------------------------------------- */

struct answer {
    struct lanes *lanes;
    uint64_t id;
    bool must; /* what it was for cannot be done without it */
};

static void on_changed(void *ctx, enum err e, const struct diag *d)
{
    struct answer a = *(struct answer *)ctx;
    mem_free(ctx);
    pthread_mutex_lock(&a.lanes->lock);
    struct lane *x = find(a.lanes, a.id);
    if (x != NULL) {
        x->busy = false;
        if (e != ERR_OK && e != ERR_CLOSED && a.must)
            fail(x, d != NULL && d->n > 0 ? d->items[0].message : err_text(e));
    }
    pthread_mutex_unlock(&a.lanes->lock);
}

static struct change *ask(struct lanes *l, struct lane *x, struct change *c, bool must)
{
    struct answer *a = mem_new(sizeof *a);
    *a = (struct answer){l, x->o.id, must};
    x->busy = true;
    change_on_done(c, on_changed, a);
    return c;
}

static void measure(struct lanes *l, struct lane *x, const struct change_env *env, montime now)
{
    const struct registry_rule *lane = registry_rule(env->registry, x->o.lane);
    struct feed_fork at = {.watermark = EVTIME_MAX};
    if (lane != NULL && lane->ncuts > 0)
        feedfork_look(env->feed, x->o.lane, lane->cuts[0].marks, lane->cuts[0].nmarks, &at);
    pthread_mutex_lock(&l->lock);
    if (at.is_read)
        x->at = at;
    x->at.is_read = at.is_read;
    if (at.skips && x->o.state == OPERATION_READS)
        fail(x, "the log no longer has all that was to be read");
    if (now - x->rate_at >= RATE_NS) {
        double rows = x->at.done > x->rate_rows ? (double)(x->at.done - x->rate_rows) : 0;
        x->rate = x->rate_at == 0 ? 0 : rows * RATE_NS / (double)(now - x->rate_at);
        x->rate_rows = x->at.done;
        x->rate_at = now;
    }
    if (x->load == LOAD_ASKED && x->o.state == OPERATION_READS &&
        (now - x->asked_at) / 1000000 > LANES_LOAD_MS)
        fail(x, "the savepoint could not be loaded in time");
    if (l->limits.timeout_ms > 0 && x->o.state < OPERATION_SWITCHES &&
        timebase_now_ms() - x->o.created > l->limits.timeout_ms)
        fail(x, "it has taken longer than operation-timeout allows");
    pthread_mutex_unlock(&l->lock);
}

static struct change *switch_over(struct lanes *l, struct lane *x, const struct change_env *env)
{
    const struct runtimeversion_activation what = {.rule = x->o.rule,
                                                   .sql = x->o.sql,
                                                   .version = x->o.version,
                                                   .author = x->o.author,
                                                   .reason = x->o.reason,
                                                   .rollback_to = x->o.rollback_to,
                                                   .operation = x->o.id};
    struct change *c = NULL;
    struct diag d;
    diag_init(&d, NULL, 0);
    fault_at("lanes.switch");
    if (change_activate(env, &what, &d, &c) == ERR_OK)
        c = ask(l, x, c, true);
    else
        fail(x, d.n > 0 ? d.items[0].message : "its text does not compile any more");
    diag_fini(&d);
    return c;
}

static struct change *step(struct lanes *l, struct lane *x, const struct change_env *env,
                           const struct lanes_look *look)
{
    bool is_over = ends(l, x);
    switch (x->o.state) {
    case OPERATION_WAITS:
        if (is_over)
            return ask(l, x, change_lane_over(x->o.id), false);
        return is_ready(l, x) ? ask(l, x, change_lane(x->o.id), true) : NULL;
    case OPERATION_READS:
        if (is_over)
            return ask(l, x, change_lane_over(x->o.id), false);
        return look->running && x->load == LOAD_NOT && x->at.is_read &&
                       x->at.behind <= LANES_NEAR_ROWS
                   ? switch_over(l, x, env)
                   : NULL;
    case OPERATION_SWITCHES:
        fault_at("lanes.switched");
        return look->running && look->took(look->ctx, x->o.rule_uid, x->o.version)
                   ? ask(l, x, change_lane_over(x->o.id), false)
                   : NULL;
    default:
        return NULL;
    }
}

/* The workers have begun anew, from a checkpoint of before its end: they know the lane again. */
static void take_up_again(struct lanes *l, struct lane *x, const struct change_env *env)
{
    const struct registry_rule *lane =
        x->o.state == OPERATION_DONE ? registry_rule(env->registry, x->o.lane) : NULL;
    if (lane == NULL || lane->retired == UINT32_MAX)
        return;
    pthread_mutex_lock(&l->lock);
    x->again = true;
    x->o.state = OPERATION_SWITCHES;
    pthread_mutex_unlock(&l->lock);
}

struct lane *lanes_after(struct lanes *l, const struct lane *x)
{
    pthread_mutex_lock(&l->lock);
    struct lane *next = x == NULL ? l->first : x->next;
    pthread_mutex_unlock(&l->lock);
    return next;
}

/* One that has ended is kept as long as a checkpoint has its lane. */
static void forget(struct lanes *l, const struct change_env *env, const struct lanes_look *look)
{
    struct lane *before = NULL, *next;
    for (struct lane *x = lanes_after(l, NULL); x != NULL; x = next) {
        bool needed = x->o.state < OPERATION_DONE || x->busy ||
                      (x->o.state == OPERATION_DONE && registry_rule(env->registry, x->o.lane) &&
                       look->in_checkpoint(look->ctx, x->o.lane));
        next = lanes_after(l, x);
        if (needed) {
            before = x;
            continue;
        }
        if (x->o.state == OPERATION_DONE)
            changelane_forget(env, x->o.lane);
        pthread_mutex_lock(&l->lock);
        *(before == NULL ? &l->first : &before->next) = x->next;
        pthread_mutex_unlock(&l->lock);
        free_lane(x);
    }
}

struct change *lanes_turn(struct lanes *l, const struct change_env *env,
                          const struct lanes_look *look)
{
    montime now = timebase_mono_ns();
    if (now - l->looked < LOOK_NS)
        return NULL;
    l->looked = now;
    struct change *c = NULL;
    for (struct lane *x = lanes_after(l, NULL); x != NULL && c == NULL; x = lanes_after(l, x)) {
        if (!x->busy)
            take_up_again(l, x, env);
        if (x->o.state == OPERATION_READS || x->o.state == OPERATION_SWITCHES)
            measure(l, x, env, now);
        if (!x->busy)
            c = step(l, x, env, look);
    }
    forget(l, env, look);
    return c;
}
