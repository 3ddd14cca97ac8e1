/* SPDX-License-Identifier: Apache-2.0 */
#include "state/catalog_db.h"
#include "state/catalog_dead.h"
#include "state/catalog_deadfit.h"

enum { OF_ALL = CATALOG_DEADFIT_FREE };

void catalog_deadlook_bind(sqlite3_stmt *s, const struct catalog_dead_filter *f)
{
    if (f->id > 0)
        catalog_db_bind_u64(s, 1, f->id);
    catalog_db_bind_text(s, 2, f->kind);
    if (f->stream > 0)
        sqlite3_bind_int64(s, 3, f->stream);
    catalog_db_bind_text(s, 4, f->rule);
    catalog_db_bind_text(s, 5, f->code);
    catalog_db_bind_text(s, 6, f->reason);
    catalog_db_bind_text(s, 7, f->contains);
    sqlite3_bind_int(s, 8, f->waiting || !f->sent);
    sqlite3_bind_int(s, 9, f->sent || !f->waiting);
    sqlite3_bind_int(s, 10, f->not_of_rules);
    catalog_db_bind_u64(s, 11, f->before_id > 0 ? f->before_id : INT64_MAX);
    catalog_db_bind_u64(s, 12, f->up_to > 0 ? f->up_to : INT64_MAX);
}

#define COLUMNS                                                                                    \
    "SELECT id, kind, stream, partition, \"offset\", rule, code, reason, raw, at, size, state, "   \
    "edited, edited_at, edited_by, tries, tried_at, tried_by, sent_partition, sent_offset, "       \
    "(SELECT json_group_array(rule) FROM dead_letter_rules WHERE letter = d.id) "                  \
    "FROM dead_letters d "

enum err catalog_deadlook_tell(struct catalog *c, sqlite3_stmt *s, catalog_dead_each *each,
                               void *ctx, unsigned *n)
{
    int rc = 0;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        const struct catalog_dead_letter d = {
            .id = (uint64_t)sqlite3_column_int64(s, 0),
            .kind = catalog_db_text(s, 1),
            .stream = (uint32_t)sqlite3_column_int64(s, 2),
            .partition = (uint32_t)sqlite3_column_int64(s, 3),
            .offset = (uint64_t)sqlite3_column_int64(s, 4),
            .rule = catalog_db_text(s, 5),
            .code = catalog_db_text(s, 6),
            .reason = catalog_db_text(s, 7),
            .raw = sqlite3_column_blob(s, 8),
            .raw_len = (size_t)sqlite3_column_bytes(s, 8),
            .at = sqlite3_column_int64(s, 9),
            .size = (size_t)sqlite3_column_int64(s, 10),
            .state = (enum catalog_dead_state)sqlite3_column_int(s, 11),
            .edited = sqlite3_column_blob(s, 12),
            .edited_len = (size_t)sqlite3_column_bytes(s, 12),
            .edited_at = catalog_db_time(s, 13),
            .edited_by = catalog_db_text(s, 14),
            .tries = (unsigned)sqlite3_column_int(s, 15),
            .tried_at = catalog_db_time(s, 16),
            .tried_by = catalog_db_text(s, 17),
            .sent_partition = (uint32_t)sqlite3_column_int64(s, 18),
            .sent_offset = sqlite3_column_type(s, 19) == SQLITE_NULL
                               ? UINT64_MAX
                               : (uint64_t)sqlite3_column_int64(s, 19),
            .rules_json = catalog_db_text(s, 20)};
        (*n)++;
        each(ctx, &d);
    }
    sqlite3_reset(s);
    return catalog_db_err(c, rc);
}

