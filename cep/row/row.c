/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/row/row.h"
#include "base/bug.h"
#include "base/mem.h"
#include <string.h>

void row_layout_init(struct row_layout *l, const struct schema *s, const struct colset *columns)
{
    *l = (struct row_layout){.schema = s, .columns = *columns};
    for (unsigned c = 0; c < s->ncolumns; c++)
        if (colset_has(columns, c))
            l->cell[c] = (uint8_t)l->ncells++;
}

/* The next column of the set at or after c; 256 past the last. */
static unsigned next_column(const struct colset *s, unsigned c)
{
    for (unsigned w = c / 64; w < SCHEMA_COLUMNS_MAX / 64; w++) {
        uint64_t bits = s->w[w];
        if (w == c / 64)
            bits &= ~UINT64_C(0) << (c % 64);
        if (bits != 0)
            return w * 64 + (unsigned)__builtin_ctzll(bits);
    }
    return SCHEMA_COLUMNS_MAX;
}

static size_t string_bytes(const struct row_layout *l, const struct batch *b, unsigned i)
{
    size_t n = 0;
    for (unsigned c = next_column(&l->columns, 0); c < l->schema->ncolumns;
         c = next_column(&l->columns, c + 1))
        if (l->schema->columns[c].type.kind == TYPE_STRING && !batch_is_null(b, c, i))
            n += b->columns[c].s[i].n;
    return n;
}

struct row *row_new(const struct row_layout *l, const struct batch *b, unsigned i)
{
    size_t fixed = sizeof(struct row) + l->ncells * sizeof(union cell);
    struct row *r = mem_alloc(fixed + string_bytes(l, b, i));
    char *text = (char *)r + fixed;
    r->refs = 1;
    r->partition = b->partition;
    r->offset = b->offset[i];
    r->ts = b->ts[i];
    memset(r->nulls, 0, sizeof r->nulls);
    unsigned k = 0;
    for (unsigned c = next_column(&l->columns, 0); c < l->schema->ncolumns;
         c = next_column(&l->columns, c + 1), k++) {
        const struct batch_column *column = &b->columns[c];
        r->cells[k] = (union cell){.s = {"", 0, 0}};
        if (batch_is_null(b, c, i)) {
            r->nulls[k / 64] |= UINT64_C(1) << (k % 64);
        } else if (l->schema->columns[c].type.kind != TYPE_STRING) {
            r->cells[k].i = column->i[i];
        } else if (column->s[i].n > 0) {
            struct str s = column->s[i];
            memcpy(text, s.p, s.n);
            r->cells[k].s =
                (struct str){text, s.n, 0}; /* ids are of a job; the row may see the next one */
            text += s.n;
        }
    }
    return r;
}

struct row *row_ref(struct row *r)
{
    r->refs++;
    return r;
}

void row_unref(struct row *r)
{
    if (r == NULL)
        return;
    CHECK(r->refs > 0);
    if (--r->refs == 0)
        mem_free(r);
}

size_t row_bytes(const struct row_layout *l, const struct row *r)
{
    size_t n = sizeof *r + l->ncells * sizeof(union cell);
    for (unsigned c = 0; c < l->schema->ncolumns; c++)
        if (colset_has(&l->columns, c) && l->schema->columns[c].type.kind == TYPE_STRING)
            n += r->cells[l->cell[c]].s.n; /* a NULL's is empty */
    return n;
}
