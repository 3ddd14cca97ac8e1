/* SPDX-License-Identifier: Apache-2.0
 *
 * AND is TRUE exactly when all its arguments are, so a conjunction is split and each conjunct (atom) is evaluated once for
 * all conditions that have it, then bitmaps are ANDed: 16 words for a batch.
 *
 * Atoms `column = literal`, at least GROUP_MIN of them on one string or whole-number column, are a group: one pass over
 * the column looks each value up (strings by their dictionary id, numbers in a hash table) and sets the bit of the one
 * atom that can hold. Atoms of a group that no row of the batch has are not touched, nor are conditions with such an atom:
 * what a batch costs depends on what it holds, not on how many literals rules name.
 *
 * Other atoms are run by the expression machine over the whole batch. */
#include "cep/expr/predindex.h"
#include "base/mem.h"
#include "cep/expr/exprvm.h"
#include <string.h>

enum { GROUP_MIN = 4 };

struct atom {
    const struct expr *e;
    struct exprvm *vm; /* NULL: grouped */
    struct colset reads;
    bool grouped; /* found by its group, not by vm */
    bool touched; /* its bits are not all zero */
    uint64_t *bits;
};

/* Where equal ones are found: indices of what was added, by hash. */
struct lookup {
    uint64_t *hashes; /* by index */
    size_t n, cap;
    unsigned *slots; /* index + 1; 0: free */
    size_t nslots;
};

struct condition {
    unsigned natoms;
    unsigned *atoms; /* sorted */
    const uint64_t *bits; /* own, an atom's, or `nothing` */
    uint64_t *own; /* natoms != 1 */
};

struct group { /* equalities of one column */
    unsigned column, natoms;
    unsigned *atoms;
    bool strings;
    /* strings: by id, atom + 1; numbers: open addressing */
    unsigned *by_id;
    size_t nids;
    int64_t *keys;
    unsigned *values; /* atom + 1; 0: free */
    size_t nslots;
    unsigned *hit; /* atoms that the last batch set */
    unsigned nhit;
};

struct predindex {
    const struct schema *schema;
    struct atom *atoms;
    size_t natoms, atoms_cap;
    struct condition *conditions;
    size_t nconditions, conditions_cap;
    struct group *groups;
    size_t ngroups, groups_cap;
    const struct dict *dict;
    struct lookup atoms_by, conditions_by;
};

static const uint64_t nothing[BATCH_WORDS];

/* --- what is there already --- */

static void lookup_fini(struct lookup *l)
{
    mem_free(l->hashes);
    mem_free(l->slots);
}

/* The next index of that hash, from slot *at on (at first: the hash); SIZE_MAX: no other. */
static size_t lookup_next(const struct lookup *l, uint64_t hash, size_t *at)
{
    while (l->nslots > 0) {
        unsigned found = l->slots[*at & (l->nslots - 1)];
        ++*at;
        if (found == 0)
            break;
        if (l->hashes[found - 1] == hash)
            return found - 1;
    }
    return SIZE_MAX;
}

static void lookup_place(struct lookup *l, size_t index)
{
    size_t at = (size_t)l->hashes[index];
    while (l->slots[at & (l->nslots - 1)] != 0)
        at++;
    l->slots[at & (l->nslots - 1)] = (unsigned)index + 1;
}

static void lookup_add(struct lookup *l, uint64_t hash)
{
    l->hashes = mem_grow(l->hashes, l->n, 1, &l->cap, sizeof *l->hashes);
    l->hashes[l->n++] = hash;
    if (2 * l->n <= l->nslots) {
        lookup_place(l, l->n - 1);
        return;
    }
    l->nslots = l->nslots > 0 ? 2 * l->nslots : 16;
    mem_free(l->slots);
    l->slots = mem_array(l->nslots, sizeof *l->slots);
    for (size_t i = 0; i < l->n; i++)
        lookup_place(l, i);
}

