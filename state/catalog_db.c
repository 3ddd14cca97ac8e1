/* SPDX-License-Identifier: Apache-2.0 */
#include "state/catalog_db.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "state/catalog.sql.h"
#include "state/catalog_10.sql.h"
#include "state/catalog_11.sql.h"
#include "state/catalog_12.sql.h"
#include "state/catalog_13.sql.h"
#include "state/catalog_14.sql.h"
#include "state/catalog_15.sql.h"
#include "state/catalog_16.sql.h"
#include "state/catalog_2.sql.h"
#include "state/catalog_3.sql.h"
#include "state/catalog_4.sql.h"
#include "state/catalog_5.sql.h"
#include "state/catalog_6.sql.h"
#include "state/catalog_7.sql.h"
#include "state/catalog_8.sql.h"
#include "state/catalog_9.sql.h"
#include <stdio.h>
#include <string.h>

#define LOG_MODULE "catalog"

enum { BUSY_MS = 5000, WRITER_CACHE_KIB = 64 << 10, READER_CACHE_KIB = 16 << 10 };
/* Of SQLite's log, 64 MiB of it. Ids and keys of alerts are random, so their pages are written again by each batch: the
 * later the log is copied back, the more writes of one page are one copy. */
enum { WAL_PAGES = 16000 };

/* Version n is made from version n - 1 by the n-th text. */
static const char *const migrations[] = {catalog_sql,    catalog_2_sql,  catalog_3_sql,
                                         catalog_4_sql,  catalog_5_sql,  catalog_6_sql,
                                         catalog_7_sql,  catalog_8_sql,  catalog_9_sql,
                                         catalog_10_sql, catalog_11_sql, catalog_12_sql,
                                         catalog_13_sql, catalog_14_sql, catalog_15_sql,
                                         catalog_16_sql};
enum { VERSION = sizeof migrations / sizeof *migrations };

enum err catalog_db_err(struct catalog *c, int rc)
{
    static struct log_limiter limiter;
    unsigned long dropped = 0;
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return ERR_OK;
    case SQLITE_CONSTRAINT:
        return ERR_EXISTS;
    default:
        break;
    }
    if (log_allow(&limiter, &dropped))
        LOG_ERROR("catalogue failed", "code=%d text=\"%s\" dropped=%lu", rc,
                  c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc), dropped);
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_IN_USE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return ERR_DENIED;
    default:
        return ERR_IO;
    }
}

sqlite3_stmt *catalog_db_statement(struct catalog *c, const char *sql)
{
    int i = 0;
    while (i < CATALOG_DB_STATEMENTS && c->statements[i].sql && c->statements[i].sql != sql)
        i++;
    BUG_IF(i == CATALOG_DB_STATEMENTS, "no room for one more statement");
    if (!c->statements[i].sql) {
        sqlite3_stmt *s = NULL;
        int rc = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL);
        if (rc != SQLITE_OK) {
            enum err ignored = catalog_db_err(c, rc);
            (void)ignored; /* said in the log; the caller answers ERR_IO */
            return NULL;
        }
        c->statements[i].sql = sql;
        c->statements[i].stmt = s;
        return s;
    }
    sqlite3_reset(c->statements[i].stmt);
    sqlite3_clear_bindings(c->statements[i].stmt);
    return c->statements[i].stmt;
}

enum err catalog_db_run(struct catalog *c, sqlite3_stmt *s)
{
    int rc = sqlite3_step(s);
    enum err e = catalog_db_err(c, rc);
    sqlite3_reset(
        s); /* a statement left open would hold its snapshot and stop checkpoints of the log */
    return e;
}

void catalog_db_bind_text(sqlite3_stmt *s, int i, const char *text)
{
    if (text)
        sqlite3_bind_text(s, i, text, -1, SQLITE_STATIC);
    else
        sqlite3_bind_null(s, i);
}

void catalog_db_bind_time(sqlite3_stmt *s, int i, evtime t)
{
    if (t == EVTIME_MIN)
        sqlite3_bind_null(s, i);
    else
        sqlite3_bind_int64(s, i, t);
}

void catalog_db_bind_u64(sqlite3_stmt *s, int i, uint64_t v)
{
    sqlite3_bind_int64(s, i, (sqlite3_int64)v);
}

const char *catalog_db_text(sqlite3_stmt *s, int i)
{
    return (const char *)sqlite3_column_text(s, i);
}

evtime catalog_db_time(sqlite3_stmt *s, int i)
{
    return sqlite3_column_type(s, i) == SQLITE_NULL ? EVTIME_MIN : sqlite3_column_int64(s, i);
}

enum err catalog_db_begin(struct catalog *c, bool durable)
{
    if (c->grouped)
        return catalog_db_err(c, sqlite3_exec(c->db, "SAVEPOINT step", NULL, NULL, NULL));
    /* The level counts at the commit and may only change outside a transaction. */
    int rc = sqlite3_exec(c->db,
                          durable ? "PRAGMA synchronous=FULL; BEGIN IMMEDIATE"
                                  : "PRAGMA synchronous=NORMAL; BEGIN IMMEDIATE",
                          NULL, NULL, NULL);
    return catalog_db_err(c, rc);
}

