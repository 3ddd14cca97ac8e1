/* SPDX-License-Identifier: Apache-2.0 */
#include "state/catalog_backtests.h"
#include "base/mem.h"
#include "state/catalog_db.h"
#include <stdio.h>

#define BACKTEST_COLUMNS "SELECT id, state, rule, plan, created, started, ended, error"
#define BACKTEST_RANGE " FROM backtests WHERE id < ?1"

static enum err insert(struct catalog *c, struct catalog_backtest *b)
{
    sqlite3_stmt *s =
        catalog_db_statement(c, "INSERT INTO backtests (state, rule, plan, created) VALUES (?1, "
                                "?2, ?3, ?4)");
    if (!s)
        return ERR_IO;
    sqlite3_bind_int(s, 1, (int)b->state);
    catalog_db_bind_text(s, 2, b->rule);
    catalog_db_bind_text(s, 3, b->plan);
    catalog_db_bind_time(s, 4, b->created);
    enum err e = catalog_db_run(c, s);
    if (e == ERR_OK)
        b->id = (uint64_t)sqlite3_last_insert_rowid(c->db);
    return e;
}

enum err catalog_backtests_add(struct catalog *c, struct catalog_backtest *b)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK)
        e = catalog_db_end(c, insert(c, b));
    pthread_mutex_unlock(&c->lock);
    return e;
}

static enum err change(struct catalog *c, const struct catalog_backtest *b)
{
    sqlite3_stmt *s =
        catalog_db_statement(c, "UPDATE backtests SET state = ?2, started = ?3, ended = ?4, "
                                "error = ?5, result = ?6 WHERE id = ?1");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, b->id);
    sqlite3_bind_int(s, 2, (int)b->state);
    catalog_db_bind_time(s, 3, b->started);
    catalog_db_bind_time(s, 4, b->ended);
    catalog_db_bind_text(s, 5, b->error);
    catalog_db_bind_text(s, 6, b->result);
    enum err e = catalog_db_run(c, s);
    return e == ERR_OK && sqlite3_changes(c->db) == 0 ? ERR_NOT_FOUND : e;
}

static enum err remove_one(struct catalog *c, uint64_t id)
{
    sqlite3_stmt *s = catalog_db_statement(c, "DELETE FROM backtests WHERE id = ?1");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, id);
    return catalog_db_run(c, s);
}

enum err catalog_backtests_set(struct catalog *c, const struct catalog_backtest *b)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK)
        e = catalog_db_end(c, change(c, b));
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_backtests_delete(struct catalog *c, uint64_t id)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK)
        e = catalog_db_end(c, remove_one(c, id));
    pthread_mutex_unlock(&c->lock);
    return e;
}

static void read_backtest(sqlite3_stmt *s, struct catalog_backtest *b)
{
    *b = (struct catalog_backtest){.id = (uint64_t)sqlite3_column_int64(s, 0),
                                   .state = (enum catalog_backtest_state)sqlite3_column_int(s, 1),
                                   .rule = catalog_db_text(s, 2),
                                   .plan = catalog_db_text(s, 3),
                                   .created = catalog_db_time(s, 4),
                                   .started = catalog_db_time(s, 5),
                                   .ended = catalog_db_time(s, 6),
                                   .error = catalog_db_text(s, 7)};
}

enum err catalog_backtests(struct catalog *c, uint64_t before, const char *rule, unsigned limit,
                           catalog_backtests_each *each, void *ctx)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        rule == NULL
            ? catalog_db_statement(c, BACKTEST_COLUMNS BACKTEST_RANGE " ORDER BY id DESC LIMIT ?2")
            : catalog_db_statement(c, BACKTEST_COLUMNS BACKTEST_RANGE
                                   " AND rule = ?3 ORDER BY id DESC LIMIT ?2");
    if (s) {
        int rc = 0;
        sqlite3_bind_int64(s, 1, before > 0 && before < INT64_MAX ? (int64_t)before : INT64_MAX);
        sqlite3_bind_int64(s, 2, limit);
        if (rule != NULL)
            catalog_db_bind_text(s, 3, rule);
        while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
            struct catalog_backtest b;
            read_backtest(s, &b);
            each(ctx, &b);
        }
        e = catalog_db_err(c, rc);
        sqlite3_reset(s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_backtests_get(struct catalog *c, uint64_t id, catalog_backtests_each *each,
                               void *ctx)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        catalog_db_statement(c, BACKTEST_COLUMNS ", result FROM backtests WHERE id = ?1");
    if (s) {
        catalog_db_bind_u64(s, 1, id);
        int rc = sqlite3_step(s);
        e = rc == SQLITE_DONE ? ERR_NOT_FOUND : catalog_db_err(c, rc);
        if (rc == SQLITE_ROW) {
            struct catalog_backtest b;
            read_backtest(s, &b);
            b.result = catalog_db_text(s, 8);
            each(ctx, &b);
        }
        sqlite3_reset(s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_backtests_told(struct catalog *c, uint64_t rule_uid, const char *rule_name,
                                evtime from, evtime to, catalog_alerts_each *each, void *ctx)
{
    static const char *const severities[] = {"low", "medium", "high", "critical"};
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(
        c, "SELECT a.id, a.time, a.title, a.key_json, a.row_json, a.severity, a.kind, d.vars_json, "
           "l.label"
           " FROM alerts a LEFT JOIN alert_details d ON d.seq = a.seq LEFT JOIN alert_labels l ON "
           "l.id = a.id WHERE a.rule_name = ?1"
           " AND a.rule_uid = ?2 AND a.time >= ?3 AND a.time < ?4 AND a.retracted = 0"
           " AND a.replaced_by IS NULL");
    if (s) {
        int rc = 0;
        catalog_db_bind_text(s, 1, rule_name);
        catalog_db_bind_u64(s, 2, rule_uid);
        sqlite3_bind_int64(s, 3, from);
        sqlite3_bind_int64(s, 4, to);
        while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
            int severity = sqlite3_column_int(s, 5);
            struct catalog_alert a = {.rule_uid = rule_uid,
                                      .rule_name = rule_name,
                                      .time = sqlite3_column_int64(s, 1),
                                      .title = catalog_db_text(s, 2),
                                      .key_json = catalog_db_text(s, 3),
                                      .row_json = catalog_db_text(s, 4),
                                      .severity = severities[severity & 3],
                                      .kind = sqlite3_column_int(s, 6),
                                      .vars_json = catalog_db_text(s, 7),
                                      .label = catalog_db_text(s, 8)};
            const char *id = catalog_db_text(s, 0);
            snprintf(a.id, sizeof a.id, "%s", id ? id : "");
            each(ctx, &a);
        }
        e = catalog_db_err(c, rc);
        sqlite3_reset(s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