struct predindex *predindex_new(const struct schema *s)
{
    struct predindex *p = mem_new(sizeof *p);
    p->schema = s;
    return p;
}

void predindex_free(struct predindex *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->natoms; i++) {
        exprvm_free(p->atoms[i].vm);
        mem_free(p->atoms[i].bits);
    }
    for (size_t i = 0; i < p->nconditions; i++) {
        mem_free(p->conditions[i].atoms);
        mem_free(p->conditions[i].own);
    }
    for (size_t i = 0; i < p->ngroups; i++) {
        struct group *g = &p->groups[i];
        mem_free(g->atoms);
        mem_free(g->by_id);
        mem_free(g->keys);
        mem_free(g->values);
        mem_free(g->hit);
    }
    lookup_fini(&p->atoms_by);
    lookup_fini(&p->conditions_by);
    mem_free(p->atoms);
    mem_free(p->conditions);
    mem_free(p->groups);
    mem_free(p);
}

static size_t find_atom(const struct predindex *p, const struct expr *e, uint64_t hash)
{
    size_t at = (size_t)hash, i;
    while ((i = lookup_next(&p->atoms_by, hash, &at)) != SIZE_MAX)
        if (expr_same(p->atoms[i].e, e))
            break;
    return i;
}

static unsigned atom_of(struct predindex *p, const struct expr *e)
{
    uint64_t hash = expr_hash(e);
    size_t found = find_atom(p, e, hash);
    if (found != SIZE_MAX)
        return (unsigned)found;
    lookup_add(&p->atoms_by, hash);
    p->atoms = mem_grow(p->atoms, p->natoms, 1, &p->atoms_cap, sizeof *p->atoms);
    p->atoms[p->natoms] = (struct atom){
        .e = e,
        .bits = mem_array(BATCH_WORDS, sizeof(uint64_t)),
    };
    expr_columns(e, &p->atoms[p->natoms].reads);
    return (unsigned)p->natoms++;
}

static bool is_true(const struct expr *e)
{
    return e->kind == EXPR_CONST && !e->constant.null && e->type.kind == TYPE_BOOLEAN &&
           e->constant.c.i != 0;
}

/* Adds the atoms of e to the sorted set in c. */
static void split(struct predindex *p, struct condition *c, const struct expr *e)
{
    if (e == NULL || is_true(e))
        return;
    if (e->kind == EXPR_AND) {
        for (unsigned i = 0; i < e->nargs; i++)
            split(p, c, e->args[i]);
        return;
    }
    unsigned a = atom_of(p, e), at = 0;
    while (at < c->natoms && c->atoms[at] < a)
        at++;
    if (at < c->natoms && c->atoms[at] == a)
        return;
    c->atoms = mem_resize_array(c->atoms, c->natoms + 1, sizeof *c->atoms);
    memmove(c->atoms + at + 1, c->atoms + at, (c->natoms - at) * sizeof *c->atoms);
    c->atoms[at] = a;
    c->natoms++;
}

unsigned predindex_add(struct predindex *p, const struct expr *a, const struct expr *b)
{
    struct condition c = {0};
    split(p, &c, a);
    split(p, &c, b);
    uint64_t hash = c.natoms;
    for (unsigned i = 0; i < c.natoms; i++)
        hash = (hash ^ c.atoms[i]) * UINT64_C(0x9e3779b97f4a7c15), hash ^= hash >> 32;
    size_t at = (size_t)hash, found;
    while ((found = lookup_next(&p->conditions_by, hash, &at)) != SIZE_MAX)
        if (p->conditions[found].natoms == c.natoms &&
            (c.natoms == 0 ||
             memcmp(p->conditions[found].atoms, c.atoms, c.natoms * sizeof *c.atoms) == 0)) {
            mem_free(c.atoms);
            return (unsigned)found;
        }
    lookup_add(&p->conditions_by, hash);
    if (c.natoms != 1)
        c.own = mem_array(BATCH_WORDS, sizeof(uint64_t));
    c.bits = nothing;
    p->conditions =
        mem_grow(p->conditions, p->nconditions, 1, &p->conditions_cap, sizeof *p->conditions);
    p->conditions[p->nconditions] = c;
    return (unsigned)p->nconditions++;
}

