/* SPDX-License-Identifier: Apache-2.0
 *
 * A letter is marked before it goes to the intake, and settled after: between the two the process may end. Whether the event
 * was taken is then in the intake log, beside the event; who opens the catalogue asks there and settles. */
#include "base/mem.h"
#include "state/catalog_deadfit.h"
#include <inttypes.h>
#include <stdio.h>

/* --- editing and deleting -------------------------------------------------------------------------------------------- */

static enum err edit(struct catalog *c, uint64_t id, const char *text, size_t n, evtime at,
                     const char *by)
{
    sqlite3_stmt *s = catalog_db_statement(c, "UPDATE dead_letters SET edited = ?2, edited_at = ?3,"
                                              " edited_by = ?4 WHERE id = ?1 AND state = 0");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, id);
    if (text)
        sqlite3_bind_blob64(s, 2, text, n, SQLITE_STATIC);
    sqlite3_bind_int64(s, 3, at);
    catalog_db_bind_text(s, 4, by);
    return catalog_db_run(c, s);
}

static enum err is_there(struct catalog *c, uint64_t id)
{
    sqlite3_stmt *s =
        catalog_db_statement(c, "SELECT 1 FROM dead_letters WHERE id = ?1 AND state <> 3");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, id);
    int rc = sqlite3_step(s);
    enum err e = rc == SQLITE_DONE ? ERR_NOT_FOUND : catalog_db_err(c, rc);
    sqlite3_reset(s);
    return e;
}

enum err catalog_deadsend_edit(struct catalog *c, uint64_t id, const char *text, size_t n,
                               evtime at, const char *by)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        e = is_there(c, id);
        if (e == ERR_OK && (e = edit(c, id, text, n, at, by)) == ERR_OK &&
            sqlite3_changes(c->db) == 0)
            e = ERR_CONFLICT;
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

/* What a replay may find again stays as a place; what it cannot find, or what the log gave already, goes. */
static enum err remove_fitting(struct catalog *c, const struct catalog_dead_filter *f, bool placed)
{
    sqlite3_stmt *s =
        placed
            ? catalog_db_statement(c,
                                   "UPDATE dead_letters AS d SET state = 3, raw = NULL,"
                                   " edited = NULL, edited_by = NULL, tried_by = NULL, reason = ''"
                                   " WHERE d.\"offset\" <> -1 AND d.logged IS NULL"
                                   " AND d.state <> 1 AND " CATALOG_DEADFIT)
            : catalog_db_statement(c,
                                   "DELETE FROM dead_letters AS d WHERE (d.\"offset\" = -1 OR"
                                   " d.logged IS NOT NULL) AND d.state <> 1 AND " CATALOG_DEADFIT);
    if (!s)
        return ERR_IO;
    catalog_deadlook_bind(s, f);
    return catalog_db_run(c, s);
}

static enum err forget_rules_of_deleted(struct catalog *c)
{
    return catalog_db_err(c, sqlite3_exec(c->db,
                                          "DELETE FROM dead_letter_rules WHERE letter IN"
                                          " (SELECT id FROM dead_letters WHERE state = 3)",
                                          NULL, NULL, NULL));
}

static enum err note_deleted(struct catalog *c, uint64_t n, const char *by)
{
    char count[24];
    snprintf(count, sizeof count, "%" PRIu64, n);
    return catalog_db_audit(c, "dead letters deleted", count, by);
}

enum err catalog_deadsend_delete(struct catalog *c, const struct catalog_dead_filter *f,
                                 uint64_t keep, const char *by, uint64_t *deleted)
{
    *deleted = 0;
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        e = remove_fitting(c, f, true);
        *deleted += e == ERR_OK ? (uint64_t)sqlite3_changes(c->db) : 0;
        if (e == ERR_OK)
            e = remove_fitting(c, f, false);
        *deleted += e == ERR_OK ? (uint64_t)sqlite3_changes(c->db) : 0;
        if (e == ERR_OK && *deleted > 0)
            e = forget_rules_of_deleted(c);
        if (e == ERR_OK && *deleted > 0)
            e = note_deleted(c, *deleted, by);
        if (e == ERR_OK)
            e = catalog_dead_trim(c, keep);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

/* --- sending --------------------------------------------------------------------------------------------------------- */

static enum err choose(struct catalog *c, const struct catalog_dead_filter *f, uint64_t *ids,
                       unsigned limit, unsigned *n)
{
    sqlite3_stmt *s = catalog_db_statement(c, "SELECT id FROM dead_letters d WHERE d.state = 0"
                                              " AND " CATALOG_DEADFIT " ORDER BY id LIMIT ?13");
    if (!s)
        return ERR_IO;
    int rc = 0;
    catalog_deadlook_bind(s, f);
    sqlite3_bind_int64(s, CATALOG_DEADFIT_FREE, limit);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW)
        ids[(*n)++] = (uint64_t)sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    return catalog_db_err(c, rc);
}

static enum err mark(struct catalog *c, uint64_t id, evtime at, const char *by)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "UPDATE dead_letters SET state = 1, tried_at = ?2, tried_by = ?3 WHERE id = ?1");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, id);
    sqlite3_bind_int64(s, 2, at);
    catalog_db_bind_text(s, 3, by);
    return catalog_db_run(c, s);
}

enum err catalog_deadsend_take(struct catalog *c, const struct catalog_dead_filter *f,
                               unsigned limit, evtime at, const char *by, catalog_dead_each *each,
                               void *ctx)
{
    uint64_t *ids = mem_array(limit, sizeof *ids);
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        e = choose(c, f, ids, limit, &n);
        for (unsigned i = 0; e == ERR_OK && i < n; i++)
            e = mark(c, ids[i], at, by);
        e = catalog_db_end(c, e);
    }
    for (unsigned i = 0; e == ERR_OK && i < n; i++)
        e = catalog_deadlook_sending(c, ids[i], each, ctx);
    pthread_mutex_unlock(&c->lock);
    mem_free(ids);
    return e;
}

enum err catalog_deadsend_open(struct catalog *c, catalog_dead_each *each, void *ctx)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_deadlook_sending(c, 0, each, ctx);
    pthread_mutex_unlock(&c->lock);
    return e;
}

static enum err settle(struct catalog *c, const struct catalog_deadsend_outcome *o)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "UPDATE dead_letters SET state = ?2, sent_partition = ?3, sent_offset = ?4,"
           " tries = tries + (?5 IS NOT NULL), code = coalesce(?5, code),"
           " reason = coalesce(?6, reason) WHERE id = ?1 AND state = 1");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, o->id);
    sqlite3_bind_int(s, 2, (int)o->state);
    if (o->state == DEAD_SENT) {
        sqlite3_bind_int64(s, 3, o->partition);
        catalog_db_bind_u64(s, 4, o->offset);
    } else {
        catalog_db_bind_text(s, 5, o->code);
        catalog_db_bind_text(s, 6, o->reason);
    }
    return catalog_db_run(c, s);
}

enum err catalog_deadsend_settle(struct catalog *c, const struct catalog_deadsend_outcome *o,
                                 unsigned n)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        for (unsigned i = 0; e == ERR_OK && i < n; i++)
            e = settle(c, &o[i]);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
