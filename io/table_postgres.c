/* SPDX-License-Identifier: Apache-2.0
 *
 * A table or view of PostgreSQL, over libpq. All keys of a request go out in one pipeline, each a run of one prepared
 * statement with a sync point of its own: one way there and back, and what is wrong with one key is not with the others.
 * Nothing blocks longer than the deadline: the socket is not, and poll is told. */
#include "base/mem.h"
#include "io/table_kind.h"
#include "io/table_row.h"
#include <poll.h>
#include <postgresql/libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { URL_MAX = 4096, LOOK_MS = 20 /* how late an end is seen */ };
static const char statement[] = "weir";

struct postgres {
    const struct table *table;
    PGconn *db;
    struct bytes text; /* of the key that is sent */
};

/* --- waiting ---------------------------------------------------------------------------------- */

/* libpq's sentences end with a newline and may have several lines. */
static void say(const struct postgres *p, const char *text, char why[TABLE_WHY])
{
    snprintf(why, TABLE_WHY, "%s: %s", p->table->schema->name, text);
    for (char *c = why; *c != '\0'; c++)
        if (*c == '\n' || *c == '\t')
            *c = c[1] == '\0' ? '\0' : ' ';
}

/* False: the deadline has passed. */
static bool wait_for(const struct postgres *p, short events, const struct table_limit *limit,
                     char why[TABLE_WHY])
{
    struct pollfd fd = {.fd = PQsocket(p->db), .events = events};
    bool ready = false;
    while (!ready && !table_kind_is_over(limit))
        ready = poll(&fd, 1, LOOK_MS) > 0;
    if (ready)
        return true;
    say(p, "no answer in time", why);
    return false;
}

/* All that is to be sent is sent, or what has come was taken. */
static bool turn(struct postgres *p, const struct table_limit *limit, char why[TABLE_WHY])
{
    int unsent = PQflush(p->db);
    if (unsent >= 0 && !wait_for(p, (short)(POLLIN | (unsent > 0 ? POLLOUT : 0)), limit, why))
        return false;
    if (unsent >= 0 && PQconsumeInput(p->db) == 1)
        return true;
    say(p, PQerrorMessage(p->db), why);
    return false;
}

/* *out: the next result, or NULL at the end of one query's. False: nothing more can come. */
static bool next_result(struct postgres *p, const struct table_limit *limit, PGresult **out,
                        char why[TABLE_WHY])
{
    while (PQisBusy(p->db))
        if (!turn(p, limit, why))
            return false;
    *out = PQgetResult(p->db);
    return true;
}

/* --- the connection --------------------------------------------------------------------------- */

/* Where it is, from the text, the environment or a file. */
static bool read_url(const struct postgres *p, char url[URL_MAX], char why[TABLE_WHY])
{
    const struct schema *s = p->table->schema;
    const char *plain = schema_option(s, "url"), *env = schema_option(s, "url-env");
    const char *path = schema_option(s, "url-file");
    size_t n = 0;
    if (path == NULL) {
        const char *text = plain != NULL ? plain : getenv(env);
        if (text == NULL || strlen(text) >= URL_MAX) {
            snprintf(why, TABLE_WHY, "%s: environment variable %s %s", s->name, env,
                     text == NULL ? "is not set" : "is too long");
            return false;
        }
        memcpy(url, text, strlen(text) + 1);
        return true;
    }
    FILE *f = fopen(path, "re");
    if (f != NULL) {
        n = fread(url, 1, URL_MAX - 1, f);
        fclose(f);
    }
    url[n] = '\0';
    url[strcspn(url, "\r\n")] = '\0';
    if (f == NULL || url[0] == '\0')
        snprintf(why, TABLE_WHY, "%s: file %s %s", s->name, path,
                 f == NULL ? "cannot be read" : "is empty");
    return f != NULL && url[0] != '\0';
}

static bool connect_to(struct postgres *p, const char *url, const struct table_limit *limit,
                       char why[TABLE_WHY])
{
    /* A later one of the same name counts, so the first may be a whole connection string. */
    const char *names[] = {"dbname", "application_name", "client_encoding", NULL};
    const char *values[] = {url, "weir", "UTF8", NULL};
    PQconninfoOption *parsed = PQconninfoParse(url, NULL);
    if (parsed == NULL) { /* what is wrong with it would be said with parts of it, secrets too */
        say(p, "the connection string is not one", why);
        return false;
    }
    PQconninfoFree(parsed);
    p->db = PQconnectStartParams(names, values, 1);
    if (p->db == NULL || PQstatus(p->db) == CONNECTION_BAD) {
        say(p, p->db == NULL ? "no memory" : PQerrorMessage(p->db), why);
        return false;
    }
    PostgresPollingStatusType s = PGRES_POLLING_WRITING;
    while (s != PGRES_POLLING_OK) {
        if (s == PGRES_POLLING_FAILED) {
            say(p, PQerrorMessage(p->db), why);
            return false;
        }
        if (!wait_for(p, s == PGRES_POLLING_READING ? POLLIN : POLLOUT, limit, why))
            return false;
        s = PQconnectPoll(p->db);
    }
    return PQsetnonblocking(p->db, 1) == 0;
}

