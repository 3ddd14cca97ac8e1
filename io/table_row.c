/* SPDX-License-Identifier: Apache-2.0
 *
 * A row is, for each column, a byte (1: NULL), then 8 bytes of the cell, or the length of a text and the text. It does not
 * leave the process. */
#include "io/table_row.h"
#include "base/utf8.h"
#include <string.h>

enum { SHOWN = 40 /* bytes of a value in a sentence */ };

void table_row_begin(struct table_row *r, const struct table *t, struct bytes *out)
{
    *r = (struct table_row){.table = t, .out = out, .begin = out->n};
}

/* The sentence replaces the row. */
static void start_sentence(struct table_row *r)
{
    const struct schema *s = r->table->schema;
    r->out->n = r->begin;
    r->bad = true;
    bytes_printf(r->out, "%s.%s is ", s->name, s->columns[r->n].name);
}

void table_row_refuse(struct table_row *r, const char *what)
{
    char type[32];
    if (!r->bad) {
        start_sentence(r);
        bytes_printf(r->out, "%s, which is no %s", what,
                     schema_type_name(r->table->schema->columns[r->n].type, type));
    }
    r->n++;
}

static void refuse_text(struct table_row *r, const char *p, size_t n)
{
    char type[32];
    bool whole = n <= SHOWN;
    size_t shown = whole ? n : utf8_first_bad(p, SHOWN);
    start_sentence(r);
    bytes_printf(r->out, "'%.*s%s', which is no %s", (int)shown, p, whole ? "" : "...",
                 schema_type_name(r->table->schema->columns[r->n].type, type));
}

static void put_null(struct table_row *r)
{
    if (!r->table->schema->columns[r->n].not_null) {
        bytes_u8(r->out, 1);
        return;
    }
    start_sentence(r);
    bytes_printf(r->out, "NULL, although it is NOT NULL");
}

static void put_text(struct table_row *r, const char *p, size_t n)
{
    struct type t = r->table->schema->columns[r->n].type;
    union cell c = {0};
    if (utf8_first_bad(p, n) < n) {
        start_sentence(r);
        bytes_printf(r->out, "not UTF-8");
    } else if (!value_parse_text(t, p, n, &c)) {
        refuse_text(r, p, n);
    } else {
        bytes_u8(r->out, 0);
        if (t.kind != TYPE_STRING) {
            bytes_put(r->out, &c.i, sizeof c.i);
            return;
        }
        uint32_t length = (uint32_t)n;
        bytes_put(r->out, &length, sizeof length);
        bytes_put(r->out, p, n);
    }
}

void table_row_text(struct table_row *r, const char *p, size_t n)
{
    if (!r->bad && p == NULL) {
        put_null(r);
    } else if (!r->bad && r->out->n - r->begin + n > TABLE_ROW_MAX) {
        start_sentence(r);
        bytes_printf(r->out, "too long: a row may have %d bytes", TABLE_ROW_MAX);
    } else if (!r->bad) {
        put_text(r, p, n);
    }
    r->n++;
}

void table_row_end(struct table_row *r, struct table_answer *a)
{
    *a = (struct table_answer){r->bad ? TABLE_BAD : TABLE_ROW, r->begin, r->out->n - r->begin};
}

void table_row_say(struct table_answer *a, struct bytes *out, const char *text)
{
    *a = (struct table_answer){TABLE_BAD, out->n, strlen(text)};
    bytes_put(out, text, strlen(text));
}

struct value table_row_get(const struct table *t, const uint8_t *p, unsigned column)
{
    const struct schema *s = t->schema;
    struct value v = {0};
    for (unsigned c = 0; c <= column; c++) {
        v = (struct value){.type = s->columns[c].type, .null = *p++ != 0};
        uint32_t n = sizeof v.c.i;
        if (v.null)
            continue;
        if (v.type.kind == TYPE_STRING) {
            memcpy(&n, p, sizeof n);
            p += sizeof n;
            v.c.s = (struct str){(const char *)p, n, 0};
        } else {
            memcpy(&v.c.i, p, sizeof v.c.i);
        }
        p += n;
    }
    return v;
}

/* --- what is asked ---------------------------------------------------------------------------- */

void table_row_key(const struct value *v, struct bytes *out)
{
    char text[VALUE_TEXT];
    switch (v->type.kind) {
    case TYPE_STRING:
        bytes_put(out, v->c.s.p, v->c.s.n);
        return;
    case TYPE_DECIMAL:
        value_format_decimal(v->c.i, v->type.scale, text);
        break;
    case TYPE_DOUBLE:
        text[value_format_double(v->c.d, text)] = '\0';
        break;
    case TYPE_TIMESTAMP:
        text[timebase_format(v->c.i, text)] = '\0';
        break;
    case TYPE_BOOLEAN:
        bytes_printf(out, "%s", v->c.i != 0 ? "true" : "false");
        return;
    default:
        bytes_printf(out, "%lld", (long long)v->c.i);
        return;
    }
    bytes_put(out, text, strlen(text));
}

void table_row_quote(const char *name, bool parts, struct bytes *out)
{
    bytes_u8(out, '"');
    for (const char *p = name; *p != '\0'; p++) {
        if (*p == '"')
            bytes_u8(out, '"');
        if (parts && *p == '.')
            bytes_printf(out, "\".\"");
        else
            bytes_u8(out, (uint8_t)*p);
    }
    bytes_u8(out, '"');
}
