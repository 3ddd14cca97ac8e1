/* SPDX-License-Identifier: Apache-2.0 */
#include "state/catalog_operations.h"
#include "state/catalog_db.h"

#define COLUMNS                                                                                    \
    "SELECT id, kind, state, rule_uid, rule, version, rollback_to, sql, author, reason,"           \
    " savepoint, since, lane, rows, created, started, ended, error FROM operations"

static enum err insert(struct catalog *c, struct catalog_operation *o)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "INSERT INTO operations (kind, state, rule_uid, rule, version, rollback_to, sql, author,"
           " reason, savepoint, since, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
           " ?11, ?12)");
    if (!s)
        return ERR_IO;
    catalog_db_bind_text(s, 1, o->kind);
    sqlite3_bind_int(s, 2, (int)o->state);
    catalog_db_bind_u64(s, 3, o->rule_uid);
    catalog_db_bind_text(s, 4, o->rule);
    sqlite3_bind_int64(s, 5, o->version);
    sqlite3_bind_int64(s, 6, o->rollback_to);
    catalog_db_bind_text(s, 7, o->sql);
    catalog_db_bind_text(s, 8, o->author);
    catalog_db_bind_text(s, 9, o->reason);
    catalog_db_bind_text(s, 10, o->savepoint);
    catalog_db_bind_time(s, 11, o->since);
    catalog_db_bind_time(s, 12, o->created);
    enum err e = catalog_db_run(c, s);
    if (e == ERR_OK)
        o->id = (uint64_t)sqlite3_last_insert_rowid(c->db);
    return e;
}

enum err catalog_operations_add(struct catalog *c, struct catalog_operation *o)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK)
        e = catalog_db_end(c, insert(c, o));
    pthread_mutex_unlock(&c->lock);
    return e;
}

static enum err change(struct catalog *c, const struct catalog_operation *o)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "UPDATE operations SET state = ?2, version = ?3, lane = ?4, rows = ?5, started = ?6,"
           " ended = ?7, error = ?8 WHERE id = ?1");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, o->id);
    sqlite3_bind_int(s, 2, (int)o->state);
    sqlite3_bind_int64(s, 3, o->version);
    catalog_db_bind_u64(s, 4, o->lane);
    catalog_db_bind_u64(s, 5, o->rows);
    catalog_db_bind_time(s, 6, o->started);
    catalog_db_bind_time(s, 7, o->ended);
    catalog_db_bind_text(s, 8, o->error);
    enum err e = catalog_db_run(c, s);
    return e == ERR_OK && sqlite3_changes(c->db) == 0 ? ERR_NOT_FOUND : e;
}

enum err catalog_operations_set(struct catalog *c, const struct catalog_operation *o)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK)
        e = catalog_db_end(c, change(c, o));
    pthread_mutex_unlock(&c->lock);
    return e;
}

static void read_one(sqlite3_stmt *s, struct catalog_operation *o)
{
    *o = (struct catalog_operation){.id = (uint64_t)sqlite3_column_int64(s, 0),
                                    .kind = catalog_db_text(s, 1),
                                    .state = (enum catalog_operation_state)sqlite3_column_int(s, 2),
                                    .rule_uid = (uint64_t)sqlite3_column_int64(s, 3),
                                    .rule = catalog_db_text(s, 4),
                                    .version = (uint32_t)sqlite3_column_int64(s, 5),
                                    .rollback_to = (uint32_t)sqlite3_column_int64(s, 6),
                                    .sql = catalog_db_text(s, 7),
                                    .author = catalog_db_text(s, 8),
                                    .reason = catalog_db_text(s, 9),
                                    .savepoint = catalog_db_text(s, 10),
                                    .since = catalog_db_time(s, 11),
                                    .lane = (uint64_t)sqlite3_column_int64(s, 12),
                                    .rows = (uint64_t)sqlite3_column_int64(s, 13),
                                    .created = catalog_db_time(s, 14),
                                    .started = catalog_db_time(s, 15),
                                    .ended = catalog_db_time(s, 16),
                                    .error = catalog_db_text(s, 17)};
}

