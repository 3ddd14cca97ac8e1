/* SPDX-License-Identifier: Apache-2.0 */
#include "server/deploy/tableset.h"
#include "base/mem.h"
#include "cep/derived.h"
#include "rules/compile.h"
#include <pthread.h>
#include <strings.h>

struct known {
    const struct table *table; /* in script's arena */
    struct script *script;
    bool dropped;
};

struct tableset {
    pthread_mutex_t lock;
    struct known *tables; /* by number */
    size_t n, cap;
    const struct schema **rows; /* in the order of asking */
    size_t nrows, rows_cap;
    struct arena *arena; /* of those */
};

struct tableset *tableset_new(void)
{
    struct tableset *t = mem_new(sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    t->arena = arena_new(0, 0);
    return t;
}

void tableset_free(struct tableset *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->n; i++)
        compile_script_free(t->tables[i].script);
    mem_free(t->tables);
    mem_free(t->rows);
    arena_free(t->arena);
    pthread_mutex_destroy(&t->lock);
    mem_free(t);
}

static bool has_number(struct tableset *t, uint32_t uid)
{
    bool has = false;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++)
        has = has || t->tables[i].table->schema->id == uid;
    pthread_mutex_unlock(&t->lock);
    return has;
}

static void publish(struct tableset *t, const struct table *table, struct script *script)
{
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++)
        if (strcasecmp(t->tables[i].table->schema->name, table->schema->name) == 0)
            t->tables[i].dropped = true;
    t->tables = mem_grow(t->tables, t->n, 1, &t->cap, sizeof *t->tables);
    t->tables[t->n++] = (struct known){table, script, false}; /* numbers grow */
    pthread_mutex_unlock(&t->lock);
}

enum err tableset_put(struct tableset *t, uint32_t uid, const char *sql, size_t n, struct diag *d)
{
    struct script *script = NULL;
    if (has_number(t, uid))
        return ERR_OK;
    enum err e = compile_script(sql, n, NULL, d, &script);
    if (e != ERR_OK)
        return e;
    if (script->n != 1 || script->statements[0].kind != STATEMENT_TABLE) {
        diag_say(d, "table", NULL, "table %u is not one CREATE TABLE statement", uid);
        compile_script_free(script);
        return ERR_INVALID;
    }
    const struct table *table = script->statements[0].table;
    ((struct schema *)(uintptr_t)table->schema)->id = uid; /* nobody else has seen it yet */
    publish(t, table, script);
    return ERR_OK;
}

void tableset_drop(struct tableset *t, const char *name)
{
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++)
        if (strcasecmp(t->tables[i].table->schema->name, name) == 0)
            t->tables[i].dropped = true;
    pthread_mutex_unlock(&t->lock);
}

const struct table *tableset_find(struct tableset *t, const char *name)
{
    const struct table *found = NULL;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++)
        if (!t->tables[i].dropped && strcasecmp(t->tables[i].table->schema->name, name) == 0)
            found = t->tables[i].table;
    pthread_mutex_unlock(&t->lock);
    return found;
}

const char *tableset_name(struct tableset *t, uint32_t uid)
{
    const char *name = "";
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++)
        if (t->tables[i].table->schema->id == uid)
            name = t->tables[i].table->schema->name;
    pthread_mutex_unlock(&t->lock);
    return name;
}

const struct table *tableset_at(struct tableset *t, unsigned i)
{
    const struct table *found = NULL;
    pthread_mutex_lock(&t->lock);
    for (size_t k = 0; k < t->n && found == NULL; k++)
        if (!t->tables[k].dropped && i-- == 0)
            found = t->tables[k].table;
    pthread_mutex_unlock(&t->lock);
    return found;
}

const struct schema *tableset_lookup(struct tableset *t, const struct schema *from,
                                     const struct table *table, uint32_t uid)
{
    const struct schema *found = NULL;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->nrows && found == NULL; i++)
        if (t->rows[i]->from == from && t->rows[i]->table == table &&
            derived_uid(t->rows[i]->id) == uid)
            found = t->rows[i];
    if (found == NULL && t->nrows < TABLESET_ROWS_MAX &&
        (found = derived_lookup(from, table, uid, t->arena)) != NULL) {
        t->rows = mem_grow(t->rows, t->nrows, 1, &t->rows_cap, sizeof(const struct schema *));
        t->rows[t->nrows++] = found;
    }
    pthread_mutex_unlock(&t->lock);
    return found;
}

const struct schema *tableset_rows(struct tableset *t, uint32_t stream)
{
    const struct schema *found = NULL;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->nrows; i++)
        if (t->rows[i]->id == stream)
            found = t->rows[i];
    pthread_mutex_unlock(&t->lock);
    return found;
}