unsigned predindex_count(const struct predindex *p)
{
    return (unsigned)p->nconditions;
}

unsigned predindex_atoms(const struct predindex *p)
{
    return (unsigned)p->natoms;
}

bool predindex_is_looked_up(const struct predindex *p, const struct expr *atom)
{
    size_t found = find_atom(p, atom, expr_hash(atom));
    return found != SIZE_MAX && p->atoms[found].grouped;
}

void predindex_literals(const struct predindex *p, struct dict *dict)
{
    for (size_t i = 0; i < p->natoms; i++)
        exprvm_literals(p->atoms[i].e, dict);
}

/* --- groups --- */

/* `column = literal`, either way round, of a type that is looked up. */
static bool equality(const struct expr *e, unsigned *column, const struct value **literal)
{
    if (e->kind != EXPR_EQ)
        return false;
    const struct expr *a = e->args[0], *b = e->args[1];
    if (a->kind == EXPR_CONST) {
        const struct expr *t = a;
        a = b;
        b = t;
    }
    if (a->kind != EXPR_COLUMN || b->kind != EXPR_CONST || b->constant.null ||
        a->type.kind != b->type.kind)
        return false;
    if (a->type.kind != TYPE_STRING && a->type.kind != TYPE_BIGINT &&
        !(a->type.kind == TYPE_DECIMAL && a->type.scale == b->constant.type.scale))
        return false;
    *column = a->index;
    *literal = &b->constant;
    return true;
}

