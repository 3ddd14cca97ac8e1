/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters: the newest are kept, so that a flood of bad rows ends at a bound and not at a full disk. */
#include "state/catalog.h"
#include "state/catalog_db.h"
#include <string.h>

enum {
    RAW_MAX = 64 << 10,
    SLACK = 256
}; /* bytes kept of a row; how many too many are let stand between clean-ups */

static enum err insert(struct catalog *c, const struct catalog_dead_letter *d)
{
    sqlite3_stmt *s = catalog_db_statement(c, "INSERT INTO dead_letters (kind, stream, partition, "
                                              "\"offset\", rule, code, reason, raw, at)"
                                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
                                              " ON CONFLICT DO NOTHING");
    if (!s)
        return ERR_IO;
    catalog_db_bind_text(s, 1, d->kind);
    sqlite3_bind_int64(s, 2, d->stream);
    sqlite3_bind_int64(s, 3, d->partition);
    catalog_db_bind_u64(s, 4, d->offset);
    catalog_db_bind_text(s, 5, d->rule);
    catalog_db_bind_text(s, 6, d->code);
    catalog_db_bind_text(s, 7, d->reason);
    if (d->raw)
        sqlite3_bind_blob(s, 8, d->raw, (int)(d->raw_len < RAW_MAX ? d->raw_len : RAW_MAX),
                          SQLITE_STATIC);
    sqlite3_bind_int64(s, 9, d->at);
    return catalog_db_run(c, s);
}

static enum err drop_oldest(struct catalog *c, uint64_t too_many)
{
    sqlite3_stmt *s =
        catalog_db_statement(c, "DELETE FROM dead_letters WHERE id IN"
                                " (SELECT id FROM dead_letters ORDER BY id LIMIT ?1)");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, too_many);
    return catalog_db_run(c, s);
}

/* Adds n to the number kept; *kept: the sum. */
static enum err count(struct catalog *c, int64_t n, uint64_t *kept)
{
    sqlite3_stmt *s = catalog_db_statement(c, "UPDATE totals SET dead = dead + ?1 RETURNING dead");
    if (!s)
        return ERR_IO;
    sqlite3_bind_int64(s, 1, n);
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        *kept = (uint64_t)sqlite3_column_int64(s, 0);
    return rc == SQLITE_ROW ? catalog_db_run(c, s) : catalog_db_err(c, rc);
}

enum err catalog_dead_add(struct catalog *c, const struct catalog_dead_letter *d, unsigned n,
                          uint64_t keep)
{
    uint64_t kept = 0;
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, false);
    if (e == ERR_OK) {
        int64_t added = 0;
        for (unsigned i = 0; e == ERR_OK && i < n; i++) {
            e = insert(c, &d[i]);
            added += e == ERR_OK ? sqlite3_changes(c->db) : 0;
        }
        if (e == ERR_OK)
            e = count(c, added, &kept);
        if (e == ERR_OK && kept > keep + SLACK) {
            uint64_t too_many = kept - keep;
            if ((e = drop_oldest(c, too_many)) == ERR_OK)
                e = count(c, -(int64_t)too_many, &kept);
        }
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_dead_list(struct catalog *c, uint64_t before_id, unsigned limit,
                           void (*each)(void *ctx, const struct catalog_dead_letter *d), void *ctx)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(
        c, "SELECT id, kind, stream, partition, \"offset\", rule, code, reason, raw, at"
           " FROM dead_letters WHERE id < ?1 ORDER BY id DESC LIMIT ?2");
    if (s) {
        int rc = 0;
        catalog_db_bind_u64(s, 1, before_id == 0 ? INT64_MAX : before_id);
        sqlite3_bind_int64(s, 2, limit);
        while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
            struct catalog_dead_letter d = {.id = (uint64_t)sqlite3_column_int64(s, 0),
                                            .kind = catalog_db_text(s, 1),
                                            .stream = (uint32_t)sqlite3_column_int64(s, 2),
                                            .partition = (uint32_t)sqlite3_column_int64(s, 3),
                                            .offset = (uint64_t)sqlite3_column_int64(s, 4),
                                            .rule = catalog_db_text(s, 5),
                                            .code = catalog_db_text(s, 6),
                                            .reason = catalog_db_text(s, 7),
                                            .raw = sqlite3_column_blob(s, 8),
                                            .raw_len = (size_t)sqlite3_column_bytes(s, 8),
                                            .at = sqlite3_column_int64(s, 9)};
            each(ctx, &d);
        }
        e = catalog_db_err(c, rc);
        sqlite3_reset(s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
