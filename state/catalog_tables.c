/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of databases outside: their definitions. What they hold is not ours. */
#include "state/catalog.h"
#include "state/catalog_db.h"

static enum err insert(struct catalog *c, struct catalog_table *t)
{
    sqlite3_stmt *s =
        catalog_db_statement(c, "INSERT INTO tables (name, sql, created) VALUES (?1, ?2, ?3)");
    if (!s)
        return ERR_IO;
    catalog_db_bind_text(s, 1, t->name);
    catalog_db_bind_text(s, 2, t->sql);
    sqlite3_bind_int64(s, 3, t->created);
    enum err e = catalog_db_run(c, s);
    if (e == ERR_OK)
        t->uid = (uint32_t)sqlite3_last_insert_rowid(c->db);
    return e;
}

enum err catalog_tables_add(struct catalog *c, struct catalog_table *t)
{
    struct catalog_table added = *t;
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        if ((e = insert(c, &added)) == ERR_OK)
            e = catalog_db_audit(c, "table created", t->name, NULL);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    if (e == ERR_OK)
        t->uid = added.uid;
    return e;
}

enum err catalog_tables_delete(struct catalog *c, const char *name)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        sqlite3_stmt *s = catalog_db_statement(c, "DELETE FROM tables WHERE name = ?1");
        e = s ? ERR_OK : ERR_IO;
        if (s) {
            catalog_db_bind_text(s, 1, name);
            e = catalog_db_run(c, s);
        }
        if (e == ERR_OK)
            e = catalog_db_audit(c, "table deleted", name, NULL);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_tables(struct catalog *c, void (*each)(void *ctx, const struct catalog_table *t),
                        void *ctx)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        catalog_db_statement(c, "SELECT uid, name, sql, created FROM tables ORDER BY uid");
    if (s) {
        int rc = 0;
        while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
            struct catalog_table row = {.uid = (uint32_t)sqlite3_column_int64(s, 0),
                                        .name = (char *)sqlite3_column_text(s, 1),
                                        .sql = (char *)sqlite3_column_text(s, 2),
                                        .created = sqlite3_column_int64(s, 3)};
            each(ctx, &row);
        }
        e = catalog_db_err(c, rc);
        sqlite3_reset(s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
