/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/csv.h"
#include <string.h>

void csv_init(struct csv *c, const char *text, size_t n)
{
    bool mark = n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
    *c = (struct csv){.p = mark ? text + 3 : text, .end = text + n, .next_line = 1};
}

void csv_fini(struct csv *c)
{
    bytes_fini(&c->text);
}

static bool at_line_end(const struct csv *c)
{
    return c->p == c->end || *c->p == '\n' ||
           (*c->p == '\r' && (c->p + 1 == c->end || c->p[1] == '\n'));
}

static void skip_line_end(struct csv *c)
{
    if (c->p < c->end && *c->p == '\r')
        c->p++;
    if (c->p < c->end && *c->p == '\n')
        c->p++;
    c->next_line++;
}

static void plain(struct csv *c, struct csv_field *f)
{
    f->p = c->p;
    while (!at_line_end(c) && *c->p != ',')
        c->p++;
    f->n = (size_t)(c->p - f->p);
}

/* Behind the first quote. A field that holds no doubled quote stays where it is. */
static enum err quoted(struct csv *c, struct csv_field *f)
{
    const char *from = ++c->p;
    size_t copied = c->text.n;
    bool doubled = false;
    f->quoted = true;
    for (;; c->p++) {
        if (c->p == c->end) {
            c->why = "a quoted field is not closed";
            return ERR_INVALID;
        }
        if (*c->p == '\n')
            c->next_line++;
        if (*c->p != '"')
            continue;
        if (c->p + 1 == c->end || c->p[1] != '"')
            break;
        bytes_put(&c->text, from, (size_t)(++c->p - from)); /* with one of the two */
        from = c->p + 1;
        doubled = true;
    }
    if (doubled)
        bytes_put(&c->text, from, (size_t)(c->p - from));
    f->p = doubled ? NULL : from; /* NULL: at `copied`, which may still move */
    f->n = doubled ? c->text.n - copied : (size_t)(c->p - from);
    c->p++;
    if (at_line_end(c) || *c->p == ',')
        return ERR_OK;
    c->why = "something stands behind a quoted field; a quote in a field is written twice";
    return ERR_INVALID;
}

static enum err record(struct csv *c)
{
    for (c->n = 0;; c->p++) {
        if (c->n == CSV_FIELDS_MAX) {
            c->why = "a line has more than 256 fields";
            return ERR_INVALID;
        }
        struct csv_field *f = &c->fields[c->n++];
        *f = (struct csv_field){0};
        enum err e = ERR_OK;
        if (c->p < c->end && *c->p == '"')
            e = quoted(c, f);
        else
            plain(c, f);
        if (e != ERR_OK)
            return e;
        if (at_line_end(c))
            return ERR_OK;
    }
}

enum err csv_next(struct csv *c)
{
    bytes_reset(&c->text);
    while (c->p < c->end && at_line_end(c))
        skip_line_end(c);
    c->line = c->next_line;
    if (c->p == c->end)
        return ERR_END;
    enum err e = record(c);
    if (e != ERR_OK)
        return e;
    size_t at = 0;
    for (unsigned i = 0; i < c->n; i++)
        if (c->fields[i].p == NULL) {
            c->fields[i].p = (const char *)c->text.p + at;
            at += c->fields[i].n;
        }
    skip_line_end(c);
    return ERR_OK;
}
