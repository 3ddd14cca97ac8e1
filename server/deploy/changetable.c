/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "change"
#include "server/deploy/changetable.h"
#include "base/log.h"
#include "server/deploy/changecut.h"
#include "server/deploy/tableset.h"
#include "state/catalog.h"
#include <string.h>

enum err changetable_create(const struct change_env *env, const char *name, const char *sql,
                            struct diag *d)
{
    struct catalog_text t = {.name = name, .sql = sql, .created = timebase_now_ms()};
    enum err e = catalog_texts_add(env->catalog, CATALOG_TABLE, &t);
    if (e != ERR_OK)
        diag_say(d, "catalogue", NULL, "table %s cannot be stored: %s", name, err_text(e));
    else
        e = tableset_put(registry_tables(env->registry), t.uid, sql, strlen(sql), d);
    if (e == ERR_OK)
        LOG_INFO("table created", "table=%s id=%u", name, t.uid);
    return e;
}

enum err changetable_may_go(const struct change_env *env, const char *name, struct diag *d)
{
    struct bytes rules = {0};
    if (tableset_find(registry_tables(env->registry), name) == NULL) {
        diag_say(d, "not-found", NULL, "there is no table %s", name);
        return ERR_NOT_FOUND;
    }
    unsigned n = registry_table_rules(env->registry, name, changecut_name_rule, &rules);
    if (n > 0)
        diag_say(d, "conflict", "delete these rules first", "table %s is read by %u rule%s: %.*s",
                 name, n, n == 1 ? "" : "s", (int)rules.n, (const char *)rules.p);
    bytes_fini(&rules);
    return n > 0 ? ERR_CONFLICT : ERR_OK;
}

enum err changetable_drop(const struct change_env *env, const char *name, struct diag *d)
{
    enum err e = changetable_may_go(env, name, d);
    if (e != ERR_OK)
        return e;
    if ((e = catalog_texts_delete(env->catalog, CATALOG_TABLE, name)) != ERR_OK) {
        diag_say(d, "catalogue", NULL, "table %s cannot be deleted: %s", name, err_text(e));
        return e;
    }
    tableset_drop(registry_tables(env->registry), name);
    LOG_INFO("table deleted", "table=%s", name);
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
        l->e =
            tableset_put(registry_tables(l->env->registry), t->uid, t->sql, strlen(t->sql), l->d);
}

enum err changetable_load(const struct change_env *env, struct diag *d)
{
    struct loading l = {env, d, ERR_OK};
    enum err e = catalog_texts(env->catalog, CATALOG_TABLE, load, &l);
    return e != ERR_OK ? e : l.e;
}

unsigned changetable_message(const struct change_env *env, struct arena *a,
                             const struct control_table **out)
{
    struct tableset *set = registry_tables(env->registry);
    const struct table *t;
    unsigned n = 0;
    while (tableset_at(set, n) != NULL)
        n++;
    struct control_table *tables = arena_zero(a, (n + 1) * sizeof *tables);
    for (n = 0; (t = tableset_at(set, n)) != NULL; n++)
        tables[n] = (struct control_table){t->schema->id, t->schema->sql};
    *out = tables;
    return n;
}
