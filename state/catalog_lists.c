/* SPDX-License-Identifier: Apache-2.0 */
#include "state/catalog_lists.h"
#include "base/mem.h"
#include "state/catalog_db.h"
#include <string.h>

/* --- lists --------------------------------------------------------------------------------------------------------- */

static enum err insert_list(struct catalog *c, struct catalog_list *l)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "INSERT INTO lists (name, sql, created, updated) VALUES (?1, ?2, ?3, ?3)");
    if (!s)
        return ERR_IO;
    catalog_db_bind_text(s, 1, l->name);
    catalog_db_bind_text(s, 2, l->sql);
    sqlite3_bind_int64(s, 3, l->created);
    enum err e = catalog_db_run(c, s);
    if (e == ERR_OK)
        l->uid = (uint64_t)sqlite3_last_insert_rowid(c->db);
    return e;
}

enum err catalog_lists_add(struct catalog *c, struct catalog_list *l)
{
    struct catalog_list added = *l;
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        if ((e = insert_list(c, &added)) == ERR_OK)
            e = catalog_db_audit(c, "list created", l->name, NULL);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    if (e == ERR_OK)
        l->uid = added.uid;
    return e;
}

/* A statement with the list's number as its first parameter, and a text as its second. */
static enum err run_for(struct catalog *c, const char *sql, uint64_t list, const char *text)
{
    sqlite3_stmt *s = catalog_db_statement(c, sql);
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, list);
    if (text)
        catalog_db_bind_text(s, 2, text);
    return catalog_db_run(c, s);
}

enum err catalog_lists_define(struct catalog *c, uint64_t uid, const char *sql)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        e = run_for(c, "UPDATE lists SET sql = ?2 WHERE uid = ?1", uid, sql);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_lists_remove(struct catalog *c, uint64_t uid)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        e = run_for(c,
                    "INSERT INTO audit (at, what, name) SELECT unixepoch() * 1000, 'list deleted',"
                    " name FROM lists WHERE uid = ?1",
                    uid, NULL);
        if (e == ERR_OK)
            e = run_for(c, "DELETE FROM lists WHERE uid = ?1", uid, NULL);
        if (e == ERR_OK)
            e = run_for(c, "DELETE FROM list_items WHERE list = ?1", uid, NULL);
        if (e == ERR_OK)
            e = run_for(c, "DELETE FROM list_changes WHERE list = ?1", uid, NULL);
        if (e == ERR_OK)
            e = run_for(c, "DELETE FROM list_marks WHERE list = ?1", uid, NULL);
        if (e == ERR_OK)
            e = run_for(c, "DELETE FROM list_edits WHERE list = ?1", uid, NULL);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

#define LIST_COLUMNS "SELECT uid, name, sql, created, updated, items, edits FROM lists "

static enum err tell_lists(struct catalog *c, sqlite3_stmt *s, catalog_lists_each *each, void *ctx,
                           unsigned *n)
{
    int rc = 0;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        const struct catalog_list l = {.uid = (uint64_t)sqlite3_column_int64(s, 0),
                                       .name = catalog_db_text(s, 1),
                                       .sql = catalog_db_text(s, 2),
                                       .created = sqlite3_column_int64(s, 3),
                                       .updated = sqlite3_column_int64(s, 4),
                                       .items = (uint64_t)sqlite3_column_int64(s, 5),
                                       .edits = (uint64_t)sqlite3_column_int64(s, 6)};
        (*n)++;
        each(ctx, &l);
    }
    sqlite3_reset(s);
    return catalog_db_err(c, rc);
}

enum err catalog_lists(struct catalog *c, catalog_lists_each *each, void *ctx)
{
    enum err e = ERR_IO;
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, LIST_COLUMNS "ORDER BY uid");
    if (s)
        e = tell_lists(c, s, each, ctx, &n);
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_lists_get(struct catalog *c, const char *name, catalog_lists_each *each, void *ctx)
{
    enum err e = ERR_IO;
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, LIST_COLUMNS "WHERE name = ?1");
    if (s) {
        catalog_db_bind_text(s, 1, name);
        e = tell_lists(c, s, each, ctx, &n);
    }
    pthread_mutex_unlock(&c->lock);
    return e == ERR_OK && n == 0 ? ERR_NOT_FOUND : e;
}

/* --- items --------------------------------------------------------------------------------------------------------- */

#define ITEM_COLUMNS                                                                               \
    "SELECT key, row, added, changed, expires, who, reason FROM list_items WHERE list = ?1 "

