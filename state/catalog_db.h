/* SPDX-License-Identifier: Apache-2.0 */
/* catalog_db.h - the inside of the catalogue: one SQLite connection, its statements, its transactions.
 *
 * Room:   catalog, catalog_rules, catalog_alerts, catalog_dead … -> [catalog_db] -> SQLite. Nobody else includes this.
 * Owns:   the connection and its prepared statements.  Thread: whoever holds `lock`. */
#ifndef WEIR_STATE_CATALOG_DB_H
#define WEIR_STATE_CATALOG_DB_H
#include "base/arena.h"
#include "state/catalog.h"
#include <pthread.h>
#include <sqlite3.h>

enum { CATALOG_DB_STATEMENTS = 256 };

struct catalog {
    sqlite3 *db;
    pthread_mutex_t lock;
    bool reader, grouped; /* grouped: between catalog_begin and catalog_end */
    char *path;
    struct {
        const char *sql; /* which text, by its address: each is a literal of its own */
        sqlite3_stmt *stmt;
    } statements[CATALOG_DB_STATEMENTS];
};

/* Opens path, sets the pragmas, brings the tables to this program's version (writer), or checks the version (reader). */
enum err catalog_db_open(const char *path, bool reader, struct diag *d, struct catalog **out);
void catalog_db_close(struct catalog *c); /* NULL is fine */

/* What SQLite's answer means to a caller; logs all that is not expected. */
enum err catalog_db_err(struct catalog *c, int rc);

/* The statement for a literal SQL text: prepared the first time, reset and with nothing bound. NULL: SQLite has failed
 * (logged), the caller answers ERR_IO. */
sqlite3_stmt *catalog_db_statement(struct catalog *c, const char *sql);
/* Runs a statement that answers no rows. */
enum err catalog_db_run(struct catalog *c, sqlite3_stmt *s);
void catalog_db_bind_text(sqlite3_stmt *s, int i,
                          const char *text); /* NULL: null; must live until the statement ran */
void catalog_db_bind_time(sqlite3_stmt *s, int i, evtime t); /* EVTIME_MIN: null */
void catalog_db_bind_u64(sqlite3_stmt *s, int i, uint64_t v);
const char *catalog_db_text(sqlite3_stmt *s, int i); /* NULL for null */
evtime catalog_db_time(sqlite3_stmt *s, int i); /* EVTIME_MIN for null */

/* durable: fsynced before catalog_db_end returns. Without: in the log of the database, which survives the process but not
 * a power cut; enough for what a replay makes again. */
enum err catalog_db_begin(struct catalog *c, bool durable);
/* Commits if e is ERR_OK, else rolls back; returns e or the commit's failure. */
enum err catalog_db_end(struct catalog *c, enum err e);
enum err catalog_db_audit_by(struct catalog *c, const char *what, const char *name, const char *who,
                             const char *more); /* who, more: or NULL */
enum err catalog_db_audit(struct catalog *c, const char *what, const char *name, const char *more);

/* catalog_revision.c: what an alert is now is kept before it is changed; alerts whose place it takes are marked; what it was
 * is read. */
enum err catalog_revision_keep(struct catalog *c, const char *id);
enum err catalog_revision_replace(struct catalog *c, const struct catalog_alert *a);
enum err catalog_revision_read(struct catalog *c, struct arena *arena, struct catalog_alert *a);

#endif
