/* SPDX-License-Identifier: Apache-2.0 */
#define XXH_INLINE_ALL
#include "cep/list.h"
#include "base/arena.h"
#include "base/bug.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>
#include <xxhash.h>

enum { SLOTS_MIN = 16 };

struct item {
    union cell key;
    uint32_t tag; /* upper half of the hash */
    uint32_t chain; /* its edits are chains[chain - 1]; 0: none */
    bool used, base; /* base: it is there before any edit */
};

struct row { /* the values of an item's columns */
    uint64_t nulls[SCHEMA_COLUMNS_MAX / 64];
    union cell cells[];
};
struct state { /* of an item, from some place on */
    bool in;
    const struct row *row; /* NULL: only the key is known */
};
struct edit {
    uint32_t cut; /* index of it */
    struct state to;
};
struct chain { /* the edits of one key, each of another cut and to another state */
    struct edit *v;
    size_t n, cap;
};

struct list {
    struct schema schema;
    unsigned key;
    struct type type;
    int refs;
    struct item *slots; /* open addressing, at most half of them used */
    const struct row **rows; /* those of before any edit, by slot; NULL: none has one */
    size_t nslots, nused, n; /* n: there after all edits */
    struct chain *chains;
    size_t nchains, chains_cap, nedits;
    struct list_cut *cuts; /* their marks are in the arena */
    size_t ncuts, cuts_cap;
    struct arena *arena;
};

static void copy_schema(struct list *l, const struct schema *s)
{
    struct column *columns = arena_zero(l->arena, s->ncolumns * sizeof *columns);
    for (unsigned i = 0; i < s->ncolumns; i++) {
        columns[i] = s->columns[i];
        columns[i].name = arena_str(l->arena, s->columns[i].name);
    }
    l->schema = (struct schema){.name = arena_str(l->arena, s->name),
                                .ncolumns = s->ncolumns,
                                .columns = columns,
                                .time_column = -1};
}

struct list *list_new(const struct schema *s, unsigned key)
{
    struct list *l = mem_new(sizeof *l);
    l->arena = arena_new(0, 0);
    l->refs = 1;
    copy_schema(l, s);
    l->key = key;
    l->type = s->columns[key].type;
    l->nslots = SLOTS_MIN;
    l->slots = mem_array(l->nslots, sizeof *l->slots);
    return l;
}

struct list *list_ref(struct list *l)
{
    __atomic_fetch_add(&l->refs, 1, __ATOMIC_RELAXED);
    return l;
}

void list_unref(struct list *l)
{
    if (l == NULL)
        return;
    int before = __atomic_fetch_sub(&l->refs, 1, __ATOMIC_ACQ_REL);
    BUG_IF(before <= 0, "list %s was let go once too often", l->schema.name);
    if (before > 1)
        return;
    for (size_t i = 0; i < l->nchains; i++)
        mem_free(l->chains[i].v);
    mem_free(l->chains);
    mem_free(l->cuts);
    mem_free(l->slots);
    mem_free(l->rows);
    arena_free(l->arena);
    mem_free(l);
}

const char *list_name(const struct list *l)
{
    return l->schema.name;
}

const struct schema *list_schema(const struct list *l)
{
    return &l->schema;
}

unsigned list_key(const struct list *l)
{
    return l->key;
}

struct type list_type(const struct list *l)
{
    return l->type;
}

size_t list_count(const struct list *l)
{
    return l->n;
}

size_t list_edits(const struct list *l)
{
    return l->nedits;
}

/* --- keys ------------------------------------------------------------------------------------- */

/* As value_key has it: one NaN, and -0.0 is 0. */
static union cell canonical(const struct list *l, union cell c)
{
    if (l->type.kind == TYPE_DOUBLE)
        c.d = isnan(c.d) ? (double)NAN : c.d == 0 ? 0 : c.d;
    return c;
}

static uint64_t hash_of(const struct list *l, union cell c)
{
    return l->type.kind == TYPE_STRING ? XXH3_64bits(c.s.p, c.s.n) : XXH3_64bits(&c.i, sizeof c.i);
}

static bool same(const struct list *l, union cell a, union cell b)
{
    if (l->type.kind != TYPE_STRING)
        return a.i == b.i;
    return a.s.n == b.s.n && (a.s.n == 0 || memcmp(a.s.p, b.s.p, a.s.n) == 0);
}

