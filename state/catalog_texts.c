/* SPDX-License-Identifier: Apache-2.0 */
/* What is a name and a text and no more: streams, tables of databases outside, whose rows are not ours, and sinks. */
#include "base/bug.h"
#include "state/catalog.h"
#include "state/catalog_db.h"

struct kind {
    const char *insert, *drop, *list, *created, *deleted; /* the last two: for the audit */
};
static const struct kind kinds[] = {
    [CATALOG_STREAM] = {"INSERT INTO streams (name, sql, created) VALUES (?1, ?2, ?3)", NULL,
                        "SELECT id, name, sql, created FROM streams ORDER BY id", "stream created",
                        NULL},
    [CATALOG_TABLE] = {"INSERT INTO tables (name, sql, created) VALUES (?1, ?2, ?3)",
                       "DELETE FROM tables WHERE name = ?1",
                       "SELECT uid, name, sql, created FROM tables ORDER BY uid", "table created",
                       "table deleted"},
    [CATALOG_SINK] = {"INSERT INTO sinks (name, sql, created) VALUES (?1, ?2, ?3)",
                      "DELETE FROM sinks WHERE name = ?1",
                      "SELECT uid, name, sql, created FROM sinks ORDER BY uid", "sink created",
                      "sink deleted"},
};

static enum err insert(struct catalog *c, const struct kind *k, struct catalog_text *t)
{
    sqlite3_stmt *s = catalog_db_statement(c, k->insert);
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

enum err catalog_texts_add(struct catalog *c, enum catalog_text_kind kind, struct catalog_text *t)
{
    const struct kind *k = &kinds[kind];
    struct catalog_text added = *t;
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        if ((e = insert(c, k, &added)) == ERR_OK)
            e = catalog_db_audit(c, k->created, t->name, NULL);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    if (e == ERR_OK)
        t->uid = added.uid;
    return e;
}

enum err catalog_texts_delete(struct catalog *c, enum catalog_text_kind kind, const char *name)
{
    const struct kind *k = &kinds[kind];
    BUG_IF(k->drop == NULL, "a stream is not deleted");
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        sqlite3_stmt *s = catalog_db_statement(c, k->drop);
        e = s ? ERR_OK : ERR_IO;
        if (s) {
            catalog_db_bind_text(s, 1, name);
            e = catalog_db_run(c, s);
        }
        if (e == ERR_OK)
            e = catalog_db_audit(c, k->deleted, name, NULL);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_texts(struct catalog *c, enum catalog_text_kind kind,
                       void (*each)(void *ctx, const struct catalog_text *t), void *ctx)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, kinds[kind].list);
    if (s) {
        int rc = 0;
        while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
            struct catalog_text row = {.uid = (uint32_t)sqlite3_column_int64(s, 0),
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