static enum err tell_items(struct catalog *c, sqlite3_stmt *s, catalog_lists_item *each, void *ctx,
                           unsigned *n)
{
    int rc = 0;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        const struct catalog_list_item i = {.key = catalog_db_text(s, 0),
                                            .row = catalog_db_text(s, 1),
                                            .added = sqlite3_column_int64(s, 2),
                                            .changed = sqlite3_column_int64(s, 3),
                                            .expires = catalog_db_time(s, 4),
                                            .who = catalog_db_text(s, 5),
                                            .reason = catalog_db_text(s, 6)};
        (*n)++;
        each(ctx, &i);
    }
    sqlite3_reset(s);
    return catalog_db_err(c, rc);
}

/* LIKE's pattern for texts that hold `text`. */
static char *pattern_of(const char *text)
{
    struct bytes out = {0};
    bytes_u8(&out, '%');
    for (; *text; text++) {
        if (strchr("%_\\", *text))
            bytes_u8(&out, '\\');
        bytes_u8(&out, (uint8_t)*text);
    }
    bytes_put(&out, "%", 2);
    return (char *)out.p;
}

enum err catalog_lists_items(struct catalog *c, uint64_t list, const char *after,
                             const char *contains, unsigned limit, catalog_lists_item *each,
                             void *ctx)
{
    enum err e = ERR_IO;
    unsigned n = 0;
    char *pattern = contains ? pattern_of(contains) : NULL;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        pattern ? catalog_db_statement(c, ITEM_COLUMNS
                                       "AND (?2 IS NULL OR key > ?2) AND (key LIKE ?4 ESCAPE '\\'"
                                       " OR row LIKE ?4 ESCAPE '\\') ORDER BY key LIMIT ?3")
                : catalog_db_statement(c, ITEM_COLUMNS "AND (?2 IS NULL OR key > ?2)"
                                                       " ORDER BY key LIMIT ?3");
    if (s) {
        catalog_db_bind_u64(s, 1, list);
        catalog_db_bind_text(s, 2, after);
        sqlite3_bind_int64(s, 3, limit);
        if (pattern)
            catalog_db_bind_text(s, 4, pattern);
        e = tell_items(c, s, each, ctx, &n);
    }
    pthread_mutex_unlock(&c->lock);
    mem_free(pattern);
    return e;
}

enum err catalog_lists_item_get(struct catalog *c, uint64_t list, const char *key,
                                catalog_lists_item *each, void *ctx)
{
    enum err e = ERR_IO;
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, ITEM_COLUMNS "AND key = ?2");
    if (s) {
        catalog_db_bind_u64(s, 1, list);
        catalog_db_bind_text(s, 2, key);
        e = tell_items(c, s, each, ctx, &n);
    }
    pthread_mutex_unlock(&c->lock);
    return e == ERR_OK && n == 0 ? ERR_NOT_FOUND : e;
}

