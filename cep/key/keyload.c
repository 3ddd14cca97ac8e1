/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/key/keyload.h"
#include "base/mem.h"
#include <string.h>

struct saved_cell {
    bool null;
    int64_t i;
    struct str s;
};

void keyload_fini(struct keyload *l)
{
    mem_free(l->rows);
    *l = (struct keyload){0};
}

void keyload_end(struct keyload *l)
{
    for (size_t i = 0; i < l->n; i++)
        keyed_unref(l->k, l->rows[i]);
    l->n = 0;
}

/* to[i]: the cell of saved column i, or -1. */
static enum err map_columns(const struct keyed *k, const struct keylayout *from, int *to)
{
    for (unsigned i = 0; i < from->n; i++) {
        int c = schema_column(k->schema, from->columns[i].name, strlen(from->columns[i].name));
        to[i] = -1;
        if (c < 0 || !colset_has(&k->layout.columns, (unsigned)c))
            continue;
        if (!schema_type_same(k->schema->columns[c].type, from->columns[i].type))
            return ERR_CORRUPT;
        to[i] = k->layout.cell[c];
    }
    return ERR_OK;
}

static struct kept *make_row(struct keyed *k, const struct kept *head,
                             const struct saved_cell *cells, unsigned ncells)
{
    size_t fixed = sizeof(struct kept) + ncells * sizeof(union cell), size = fixed;
    for (unsigned c = 0; c < ncells; c++)
        size += cells[c].null ? 0 : cells[c].s.n;
    struct kept *r = slabs_alloc(&k->memory, size);
    char *text = (char *)r + fixed;
    *r = *head;
    r->ncells = ncells & 511;
    r->size = (uint32_t)size;
    r->row.refs = 1;
    memcpy(r->row.nulls, k->beyond, sizeof k->beyond);
    for (unsigned c = 0; c < ncells; c++) {
        union cell *to = &r->row.cells[c];
        if (cells[c].null)
            r->row.nulls[c / 64] |= UINT64_C(1) << (c % 64);
        if (cells[c].null || !k->keeps[c].string) {
            *to = (union cell){.s = {"", 0, 0}};
            if (!cells[c].null)
                to->i = cells[c].i;
            continue;
        }
        if (cells[c].s.n > 0)
            memcpy(text, cells[c].s.p, cells[c].s.n);
        to->s = (struct str){text, cells[c].s.n, 0};
        text += cells[c].s.n;
    }
    k->kept_rows++;
    return r;
}

static bool read_row(struct keyload *l, const struct keylayout *from, const int *to,
                     struct bytes_reader *in)
{
    struct saved_cell cells[SCHEMA_COLUMNS_MAX];
    const unsigned ncells = l->k->layout.ncells;
    uint64_t seq = bytes_get_varint(in);
    struct kept head = {.seq = seq & KEPT_SEQ_MASK};
    head.row.ts = (evtime)bytes_get_u64(in);
    head.row.partition = (uint32_t)bytes_get_varint(in);
    head.row.offset = bytes_get_varint(in);
    const uint8_t *nulls = bytes_get(in, (from->n + 7) / 8);
    if (in->bad || seq > KEPT_SEQ_LOADED_MAX)
        return false;
    l->k->seq = seq > l->k->seq ? seq : l->k->seq; /* rows that come are behind all that came */
    for (unsigned c = 0; c < ncells; c++)
        cells[c] = (struct saved_cell){.null = true};
    for (unsigned i = 0; i < from->n; i++) {
        struct saved_cell v = {.null = nulls[i / 8] >> (i % 8) & 1};
        size_t n = 0;
        if (!v.null && from->columns[i].type.kind == TYPE_STRING)
            v.s.p = bytes_get_str(in, &n);
        else if (!v.null)
            v.i = (int64_t)bytes_get_u64(in);
        v.s.n = (uint32_t)n;
        if (in->bad)
            return false;
        if (to[i] >= 0)
            cells[to[i]] = v;
    }
    l->rows = mem_grow(l->rows, l->n, 1, &l->cap, sizeof(struct kept *));
    l->rows[l->n++] = make_row(l->k, &head, cells, ncells);
    return true;
}

enum err keyload_rows(struct keyload *l, const struct keylayouts *layouts, struct bytes_reader *in)
{
    int to[SCHEMA_COLUMNS_MAX];
    uint64_t n = bytes_get_varint(in);
    l->n = 0;
    if (n == 0)
        return in->bad ? ERR_CORRUPT : ERR_OK;
    const struct keylayout *from = keylayouts_find(layouts, bytes_get_u64(in));
    enum err e = from == NULL ? ERR_CORRUPT : map_columns(l->k, from, to);
    for (uint64_t i = 0; i < n && e == ERR_OK; i++)
        if (!read_row(l, from, to, in))
            e = ERR_CORRUPT;
    if (e != ERR_OK)
        keyload_end(l);
    return e;
}

void keyload_copy(struct keyload *l, const struct keyed *from, const struct kept *r)
{
    struct saved_cell cells[SCHEMA_COLUMNS_MAX];
    struct kept head = {.seq = r->seq};
    head.row.ts = r->row.ts;
    head.row.partition = r->row.partition;
    head.row.offset = r->row.offset;
    const unsigned ncells = l->k->layout.ncells;
    for (unsigned c = 0; c < ncells; c++) {
        unsigned column = l->k->keeps[c].column, cell = from->layout.cell[column];
        cells[c] = (struct saved_cell){.null = !colset_has(&from->layout.columns, column) ||
                                               cell >= r->ncells ||
                                               (r->row.nulls[cell / 64] >> (cell % 64) & 1)};
        if (cells[c].null)
            continue;
        if (l->k->keeps[c].string)
            cells[c].s = r->row.cells[cell].s;
        else
            cells[c].i = r->row.cells[cell].i;
    }
    l->rows = mem_grow(l->rows, l->n, 1, &l->cap, sizeof(struct kept *));
    l->rows[l->n++] = make_row(l->k, &head, cells, ncells);
}

struct kept *keyload_row(const struct keyload *l, uint64_t number)
{
    return number < l->n ? keyed_ref(l->rows[number]) : NULL;
}
