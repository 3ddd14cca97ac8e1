/* SPDX-License-Identifier: Apache-2.0 */
#define XXH_INLINE_ALL
#include "cep/keysave.h"
#include "base/bug.h"
#include "base/mem.h"
#include <string.h>
#include <xxhash.h>

/* --- layouts --- */

void keylayouts_fini(struct keylayouts *l)
{
    for (size_t i = 0; i < l->n; i++) {
        bytes_fini(&l->v[i].text);
        mem_free(l->v[i].columns);
    }
    mem_free(l->v);
    *l = (struct keylayouts){0};
}

const struct keylayout *keylayouts_find(const struct keylayouts *l, uint64_t hash)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].hash == hash)
            return &l->v[i];
    return NULL;
}

/* Names end with a zero in the text, so that they can be pointed to. */
static enum err read_columns(struct keylayout *l)
{
    struct bytes_reader r = bytes_read(l->text.p, l->text.n);
    uint64_t n = bytes_get_varint(&r);
    if (r.bad || n > SCHEMA_COLUMNS_MAX)
        return ERR_CORRUPT;
    l->n = (unsigned)n;
    l->columns = mem_array(n, sizeof *l->columns);
    for (unsigned i = 0; i < n; i++) {
        struct keylayout_column *c = &l->columns[i];
        c->type.kind = bytes_get_u8(&r);
        c->type.precision = bytes_get_u8(&r);
        c->type.scale = bytes_get_u8(&r);
        size_t len = 0;
        c->name = bytes_get_str(&r, &len);
        if (r.bad || len == 0 || memchr(c->name, 0, len) != c->name + len - 1 ||
            c->type.kind == TYPE_NULL || c->type.kind > TYPE_INTERVAL)
            return ERR_CORRUPT;
    }
    return r.p == r.end ? ERR_OK : ERR_CORRUPT;
}

enum err keylayouts_load(struct keylayouts *l, const void *p, size_t n)
{
    struct keylayout new = {.hash = XXH3_64bits(p, n)};
    if (keylayouts_find(l, new.hash) != NULL)
        return ERR_OK;
    bytes_put(&new.text, p, n);
    enum err e = read_columns(&new);
    if (e != ERR_OK) {
        bytes_fini(&new.text);
        mem_free(new.columns);
        return e;
    }
    l->v = mem_grow(l->v, l->n, 1, &l->cap, sizeof *l->v);
    l->v[l->n++] = new;
    return ERR_OK;
}

const struct keylayout *keylayouts_of(struct keylayouts *l, const struct keyed *k)
{
    struct bytes text = {0};
    bytes_varint(&text, k->layout.ncells);
    for (unsigned i = 0; i < k->layout.ncells; i++) {
        const struct column *c = &k->schema->columns[k->keeps[i].column];
        bytes_u8(&text, c->type.kind);
        bytes_u8(&text, c->type.precision);
        bytes_u8(&text, c->type.scale);
        bytes_str(&text, c->name, strlen(c->name) + 1);
    }
    uint64_t hash = XXH3_64bits(text.p, text.n);
    if (keylayouts_find(l, hash) == NULL) {
        enum err e = keylayouts_load(l, text.p, text.n);
        BUG_IF(e != ERR_OK, "a layout of %u cells: %s", k->layout.ncells, err_text(e));
    }
    bytes_fini(&text);
    return keylayouts_find(l, hash);
}

/* --- an entry being made --- */

void keysave_fini(struct keysave *s)
{
    mem_free(s->rows);
    *s = (struct keysave){0};
}

void keysave_begin(struct keysave *s, const struct keyed *k)
{
    s->k = k;
    s->n = 0;
}

unsigned keysave_row(struct keysave *s, struct kept *r)
{
    if (r->mark < s->n && s->rows[r->mark] == r)
        return r->mark;
    s->rows = mem_grow(s->rows, s->n, 1, &s->cap, sizeof(struct kept *));
    r->mark = (uint32_t)s->n;
    s->rows[s->n] = r;
    return (unsigned)s->n++;
}

static bool is_null(const struct kept *r, unsigned cell)
{
    return cell >= r->ncells || (r->row.nulls[cell / 64] >> (cell % 64) & 1);
}

void keysave_rows(const struct keysave *s, struct keylayouts *l, struct bytes *out)
{
    bytes_varint(out, s->n);
    if (s->n == 0)
        return;
    const struct keylayout *layout = keylayouts_of(l, s->k);
    bytes_u64(out, layout->hash);
    for (size_t n = 0; n < s->n; n++) {
        const struct kept *r = s->rows[n];
        uint8_t nulls[SCHEMA_COLUMNS_MAX / 8] = {0};
        bytes_varint(out, r->seq);
        bytes_u64(out, (uint64_t)r->row.ts);
        bytes_varint(out, r->row.partition);
        bytes_varint(out, r->row.offset);
        for (unsigned c = 0; c < layout->n; c++)
            nulls[c / 8] |= (uint8_t)(is_null(r, c) << (c % 8));
        bytes_put(out, nulls, (layout->n + 7) / 8);
        for (unsigned c = 0; c < layout->n; c++)
            if (is_null(r, c))
                continue;
            else if (s->k->keeps[c].string)
                bytes_str(out, r->row.cells[c].s.p, r->row.cells[c].s.n);
            else
                bytes_u64(out, (uint64_t)r->row.cells[c].i);
    }
}

/* --- an entry being read --- */

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
                             const struct saved_cell *cells)
{
    unsigned ncells = k->layout.ncells;
    size_t fixed = sizeof(struct kept) + ncells * sizeof(union cell), size = fixed;
    for (unsigned c = 0; c < ncells; c++)
        size += cells[c].null ? 0 : cells[c].s.n;
    struct kept *r = slabs_alloc(&k->memory, size);
    char *text = (char *)r + fixed;
    *r = *head;
    r->ncells = ncells & 511;
    r->size = (uint32_t)size;
    r->row.refs = 1;
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
    struct kept head = {.seq = bytes_get_varint(in) & KEPT_SEQ_MASK};
    head.row.ts = (evtime)bytes_get_u64(in);
    head.row.partition = (uint32_t)bytes_get_varint(in);
    head.row.offset = bytes_get_varint(in);
    const uint8_t *nulls = bytes_get(in, (from->n + 7) / 8);
    if (in->bad)
        return false;
    for (unsigned c = 0; c < l->k->layout.ncells; c++)
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
    l->rows[l->n++] = make_row(l->k, &head, cells);
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

struct kept *keyload_row(const struct keyload *l, uint64_t number)
{
    return number < l->n ? keyed_ref(l->rows[number]) : NULL;
}
