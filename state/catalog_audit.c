/* SPDX-License-Identifier: Apache-2.0 */
/* The audit as it is read, and what is noted on its own; changes note theirs with catalog_db_audit, in their transaction. */
#include "state/catalog_db.h"
#include "state/catalog_lives.h"

enum err catalog_audit_add(struct catalog *c, const char *what, const char *name, const char *who,
                           const char *more)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK)
        e = catalog_db_end(c, catalog_db_audit_by(c, what, name, who, more));
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_audit(struct catalog *c, const char *name, uint64_t before, unsigned limit,
                       void (*each)(void *ctx, const struct catalog_audit *a), void *ctx)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *q = catalog_db_statement(
        c, "SELECT id, at, what, name, who, more FROM audit WHERE (?1 IS NULL OR name = ?1"
           " COLLATE NOCASE) AND (?2 = 0 OR id < ?2) ORDER BY id DESC LIMIT ?3");
    if (q) {
        catalog_db_bind_text(q, 1, name);
        catalog_db_bind_u64(q, 2, before);
        sqlite3_bind_int64(q, 3, limit);
        int rc = 0;
        while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
            const struct catalog_audit a = {.id = (uint64_t)sqlite3_column_int64(q, 0),
                                            .at = sqlite3_column_int64(q, 1),
                                            .what = catalog_db_text(q, 2),
                                            .name = catalog_db_text(q, 3),
                                            .who = catalog_db_text(q, 4),
                                            .more = catalog_db_text(q, 5)};
            each(ctx, &a);
        }
        e = catalog_db_err(c, rc);
        sqlite3_reset(q);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
