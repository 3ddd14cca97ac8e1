/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "change"
#include "server/deploy/changesink.h"
#include "base/log.h"
#include "server/alerts/sinks.h"
#include "server/deploy/changecut.h"
#include "state/catalog.h"
#include <string.h>

enum err changesink_create(const struct change_env *env, const char *name, const char *sql,
                           struct diag *d)
{
    struct catalog_text t = {.name = name, .sql = sql, .created = timebase_now_ms()};
    enum err e = sinks_put(env->sinks, sql, strlen(sql), true, d);
    if (e != ERR_OK)
        return e;
    if ((e = catalog_texts_add(env->catalog, CATALOG_SINK, &t)) != ERR_OK) {
        diag_say(d, "catalogue", NULL, "sink %s cannot be stored: %s", name, err_text(e));
        if (sinks_drop(env->sinks, name, d) != ERR_OK)
            LOG_ERROR("a sink that is not stored stays until the end", "sink=%s", name);
        return e;
    }
    LOG_INFO("sink created", "sink=%s", name);
    return ERR_OK;
}

enum err changesink_may_go(const struct change_env *env, const char *name, struct diag *d)
{
    struct bytes rules = {0};
    if (!sinks_has(env->sinks, name)) {
        diag_say(d, "not-found", NULL, "there is no sink %s", name);
        return ERR_NOT_FOUND;
    }
    unsigned n = registry_sink_rules(env->registry, name, changecut_name_rule, &rules);
    if (n > 0)
        diag_say(d, "conflict", "delete these rules first, or replace them without EMIT",
                 "%u rule%s to sink %s: %.*s", n, n == 1 ? " gives" : "s give", name, (int)rules.n,
                 (const char *)rules.p);
    bytes_fini(&rules);
    return n > 0 ? ERR_CONFLICT : ERR_OK;
}

enum err changesink_drop(const struct change_env *env, const char *name, struct diag *d)
{
    enum { WAIT_MS = 5000 };
    enum err e = changesink_may_go(env, name, d);
    if (e != ERR_OK)
        return e;
    alertwriter_sync(env->alerts, WAIT_MS);
    if ((e = sinks_drop(env->sinks, name, d)) != ERR_OK)
        return e;
    if ((e = catalog_texts_delete(env->catalog, CATALOG_SINK, name)) != ERR_OK) {
        diag_say(d, "catalogue", NULL, "sink %s cannot be deleted: %s", name, err_text(e));
        return e; /* it is there again after the next start */
    }
    LOG_INFO("sink deleted", "sink=%s", name);
    return ERR_OK;
}

struct loading {
    const struct change_env *env;
    struct diag *d;
    enum err e;
};

static void load(void *ctx, const struct catalog_text *t)
{
    struct loading *l = ctx;
    if (l->e == ERR_OK)
        l->e = sinks_put(l->env->sinks, t->sql, strlen(t->sql), false, l->d);
}

enum err changesink_load(const struct change_env *env, struct diag *d)
{
    struct loading l = {env, d, ERR_OK};
    enum err e = catalog_texts(env->catalog, CATALOG_SINK, load, &l);
    return e != ERR_OK ? e : l.e;
}

void changesink_offer(const struct change_env *env)
{
    registry_offer_sinks(env->registry, env->sinks);
}
