/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters: the newest are kept, so that a flood of bad rows ends at a bound and not at a full disk. */
#include "state/catalog_deadfit.h"
#include <string.h>

enum { SLACK = 256 }; /* how many too many are let stand between clean-ups */

static bool is_late(const struct catalog_dead_letter *d)
{
    return strcmp(d->kind, "late") == 0;
}

static void bind_place(sqlite3_stmt *s, const struct catalog_dead_letter *d)
{
    catalog_db_bind_text(s, 1, d->kind);
    sqlite3_bind_int64(s, 2, d->stream);
    sqlite3_bind_int64(s, 3, d->partition);
    catalog_db_bind_u64(s, 4, d->offset);
    catalog_db_bind_text(s, 5, is_late(d) ? NULL : d->rule);
}

static enum err insert(struct catalog *c, const struct catalog_dead_letter *d)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "INSERT INTO dead_letters (kind, stream, partition, \"offset\", rule, code, reason, "
           "raw, at, size, logged) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 "
           "WHERE NOT EXISTS (SELECT 1 FROM dead_marks m WHERE m.stream = ?2 AND m.next > ?11)"
           " AND NOT EXISTS (SELECT 1 FROM dead_floors f WHERE f.stream = ?2 AND f.partition = ?3"
           " AND f.kind = ?1 AND ?4 BETWEEN 0 AND f.\"offset\" - 1 AND ?5 IS NULL)"
           " ON CONFLICT DO NOTHING");
    if (!s)
        return ERR_IO;
    size_t kept = d->raw_len < CATALOG_DEAD_RAW_MAX ? d->raw_len : CATALOG_DEAD_RAW_MAX;
    bind_place(s, d);
    catalog_db_bind_text(s, 6, d->code);
    catalog_db_bind_text(s, 7, d->reason);
    if (d->raw)
        sqlite3_bind_blob(s, 8, d->raw, (int)kept, SQLITE_STATIC);
    sqlite3_bind_int64(s, 9, d->at);
    catalog_db_bind_u64(s, 10, d->size > d->raw_len ? d->size : d->raw_len);
    if (d->logged > 0)
        catalog_db_bind_u64(s, 11, d->logged - 1);
    return catalog_db_run(c, s);
}

static enum err note_rule(struct catalog *c, const struct catalog_dead_letter *d)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "INSERT INTO dead_letter_rules (letter, rule) SELECT id, ?6 FROM dead_letters WHERE"
           " stream = ?2 AND partition = ?3 AND \"offset\" = ?4 AND \"offset\" <> -1 AND kind = ?1"
           " AND coalesce(rule, '') = coalesce(?5, '') AND state <> 3 ON CONFLICT DO NOTHING");
    if (!s)
        return ERR_IO;
    bind_place(s, d);
    catalog_db_bind_text(s, 6, d->rule);
    return catalog_db_run(c, s);
}

static enum err raise_mark(struct catalog *c, const struct catalog_dead_letter *d)
{
    sqlite3_stmt *s =
        catalog_db_statement(c,
                             "INSERT INTO dead_marks (stream, next) VALUES (?1, ?2)"
                             " ON CONFLICT (stream) DO UPDATE SET next = max(next, excluded.next)");
    if (!s)
        return ERR_IO;
    sqlite3_bind_int64(s, 1, d->stream);
    catalog_db_bind_u64(s, 2, d->logged);
    return catalog_db_run(c, s);
}

/* A rule's error that has no place is there once each time. */
static enum err note_new_rule(struct catalog *c, const char *rule)
{
    sqlite3_stmt *s = catalog_db_statement(c, "INSERT INTO dead_letter_rules (letter, rule)"
                                              " VALUES (last_insert_rowid(), ?1)");
    if (!s)
        return ERR_IO;
    catalog_db_bind_text(s, 1, rule);
    return catalog_db_run(c, s);
}

static enum err add(struct catalog *c, const struct catalog_dead_letter *d)
{
    enum err e = insert(c, d);
    bool added = e == ERR_OK && sqlite3_changes(c->db) > 0;
    if (e == ERR_OK && d->rule && d->offset != UINT64_MAX)
        e = note_rule(c, d);
    else if (e == ERR_OK && d->rule && added)
        e = note_new_rule(c, d->rule);
    if (e == ERR_OK && d->logged > 0)
        e = raise_mark(c, d);
    return e;
}

