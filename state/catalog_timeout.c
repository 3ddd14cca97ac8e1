/* SPDX-License-Identifier: Apache-2.0 */
/* Timeouts: of each rule those with the latest times. Which they are does not depend on how often a replay found them. */
#include "state/catalog_db.h"
#include "state/catalog_dead.h"
#include <stdio.h>

static enum err insert(struct catalog *c, const struct catalog_timeout *t)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "INSERT INTO timeouts (id, rule_uid, rule_name, rule_version, time, created, key_json,"
           " row_json, vars_json) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
           " ON CONFLICT DO NOTHING");
    if (!s)
        return ERR_IO;
    catalog_db_bind_text(s, 1, t->id);
    catalog_db_bind_u64(s, 2, t->rule_uid);
    catalog_db_bind_text(s, 3, t->rule_name);
    sqlite3_bind_int64(s, 4, t->rule_version);
    sqlite3_bind_int64(s, 5, t->time);
    sqlite3_bind_int64(s, 6, t->created);
    catalog_db_bind_text(s, 7, t->key_json);
    catalog_db_bind_text(s, 8, t->row_json);
    catalog_db_bind_text(s, 9, t->vars_json);
    return catalog_db_run(c, s);
}

static enum err trim(struct catalog *c, uint64_t rule, uint64_t keep)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "DELETE FROM timeouts WHERE seq IN (SELECT seq FROM timeouts WHERE rule_uid = ?1"
           " ORDER BY time DESC, seq DESC LIMIT -1 OFFSET ?2)");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, rule);
    catalog_db_bind_u64(s, 2, keep);
    return catalog_db_run(c, s);
}

enum err catalog_timeouts_add(struct catalog *c, const struct catalog_timeout *t, unsigned n,
                              uint64_t keep)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, false);
    if (e == ERR_OK) {
        for (unsigned i = 0; e == ERR_OK && i < n; i++)
            e = insert(c, &t[i]);
        if (e == ERR_OK && n > 0)
            e = trim(c, t[0].rule_uid, keep);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_timeouts_list(struct catalog *c, const char *rule, uint64_t after, unsigned limit,
                               void (*each)(void *ctx, const struct catalog_timeout *t), void *ctx)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(
        c, "SELECT seq, id, rule_uid, rule_name, rule_version, time, created, key_json, row_json,"
           " vars_json FROM timeouts WHERE rule_name = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3");
    if (s) {
        int rc = 0;
        catalog_db_bind_text(s, 1, rule);
        catalog_db_bind_u64(s, 2, after > 0 ? after : INT64_MAX);
        sqlite3_bind_int64(s, 3, limit);
        while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
            struct catalog_timeout t = {.seq = (uint64_t)sqlite3_column_int64(s, 0),
                                        .rule_uid = (uint64_t)sqlite3_column_int64(s, 2),
                                        .rule_name = catalog_db_text(s, 3),
                                        .rule_version = (uint32_t)sqlite3_column_int64(s, 4),
                                        .time = sqlite3_column_int64(s, 5),
                                        .created = sqlite3_column_int64(s, 6),
                                        .key_json = catalog_db_text(s, 7),
                                        .row_json = catalog_db_text(s, 8),
                                        .vars_json = catalog_db_text(s, 9)};
            snprintf(t.id, sizeof t.id, "%s", catalog_db_text(s, 1));
            each(ctx, &t);
        }
        e = catalog_db_err(c, rc);
        sqlite3_reset(s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_timeouts_expire(struct catalog *c, evtime before)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, "DELETE FROM timeouts WHERE created < ?1");
    if (s) {
        sqlite3_bind_int64(s, 1, before);
        e = catalog_db_run(c, s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
