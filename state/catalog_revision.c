/* SPDX-License-Identifier: Apache-2.0
 *
 * What an alert was before it was changed, and whose place it takes. All within the caller's transaction and lock. */
#include "base/arena.h"
#include "state/catalog_db.h"

enum err catalog_revision_keep(struct catalog *c, const char *id)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "INSERT INTO alert_revisions SELECT id, revision, time, created, window_start,"
           " window_end, title, row_json, retracted FROM alerts WHERE id = ?1"
           " ON CONFLICT DO NOTHING");
    if (!s)
        return ERR_IO;
    catalog_db_bind_text(s, 1, id);
    enum err e = catalog_db_run(c, s);
    if (e != ERR_OK)
        return e;
    s = catalog_db_statement(
        c, "DELETE FROM alert_revisions WHERE id = ?1 AND revision <= (SELECT max(revision) - ?2"
           " FROM alert_revisions WHERE id = ?1)");
    if (!s)
        return ERR_IO;
    catalog_db_bind_text(s, 1, id);
    sqlite3_bind_int(s, 2, CATALOG_REVISIONS_MAX);
    return catalog_db_run(c, s);
}

enum err catalog_revision_replace(struct catalog *c, const struct catalog_alert *a)
{
    if (a->replaces == NULL)
        return ERR_OK;
    sqlite3_stmt *s =
        catalog_db_statement(c, "UPDATE alerts SET retracted = 1, replaced_by = ?1"
                                " WHERE id IN (SELECT value FROM json_each(?2)) AND id <> ?1");
    if (!s)
        return ERR_IO;
    catalog_db_bind_text(s, 1, a->id);
    catalog_db_bind_text(s, 2, a->replaces);
    return catalog_db_run(c, s);
}

enum err catalog_revision_read(struct catalog *c, struct arena *arena, struct catalog_alert *a)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "SELECT revision, time, created, window_start, window_end, title, row_json, retracted"
           " FROM alert_revisions WHERE id = ?1 ORDER BY revision");
    if (!s)
        return ERR_IO;
    struct catalog_alert_revision *all = arena_zero(arena, CATALOG_REVISIONS_MAX * sizeof *all);
    unsigned n = 0;
    int rc;
    catalog_db_bind_text(s, 1, a->id);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW && n < CATALOG_REVISIONS_MAX) {
        const char *title = catalog_db_text(s, 5), *row = catalog_db_text(s, 6);
        all[n++] =
            (struct catalog_alert_revision){.revision = (uint32_t)sqlite3_column_int64(s, 0),
                                            .time = sqlite3_column_int64(s, 1),
                                            .created = sqlite3_column_int64(s, 2),
                                            .window_start = catalog_db_time(s, 3),
                                            .window_end = catalog_db_time(s, 4),
                                            .title = title != NULL ? arena_str(arena, title) : NULL,
                                            .row_json = arena_str(arena, row != NULL ? row : "{}"),
                                            .retracted = sqlite3_column_int(s, 7)};
    }
    a->revisions = all;
    a->nrevisions = n;
    sqlite3_reset(s);
    return rc == SQLITE_ROW ? ERR_OK : catalog_db_err(c, rc);
}
