/* SPDX-License-Identifier: Apache-2.0 */
/* Rules and their cuts. A rule is few rows and changes seldom, so all is read whole and in order of uid. */
#include "base/mem.h"
#include "state/catalog.h"
#include "state/catalog_db.h"

static enum err insert_mark(struct catalog *c, uint64_t uid, int cut, const struct catalog_mark *m)
{
    sqlite3_stmt *s = catalog_db_statement(c, "INSERT INTO marks VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, uid);
    sqlite3_bind_int(s, 2, cut);
    sqlite3_bind_int64(s, 3, m->stream);
    sqlite3_bind_int64(s, 4, m->partition);
    catalog_db_bind_u64(s, 5, m->offset);
    sqlite3_bind_int64(s, 6, m->w);
    return catalog_db_run(c, s);
}

static enum err next_cut(struct catalog *c, uint64_t uid, int *n)
{
    sqlite3_stmt *s =
        catalog_db_statement(c, "SELECT coalesce(max(n) + 1, 0) FROM cuts WHERE uid = ?1");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, uid);
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        *n = sqlite3_column_int(s, 0);
    sqlite3_reset(s);
    return catalog_db_err(c, rc);
}

static enum err insert_cut(struct catalog *c, uint64_t uid, const struct catalog_cut *cut)
{
    int n = 0;
    enum err e = next_cut(c, uid, &n);
    if (e != ERR_OK)
        return e;
    sqlite3_stmt *s =
        catalog_db_statement(c,
                             "INSERT INTO cuts (uid, n, deployed, mode, w, at, version, handover,"
                             " from_uid) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, uid);
    sqlite3_bind_int(s, 2, n);
    sqlite3_bind_int(s, 3, cut->deployed != 0);
    sqlite3_bind_int(s, 4, cut->mode);
    sqlite3_bind_int64(s, 5, cut->w);
    sqlite3_bind_int64(s, 6, cut->at);
    sqlite3_bind_int64(s, 7, cut->version);
    sqlite3_bind_int(s, 8, cut->handover);
    catalog_db_bind_u64(s, 9, cut->from);
    e = catalog_db_run(c, s);
    for (unsigned i = 0; e == ERR_OK && i < cut->nmarks; i++)
        e = insert_mark(c, uid, n, &cut->marks[i]);
    return e;
}

static enum err insert_rule(struct catalog *c, struct catalog_rule *r)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "INSERT INTO rules (name, sql, version, mode, created, updated, lists_seq, stands_for)"
           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    if (!s)
        return ERR_IO;
    catalog_db_bind_text(s, 1, r->name);
    catalog_db_bind_text(s, 2, r->sql);
    sqlite3_bind_int64(s, 3, r->version);
    sqlite3_bind_int(s, 4, r->mode);
    sqlite3_bind_int64(s, 5, r->created);
    sqlite3_bind_int64(s, 6, r->updated);
    catalog_db_bind_u64(s, 7, r->lists_seq);
    catalog_db_bind_u64(s, 8, r->stands_for);
    enum err e = catalog_db_run(c, s);
    if (e == ERR_OK)
        r->uid = (uint64_t)sqlite3_last_insert_rowid(c->db);
    return e;
}

static enum err replace_rule(struct catalog *c, const struct catalog_rule *r)
{
    sqlite3_stmt *s = catalog_db_statement(
        c,
        "UPDATE rules SET name = ?2, sql = ?3, version = ?4, mode = ?5, updated = ?6, deleted = 0,"
        " rests = 0,"
        " lists_seq = ?7 WHERE uid = ?1");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, r->uid);
    catalog_db_bind_text(s, 2, r->name);
    catalog_db_bind_text(s, 3, r->sql);
    sqlite3_bind_int64(s, 4, r->version);
    sqlite3_bind_int(s, 5, r->mode);
    sqlite3_bind_int64(s, 6, r->updated);
    catalog_db_bind_u64(s, 7, r->lists_seq);
    enum err e = catalog_db_run(c, s);
    return e == ERR_OK && sqlite3_changes(c->db) == 0 ? ERR_NOT_FOUND : e;
}

/* It is active from now on; one that was a draft keeps what it says. */
static enum err put_version(struct catalog *c, const struct catalog_rule *r)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "INSERT INTO versions (uid, version, sql, mode, created, author, reason, lists_seq,"
           " activated, activated_by, activated_reason, rollback_to)"
           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?5, ?6, ?7, ?9) ON CONFLICT (uid, version)"
           " DO UPDATE SET lists_seq = ?8, activated = ?5, activated_by = ?6,"
           " activated_reason = ?7");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, r->uid);
    sqlite3_bind_int64(s, 2, r->version);
    catalog_db_bind_text(s, 3, r->sql);
    sqlite3_bind_int(s, 4, r->mode);
    sqlite3_bind_int64(s, 5, r->updated);
    catalog_db_bind_text(s, 6, r->author);
    catalog_db_bind_text(s, 7, r->reason);
    catalog_db_bind_u64(s, 8, r->lists_seq);
    sqlite3_bind_int64(s, 9, r->rollback_to);
    return catalog_db_run(c, s);
}