enum err catalog_lists_expired(struct catalog *c, evtime now, unsigned limit, uint64_t *list,
                               void (*each)(void *ctx, const char *key), void *ctx)
{
    enum err e = ERR_IO;
    *list = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(
        c, "SELECT list, key FROM list_items WHERE expires IS NOT NULL AND expires <= ?1"
           " ORDER BY expires LIMIT ?2");
    if (s) {
        int rc = 0;
        sqlite3_bind_int64(s, 1, now);
        sqlite3_bind_int64(s, 2, limit);
        while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
            uint64_t of = (uint64_t)sqlite3_column_int64(s, 0);
            if (*list == 0)
                *list = of;
            if (of == *list)
                each(ctx, catalog_db_text(s, 1));
        }
        sqlite3_reset(s);
        e = catalog_db_err(c, rc);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

/* --- for a replay --------------------------------------------------------------------------------------------------- */

enum err catalog_lists_seq(struct catalog *c, uint64_t *seq)
{
    enum err e = ERR_IO;
    *seq = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        catalog_db_statement(c, "SELECT seq FROM sqlite_sequence WHERE name = 'list_changes'");
    if (s) {
        int rc = sqlite3_step(s);
        if (rc == SQLITE_ROW)
            *seq = (uint64_t)sqlite3_column_int64(s, 0);
        sqlite3_reset(s);
        e = catalog_db_err(c, rc);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

struct cut_reader {
    struct catalog_list_mark *marks;
    size_t n, cap;
};

enum err catalog_lists_cuts(struct catalog *c, uint64_t list,
                            void (*each)(void *ctx, uint64_t seq, unsigned nmarks,
                                         const struct catalog_list_mark *marks),
                            void *ctx)
{
    struct cut_reader r = {0};
    uint64_t at = 0;
    int rc = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        catalog_db_statement(c, "SELECT e.seq, m.stream, m.partition, m.\"offset\", m.w"
                                " FROM (SELECT DISTINCT seq FROM list_edits WHERE list = ?1) e"
                                " LEFT JOIN list_marks m ON m.list = ?1 AND m.seq = e.seq"
                                " ORDER BY e.seq, m.stream, m.partition");
    if (s)
        catalog_db_bind_u64(s, 1, list);
    while (s && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        uint64_t seq = (uint64_t)sqlite3_column_int64(s, 0);
        if (at != 0 && seq != at) {
            each(ctx, at, (unsigned)r.n, r.marks);
            r.n = 0;
        }
        at = seq;
        if (sqlite3_column_type(s, 1) == SQLITE_NULL)
            continue; /* no rule read it: it holds everywhere */
        r.marks = mem_grow(r.marks, r.n, 1, &r.cap, sizeof *r.marks);
        r.marks[r.n++] = (struct catalog_list_mark){(uint32_t)sqlite3_column_int64(s, 1),
                                                    (uint32_t)sqlite3_column_int64(s, 2),
                                                    (uint64_t)sqlite3_column_int64(s, 3),
                                                    sqlite3_column_int64(s, 4)};
    }
    sqlite3_reset(s);
    if (at != 0)
        each(ctx, at, (unsigned)r.n, r.marks);
    enum err e = s ? catalog_db_err(c, rc) : ERR_IO;
    pthread_mutex_unlock(&c->lock);
    mem_free(r.marks);
    return e;
}

enum err catalog_lists_edits(struct catalog *c, uint64_t list,
                             void (*each)(void *ctx, uint64_t seq,
                                          const struct catalog_list_states *s),
                             void *ctx)
{
    int rc = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        catalog_db_statement(c, "SELECT seq, key, before, row FROM list_edits WHERE list = ?1"
                                " ORDER BY seq");
    if (s)
        catalog_db_bind_u64(s, 1, list);
    while (s && (rc = sqlite3_step(s)) == SQLITE_ROW)
        each(ctx, (uint64_t)sqlite3_column_int64(s, 0),
             &(struct catalog_list_states){catalog_db_text(s, 1), catalog_db_text(s, 2),
                                           catalog_db_text(s, 3)});
    sqlite3_reset(s);
    enum err e = s ? catalog_db_err(c, rc) : ERR_IO;
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_lists_keys(struct catalog *c, uint64_t list,
                            void (*each)(void *ctx, const char *key, const char *row), void *ctx)
{
    int rc = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, "SELECT key, row FROM list_items WHERE list = ?1");
    if (s)
        catalog_db_bind_u64(s, 1, list);
    while (s && (rc = sqlite3_step(s)) == SQLITE_ROW)
        each(ctx, catalog_db_text(s, 0), catalog_db_text(s, 1));
    sqlite3_reset(s);
    enum err e = s ? catalog_db_err(c, rc) : ERR_IO;
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_lists_history(struct catalog *c, uint64_t list, uint64_t before, unsigned limit,
                               void (*each)(void *ctx, const struct catalog_list_told *t),
                               void *ctx)
{
    int rc = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(
        c, "SELECT seq, at, what, who, reason, keys, added, removed, changed FROM list_changes"
           " WHERE list = ?1 AND (?2 = 0 OR seq < ?2) ORDER BY seq DESC LIMIT ?3");
    if (s) {
        catalog_db_bind_u64(s, 1, list);
        catalog_db_bind_u64(s, 2, before);
        sqlite3_bind_int64(s, 3, limit);
    }
    while (s && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        const struct catalog_list_told t = {.seq = (uint64_t)sqlite3_column_int64(s, 0),
                                            .at = sqlite3_column_int64(s, 1),
                                            .what = catalog_db_text(s, 2),
                                            .who = catalog_db_text(s, 3),
                                            .reason = catalog_db_text(s, 4),
                                            .keys = catalog_db_text(s, 5),
                                            .added = (uint64_t)sqlite3_column_int64(s, 6),
                                            .removed = (uint64_t)sqlite3_column_int64(s, 7),
                                            .changed = (uint64_t)sqlite3_column_int64(s, 8)};
        each(ctx, &t);
    }
    sqlite3_reset(s);
    enum err e = s ? catalog_db_err(c, rc) : ERR_IO;
    pthread_mutex_unlock(&c->lock);
    return e;
}