enum err catalog_db_end(struct catalog *c, enum err e)
{
    if (c->grouped) {
        const char *sql = e == ERR_OK ? "RELEASE step" : "ROLLBACK TO step; RELEASE step";
        enum err ended = catalog_db_err(c, sqlite3_exec(c->db, sql, NULL, NULL, NULL));
        return e == ERR_OK ? ended : e;
    }
    if (e == ERR_OK)
        e = catalog_db_err(c, sqlite3_exec(c->db, "COMMIT", NULL, NULL, NULL));
    if (e != ERR_OK && !sqlite3_get_autocommit(c->db))
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    return e;
}

enum err catalog_db_audit(struct catalog *c, const char *what, const char *name, const char *more)
{
    return catalog_db_audit_by(c, what, name, NULL, more);
}

enum err catalog_db_audit_by(struct catalog *c, const char *what, const char *name, const char *who,
                             const char *more)
{
    sqlite3_stmt *s = catalog_db_statement(
        c, "INSERT INTO audit (at, what, name, more, who) VALUES (?1, ?2, ?3, ?4, ?5)");
    if (!s)
        return ERR_IO;
    sqlite3_bind_int64(s, 1, timebase_now_ms());
    catalog_db_bind_text(s, 2, what);
    catalog_db_bind_text(s, 3, name);
    catalog_db_bind_text(s, 4, more);
    catalog_db_bind_text(s, 5, who);
    return catalog_db_run(c, s);
}

static enum err read_version(struct catalog *c, int *version)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(c->db, "PRAGMA user_version", -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        *version = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return catalog_db_err(c, rc);
}

static enum err refuse_version(const char *path, int version, struct diag *d)
{
    if (d)
        diag_say(d, "version",
                 "start the release of weir that wrote it, or another data folder with --data",
                 "the catalogue %s has version %d, which is newer than this weir's %d", path,
                 version, VERSION);
    return ERR_VERSION;
}

/* All steps in one transaction: a catalogue is never left between two versions. */
static enum err migrate(struct catalog *c, struct diag *d)
{
    int version = 0;
    enum err e = catalog_db_begin(c, true);
    if (e != ERR_OK)
        return e;
    if ((e = read_version(c, &version)) == ERR_OK && version > VERSION)
        e = refuse_version(c->path, version, d);
    for (int v = version; e == ERR_OK && v < VERSION; v++) {
        e = catalog_db_err(c, sqlite3_exec(c->db, migrations[v], NULL, NULL, NULL));
        if (e == ERR_EXISTS)
            e = ERR_CORRUPT; /* a constraint cannot fail in a migration of sound data */
    }
    if (e == ERR_OK && version < VERSION) {
        char set[48];
        snprintf(set, sizeof set, "PRAGMA user_version=%d", VERSION);
        e = catalog_db_err(c, sqlite3_exec(c->db, set, NULL, NULL, NULL));
    }
    return catalog_db_end(c, e);
}

static enum err prepare_connection(struct catalog *c)
{
    char text[160];
    snprintf(text, sizeof text,
             "PRAGMA journal_mode=WAL; PRAGMA cache_size=-%d; PRAGMA temp_store=MEMORY;"
             "PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=%d",
             c->reader ? READER_CACHE_KIB : WRITER_CACHE_KIB, WAL_PAGES);
    sqlite3_busy_timeout(c->db, BUSY_MS);
    /* A reader may not switch the journal, and finds it in the file. */
    const char *from = c->reader ? strchr(text, ';') + 1 : text;
    return catalog_db_err(c, sqlite3_exec(c->db, from, NULL, NULL, NULL));
}

static void explain_open(enum err e, const char *path, struct diag *d)
{
    if (!d || d->errors)
        return;
    if (e == ERR_CORRUPT)
        diag_say(d, "corrupt", "restore it from a copy, or name another data folder with --data",
                 "the catalogue %s is damaged or is no SQLite file", path);
    else if (e == ERR_IN_USE)
        diag_say(d, "in-use", "end the other process first",
                 "the catalogue %s is held by another process", path);
    else
        diag_say(d, "io", "is the folder there, may this user write in it, is there free space?",
                 "the catalogue %s cannot be opened: %s", path, err_text(e));
}

enum err catalog_db_open(const char *path, bool reader, struct diag *d, struct catalog **out)
{
    struct catalog *c = mem_new(sizeof *c);
    int flags = reader ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    c->reader = reader;
    c->path = mem_str(path);
    pthread_mutexattr_t again; /* catalog_begin holds it over calls that take it */
    pthread_mutexattr_init(&again);
    pthread_mutexattr_settype(&again, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&c->lock, &again);
    pthread_mutexattr_destroy(&again);
    enum err e =
        catalog_db_err(c, sqlite3_open_v2(path, &c->db, flags | SQLITE_OPEN_NOMUTEX, NULL));
    if (e == ERR_OK)
        e = prepare_connection(c);
    if (e == ERR_OK && !reader)
        e = migrate(c, d);
    if (e == ERR_OK && reader) {
        int version = 0;
        if ((e = read_version(c, &version)) == ERR_OK && version != VERSION)
            e = refuse_version(path, version, d);
    }
    if (e != ERR_OK) {
        explain_open(e, path, d);
        catalog_db_close(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}

void catalog_db_close(struct catalog *c)
{
    if (!c)
        return;
    for (int i = 0; i < CATALOG_DB_STATEMENTS; i++)
        sqlite3_finalize(c->statements[i].stmt);
    sqlite3_close(c->db);
    pthread_mutex_destroy(&c->lock);
    mem_free(c->path);
    mem_free(c);
}
