/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/late.h"
#include <string.h>

/* Pairs of a column's name and its value. */
static void fill_values(struct result *r, const struct late_of *of, const struct batch *b,
                        unsigned i, struct emit *e)
{
    struct colset reads = *of->reads;
    if (b->schema->time_column >= 0)
        colset_add(&reads, (unsigned)b->schema->time_column);
    struct value *v = arena_alloc(e->arena, 2 * (size_t)b->schema->ncolumns * sizeof *v);
    for (unsigned c = 0; c < b->schema->ncolumns; c++) {
        if (!colset_has(&reads, c) || !colset_has(&b->present, c))
            continue;
        const char *name = b->schema->columns[c].name;
        struct value cell = batch_value(b, c, i);
        v[r->nvalues++] =
            (struct value){.type = {.kind = TYPE_STRING}, .c.s = {name, (uint32_t)strlen(name), 0}};
        v[r->nvalues++] = emit_value(e, cell.type, cell.null, cell.c);
    }
    r->values = v;
}

static void fill_place(struct result *r, const struct late_of *of, const struct batch *b,
                       unsigned i, struct emit *e)
{
    struct result_row *row = arena_alloc(e->arena, sizeof *row);
    *row = (struct result_row){-1, {schema_place(b->schema), b->partition, b->offset[i]}, b->ts[i]};
    r->rule = of->rule;
    r->time = b->ts[i];
    r->key = (const uint8_t *)arena_dup(e->arena, of->key, of->nkey);
    r->key_len = (uint32_t)of->nkey;
    r->nrows = 1;
    r->rows = row;
}

void late_fill(struct result *r, const struct late_of *of, const struct batch *b, unsigned i,
               struct emit *e)
{
    fill_place(r, of, b, i, e);
    r->kind = RESULT_LATE;
    fill_values(r, of, b, i, e);
}

void late_fill_error(struct result *r, const struct late_of *of, const struct batch *b, unsigned i,
                     const char *reason, struct emit *e)
{
    fill_place(r, of, b, i, e);
    r->kind = RESULT_ERROR;
    r->reason = reason;
}
