/* SPDX-License-Identifier: Apache-2.0 */
/* What people say of alerts. */
#include "state/catalog_db.h"
#include "state/catalog_trials.h"
#include <stdio.h>

enum err catalog_labels_put(struct catalog *c, const char *id, const char *label, const char *by)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        sqlite3_stmt *q = catalog_db_statement(
            c, "INSERT INTO alert_labels SELECT id, ?2, ?3, unixepoch() * 1000 FROM alerts"
               " WHERE id = ?1 ON CONFLICT DO UPDATE SET label = ?2, by = ?3,"
               " at = unixepoch() * 1000");
        if (label == NULL)
            q = catalog_db_statement(c, "DELETE FROM alert_labels WHERE id = ?1");
        e = ERR_IO;
        if (q) {
            catalog_db_bind_text(q, 1, id);
            if (label != NULL) {
                catalog_db_bind_text(q, 2, label);
                catalog_db_bind_text(q, 3, by);
            }
            e = catalog_db_run(c, q);
            if (e == ERR_OK && label != NULL && sqlite3_changes(c->db) == 0)
                e = ERR_NOT_FOUND;
        }
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_labels_get(struct catalog *c, const char *id, char label[16])
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *q = catalog_db_statement(c, "SELECT label FROM alert_labels WHERE id = ?1");
    label[0] = '\0';
    if (q) {
        catalog_db_bind_text(q, 1, id);
        int rc = sqlite3_step(q);
        if (rc == SQLITE_ROW)
            snprintf(label, 16, "%s", catalog_db_text(q, 0));
        e = catalog_db_err(c, rc);
        sqlite3_reset(q);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