static size_t slot_of(const struct group *g, int64_t key)
{
    size_t i = (size_t)(((uint64_t)key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (g->nslots - 1);
    while (g->values[i] != 0 && g->keys[i] != key)
        i = (i + 1) & (g->nslots - 1);
    return i;
}

static void build_group(struct predindex *p, struct group *g)
{
    g->strings = p->schema->columns[g->column].type.kind == TYPE_STRING;
    g->hit = mem_array(g->natoms, sizeof *g->hit);
    if (g->strings) {
        g->nids = (size_t)dict_count(p->dict) + 1;
        g->by_id = mem_array(g->nids, sizeof *g->by_id);
    } else {
        for (g->nslots = 16; g->nslots < 2 * (size_t)g->natoms; g->nslots *= 2)
            ;
        g->keys = mem_array(g->nslots, sizeof *g->keys);
        g->values = mem_array(g->nslots, sizeof *g->values);
    }
    for (unsigned i = 0; i < g->natoms; i++) {
        unsigned column;
        const struct value *v = NULL;
        if (!equality(p->atoms[g->atoms[i]].e, &column, &v))
            continue;
        unsigned *at;
        if (g->strings) {
            at = &g->by_id[dict_find(p->dict, v->c.s.p, v->c.s.n)];
        } else {
            size_t s = slot_of(g, v->c.i);
            g->keys[s] = v->c.i;
            at = &g->values[s];
        }
        if (*at != 0) /* the same the other way round, 'x' = column: left to the machine */
            continue;
        *at = g->atoms[i] + 1;
        p->atoms[g->atoms[i]].grouped = true;
    }
}

static void make_groups(struct predindex *p)
{
    for (unsigned c = 0; c < p->schema->ncolumns; c++) {
        struct group g = {.column = c};
        size_t cap = 0;
        for (size_t i = 0; i < p->natoms; i++) {
            unsigned column;
            const struct value *v;
            if (!equality(p->atoms[i].e, &column, &v) || column != c)
                continue;
            g.atoms = mem_grow(g.atoms, g.natoms, 1, &cap, sizeof *g.atoms);
            g.atoms[g.natoms++] = (unsigned)i;
        }
        if (g.natoms < GROUP_MIN || p->dict == NULL) {
            mem_free(g.atoms);
            continue;
        }
        build_group(p, &g);
        p->groups = mem_grow(p->groups, p->ngroups, 1, &p->groups_cap, sizeof *p->groups);
        p->groups[p->ngroups++] = g;
    }
}

void predindex_ready(struct predindex *p, const struct dict *dict)
{
    p->dict = dict;
    make_groups(p);
    for (size_t i = 0; i < p->natoms; i++)
        if (!p->atoms[i].grouped)
            p->atoms[i].vm = exprvm_new(p->atoms[i].e, dict);
}

/* --- a batch --- */

static inline void set_atom(struct predindex *p, struct group *g, unsigned atom, unsigned row)
{
    struct atom *a = &p->atoms[atom];
    if (!a->touched) {
        a->touched = true;
        g->hit[g->nhit++] = atom;
    }
    a->bits[row / 64] |= UINT64_C(1) << (row % 64);
}

static void eval_group(struct predindex *p, struct group *g, const struct batch *b)
{
    for (unsigned i = 0; i < g->nhit; i++) {
        memset(p->atoms[g->hit[i]].bits, 0, BATCH_WORDS * sizeof(uint64_t));
        p->atoms[g->hit[i]].touched = false;
    }
    g->nhit = 0;
    if (!colset_has(&b->present, g->column))
        return;
    const struct batch_column *c = &b->columns[g->column];
    bool ids = b->dict_serial == dict_serial(p->dict) && colset_has(&b->with_ids, g->column);
    for (unsigned i = 0; i < b->n; i++) {
        unsigned v;
        if (!g->strings) {
            v = g->values[slot_of(g, c->i[i])];
        } else {
            uint32_t id = ids ? c->s[i].id : dict_find(p->dict, c->s[i].p, c->s[i].n);
            v = g->by_id[id];
        }
        if (v != 0 && !(c->nulls[i / 64] >> (i % 64) & 1))
            set_atom(p, g, v - 1, i);
    }
}

static bool has_columns(const struct batch *b, const struct colset *reads)
{
    for (unsigned i = 0; i < SCHEMA_COLUMNS_MAX / 64; i++)
        if (reads->w[i] & ~b->present.w[i])
            return false;
    return true;
}

static void conjunction(struct predindex *p, struct condition *c, const struct batch *b)
{
    c->bits = nothing;
    for (unsigned i = 0; i < c->natoms; i++)
        if (!p->atoms[c->atoms[i]].touched)
            return;
    if (c->natoms == 1) {
        c->bits = p->atoms[c->atoms[0]].bits;
        return;
    }
    unsigned words = (b->n + 63) / 64;
    for (unsigned w = 0; w < words; w++)
        c->own[w] = ~UINT64_C(0);
    if (b->n % 64 != 0)
        c->own[words - 1] = (UINT64_C(1) << (b->n % 64)) - 1;
    memset(c->own + words, 0, (BATCH_WORDS - words) * sizeof(uint64_t));
    for (unsigned i = 0; i < c->natoms; i++) {
        const uint64_t *bits = p->atoms[c->atoms[i]].bits;
        for (unsigned w = 0; w < words; w++)
            c->own[w] &= bits[w];
    }
    c->bits = c->own;
}

void predindex_eval(struct predindex *p, const struct batch *b)
{
    for (size_t g = 0; g < p->ngroups; g++)
        eval_group(p, &p->groups[g], b);
    for (size_t i = 0; i < p->natoms; i++) {
        struct atom *a = &p->atoms[i];
        if (a->vm == NULL)
            continue;
        a->touched = has_columns(b, &a->reads);
        if (a->touched)
            exprvm_filter(a->vm, b, NULL, a->bits);
    }
    for (size_t i = 0; i < p->nconditions; i++)
        conjunction(p, &p->conditions[i], b);
}

const uint64_t *predindex_bits(const struct predindex *p, unsigned condition)
{
    return p->conditions[condition].bits;
}
