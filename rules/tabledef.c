/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/tabledef.h"
#include "rules/bind.h"
#include "rules/options.h"
#include <string.h>
#include <strings.h>

/* --- columns ---------------------------------------------------------------------------------- */

/* What a column of a stream may have, and one of a list or a table not. */
static bool is_plain(struct cc *cc, const struct ast_column *c, const char *what)
{
    const char *more = c->watermark          ? "WATERMARK"
                       : c->computed != NULL ? "computed column"
                       : c->path.kind != 0   ? "FROM"
                                             : NULL;
    if (more != NULL)
        diag_error(cc->d, "column", c->at, NULL, "%s has no %s: a stream has", what, more);
    return more == NULL;
}

static bool add_column(struct cc *cc, struct schema *s, struct column *columns,
                       const struct ast_column *c, const char *what)
{
    struct column *col = &columns[s->ncolumns];
    if (!is_plain(cc, c, what))
        return false;
    if (schema_column(s, c->name.text, strlen(c->name.text)) >= 0) {
        diag_error(cc->d, "column", c->name.at, NULL, "column %s is there twice", c->name.text);
        return false;
    }
    if (s->ncolumns == SCHEMA_COLUMNS_MAX) {
        diag_error(cc->d, "limit", c->name.at, NULL, "%s has at most %d columns", what,
                   SCHEMA_COLUMNS_MAX);
        return false;
    }
    *col = (struct column){.name = arena_str(cc->arena, c->name.text),
                           .not_null = c->not_null || c->primary_key};
    if (!bind_type(cc, c->type, &col->type))
        return false;
    if (col->type.kind == TYPE_INTERVAL) {
        diag_error(cc->d, "type", c->type->at, NULL, "INTERVAL is a type of expressions only");
        return false;
    }
    s->ncolumns++;
    return true;
}

bool tabledef_columns(struct cc *cc, const struct ast_statement *st, const char *what,
                      struct schema *s, unsigned *key)
{
    struct column *columns = arena_zero(cc->arena, (SCHEMA_COLUMNS_MAX + 1) * sizeof *columns);
    int errors = cc->d->errors, found = -1;
    s->columns = columns;
    s->name = arena_str(cc->arena, st->name.text);
    s->time_column = -1;
    for (const struct ast_column *c = st->columns; c != NULL; c = c->next) {
        if (!add_column(cc, s, columns, c, what) || !c->primary_key)
            continue;
        if (found >= 0)
            diag_error(cc->d, "column", c->at, NULL, "%s has one PRIMARY KEY, and %s is it", what,
                       columns[found].name);
        else
            found = (int)s->ncolumns - 1;
    }
    if (found < 0 && cc->d->errors == errors)
        diag_error(cc->d, "column", st->name.at, "card STRING PRIMARY KEY",
                   "%s %s does not say which column is looked up: PRIMARY KEY is missing", what + 2,
                   st->name.text);
    *key = found < 0 ? 0 : (unsigned)found;
    return cc->d->errors == errors;
}

/* --- where it is ------------------------------------------------------------------------------ */

static void say(struct cc *cc, const struct ast_statement *st, const char *hint, const char *text)
{
    diag_error(cc->d, "option", st->name.at, hint, "table %s: %s", st->name.text, text);
}

/* A password in the text would be in the catalogue, in answers and in logs. */
static bool has_secret(const char *url)
{
    const char *at = strstr(url, "://"), *user = at != NULL ? at + 3 : NULL;
    const char *host = user != NULL ? strchr(user, '@') : NULL;
    const char *path = user != NULL ? strchr(user, '/') : NULL;
    if (host != NULL && (path == NULL || host < path) &&
        memchr(user, ':', (size_t)(host - user)) != NULL)
        return true;
    for (const char *p = url; *p != '\0'; p++)
        if (strncasecmp(p, "password", strlen("password")) == 0 ||
            strncasecmp(p, "sslpassword", strlen("sslpassword")) == 0)
            return true;
    return false;
}

static void check_place(struct cc *cc, const struct ast_statement *st, const struct schema *s)
{
    static const char *const ways[] = {"url", "url-env", "url-file"};
    const char *path = schema_option(s, "path"), *url = schema_option(s, "url");
    unsigned given = 0;
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++)
        given += schema_option(s, ways[i]) != NULL;
    if (strcmp(s->connector, "sqlite") == 0) {
        if (path == NULL || *path == '\0')
            say(cc, st, "'path'='/var/lib/customers.db'", "'path' is missing");
        if (given > 0)
            say(cc, st, NULL, "'url' belongs to postgres");
        return;
    }
    if (path != NULL)
        say(cc, st, NULL, "'path' belongs to sqlite");
    if (given != 1)
        say(cc, st, "'url'='postgresql://reader@db/shop', or 'url-env'='SHOP_URL'",
            given == 0 ? "'url' is missing" : "one of 'url', 'url-env', 'url-file' is enough");
    if (url != NULL && has_secret(url))
        say(cc, st,
            "put the whole into an environment variable, 'url-env'='SHOP_URL', or a file, "
            "'url-file'",
            "a password in the text could be read by everybody who may read rules");
}

struct table *tabledef_make(struct cc *cc, const struct ast_statement *st, const char *sql,
                            unsigned id)
{
    struct schema *s = arena_zero(cc->arena, sizeof *s);
    struct table *t = arena_zero(cc->arena, sizeof *t);
    int errors = cc->d->errors;
    unsigned key = 0;
    tabledef_columns(cc, st, "a table", s, &key);
    options_table(cc, st->options, st->name.at, s, t);
    if (s->connector != NULL && cc->d->errors == errors)
        check_place(cc, st, s);
    s->id = id;
    s->sql = sql;
    t->schema = s;
    t->key = key;
    return cc->d->errors == errors ? t : NULL;
}
