/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/key/keyed.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/cut.h"
#include "cep/expr/exprvm.h"
#include <string.h>

enum { SCRATCH_FIRST = 4096 };

void keyed_init(struct keyed *k, const struct schema *s, struct emit *emit)
{
    *k = (struct keyed){.schema = s, .emit = emit, .late_w = EVTIME_MIN};
    keytable_init(&k->table);
    k->track.table = &k->table;
    slabs_init(&k->memory);
    k->layout.schema = s;
    k->scratch = arena_new(SCRATCH_FIRST, 0);
}

static void free_values(struct keyed *k)
{
    for (unsigned i = 0; i < k->key.nvalues; i++)
        exprvm_free(k->values[i]);
}

void keyed_set_key(struct keyed *k, const struct plan_key *key)
{
    free_values(k);
    k->key = *key;
    for (unsigned i = 0; i < key->nvalues; i++)
        k->values[i] = exprvm_new(key->values[i].e, NULL);
}

void keyed_fini(struct keyed *k)
{
    keytrack_fini(&k->track);
    free_values(k);
    keytable_fini(&k->table);
    slabs_fini(&k->memory);
    arena_free(k->scratch);
    bytes_fini(&k->key_bytes);
}

void keyed_keep(struct keyed *k, const struct colset *columns)
{
    struct row_layout *l = &k->layout;
    for (unsigned c = 0; c < k->schema->ncolumns; c++) {
        if (!colset_has(columns, c) || colset_has(&l->columns, c))
            continue;
        colset_add(&l->columns, c);
        l->cell[c] = (uint8_t)l->ncells;
        k->keeps[l->ncells++] =
            (struct keyed_column){(uint16_t)c, k->schema->columns[c].type.kind == TYPE_STRING};
    }
    for (unsigned c = 0; c < SCHEMA_COLUMNS_MAX; c++)
        if (c < l->ncells)
            k->beyond[c / 64] &= ~(UINT64_C(1) << (c % 64));
        else
            k->beyond[c / 64] |= UINT64_C(1) << (c % 64);
}

static void put_values(struct keyed *k, const struct batch *b, unsigned i)
{
    const struct exprvm_env env = {.current = {.b = b, .i = i}, .scratch = k->scratch};
    for (unsigned c = 0; c < k->key.nvalues; c++) {
        struct value v = {.type = k->key.values[c].e->type};
        v.null = !exprvm_eval(k->values[c], &env, &v.c);
        value_key(&v, &k->key_bytes);
    }
    if (arena_bytes(k->scratch) > 0)
        arena_reset(k->scratch);
}

void keyed_key_of(struct keyed *k, const struct batch *b, unsigned i)
{
    k->key_bytes.n = 0;
    for (unsigned c = 0; c < plan_key_ncolumns(&k->key); c++) {
        struct value v = batch_value(b, k->key.columns[c], i);
        value_key(&v, &k->key_bytes);
    }
    if (k->key.nvalues > 0)
        put_values(k, b, i);
}

/* Mostly it is one short text, which is compared where it lies. */
struct key *keyed_find(struct keyed *k, const struct batch *b, unsigned i, uint64_t hash)
{
    if (k->key.nvalues == 0 && plan_key_ncolumns(&k->key) == 1) {
        unsigned column = k->key.columns[0];
        if (b->schema->columns[column].type.kind == TYPE_STRING && !batch_is_null(b, column, i)) {
            struct str s = b->columns[column].s[i];
            if (s.n < VALUE_KEY_SHORT)
                return keytable_find_text(&k->table, hash, s.p, s.n);
        }
    }
    keyed_key_of(k, b, i);
    return keytable_find(&k->table, hash, k->key_bytes.p, k->key_bytes.n);
}

struct key *keyed_key(struct keyed *k, const struct keyed_row *r, uint64_t hash)
{
    struct key *found = keyed_find(k, r->b, r->i, hash);
    if (found != NULL)
        return found;
    keyed_key_of(k, r->b, r->i);
    return keyed_add(k, hash, k->key_bytes.p, k->key_bytes.n);
}

struct key *keyed_add(struct keyed *k, uint64_t hash, const void *p, size_t n)
{
    struct key *key = keytable_add(&k->table, hash, p, n);
    keytrack_add(&k->track, key);
    return key;
}

void keyed_drop_if_idle(struct keyed *k, struct key *key)
{
    if (key->cells == NULL && keytrack_drop(&k->track, key))
        keytable_remove(&k->table, key);
}

