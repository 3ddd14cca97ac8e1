/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/row/schema.h"
#include "base/arena.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *schema_type_name(struct type t, char buf[32])
{
    static const char *const names[] = {
        [TYPE_NULL] = "NULL",
        [TYPE_BOOLEAN] = "BOOLEAN",
        [TYPE_BIGINT] = "BIGINT",
        [TYPE_DOUBLE] = "DOUBLE",
        [TYPE_DECIMAL] = "DECIMAL",
        [TYPE_STRING] = "STRING",
        [TYPE_TIMESTAMP] = "TIMESTAMP(3)",
        [TYPE_INTERVAL] = "INTERVAL",
    };
    if (t.kind == TYPE_DECIMAL)
        snprintf(buf, 32, "DECIMAL(%u,%u)", t.precision, t.scale);
    else
        snprintf(buf, 32, "%s", t.kind < sizeof names / sizeof *names ? names[t.kind] : "?");
    return buf;
}

bool schema_type_same(struct type a, struct type b)
{
    if (a.kind != b.kind)
        return false;
    return a.kind != TYPE_DECIMAL || (a.precision == b.precision && a.scale == b.scale);
}

int schema_column(const struct schema *s, const char *name, size_t n)
{
    for (unsigned i = 0; i < s->ncolumns; i++)
        if (strlen(s->columns[i].name) == n && strncasecmp(s->columns[i].name, name, n) == 0)
            return (int)i;
    return -1;
}

const char *schema_option(const struct schema *s, const char *name)
{
    for (unsigned i = 0; i < s->noptions; i++)
        if (strcmp(s->options[i].name, name) == 0)
            return s->options[i].value;
    return NULL;
}

struct schema *schema_fork(const struct schema *s, uint32_t id, const char *name, struct arena *a)
{
    struct schema *f = arena_alloc(a, sizeof *f);
    *f = *s;
    f->id = id;
    f->name = name;
    f->copy_of = s->copy_of != NULL ? s->copy_of : s;
    f->errors = NULL; /* told by the stream itself */
    return f;
}

bool schema_same_rows(const struct schema *a, const struct schema *b)
{
    for (; a->derived == DERIVED_LOOKUP && b->derived == DERIVED_LOOKUP; a = a->from, b = b->from)
        if (a->table != b->table)
            return false;
    return (a->copy_of != NULL ? a->copy_of : a) == (b->copy_of != NULL ? b->copy_of : b);
}
