/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of rules: texts that do not change. catalog_rules.c notes those that become active. */
#include "base/mem.h"
#include "state/catalog.h"
#include "state/catalog_db.h"

static enum err next_version(struct catalog *c, uint64_t uid, uint32_t *version)
{
    sqlite3_stmt *s =
        catalog_db_statement(c, "SELECT max(version) + 1 FROM versions WHERE uid = ?1");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, uid);
    int rc = sqlite3_step(s);
    bool none = rc == SQLITE_ROW && sqlite3_column_type(s, 0) == SQLITE_NULL;
    if (rc == SQLITE_ROW && !none)
        *version = (uint32_t)sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    return none ? ERR_NOT_FOUND : catalog_db_err(c, rc);
}

enum err catalog_versions_next(struct catalog *c, uint64_t uid, uint32_t *version)
{
    pthread_mutex_lock(&c->lock);
    enum err e = next_version(c, uid, version);
    pthread_mutex_unlock(&c->lock);
    return e;
}

static enum err insert(struct catalog *c, const struct catalog_version *v)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "INSERT INTO versions (uid, version, sql, mode, created, author, reason)"
           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, v->uid);
    sqlite3_bind_int64(s, 2, v->version);
    catalog_db_bind_text(s, 3, v->sql);
    sqlite3_bind_int(s, 4, v->mode);
    sqlite3_bind_int64(s, 5, v->created);
    catalog_db_bind_text(s, 6, v->author);
    catalog_db_bind_text(s, 7, v->reason);
    return catalog_db_run(c, s);
}

enum err catalog_versions_add(struct catalog *c, struct catalog_version *v)
{
    struct catalog_version added = *v;
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        e = next_version(c, v->uid, &added.version);
        e = e == ERR_OK ? insert(c, &added) : e;
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    if (e == ERR_OK)
        v->version = added.version;
    return e;
}

static enum err tell(struct catalog *c, sqlite3_stmt *s, catalog_versions_each *each, void *ctx,
                     unsigned *n)
{
    int rc = 0;
    *n = 0;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        bool draft = sqlite3_column_type(s, 7) == SQLITE_NULL;
        const struct catalog_version v = {
            .uid = (uint64_t)sqlite3_column_int64(s, 0),
            .version = (uint32_t)sqlite3_column_int64(s, 1),
            .sql = (const char *)sqlite3_column_text(s, 2),
            .mode = sqlite3_column_int(s, 3),
            .created = sqlite3_column_int64(s, 4),
            .author = (const char *)sqlite3_column_text(s, 5),
            .reason = (const char *)sqlite3_column_text(s, 6),
            .activated = draft ? EVTIME_MIN : sqlite3_column_int64(s, 7),
            .lists_seq = (uint64_t)sqlite3_column_int64(s, 8),
            .activated_by = (const char *)sqlite3_column_text(s, 9),
            .activated_reason = (const char *)sqlite3_column_text(s, 10),
            .rollback_to = (uint32_t)sqlite3_column_int64(s, 11),
        };
        each(ctx, &v);
        ++*n;
    }
    sqlite3_reset(s);
    return catalog_db_err(c, rc);
}

#define COLUMNS                                                                                    \
    "SELECT uid, version, sql, mode, created, author, reason, activated, lists_seq,"               \
    " activated_by, activated_reason, rollback_to FROM versions "

enum err catalog_versions(struct catalog *c, uint64_t uid, catalog_versions_each *each, void *ctx)
{
    enum err e = ERR_IO;
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, COLUMNS "WHERE uid = ?1 ORDER BY version DESC");
    if (s) {
        catalog_db_bind_u64(s, 1, uid);
        e = tell(c, s, each, ctx, &n);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_versions_get(struct catalog *c, uint64_t uid, uint32_t version,
                              catalog_versions_each *each, void *ctx)
{
    enum err e = ERR_IO;
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, COLUMNS "WHERE uid = ?1 AND version = ?2");
    if (s) {
        catalog_db_bind_u64(s, 1, uid);
        sqlite3_bind_int64(s, 2, version);
        e = tell(c, s, each, ctx, &n);
        if (e == ERR_OK && n == 0)
            e = ERR_NOT_FOUND;
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