static enum err tell(struct catalog *c, sqlite3_stmt *s, catalog_operations_each *each, void *ctx,
                     unsigned *n)
{
    int rc = 0;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        struct catalog_operation o;
        read_one(s, &o);
        each(ctx, &o);
        ++*n;
    }
    sqlite3_reset(s);
    return catalog_db_err(c, rc);
}

enum err catalog_operations(struct catalog *c, uint64_t before, uint64_t rule_uid, unsigned limit,
                            catalog_operations_each *each, void *ctx)
{
    enum err e = ERR_IO;
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(
        c, COLUMNS " WHERE id < ?1 AND (?2 = 0 OR rule_uid = ?2) ORDER BY id DESC LIMIT ?3");
    if (s) {
        sqlite3_bind_int64(s, 1, before > 0 && before < INT64_MAX ? (int64_t)before : INT64_MAX);
        catalog_db_bind_u64(s, 2, rule_uid);
        sqlite3_bind_int64(s, 3, limit);
        e = tell(c, s, each, ctx, &n);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_operations_get(struct catalog *c, uint64_t id, catalog_operations_each *each,
                                void *ctx)
{
    enum err e = ERR_IO;
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, COLUMNS " WHERE id = ?1");
    if (s) {
        catalog_db_bind_u64(s, 1, id);
        e = tell(c, s, each, ctx, &n);
    }
    pthread_mutex_unlock(&c->lock);
    return e == ERR_OK && n == 0 ? ERR_NOT_FOUND : e;
}

enum err catalog_operations_open(struct catalog *c, catalog_operations_each *each, void *ctx)
{
    enum err e = ERR_IO;
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        catalog_db_statement(c, COLUMNS
                             " WHERE state < ?1 OR (state = ?1 AND lane IN (SELECT uid FROM rules"
                             " WHERE deleted = 0)) ORDER BY id");
    if (s) {
        sqlite3_bind_int(s, 1, OPERATION_DONE);
        e = tell(c, s, each, ctx, &n);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

static enum err trim(struct catalog *c, uint64_t keep)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "DELETE FROM operations WHERE state >= ?1 AND id NOT IN (SELECT id FROM operations"
           " WHERE state >= ?1 ORDER BY id DESC LIMIT ?2)"
           " AND lane NOT IN (SELECT uid FROM rules WHERE deleted = 0)");
    if (!s)
        return ERR_IO;
    sqlite3_bind_int(s, 1, OPERATION_DONE);
    catalog_db_bind_u64(s, 2, keep);
    enum err e = catalog_db_run(c, s);
    if (e != ERR_OK)
        return e;
    s = catalog_db_statement(
        c, "DELETE FROM operation_forks WHERE operation NOT IN (SELECT id FROM operations)");
    return s ? catalog_db_run(c, s) : ERR_IO;
}

enum err catalog_operations_trim(struct catalog *c, uint64_t keep)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK)
        e = catalog_db_end(c, trim(c, keep));
    pthread_mutex_unlock(&c->lock);
    return e;
}

static enum err insert_fork(struct catalog *c, uint64_t operation, uint32_t fork, uint32_t stream)
{
    sqlite3_stmt *s = catalog_db_statement(c, "INSERT INTO operation_forks VALUES (?1, ?2, ?3)");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, operation);
    sqlite3_bind_int64(s, 2, fork);
    sqlite3_bind_int64(s, 3, stream);
    return catalog_db_run(c, s);
}

enum err catalog_operations_fork(struct catalog *c, uint64_t operation, uint32_t fork,
                                 uint32_t stream)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK)
        e = catalog_db_end(c, insert_fork(c, operation, fork, stream));
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_operations_forks(struct catalog *c,
                                  void (*each)(void *ctx, const struct catalog_fork *f), void *ctx)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(
        c, "SELECT o.lane, f.fork, f.stream FROM operation_forks f JOIN operations o"
           " ON o.id = f.operation JOIN rules r ON r.uid = o.lane WHERE r.deleted = 0"
           " ORDER BY f.fork");
    if (s) {
        int rc = 0;
        while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
            const struct catalog_fork f = {(uint64_t)sqlite3_column_int64(s, 0),
                                           (uint32_t)sqlite3_column_int64(s, 1),
                                           (uint32_t)sqlite3_column_int64(s, 2)};
            each(ctx, &f);
        }
        e = catalog_db_err(c, rc);
        sqlite3_reset(s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
