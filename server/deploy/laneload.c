/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "lanes"
#include "server/deploy/laneload.h"
#include "base/log.h"
#include "server/deploy/lanesdef.h"
#include "server/intake/feedfork.h"

enum err laneload_open(const struct lanes *l, const struct lane *x, struct diag *d,
                       struct lanesave *out)
{
    return x->o.savepoint == NULL
               ? ERR_OK
               : lanesave_open(l->savepoints, x->o.savepoint, x->o.rule_uid, x->o.sql, d, out);
}

void laneload_attempt(struct lanes *l, const struct change_env *env,
                      bool (*has)(void *ctx, uint64_t uid), void *ctx)
{
    for (struct lane *x = lanes_after(l, NULL); x != NULL; x = lanes_after(l, x)) {
        x->load = LOAD_NOT; /* of one that the checkpoint is past */
        if (x->o.savepoint == NULL || registry_rule(env->registry, x->o.lane) == NULL)
            continue;
        bool there = has(ctx, x->o.lane);
        x->load = there ? LOAD_NOT : LOAD_WANTED;
        feedfork_hold(env->feed, x->o.lane, !there);
    }
}

bool laneload_is_open(struct lanes *l)
{
    for (const struct lane *x = lanes_after(l, NULL); x != NULL; x = lanes_after(l, x))
        if (x->load != LOAD_NOT)
            return true;
    return false;
}

/* What its state was is lost, and its version is the active one, or about to be. */
static void begin_without(struct lane *x, const struct change_env *env, const char *why)
{
    LOG_ERROR("a version goes on without the state of before the savepoint",
              "rule=%s savepoint=%s reason=\"%s\"", x->o.rule, x->o.savepoint, why);
    x->load = LOAD_NOT;
    feedfork_hold(env->feed, x->o.lane, false);
}

bool laneload_order(struct lanes *l, const struct change_env *env, struct bytes *out)
{
    struct lane *x = lanes_after(l, NULL);
    for (const struct lane *k = lanes_after(l, NULL); k != NULL; k = lanes_after(l, k))
        if (k->load == LOAD_ASKED)
            return false;
    while (x != NULL && (x->load != LOAD_WANTED || x->failed != NULL || x->cancelled))
        x = lanes_after(l, x);
    if (x == NULL || registry_rule(env->registry, x->o.lane) == NULL)
        return false;
    bool must = x->o.state != OPERATION_READS;
    struct lanesave save = {0};
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = laneload_open(l, x, &d, &save);
    const char *why = d.n > 0 ? d.items[0].message : err_text(e);
    if (e == ERR_OK) {
        lanesave_order(&save, x->o.lane, must, out);
        x->load = LOAD_ASKED;
        x->loaded = 0;
        x->asked_at = timebase_mono_ns();
    } else if (must) {
        begin_without(x, env, why);
    } else {
        lanes_failed(l, x->o.id, why);
    }
    lanesave_close(&save);
    diag_fini(&d);
    return e == ERR_OK;
}

void laneload_done(struct lanes *l, const struct change_env *env, uint64_t uid, const char *why,
                   unsigned workers)
{
    struct lane *x = lanes_after(l, NULL);
    while (x != NULL && (x->o.lane != uid || x->load != LOAD_ASKED))
        x = lanes_after(l, x);
    if (x != NULL && why[0] != '\0')
        lanes_failed(l, x->o.id, why);
    else if (x != NULL && ++x->loaded == workers) {
        x->load = LOAD_NOT;
        feedfork_hold(env->feed, uid, false);
    }
}