/* Where the key is, or would be. */
static struct item *slot_of(const struct list *l, union cell key, uint64_t hash)
{
    size_t i = (size_t)hash & (l->nslots - 1);
    while (l->slots[i].used &&
           (l->slots[i].tag != (uint32_t)(hash >> 32) || !same(l, l->slots[i].key, key)))
        i = (i + 1) & (l->nslots - 1);
    return &l->slots[i];
}

static const struct item *find(const struct list *l, union cell key)
{
    key = canonical(l, key);
    return slot_of(l, key, hash_of(l, key));
}

static void grow(struct list *l)
{
    struct item *old = l->slots;
    const struct row **rows = l->rows;
    size_t n = l->nslots;
    l->nslots *= 2;
    l->slots = mem_array(l->nslots, sizeof *l->slots);
    if (rows != NULL)
        l->rows = mem_array(l->nslots, sizeof(const struct row *));
    for (size_t i = 0; i < n; i++) {
        if (!old[i].used)
            continue;
        struct item *to = slot_of(l, old[i].key, hash_of(l, old[i].key));
        *to = old[i];
        if (rows != NULL)
            l->rows[to - l->slots] = rows[i];
    }
    mem_free(old);
    mem_free(rows);
}

/* The key's item, made if there is none: then it is in by no edit, and not there. */
static enum err item_of(struct list *l, union cell key, struct item **out)
{
    bool is_text = l->type.kind == TYPE_STRING;
    key = canonical(l, key);
    uint64_t hash = hash_of(l, key);
    *out = slot_of(l, key, hash);
    if ((*out)->used)
        return ERR_OK;
    if (l->nused == LIST_ITEMS_MAX || (is_text && key.s.n > LIST_KEY_MAX))
        return ERR_LIMIT;
    if (2 * (l->nused + 1) > l->nslots)
        grow(l);
    if (is_text)
        key.s = (struct str){arena_dup(l->arena, key.s.p, key.s.n), key.s.n, 0};
    *out = slot_of(l, key, hash);
    **out = (struct item){.key = key, .tag = (uint32_t)(hash >> 32), .used = true};
    l->nused++;
    return ERR_OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* A copy in the arena; NULL: the key is all there is. */
static const struct row *keep_row(struct list *l, const struct value *values)
{
    if (values == NULL || l->schema.ncolumns == 1)
        return NULL;
    struct row *r = arena_zero(l->arena, sizeof *r + l->schema.ncolumns * sizeof *r->cells);
    for (unsigned i = 0; i < l->schema.ncolumns; i++) {
        union cell c = values[i].c;
        if (values[i].null)
            r->nulls[i / 64] |= UINT64_C(1) << (i % 64);
        else if (values[i].type.kind == TYPE_STRING)
            c.s = (struct str){arena_dup(l->arena, c.s.p, c.s.n), c.s.n, 0};
        r->cells[i] = c;
    }
    return r;
}

static bool same_row(const struct list *l, const struct row *a, const struct row *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    if (memcmp(a->nulls, b->nulls, sizeof a->nulls) != 0)
        return false;
    for (unsigned i = 0; i < l->schema.ncolumns; i++) {
        union cell x = a->cells[i], y = b->cells[i];
        if (a->nulls[i / 64] >> (i % 64) & 1)
            continue;
        if (l->schema.columns[i].type.kind != TYPE_STRING
                ? x.i != y.i
                : x.s.n != y.s.n || (x.s.n > 0 && memcmp(x.s.p, y.s.p, x.s.n) != 0))
            return false;
    }
    return true;
}

static const struct row *base_row(const struct list *l, const struct item *it)
{
    return l->rows == NULL ? NULL : l->rows[it - l->slots];
}

static enum err put(struct list *l, union cell key, const struct value *values)
{
    struct item *it;
    enum err e = item_of(l, key, &it);
    if (e != ERR_OK || it->base || it->chain != 0)
        return e;
    const struct row *r = keep_row(l, values);
    if (r != NULL && l->rows == NULL)
        l->rows = mem_array(l->nslots, sizeof(const struct row *));
    if (r != NULL)
        l->rows[it - l->slots] = r;
    it->base = true;
    l->n++;
    return ERR_OK;
}

enum err list_put(struct list *l, union cell key)
{
    return put(l, key, NULL);
}

enum err list_put_row(struct list *l, const struct value *values)
{
    return put(l, values[l->key].c, values);
}

/* --- edits ------------------------------------------------------------------------------------ */

static const struct list_marks *marks_of(const struct list_cut *c, uint32_t stream)
{
    for (unsigned i = 0; i < c->nstreams; i++)
        if (c->streams[i].stream == stream)
            return &c->streams[i];
    return NULL;
}

/* The greater of both, partition by partition; b may be NULL. */
static struct list_marks merged(struct arena *arena, const struct list_marks *a,
                                const struct list_marks *b)
{
    unsigned nb = b == NULL ? 0 : b->n, n = a->n > nb ? a->n : nb;
    uint64_t *offsets = arena_zero(arena, (n + 1) * sizeof *offsets);
    for (unsigned i = 0; i < n; i++) {
        uint64_t x = i < a->n ? a->offsets[i] : 0, y = i < nb ? b->offsets[i] : 0;
        offsets[i] = x > y ? x : y;
    }
    return (struct list_marks){a->stream, n, offsets};
}

static bool same_marks(const struct list_cut *a, const struct list_cut *b)
{
    if (a->nstreams != b->nstreams)
        return false;
    for (unsigned i = 0; i < a->nstreams; i++) {
        const struct list_marks *x = &a->streams[i], *y = &b->streams[i];
        if (x->stream != y->stream || x->n != y->n ||
            memcmp(x->offsets, y->offsets, x->n * sizeof *x->offsets) != 0)
            return false;
    }
    return true;
}

static const struct list_cut *newest(const struct list *l)
{
    static const struct list_cut none;
    return l->ncuts == 0 ? &none : &l->cuts[l->ncuts - 1];
}

void list_merge(const struct list *l, const struct list_cut *c, struct arena *a,
                struct list_cut *out)
{
    const struct list_cut *before = newest(l);
    struct list_marks *streams =
        arena_alloc(a, (before->nstreams + c->nstreams + 1) * sizeof *streams);
    *out = (struct list_cut){.seq = c->seq, .streams = streams};
    for (unsigned i = 0; i < c->nstreams; i++)
        streams[out->nstreams++] =
            merged(a, &c->streams[i], marks_of(before, c->streams[i].stream));
    for (unsigned i = 0; i < before->nstreams; i++)
        if (marks_of(c, before->streams[i].stream) == NULL)
            streams[out->nstreams++] = merged(a, &before->streams[i], NULL);
}

void list_cut(struct list *l, const struct list_cut *c)
{
    const struct list_cut *before = newest(l);
    struct list_cut added = *before;
    if (c->seq <= before->seq)
        return;
    if (l->ncuts > 0 && same_marks(before, c))
        added.seq = c->seq; /* nothing came in between: the marks are there */
    else
        list_merge(l, c, l->arena, &added);
    l->cuts = mem_grow(l->cuts, l->ncuts, 1, &l->cuts_cap, sizeof *l->cuts);
    l->cuts[l->ncuts++] = added;
}

/* After the first n edits of its chain. */
static struct state state_after(const struct list *l, const struct item *it, size_t n)
{
    if (it->chain == 0 || n == 0)
        return (struct state){it->base, base_row(l, it)};
    return l->chains[it->chain - 1].v[n - 1].to;
}

static struct state state_now(const struct list *l, const struct item *it)
{
    return state_after(l, it, it->chain == 0 ? 0 : l->chains[it->chain - 1].n);
}

static bool same_state(const struct list *l, struct state a, struct state b)
{
    return a.in == b.in && (!a.in || same_row(l, a.row, b.row));
}

static struct chain *chain_of(struct list *l, struct item *it)
{
    if (it->chain == 0) {
        l->chains = mem_grow(l->chains, l->nchains, 1, &l->chains_cap, sizeof *l->chains);
        l->chains[l->nchains++] = (struct chain){0};
        it->chain = (uint32_t)l->nchains;
    }
    return &l->chains[it->chain - 1];
}

static enum err edit(struct list *l, union cell key, bool in, const struct value *values)
{
    struct item *it;
    BUG_IF(l->ncuts == 0, "an edit of list %s without a cut", l->schema.name);
    enum err e = item_of(l, key, &it);
    if (e != ERR_OK)
        return e;
    struct state was = state_now(l, it), to = {in, keep_row(l, values)};
    if (same_state(l, was, to))
        return ERR_OK;
    struct chain *c = chain_of(l, it);
    uint32_t cut = (uint32_t)(l->ncuts - 1);
    l->n = l->n + in - was.in;
    if (c->n > 0 && c->v[c->n - 1].cut == cut) { /* the same change has done something else to it */
        c->n--;
        l->nedits--;
        if (same_state(l, state_after(l, it, c->n), to))
            return ERR_OK;
    }
    c->v = mem_grow(c->v, c->n, 1, &c->cap, sizeof *c->v);
    c->v[c->n++] = (struct edit){cut, to};
    l->nedits++;
    return ERR_OK;
}

enum err list_edit(struct list *l, union cell key, bool in)
{
    return edit(l, key, in, NULL);
}

enum err list_edit_row(struct list *l, const struct value *values)
{
    return edit(l, values[l->key].c, true, values);
}

enum err list_replay_row(struct list *l, union cell key, const struct value *before,
                         const struct value *after)
{
    struct item *it;
    enum err e = item_of(l, key, &it);
    if (e == ERR_OK && before != NULL && it->chain == 0 && !it->base)
        e = put(l, key, before);
    return e == ERR_OK ? edit(l, key, after != NULL, after) : e;
}

enum err list_replay(struct list *l, union cell key, bool in)
{
    struct item *it;
    enum err e = item_of(l, key, &it);
    if (e == ERR_OK && it->chain == 0 && !it->base && !in) {
        it->base = true;
        l->n++;
    }
    return e == ERR_OK ? list_edit(l, key, in) : e;
}

/* --- texts ------------------------------------------------------------------------------------ */

bool list_key_text(const struct list *l, union cell key, struct bytes *out)
{
    const struct value v = {.type = l->type, .c = canonical(l, key)};
    if (l->type.kind == TYPE_STRING) {
        bytes_put(out, key.s.p, key.s.n);
        return true;
    }
    if (l->type.kind == TYPE_DOUBLE && !isfinite(v.c.d))
        return false;
    size_t from = out->n;
    value_json(&v, out);
    if (l->type.kind == TYPE_TIMESTAMP) { /* without its quotes */
        out->n -= 2;
        memmove(out->p + from, out->p + from + 1, out->n - from);
    }
    return true;
}

bool list_key_parse(const struct list *l, const char *p, size_t n, union cell *out)
{
    return value_parse_text(l->type, p, n, out);
}

/* --- look-ups --------------------------------------------------------------------------------- */

bool list_has(const struct list *l, union cell key)
{
    const struct item *it = find(l, key);
    return it->used && state_now(l, it).in;
}

static bool holds(const struct list_cut *c, const struct list_at *at, uint64_t since)
{
    if (c->seq <= since)
        return true;
    const struct list_marks *m = marks_of(c, at->stream);
    return m == NULL || at->partition >= m->n || at->offset >= m->offsets[at->partition];
}

static struct state state_at(const struct list *l, const struct item *it, const struct list_at *at,
                             uint64_t since)
{
    /* Marks never go back, so those that hold are the first ones; mostly all do. */
    const struct chain *c = &l->chains[it->chain - 1];
    size_t low = 0, high = c->n;
    if (c->n > 0 && holds(&l->cuts[c->v[c->n - 1].cut], at, since))
        low = c->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (holds(&l->cuts[c->v[mid].cut], at, since))
            low = mid + 1;
        else
            high = mid;
    }
    return state_after(l, it, low);
}

bool list_has_at(const struct list *l, union cell key, const struct list_at *at, uint64_t since)
{
    const struct item *it = find(l, key);
    if (!it->used || it->chain == 0)
        return it->used && it->base;
    return state_at(l, it, at, since).in;
}

bool list_value_at(const struct list *l, union cell key, unsigned column, const struct list_at *at,
                   uint64_t since, union cell *out)
{
    const struct item *it = find(l, key);
    if (!it->used)
        return false;
    struct state s = it->chain == 0 || at == NULL ? state_now(l, it) : state_at(l, it, at, since);
    if (!s.in)
        return false;
    if (column == l->key) {
        *out = it->key;
        return true;
    }
    if (s.row == NULL || (s.row->nulls[column / 64] >> (column % 64) & 1))
        return false;
    *out = s.row->cells[column];
    return true;
}