/* The only result of what was sent, or NULL once said. */
static PGresult *only_result(struct postgres *p, int sent, const struct table_limit *limit,
                             char why[TABLE_WHY])
{
    PGresult *found = NULL, *more = NULL;
    bool good = sent == 1;
    if (!good)
        say(p, PQerrorMessage(p->db), why);
    good = good && next_result(p, limit, &found, why);
    while (good && found != NULL && (good = next_result(p, limit, &more, why)) && more != NULL)
        PQclear(more);
    ExecStatusType is = PQresultStatus(found);
    if (good && (is == PGRES_COMMAND_OK || is == PGRES_TUPLES_OK))
        return found;
    if (good)
        say(p, PQresultErrorMessage(found), why);
    PQclear(found);
    return NULL;
}

/* Our column's name as the table writes it: "level" of ours may be "Level" there. */
static const char *name_there(const PGresult *there, const char *name)
{
    const char *found = NULL;
    for (int i = 0; i < PQnfields(there); i++) {
        const char *f = PQfname(there, i);
        if (strcmp(f, name) == 0)
            return f;
        if (strcasecmp(f, name) == 0)
            found = f;
    }
    return found;
}

static bool write_select(const struct postgres *p, const PGresult *there, const struct bytes *from,
                         struct bytes *sql, char why[TABLE_WHY])
{
    const struct schema *s = p->table->schema;
    for (unsigned c = 0; c < s->ncolumns; c++) {
        const char *name = name_there(there, s->columns[c].name);
        if (name == NULL) {
            snprintf(why, TABLE_WHY, "%s: the table has no column %s", s->name, s->columns[c].name);
            return false;
        }
        bytes_printf(sql, c == 0 ? "SELECT " : ", ");
        table_row_quote(name, false, sql);
    }
    bytes_put(sql, from->p, from->n);
    bytes_printf(sql, " WHERE ");
    table_row_quote(name_there(there, s->columns[p->table->key].name), false, sql);
    bytes_printf(sql, " = $1 LIMIT 2");
    bytes_u8(sql, 0);
    return true;
}

/* The asker gives up first, and says so; the server's own limit ends what nobody waits for any more. */
enum { LEFT_BEHIND_MS = 500 };

/* How values are written, and that nothing is. */
static bool settle(struct postgres *p, const struct table_limit *limit, char why[TABLE_WHY])
{
    struct bytes sql = {0};
    bytes_printf(&sql,
                 "SET default_transaction_read_only = on; SET DateStyle = ISO; SET TimeZone = UTC; "
                 "SET extra_float_digits = 3; SET statement_timeout = %lld",
                 (long long)p->table->timeout_ms + LEFT_BEHIND_MS);
    bytes_u8(&sql, 0);
    PGresult *done = only_result(p, PQsendQuery(p->db, (const char *)sql.p), limit, why);
    bytes_fini(&sql);
    PQclear(done);
    return done != NULL;
}

static bool prepare(struct postgres *p, const struct table_limit *limit, char why[TABLE_WHY])
{
    const struct schema *s = p->table->schema;
    const char *name = schema_option(s, "table");
    struct bytes from = {0}, look = {0}, sql = {0};
    bytes_printf(&from, " FROM ");
    table_row_quote(name != NULL ? name : s->name, true, &from);
    bytes_printf(&look, "SELECT *%.*s LIMIT 0", (int)from.n, (const char *)from.p);
    bytes_u8(&look, 0);
    PGresult *there = only_result(p, PQsendQuery(p->db, (const char *)look.p), limit, why);
    PGresult *done = NULL;
    if (there != NULL && write_select(p, there, &from, &sql, why))
        done = only_result(p, PQsendPrepare(p->db, statement, (const char *)sql.p, 1, NULL), limit,
                           why);
    bool good = done != NULL && PQenterPipelineMode(p->db) == 1;
    PQclear(done);
    PQclear(there);
    bytes_fini(&sql);
    bytes_fini(&look);
    bytes_fini(&from);
    return good;
}

