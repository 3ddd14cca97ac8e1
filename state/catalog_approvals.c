/* SPDX-License-Identifier: Apache-2.0 */
/* Who asked for a version to be active, who approved or rejected it, and when: rows are added, never changed. */
#include "state/catalog_db.h"
#include "state/catalog_lives.h"

static enum err insert(struct catalog *c, const struct catalog_approval *a)
{
    sqlite3_stmt *q =
        catalog_db_statement(c, "INSERT INTO approvals (uid, version, verdict, by, comment, at)"
                                " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    if (!q)
        return ERR_IO;
    catalog_db_bind_u64(q, 1, a->uid);
    sqlite3_bind_int64(q, 2, a->version);
    catalog_db_bind_text(q, 3, a->verdict);
    catalog_db_bind_text(q, 4, a->by);
    catalog_db_bind_text(q, 5, a->comment);
    sqlite3_bind_int64(q, 6, a->at);
    return catalog_db_run(c, q);
}

enum err catalog_approvals_add(struct catalog *c, const struct catalog_approval *a)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK)
        e = catalog_db_end(c, insert(c, a));
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_approvals(struct catalog *c, uint64_t uid, uint32_t version,
                           void (*each)(void *ctx, const struct catalog_approval *a), void *ctx)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *q = catalog_db_statement(
        c, "SELECT id, version, verdict, by, comment, at FROM approvals WHERE uid = ?1"
           " AND (?2 = 0 OR version = ?2) ORDER BY id DESC");
    if (q) {
        catalog_db_bind_u64(q, 1, uid);
        sqlite3_bind_int64(q, 2, version);
        int rc = 0;
        while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
            const struct catalog_approval a = {.id = (uint64_t)sqlite3_column_int64(q, 0),
                                               .uid = uid,
                                               .version = (uint32_t)sqlite3_column_int64(q, 1),
                                               .verdict = catalog_db_text(q, 2),
                                               .by = catalog_db_text(q, 3),
                                               .comment = catalog_db_text(q, 4),
                                               .at = sqlite3_column_int64(q, 5)};
            each(ctx, &a);
        }
        e = catalog_db_err(c, rc);
        sqlite3_reset(q);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
