/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_outside.h"
#include "server/run/runtimememory.h"
#include "server/run/runtimesink.h"

void fake_outside(void)
{
}

/* --- lists: it has none --- */

struct list *runtime_list(struct runtime *r, const char *name, uint64_t *uid)
{
    (void)r;
    (void)name;
    (void)uid;
    return NULL;
}

unsigned runtime_list_rules(struct runtime *r, const char *list,
                            void (*each)(void *ctx, uint64_t uid, const char *rule), void *ctx)
{
    (void)r;
    (void)list;
    (void)each;
    (void)ctx;
    return 0;
}

/* --- tables: it has none --- */

const struct table *runtime_table(struct runtime *r, const char *name)
{
    (void)r;
    (void)name;
    return NULL;
}

enum err runtime_drop_table(struct runtime *r, const char *table, runtime_done *done, void *ctx)
{
    (void)r;
    (void)table;
    (void)done;
    (void)ctx;
    return ERR_NOT_FOUND;
}

unsigned runtime_table_rules(struct runtime *r, const char *table,
                             void (*each)(void *ctx, uint64_t uid, const char *rule), void *ctx)
{
    (void)r;
    (void)table;
    (void)each;
    (void)ctx;
    return 0;
}

unsigned runtime_lookups(struct runtime *r, struct runtime_lookups *out, unsigned cap)
{
    (void)r;
    (void)out;
    (void)cap;
    return 0;
}

/* --- sinks: it has none --- */

bool runtimesink_look(struct runtime *r, const char *name, struct sinks_state *out)
{
    (void)r;
    (void)name;
    (void)out;
    return false;
}

const char *runtimesink_name(struct runtime *r, unsigned i)
{
    (void)r;
    (void)i;
    return NULL;
}

enum err runtimesink_drop(struct runtime *r, const char *name, runtime_done *done, void *ctx)
{
    return runtime_drop_table(r, name, done, ctx);
}

unsigned runtimesink_rules(struct runtime *r, const char *name,
                           void (*each)(void *ctx, uint64_t uid, const char *rule), void *ctx)
{
    return runtime_table_rules(r, name, each, ctx);
}

void runtimememory_get(struct runtime *r, struct runtimememory *out)
{
    *out = (struct runtimememory){.resident = 1, .level = runtimememory_level(r)};
    for (unsigned i = 0; i < BUDGET_PARTS; i++) {
        out->parts[i].name = budget_name(i);
        out->parts[i].limit = 1000;
        out->parts[i].used = i;
    }
}

enum memwatch_level runtimememory_level(struct runtime *r)
{
    (void)r;
    return MEMWATCH_OK;
}