void keyed_values(const struct keyed *k, const struct key *key, struct value *out)
{
    struct bytes_reader r = bytes_read(key->bytes, key->len);
    for (unsigned c = 0; c < k->key.n; c++) {
        bool ok = value_from_key(&r, plan_key_part_type(&k->key, k->schema, c), &out[c]);
        BUG_IF(!ok, "a key of %u bytes is not of its %u values", key->len, k->key.n);
    }
}

static size_t text_bytes(const struct keyed *k, const struct batch *b, unsigned i)
{
    size_t n = 0;
    for (unsigned c = 0; c < k->layout.ncells; c++)
        if (k->keeps[c].string && b->columns[k->keeps[c].column].nulls != NULL &&
            !batch_is_null(b, k->keeps[c].column, i))
            n += b->columns[k->keeps[c].column].s[i].n;
    return n;
}

struct kept *keyed_keep_row(struct keyed *k, struct keyed_row *r)
{
    if (r->kept != NULL)
        return keyed_ref(r->kept);
    const struct batch *b = r->b;
    unsigned i = r->i, ncells = k->layout.ncells;
    size_t fixed = sizeof(struct kept) + ncells * sizeof(union cell);
    size_t size = fixed + text_bytes(k, b, i);
    struct kept *kept = slabs_alloc(&k->memory, size);
    char *text = (char *)kept + fixed;
    *kept = (struct kept){.seq = r->seq & KEPT_SEQ_MASK,
                          .ncells = ncells & 511,
                          .size = (uint32_t)size,
                          .row = {.refs = 2, /* one of the row in hand */
                                  .partition = b->partition,
                                  .offset = b->offset[i],
                                  .ts = b->ts[i]}};
    memcpy(kept->row.nulls, k->beyond, sizeof k->beyond);
    for (unsigned c = 0; c < ncells; c++) {
        unsigned column = k->keeps[c].column;
        union cell *to = &kept->row.cells[c];
        const struct batch_column *from = &b->columns[column];
        if (from->nulls == NULL || batch_is_null(b, column, i)) {
            kept->row.nulls[c / 64] |= UINT64_C(1) << (c % 64);
            to->s = (struct str){"", 0, 0};
        } else if (!k->keeps[c].string) {
            to->i = from->i[i];
        } else {
            struct str s = from->s[i];
            if (s.n > 0)
                memcpy(text, s.p, s.n);
            to->s = (struct str){text, s.n, 0};
            text += s.n;
        }
    }
    k->kept_rows++;
    r->kept = kept;
    return kept;
}

void keyed_free_row(struct keyed *k, struct kept *r)
{
    k->kept_rows--;
    slabs_free(&k->memory, r, r->size);
}

size_t keyed_bytes(const struct keyed *k)
{
    return keytable_bytes(&k->table) + slabs_bytes(&k->memory);
}

size_t keyed_used(const struct keyed *k)
{
    return keytable_used(&k->table) + slabs_used(&k->memory);
}

struct result *keyed_result_of(struct keyed *k, const struct keyed_rule *r, const void *key,
                               size_t len, enum result_kind kind, evtime decided)
{
    enum rule_mode mode = cut_mode_at(r->cut, decided);
    if (mode == RULE_PAUSED)
        return NULL;
    struct result *out = emit_new(k->emit, k->by_arrival && k->of_row);
    out->rule = r->plan;
    out->rule_index = r->index;
    out->rule_uid = r->uid;
    out->rule_version = r->version;
    out->kind = kind;
    out->mode = mode;
    out->step = k->step;
    out->late_w = k->late_w;
    out->key = (const uint8_t *)arena_dup(k->emit->arena, key, len);
    out->key_len = (uint32_t)len;
    return out;
}

struct result *keyed_result(struct keyed *k, const struct keyed_rule *r, const struct key *key,
                            enum result_kind kind, evtime decided)
{
    return keyed_result_of(k, r, key->bytes, key->len, kind, decided);
}

void keyed_tell_limit(struct keyed *k, const struct keyed_rule *rule, const struct key *key,
                      struct rowref at, evtime ts, const char *what, size_t limit,
                      const char *dropped)
{
    struct result *out = keyed_result(k, rule, key, RESULT_ERROR, ts);
    if (out == NULL)
        return;
    struct result_row *row = arena_alloc(k->emit->arena, sizeof *row);
    *row = (struct result_row){.var = -1, .place = {.stream = schema_place(k->schema)}, .ts = ts};
    row->place.partition = at.b != NULL ? at.b->partition : at.r->partition;
    row->place.offset = at.b != NULL ? at.b->offset[at.i] : at.r->offset;
    out->time = ts;
    out->nrows = 1;
    out->rows = row;
    out->reason =
        arena_printf(k->emit->arena, "more than %zu %s of one key: %s", limit, what, dropped);
    emit_done(out);
}
