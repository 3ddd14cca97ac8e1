/* SPDX-License-Identifier: Apache-2.0
 *
 * A table or view of an SQLite file, which is opened for reading alone. Key by key: there is no way to go, so a request of
 * many saves nothing. What a view does may take long; SQLite asks now and then whether it shall go on.
 *
 * The file may be anybody's: its schema is not trusted, so a view calls no function that has effects, and a name that is
 * no column is an error, not a text. */
#include "base/mem.h"
#include "io/table_kind.h"
#include "io/table_row.h"
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum { OPS_BETWEEN_LOOKS = 1000, BUSY_MS = 50 };

struct sqlite {
    const struct table *table;
    sqlite3 *db;
    sqlite3_stmt *select;
    const struct table_limit *limit; /* of the question that is asked */
};

static int is_over(void *ctx)
{
    const struct sqlite *s = ctx;
    return table_kind_is_over(s->limit);
}

static void say(const struct sqlite *s, const char *what, char why[TABLE_WHY])
{
    snprintf(why, TABLE_WHY, "%s: %s", what, s->db != NULL ? sqlite3_errmsg(s->db) : "no memory");
}

static bool prepare(struct sqlite *s, char why[TABLE_WHY])
{
    const struct schema *t = s->table->schema;
    const char *name = schema_option(t, "table");
    struct bytes sql = {0};
    bytes_printf(&sql, "SELECT ");
    for (unsigned c = 0; c < t->ncolumns; c++) {
        bytes_printf(&sql, c > 0 ? ", " : "");
        table_row_quote(t->columns[c].name, false, &sql);
    }
    bytes_printf(&sql, " FROM ");
    table_row_quote(name != NULL ? name : t->name, true, &sql);
    bytes_printf(&sql, " WHERE ");
    table_row_quote(t->columns[s->table->key].name, false, &sql);
    bytes_printf(&sql, " = ?1 LIMIT 2");
    int rc = sqlite3_prepare_v2(s->db, (const char *)sql.p, (int)sql.n, &s->select, NULL);
    bytes_fini(&sql);
    if (rc != SQLITE_OK)
        say(s, t->name, why);
    return rc == SQLITE_OK;
}

static void sqlite_close(void *connection)
{
    struct sqlite *s = connection;
    sqlite3_finalize(s->select);
    sqlite3_close(s->db);
    mem_free(s);
}

static void *sqlite_open(const struct table *t, const struct table_limit *limit,
                         char why[TABLE_WHY])
{
    const char *path = schema_option(t->schema, "path");
    struct sqlite *s = mem_new(sizeof *s);
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    s->table = t;
    s->limit = limit;
    if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK) {
        say(s, path, why);
        goto fail;
    }
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    sqlite3_progress_handler(s->db, OPS_BETWEEN_LOOKS, is_over, s);
    if (prepare(s, why))
        return s;
fail:
    sqlite_close(s);
    return NULL;
}

static void bind(struct sqlite *s, const struct value *key)
{
    struct bytes text = {0};
    switch (key->type.kind) {
    case TYPE_BIGINT:
    case TYPE_BOOLEAN:
    case TYPE_TIMESTAMP:
        sqlite3_bind_int64(s->select, 1, key->c.i);
        return;
    case TYPE_DOUBLE:
        sqlite3_bind_double(s->select, 1, key->c.d);
        return;
    default:
        table_row_key(key, &text);
        sqlite3_bind_text64(s->select, 1, text.n > 0 ? (const char *)text.p : "", text.n,
                            SQLITE_TRANSIENT, SQLITE_UTF8);
        bytes_fini(&text);
    }
}

/* SQLite's columns hold what they are given; whole numbers may be times and truth values. */
static void put_column(struct sqlite *s, struct table_row *row, int c)
{
    struct type want = s->table->schema->columns[c].type;
    char text[TIMEBASE_TEXT];
    switch (sqlite3_column_type(s->select, c)) {
    case SQLITE_NULL:
        table_row_text(row, NULL, 0);
        return;
    case SQLITE_BLOB:
        table_row_refuse(row, "a blob");
        return;
    case SQLITE_INTEGER: {
        int64_t v = sqlite3_column_int64(s->select, c);
        if (want.kind == TYPE_BOOLEAN && (v == 0 || v == 1)) {
            table_row_text(row, v == 1 ? "true" : "false", v == 1 ? 4 : 5);
            return;
        }
        if (want.kind == TYPE_TIMESTAMP && v >= EVTIME_FIRST && v <= EVTIME_LAST) {
            size_t n = timebase_format(v, text);
            table_row_text(row, text, n);
            return;
        }
        break;
    }
    case SQLITE_FLOAT: {
        char number[VALUE_TEXT];
        size_t n = value_format_double(sqlite3_column_double(s->select, c), number);
        table_row_text(row, number, n);
        return;
    }
    default:
        break;
    }
    const char *p = (const char *)sqlite3_column_text(s->select, c);
    table_row_text(row, p != NULL ? p : "", (size_t)sqlite3_column_bytes(s->select, c));
}

static enum err get_one(struct sqlite *s, const struct value *key, struct table_answer *a,
                        struct bytes *out, char why[TABLE_WHY])
{
    sqlite3_reset(s->select);
    bind(s, key);
    int rc = sqlite3_step(s->select);
    *a = (struct table_answer){TABLE_MISSING, 0, 0};
    if (rc == SQLITE_ROW) {
        struct table_row row;
        table_row_begin(&row, s->table, out);
        for (unsigned c = 0; c < s->table->schema->ncolumns; c++)
            put_column(s, &row, (int)c);
        table_row_end(&row, a);
        rc = sqlite3_step(s->select);
        if (rc == SQLITE_ROW) {
            table_row_say(a, out, "the table has several rows with this key");
            rc = SQLITE_DONE;
        }
    }
    if (rc != SQLITE_DONE)
        say(s, s->table->schema->name, why);
    if (rc == SQLITE_ERROR || rc == SQLITE_TOOBIG || rc == SQLITE_MISMATCH) {
        table_row_say(a, out, why); /* a view cannot compute this one */
        rc = SQLITE_DONE;
    }
    sqlite3_reset(s->select); /* ends the transaction: the next key sees what is there then */
    return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static enum err sqlite_get(void *connection, const struct value *keys, unsigned n,
                           const struct table_limit *limit, struct table_answer *answers,
                           struct bytes *out, char why[TABLE_WHY])
{
    struct sqlite *s = connection;
    s->limit = limit;
    for (unsigned i = 0; i < n; i++) {
        enum err e = get_one(s, &keys[i], &answers[i], out, why);
        if (e != ERR_OK) /* the file may have been put in place of another */
            return ERR_CLOSED;
    }
    return ERR_OK;
}

const struct table_kind table_sqlite = {"sqlite", sqlite_open, sqlite_close, sqlite_get};
