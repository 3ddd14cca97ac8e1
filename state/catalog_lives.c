/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that are kept and not live. For all who look for live rules they are deleted ones. */
#include "state/catalog_lives.h"
#include "base/mem.h"
#include "state/catalog_db.h"

static enum err name_is_free(struct catalog *c, const char *name)
{
    sqlite3_stmt *q = catalog_db_statement(
        c, "SELECT 1 FROM rules WHERE name = ?1 AND (deleted = 0 OR rests = 1) LIMIT 1");
    if (!q)
        return ERR_IO;
    catalog_db_bind_text(q, 1, name);
    int rc = sqlite3_step(q);
    sqlite3_reset(q);
    return rc == SQLITE_ROW ? ERR_EXISTS : catalog_db_err(c, rc);
}

static enum err insert_rule(struct catalog *c, struct catalog_rule *r)
{
    sqlite3_stmt *q = catalog_db_statement(
        c, "INSERT INTO rules (name, sql, version, mode, deleted, rests, created, updated)"
           " VALUES (?1, ?2, 1, ?3, 1, 1, ?4, ?4)");
    if (!q)
        return ERR_IO;
    catalog_db_bind_text(q, 1, r->name);
    catalog_db_bind_text(q, 2, r->sql);
    sqlite3_bind_int(q, 3, r->mode);
    sqlite3_bind_int64(q, 4, r->created);
    enum err e = catalog_db_run(c, q);
    if (e == ERR_OK)
        r->uid = (uint64_t)sqlite3_last_insert_rowid(c->db);
    return e;
}

static enum err insert_version(struct catalog *c, const struct catalog_rule *r)
{
    sqlite3_stmt *q = catalog_db_statement(
        c, "INSERT INTO versions (uid, version, sql, mode, created, author, reason)"
           " VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6)");
    if (!q)
        return ERR_IO;
    catalog_db_bind_u64(q, 1, r->uid);
    catalog_db_bind_text(q, 2, r->sql);
    sqlite3_bind_int(q, 3, r->mode);
    sqlite3_bind_int64(q, 4, r->created);
    catalog_db_bind_text(q, 5, r->author);
    catalog_db_bind_text(q, 6, r->reason);
    return catalog_db_run(c, q);
}

enum err catalog_lives_draft(struct catalog *c, struct catalog_rule *r)
{
    struct catalog_rule added = *r;
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        e = name_is_free(c, r->name);
        if (e == ERR_OK)
            e = insert_rule(c, &added);
        if (e == ERR_OK)
            e = insert_version(c, &added);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    if (e == ERR_OK)
        r->uid = added.uid;
    return e;
}

enum err catalog_lives_rest(struct catalog *c, uint64_t uid, enum catalog_rests rests)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        sqlite3_stmt *q = catalog_db_statement(c, "UPDATE rules SET rests = ?2 WHERE uid = ?1");
        e = ERR_IO;
        if (q) {
            catalog_db_bind_u64(q, 1, uid);
            sqlite3_bind_int(q, 2, (int)rests);
            e = catalog_db_run(c, q);
        }
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_lives(struct catalog *c, const char *name, uint64_t uid,
                       void (*each)(void *ctx, const struct catalog_lives_rule *r), void *ctx)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *q = catalog_db_statement(
        c, "SELECT uid, name, sql, version, mode, created, updated, rests FROM rules WHERE"
           " deleted = 1 AND rests > 0 AND (?1 = '' OR name = ?1) AND (?2 = 0 OR uid = ?2)"
           " ORDER BY name, rests, uid DESC");
    if (q) {
        catalog_db_bind_text(q, 1, name);
        catalog_db_bind_u64(q, 2, uid);
        int rc = 0;
        while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
            const struct catalog_lives_rule r = {
                .rule = {.uid = (uint64_t)sqlite3_column_int64(q, 0),
                         .name = (char *)sqlite3_column_text(q, 1),
                         .sql = (char *)sqlite3_column_text(q, 2),
                         .version = (uint32_t)sqlite3_column_int64(q, 3),
                         .mode = sqlite3_column_int(q, 4),
                         .created = sqlite3_column_int64(q, 5),
                         .updated = sqlite3_column_int64(q, 6)},
                .rests = (enum catalog_rests)sqlite3_column_int(q, 7)};
            each(ctx, &r);
        }
        e = catalog_db_err(c, rc);
        sqlite3_reset(q);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