enum err catalog_deadlook_list(struct catalog *c, const struct catalog_dead_filter *f,
                               unsigned limit, catalog_dead_each *each, void *ctx)
{
    enum err e = ERR_IO;
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        catalog_db_statement(c, COLUMNS "WHERE " CATALOG_DEADFIT " ORDER BY id DESC LIMIT ?13");
    if (s) {
        catalog_deadlook_bind(s, f);
        sqlite3_bind_int64(s, OF_ALL, limit);
        e = catalog_deadlook_tell(c, s, each, ctx, &n);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_deadlook_get(struct catalog *c, uint64_t id, catalog_dead_each *each, void *ctx)
{
    enum err e = ERR_IO;
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, COLUMNS "WHERE id = ?1 AND state <> 3");
    if (s) {
        catalog_db_bind_u64(s, 1, id);
        e = catalog_deadlook_tell(c, s, each, ctx, &n);
    }
    pthread_mutex_unlock(&c->lock);
    return e == ERR_OK && n == 0 ? ERR_NOT_FOUND : e;
}

enum err catalog_deadlook_at(struct catalog *c, uint32_t stream, uint32_t partition,
                             uint64_t offset, catalog_dead_each *each, void *ctx)
{
    enum err e = ERR_IO;
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        catalog_db_statement(c, COLUMNS "WHERE stream = ?1 AND partition = ?2 AND \"offset\" = ?3"
                                        " AND \"offset\" <> -1 ORDER BY id");
    if (s) {
        sqlite3_bind_int64(s, 1, stream);
        sqlite3_bind_int64(s, 2, partition);
        catalog_db_bind_u64(s, 3, offset);
        e = catalog_deadlook_tell(c, s, each, ctx, &n);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_deadlook_sending(struct catalog *c, uint64_t id, catalog_dead_each *each,
                                  void *ctx)
{
    unsigned n = 0;
    sqlite3_stmt *s =
        catalog_db_statement(c, COLUMNS "WHERE state = 1 AND (?1 = 0 OR id = ?1) ORDER BY id");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, id);
    return catalog_deadlook_tell(c, s, each, ctx, &n);
}

static enum err one_number(struct catalog *c, sqlite3_stmt *s, uint64_t *out)
{
    int rc = sqlite3_step(s);
    *out = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
    enum err e = catalog_db_err(c, rc);
    sqlite3_reset(s);
    return e;
}

enum err catalog_deadlook_count(struct catalog *c, const struct catalog_dead_filter *f, uint64_t *n)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        catalog_db_statement(c, "SELECT count(*) FROM dead_letters d WHERE " CATALOG_DEADFIT);
    if (s) {
        catalog_deadlook_bind(s, f);
        e = one_number(c, s, n);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_deadlook_origin(struct catalog *c, uint32_t stream, uint32_t partition,
                                 uint64_t offset, uint64_t *id)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        catalog_db_statement(c, "SELECT id FROM dead_letters WHERE stream = ?1 AND"
                                " sent_partition = ?2 AND sent_offset = ?3 AND state = 2");
    if (s) {
        sqlite3_bind_int64(s, 1, stream);
        sqlite3_bind_int64(s, 2, partition);
        catalog_db_bind_u64(s, 3, offset);
        e = one_number(c, s, id);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

/* --- groups ---------------------------------------------------------------------------------------------------------- */

#define GROUPS                                                                                     \
    "SELECT CASE WHEN ?14 THEN kind END AS g1, CASE WHEN ?15 THEN stream END AS g2,"               \
    " CASE WHEN ?16 THEN of.rule END AS g3, CASE WHEN ?17 THEN code END AS g4,"                    \
    " CASE WHEN ?18 THEN reason END AS g5, count(*), max(id), min(at), max(at)"                    \
    " FROM dead_letters d LEFT JOIN dead_letter_rules of ON ?16 AND of.letter = d.id"              \
    " WHERE " CATALOG_DEADFIT " AND (?16 = 0 OR ?4 IS NULL OR of.rule = ?4)"                       \
    " GROUP BY g1, g2, g3, g4, g5 ORDER BY 6 DESC, 7 DESC LIMIT ?13"

enum err catalog_deadlook_groups(struct catalog *c, const struct catalog_dead_filter *f,
                                 const struct catalog_dead_by *by, unsigned limit,
                                 void (*each)(void *ctx, const struct catalog_dead_group *g),
                                 void *ctx)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, GROUPS);
    if (s) {
        const bool what[] = {by->kind, by->stream, by->rule, by->code, by->reason};
        int rc = 0;
        catalog_deadlook_bind(s, f);
        sqlite3_bind_int64(s, OF_ALL, limit);
        for (int i = 0; i < 5; i++)
            sqlite3_bind_int(s, OF_ALL + 1 + i, what[i]);
        while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
            const struct catalog_dead_group g = {.kind = catalog_db_text(s, 0),
                                                 .stream = (uint32_t)sqlite3_column_int64(s, 1),
                                                 .rule = catalog_db_text(s, 2),
                                                 .code = catalog_db_text(s, 3),
                                                 .reason = catalog_db_text(s, 4),
                                                 .n = (uint64_t)sqlite3_column_int64(s, 5),
                                                 .newest = (uint64_t)sqlite3_column_int64(s, 6),
                                                 .first = sqlite3_column_int64(s, 7),
                                                 .last = sqlite3_column_int64(s, 8)};
            each(ctx, &g);
        }
        e = catalog_db_err(c, rc);
        sqlite3_reset(s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
