/* SPDX-License-Identifier: Apache-2.0 */
#define XXH_INLINE_ALL
#include "cep/key/keylayout.h"
#include "base/bug.h"
#include "base/mem.h"
#include <string.h>
#include <xxhash.h>

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