static void postgres_close(void *connection)
{
    struct postgres *p = connection;
    PQfinish(p->db); /* what is still running there is ended by the server */
    bytes_fini(&p->text);
    mem_free(p);
}

static void *postgres_open(const struct table *t, const struct table_limit *limit,
                           char why[TABLE_WHY])
{
    char url[URL_MAX];
    struct postgres *p = mem_new(sizeof *p);
    p->table = t;
    bool good = read_url(p, url, why) && connect_to(p, url, limit, why) && settle(p, limit, why) &&
                prepare(p, limit, why);
    explicit_bzero(url, sizeof url);
    if (good)
        return p;
    postgres_close(p);
    return NULL;
}

/* --- asking ----------------------------------------------------------------------------------- */

static bool send_key(struct postgres *p, const struct value *key, char why[TABLE_WHY])
{
    bytes_reset(&p->text);
    table_row_key(key, &p->text);
    if (memchr(p->text.n > 0 ? (const char *)p->text.p : "", '\0', p->text.n) != NULL)
        p->text.n = 0; /* no text there has a NUL; see get_answer */
    bytes_u8(&p->text, 0);
    const char *value = (const char *)p->text.p;
    if (PQsendQueryPrepared(p->db, statement, 1, &value, NULL, NULL, 0) == 1 &&
        PQpipelineSync(p->db) == 1)
        return true;
    say(p, PQerrorMessage(p->db), why);
    return false;
}

static void take_row(const struct postgres *p, const PGresult *r, struct table_answer *a,
                     struct bytes *out)
{
    const struct schema *s = p->table->schema;
    struct table_row row;
    table_row_begin(&row, p->table, out);
    for (unsigned c = 0; c < s->ncolumns; c++) {
        const char *v = PQgetvalue(r, 0, (int)c);
        size_t n = (size_t)PQgetlength(r, 0, (int)c);
        if (PQgetisnull(r, 0, (int)c))
            table_row_text(&row, NULL, 0);
        else if (s->columns[c].type.kind == TYPE_BOOLEAN && n == 1 && (*v == 't' || *v == 'f'))
            table_row_text(&row, *v == 't' ? "true" : "false", *v == 't' ? 4 : 5);
        else
            table_row_text(&row, v, n);
    }
    table_row_end(&row, a);
}

static void take_result(const struct postgres *p, const PGresult *r, struct table_answer *a,
                        struct bytes *out)
{
    char text[TABLE_WHY];
    *a = (struct table_answer){TABLE_MISSING, 0, 0};
    if (PQresultStatus(r) != PGRES_TUPLES_OK) {
        say(p, PQresultErrorMessage(r), text);
        table_row_say(a, out, text);
    } else if (PQntuples(r) > 1) {
        table_row_say(a, out, "the table has several rows with this key");
    } else if (PQntuples(r) == 1) {
        take_row(p, r, a, out);
    }
}

/* A query's result, the end of it, and its sync point. */
static bool get_answer(struct postgres *p, const struct value *key, const struct table_limit *limit,
                       struct table_answer *a, struct bytes *out, char why[TABLE_WHY])
{
    PGresult *r = NULL;
    bool synced = false;
    *a = (struct table_answer){TABLE_MISSING, 0, 0};
    while (!synced) {
        if (!next_result(p, limit, &r, why))
            return false;
        ExecStatusType is = PQresultStatus(r);
        if (r != NULL && PQstatus(p->db) == CONNECTION_BAD) {
            say(p, PQresultErrorMessage(r), why);
            PQclear(r);
            return false;
        }
        synced = r != NULL && is == PGRES_PIPELINE_SYNC;
        if (r != NULL && !synced)
            take_result(p, r, a, out);
        PQclear(r);
    }
    bool has_nul = key->type.kind == TYPE_STRING && memchr(key->c.s.p, '\0', key->c.s.n) != NULL;
    if (has_nul)
        *a = (struct table_answer){TABLE_MISSING, 0, 0};
    return true;
}

static enum err postgres_get(void *connection, const struct value *keys, unsigned n,
                             const struct table_limit *limit, struct table_answer *answers,
                             struct bytes *out, char why[TABLE_WHY])
{
    struct postgres *p = connection;
    for (unsigned i = 0; i < n; i++)
        if (!send_key(p, &keys[i], why))
            return ERR_CLOSED;
    for (unsigned i = 0; i < n; i++)
        if (!get_answer(p, &keys[i], limit, &answers[i], out, why))
            return ERR_CLOSED; /* what is still to come would be taken for other keys */
    return ERR_OK;
}

const struct table_kind table_postgres = {"postgres", postgres_open, postgres_close, postgres_get};
