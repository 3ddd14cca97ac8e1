/* SPDX-License-Identifier: Apache-2.0 */
#include "state/catalog.h"
#include "state/catalog_db.h"
#include <stdio.h>

enum err catalog_open(const char *path, struct diag *d, struct catalog **out)
{
    return catalog_db_open(path, false, d, out);
}

enum err catalog_reader(const char *path, struct catalog **out)
{
    return catalog_db_open(path, true, NULL, out);
}

void catalog_close(struct catalog *c)
{
    catalog_db_close(c);
}

enum err catalog_begin(struct catalog *c)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e != ERR_OK)
        pthread_mutex_unlock(&c->lock);
    else
        c->grouped = true;
    return e;
}

enum err catalog_end(struct catalog *c)
{
    c->grouped = false;
    enum err e = catalog_db_end(c, ERR_OK);
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_get_setting(struct catalog *c, const char *name, char out[256])
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, "SELECT value FROM settings WHERE name = ?1");
    if (s) {
        catalog_db_bind_text(s, 1, name);
        int rc = sqlite3_step(s);
        if (rc == SQLITE_ROW)
            snprintf(out, 256, "%s", catalog_db_text(s, 0));
        e = rc == SQLITE_DONE ? ERR_NOT_FOUND : catalog_db_err(c, rc);
        sqlite3_reset(s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_set_setting(struct catalog *c, const char *name, const char *value)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        sqlite3_stmt *s = catalog_db_statement(
            c, "INSERT INTO settings VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2");
        if (s) {
            catalog_db_bind_text(s, 1, name);
            catalog_db_bind_text(s, 2, value);
            e = catalog_db_run(c, s);
        }
        e = catalog_db_end(c, s ? e : ERR_IO);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