/* --- letting go ------------------------------------------------------------------------------------------------------ */

/* Those chosen, in "doomed". Places of rules' errors, and of what rules find, have no order. */
static enum err drop_doomed(struct catalog *c)
{
    return catalog_db_err(
        c,
        sqlite3_exec(c->db,
                     "INSERT INTO dead_floors (stream, partition, kind, \"offset\")"
                     " SELECT stream, partition, kind, max(\"offset\") + 1 FROM dead_letters WHERE"
                     " id IN (SELECT id FROM doomed) AND \"offset\" >= 0 AND rule IS NULL"
                     " AND stream < 2147483648 GROUP BY stream, partition, kind"
                     " ON CONFLICT (stream, partition, kind) DO UPDATE"
                     " SET \"offset\" = max(\"offset\", excluded.\"offset\");"
                     "DELETE FROM dead_letters WHERE id IN (SELECT id FROM doomed);"
                     "DELETE FROM doomed",
                     NULL, NULL, NULL));
}

static enum err doom(struct catalog *c, sqlite3_stmt *s)
{
    enum err e = s ? catalog_db_run(c, s) : ERR_IO;
    return e == ERR_OK ? drop_doomed(c) : e;
}

static enum err make_doomed(struct catalog *c)
{
    return catalog_db_err(c, sqlite3_exec(c->db,
                                          "CREATE TEMP TABLE IF NOT EXISTS doomed (id INTEGER "
                                          "PRIMARY KEY)",
                                          NULL, NULL, NULL));
}

static enum err read_counts(struct catalog *c, uint64_t *kept, uint64_t *gone)
{
    sqlite3_stmt *s = catalog_db_statement(c, "SELECT dead_kept, dead_gone FROM totals");
    if (!s)
        return ERR_IO;
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW) {
        *kept = (uint64_t)sqlite3_column_int64(s, 0);
        *gone = (uint64_t)sqlite3_column_int64(s, 1);
    }
    enum err e = catalog_db_err(c, rc);
    sqlite3_reset(s);
    return e;
}

static enum err drop_oldest(struct catalog *c, bool deleted, uint64_t too_many)
{
    enum err e = make_doomed(c);
    sqlite3_stmt *s =
        e != ERR_OK ? NULL
                    : catalog_db_statement(c, "INSERT INTO doomed SELECT id FROM dead_letters WHERE"
                                              " (state = 3) = ?1 ORDER BY id LIMIT ?2");
    if (!s)
        return ERR_IO;
    sqlite3_bind_int(s, 1, deleted);
    catalog_db_bind_u64(s, 2, too_many);
    return doom(c, s);
}

enum err catalog_dead_trim(struct catalog *c, uint64_t keep)
{
    uint64_t kept = 0, gone = 0;
    enum err e = read_counts(c, &kept, &gone);
    if (e == ERR_OK && kept > keep + SLACK)
        e = drop_oldest(c, false, kept - keep);
    if (e == ERR_OK && gone > keep + SLACK)
        e = drop_oldest(c, true, gone - keep);
    return e;
}

enum err catalog_dead_add(struct catalog *c, const struct catalog_dead_letter *d, unsigned n,
                          uint64_t keep)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, false);
    if (e == ERR_OK) {
        for (unsigned i = 0; e == ERR_OK && i < n; i++)
            e = add(c, &d[i]);
        if (e == ERR_OK)
            e = catalog_dead_trim(c, keep);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_dead_expire(struct catalog *c, evtime before)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, false);
    if (e == ERR_OK) {
        sqlite3_stmt *s = NULL;
        if ((e = make_doomed(c)) == ERR_OK &&
            (s = catalog_db_statement(c, "INSERT INTO doomed SELECT id FROM dead_letters"
                                         " WHERE at < ?1 AND state <> 1")))
            sqlite3_bind_int64(s, 1, before);
        if (e == ERR_OK)
            e = doom(c, s);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_dead_mark(struct catalog *c, uint32_t stream, uint64_t *next)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, "SELECT next FROM dead_marks WHERE stream = ?1");
    if (s) {
        sqlite3_bind_int64(s, 1, stream);
        int rc = sqlite3_step(s);
        *next = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
        e = catalog_db_err(c, rc);
        sqlite3_reset(s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