static enum err note_added(struct catalog *c, const struct catalog_rule *r, bool is_new)
{
    const char *reason = r->reason != NULL ? r->reason : "";
    char *more = mem_printf("version %u%s%s", r->version, *reason != '\0' ? ": " : "", reason);
    enum err e = catalog_db_audit_by(c,
                                     r->stands_for != 0 ? "version runs beside"
                                     : is_new           ? "rule created"
                                                        : "rule replaced",
                                     r->name, r->author, more);
    mem_free(more);
    return e;
}

enum err catalog_rules_add(struct catalog *c, struct catalog_rule *r)
{
    struct catalog_rule added = *r;
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        e = r->uid == 0 ? insert_rule(c, &added) : replace_rule(c, &added);
        if (e == ERR_OK)
            e = put_version(c, &added);
        for (unsigned i = 0; e == ERR_OK && i < r->ncuts; i++)
            e = insert_cut(c, added.uid, &r->cuts[i]);
        if (e == ERR_OK && !r->hidden)
            e = note_added(c, &added, r->uid == 0);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    if (e == ERR_OK)
        r->uid = added.uid;
    return e;
}

static enum err update_mode(struct catalog *c, uint64_t uid, const struct catalog_cut *cut)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "UPDATE rules SET mode = ?2, deleted = ?3, updated = ?4 WHERE uid = ?1 RETURNING name");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, uid);
    sqlite3_bind_int(s, 2, cut->mode);
    sqlite3_bind_int(s, 3, !cut->deployed);
    sqlite3_bind_int64(s, 4, cut->at);
    int rc = sqlite3_step(s);
    if (rc != SQLITE_ROW) {
        sqlite3_reset(s);
        return rc == SQLITE_DONE ? ERR_NOT_FOUND : catalog_db_err(c, rc);
    }
    char *name = mem_str(catalog_db_text(s, 0));
    enum err e = catalog_db_run(c, s); /* to its end, or it would stay open */
    if (e == ERR_OK)
        e = catalog_db_audit(c, cut->deployed ? "rule changed" : "rule deleted", name, NULL);
    mem_free(name);
    return e;
}

enum err catalog_rules_cut(struct catalog *c, uint64_t uid, const struct catalog_cut *cut)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        if ((e = update_mode(c, uid, cut)) == ERR_OK)
            e = insert_cut(c, uid, cut);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_rules_end_lane(struct catalog *c, uint64_t uid, const struct catalog_cut *cut)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK)
        e = catalog_db_end(c, insert_cut(c, uid, cut));
    pthread_mutex_unlock(&c->lock);
    return e;
}

static enum err mark_deleted(struct catalog *c, uint64_t uid)
{
    sqlite3_stmt *s = catalog_db_statement(c, "UPDATE rules SET deleted = 1 WHERE uid = ?1");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, uid);
    return catalog_db_run(c, s);
}

enum err catalog_rules_forget_lane(struct catalog *c, uint64_t uid)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK)
        e = catalog_db_end(c, mark_deleted(c, uid));
    pthread_mutex_unlock(&c->lock);
    return e;
}

static enum err read_marks(struct catalog *c, uint64_t uid, int n, struct catalog_cut *cut)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "SELECT stream, partition, \"offset\", w FROM marks WHERE uid = ?1 AND cut = ?2"
           " ORDER BY stream, partition");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, uid);
    sqlite3_bind_int(s, 2, n);
    size_t cap = 0;
    int rc = 0;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        cut->marks = mem_grow(cut->marks, cut->nmarks, 1, &cap, sizeof *cut->marks);
        cut->marks[cut->nmarks++] =
            (struct catalog_mark){.stream = (uint32_t)sqlite3_column_int64(s, 0),
                                  .partition = (uint32_t)sqlite3_column_int64(s, 1),
                                  .offset = (uint64_t)sqlite3_column_int64(s, 2),
                                  .w = sqlite3_column_int64(s, 3)};
    }
    sqlite3_reset(s);
    return catalog_db_err(c, rc);
}

static enum err read_cuts(struct catalog *c, struct catalog_rule *r)
{
    sqlite3_stmt *s =
        catalog_db_statement(c, "SELECT n, deployed, mode, w, at, version, handover, from_uid"
                                " FROM cuts WHERE uid = ?1 ORDER BY n");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, r->uid);
    size_t cap = 0;
    enum err e = ERR_OK;
    int rc = 0;
    while (e == ERR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        r->cuts = mem_grow(r->cuts, r->ncuts, 1, &cap, sizeof *r->cuts);
        struct catalog_cut *cut = &r->cuts[r->ncuts++];
        *cut = (struct catalog_cut){.deployed = sqlite3_column_int(s, 1),
                                    .mode = sqlite3_column_int(s, 2),
                                    .w = sqlite3_column_int64(s, 3),
                                    .at = sqlite3_column_int64(s, 4),
                                    .version = (uint32_t)sqlite3_column_int64(s, 5),
                                    .handover = sqlite3_column_int(s, 6),
                                    .from = (uint64_t)sqlite3_column_int64(s, 7)};
        e = read_marks(c, r->uid, sqlite3_column_int(s, 0), cut);
    }
    sqlite3_reset(s);
    return e == ERR_OK ? catalog_db_err(c, rc) : e;
}

