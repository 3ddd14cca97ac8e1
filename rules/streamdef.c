/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/streamdef.h"
#include "cep/derived.h"
#include "rules/bind.h"
#include "rules/grammar.h"
#include "rules/options.h"
#include <string.h>
#include <strings.h>

struct definition {
    struct cc *cc;
    struct schema *s;
    struct column *columns;
    const struct ast_column *mark; /* WATERMARK FOR */
    bool good;
};

static bool is_taken(const struct definition *d, const char *name)
{
    return schema_column(d->s, name, strlen(name)) >= 0;
}

static const struct expr *bind_row(struct definition *d, const struct ast_expr *e,
                                   const char *clause)
{
    struct bind b = {.cc = d->cc, .rel = names_of_schema(d->cc, d->s, NULL), .clause = clause};
    return bind_expr(&b, e);
}

/* 'billing.address.city': no part may be empty. */
static const char *path_of(struct definition *d, const struct ast_column *c)
{
    struct ast a = {.arena = d->cc->arena};
    unsigned n;
    const char *path = ast_unquote(&a, c->path, &n);
    if (n == 0 || path[0] == '.' || path[n - 1] == '.' || strstr(path, "..") != NULL) {
        diag_error(d->cc->d, "column", c->path.at, NULL, "the path of %s has an empty part",
                   c->name.text);
        d->good = false;
    }
    return path;
}

static void add_column(struct definition *d, const struct ast_column *c)
{
    struct cc *cc = d->cc;
    struct column *col = &d->columns[d->s->ncolumns];
    *col = (struct column){.name = arena_str(cc->arena, c->name.text), .not_null = c->not_null};
    if (is_taken(d, col->name)) {
        diag_error(cc->d, "column", c->name.at, NULL, "column %s is there twice", c->name.text);
        d->good = false;
        return;
    }
    if (d->s->ncolumns == SCHEMA_COLUMNS_MAX) {
        diag_error(cc->d, "limit", c->name.at, NULL, "a stream has at most %d columns",
                   SCHEMA_COLUMNS_MAX);
        d->good = false;
        return;
    }
    if (c->primary_key) {
        diag_error(cc->d, "column", c->name.at, NULL, "a stream has no PRIMARY KEY: a list has");
        d->good = false;
    }
    if (c->path.kind != 0)
        col->path = path_of(d, c);
    if (c->computed == NULL) {
        d->good = bind_type(cc, c->type, &col->type) && d->good;
        if (col->type.kind == TYPE_INTERVAL) {
            diag_error(cc->d, "type", c->type->at, NULL, "INTERVAL is a type of expressions only");
            d->good = false;
        }
    } else {
        col->computed = bind_row(d, c->computed, "a computed column");
        if (col->computed == NULL) {
            d->good = false;
            col->type = types_of(TYPE_NULL);
        } else {
            col->type = col->computed->type;
        }
    }
    d->s->ncolumns++;
}

/* ts, or ts - INTERVAL '…' */
static bool bounded_mark(struct definition *d, const struct ast_column *m)
{
    const struct ast_expr *e = m->mark, *column = e;
    int64_t delay = 0;
    if (e->kind == AST_BINARY && e->op == TOKEN_MINUS) {
        column = e->args;
        if (column->next->kind != AST_INTERVAL)
            column = NULL;
        else if (!bind_interval(d->cc, column->next, &delay))
            return false;
    }
    if (column == NULL || column->kind != AST_NAME || !names_same(&m->name, column->name.text) ||
        delay < 0) {
        diag_error(d->cc->d, "watermark", e->at, NULL,
                   "a watermark is %s, %s - INTERVAL '2' SECOND, or PUNCTUATED WHEN a condition",
                   m->name.text, m->name.text);
        return false;
    }
    d->s->watermark = WATERMARK_BOUNDED;
    d->s->delay_ms = delay;
    return true;
}

static bool add_mark(struct definition *d, const struct ast_column *m)
{
    struct cc *cc = d->cc;
    int i = -1;
    for (unsigned k = 0; k < d->s->ncolumns; k++)
        if (names_same(&m->name, d->columns[k].name))
            i = (int)k;
    if (i < 0) {
        const char **names = arena_alloc(cc->arena, (d->s->ncolumns + 1) * sizeof *names);
        for (unsigned k = 0; k < d->s->ncolumns; k++)
            names[k] = d->columns[k].name;
        diag_error(cc->d, "unknown-column", m->name.at,
                   names_hint(cc, m->name.text, names, d->s->ncolumns), "no column %s",
                   m->name.text);
        return false;
    }
    d->s->time_column = i;
    if (d->columns[i].type.kind != TYPE_TIMESTAMP && d->columns[i].type.kind != TYPE_NULL) {
        char t[32];
        diag_error(cc->d, "type", m->name.at, NULL,
                   "the event time %s is %s; it must be TIMESTAMP(3)", m->name.text,
                   schema_type_name(d->columns[i].type, t));
        return false;
    }
    if (!m->punctuated)
        return bounded_mark(d, m);
    const struct expr *e = bind_row(d, m->mark, "PUNCTUATED WHEN");
    d->s->watermark = WATERMARK_PUNCTUATED;
    d->s->punctuated = logic_condition(cc, e, "PUNCTUATED WHEN");
    return d->s->punctuated != NULL;
}

const struct schema *streamdef_make(struct cc *cc, const struct ast_statement *st, const char *sql,
                                    unsigned id)
{
    struct definition d = {.cc = cc, .good = true};
    int errors = cc->d->errors;
    d.s = arena_zero(cc->arena, sizeof *d.s);
    d.columns = arena_zero(cc->arena, (SCHEMA_COLUMNS_MAX + 1) * sizeof *d.columns);
    d.s->columns = d.columns;
    d.s->name = arena_str(cc->arena, st->name.text);
    d.s->id = id;
    d.s->sql = sql;
    for (const struct ast_column *c = st->columns; c != NULL; c = c->next) {
        if (!c->watermark)
            add_column(&d, c);
        else if (d.mark == NULL)
            d.mark = c;
        else
            diag_error(cc->d, "watermark", c->at, NULL, "a stream has one WATERMARK");
    }
    if (d.mark != NULL)
        d.good = add_mark(&d, d.mark) && d.good;
    else
        diag_error(cc->d, "watermark", st->name.at, "WATERMARK FOR ts AS ts - INTERVAL '2' SECOND",
                   "stream %s does not say which column its time is: WATERMARK FOR is missing",
                   st->name.text);
    options_stream(cc, st->options, d.s);
    if (d.s->time != TIME_EVENT) { /* arrivals are in order */
        d.s->watermark = WATERMARK_BOUNDED;
        d.s->delay_ms = 0;
        d.s->punctuated = NULL;
    }
    d.s->errors = derived_errors_of(d.s, cc->arena);
    return d.good && cc->d->errors == errors ? d.s : NULL;
}