static void free_cuts(struct catalog_rule *r)
{
    for (unsigned i = 0; i < r->ncuts; i++)
        mem_free(r->cuts[i].marks);
    mem_free(r->cuts);
}

/* The rows that s gives, each with its cuts if asked for, to `each`; *n: how many. */
static enum err tell(struct catalog *c, sqlite3_stmt *s, bool cuts, catalog_rules_each *each,
                     void *ctx, unsigned *n)
{
    enum err e = ERR_OK;
    int rc = 0;
    *n = 0;
    while (e == ERR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        struct catalog_rule r = {.uid = (uint64_t)sqlite3_column_int64(s, 0),
                                 .name = (char *)sqlite3_column_text(s, 1),
                                 .sql = (char *)sqlite3_column_text(s, 2),
                                 .version = (uint32_t)sqlite3_column_int64(s, 3),
                                 .mode = sqlite3_column_int(s, 4),
                                 .deleted = sqlite3_column_int(s, 5),
                                 .created = sqlite3_column_int64(s, 6),
                                 .updated = sqlite3_column_int64(s, 7),
                                 .lists_seq = (uint64_t)sqlite3_column_int64(s, 8),
                                 .stands_for = (uint64_t)sqlite3_column_int64(s, 9)};
        if (cuts)
            e = read_cuts(c, &r);
        if (e == ERR_OK)
            each(ctx, &r);
        free_cuts(&r);
        ++*n;
    }
    sqlite3_reset(s);
    return e == ERR_OK ? catalog_db_err(c, rc) : e;
}

#define RULE_COLUMNS                                                                               \
    "SELECT uid, name, sql, version, mode, deleted, created, updated, lists_seq, stands_for"       \
    " FROM rules "

enum err catalog_rules(struct catalog *c, int with_deleted, catalog_rules_each *each, void *ctx)
{
    enum err e = ERR_IO;
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, RULE_COLUMNS "WHERE deleted <= ?1 ORDER BY uid");
    if (s) {
        sqlite3_bind_int(s, 1, with_deleted != 0);
        e = tell(c, s, true, each, ctx, &n);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_rules_get(struct catalog *c, uint64_t uid, catalog_rules_each *each, void *ctx)
{
    enum err e = ERR_IO;
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, RULE_COLUMNS "WHERE uid = ?1");
    if (s) {
        catalog_db_bind_u64(s, 1, uid);
        e = tell(c, s, true, each, ctx, &n);
        if (e == ERR_OK && n == 0)
            e = ERR_NOT_FOUND;
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_rules_page(struct catalog *c, uint64_t after, unsigned limit,
                            catalog_rules_each *each, void *ctx)
{
    enum err e = ERR_IO;
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        catalog_db_statement(c, RULE_COLUMNS "WHERE deleted = 0 AND stands_for = 0 AND uid > ?1"
                                             " ORDER BY uid LIMIT ?2");
    if (s) {
        catalog_db_bind_u64(s, 1, after);
        sqlite3_bind_int64(s, 2, limit);
        e = tell(c, s, false, each, ctx, &n);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_rules_find(struct catalog *c, const char *name, uint64_t *uid)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        catalog_db_statement(c, "SELECT uid FROM rules WHERE name = ?1 AND deleted = 0"
                                " AND stands_for = 0");
    if (s) {
        catalog_db_bind_text(s, 1, name);
        int rc = sqlite3_step(s);
        if (rc == SQLITE_ROW)
            *uid = (uint64_t)sqlite3_column_int64(s, 0);
        e = rc == SQLITE_DONE ? ERR_NOT_FOUND : catalog_db_err(c, rc);
        sqlite3_reset(s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_rules_count(struct catalog *c, uint64_t by_mode[3])
{
    enum err e = ERR_IO;
    by_mode[0] = by_mode[1] = by_mode[2] = 0;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, "SELECT mode, count(*) FROM rules WHERE deleted = 0"
                                              " AND stands_for = 0 GROUP BY mode");
    if (s) {
        int rc = 0;
        while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
            int mode = sqlite3_column_int(s, 0);
            if (mode >= 0 && mode < 3)
                by_mode[mode] = (uint64_t)sqlite3_column_int64(s, 1);
        }
        e = catalog_db_err(c, rc);
        sqlite3_reset(s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
