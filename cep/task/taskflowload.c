/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows that waited when a snapshot was taken: into batches again, and into the orders of this task, if it owns their keys.
 * Conditions are evaluated anew, since their numbers are of one job only. */
#include "base/bug.h"
#include "base/mem.h"
#include "cep/task/taskdef.h"
#include <string.h>

struct columns { /* of a record */
    unsigned n;
    struct type types[SCHEMA_COLUMNS_MAX];
    int to[SCHEMA_COLUMNS_MAX]; /* the schema's, or -1 */
    struct colset present;
};

struct loading {
    struct task *t;
    const struct tasksnap_op *op;
    const struct jobdef_stream *stream; /* NULL: it is not there any more */
    struct columns columns;
    struct batch *b; /* being filled; NULL: none */
    struct order_entry entries[BATCH_ROWS]; /* of its rows */
};

static bool read_columns(struct bytes_reader *in, const struct schema *s, struct columns *c)
{
    uint64_t n = bytes_get_varint(in);
    if (in->bad || n > SCHEMA_COLUMNS_MAX)
        return false;
    c->n = (unsigned)n;
    memset(&c->present, 0, sizeof c->present);
    for (unsigned i = 0; i < c->n; i++) {
        size_t len = 0;
        c->types[i].kind = bytes_get_u8(in);
        c->types[i].precision = bytes_get_u8(in);
        c->types[i].scale = bytes_get_u8(in);
        const char *name = bytes_get_str(in, &len);
        if (in->bad)
            return false;
        c->to[i] = s == NULL ? -1 : schema_column(s, name, len);
        if (c->to[i] < 0)
            continue;
        if (!schema_type_same(s->columns[c->to[i]].type, c->types[i]) ||
            colset_has(&c->present, (unsigned)c->to[i]))
            return false;
        colset_add(&c->present, (unsigned)c->to[i]);
    }
    return true;
}

/* Rows of the batch into the order of a key definition. */
static void push_keyed(struct loading *l, struct task_key *k)
{
    struct task *t = l->t;
    struct batch *b = l->b;
    if (!jobdef_has_all(&k->def->reads, b))
        return;
    predindex_eval(l->stream->conditions, b);
    for (unsigned i = 0; i < b->n; i++) {
        struct order_entry *e = &l->entries[i];
        keyed_key_of(&k->keyed, b, i);
        uint64_t hash = keytable_hash(k->keyed.key_bytes.p, k->keyed.key_bytes.n);
        if (t->owner[hash & (t->o.key_groups - 1)] != t->o.worker)
            continue;
        e->b = batch_ref(b);
        e->bits = scatter_bits(k, l->stream->conditions, i);
        e->tag = (hash & ~UINT64_C(0xffff)) | i;
        order_push(&k->order, e);
    }
}

static void push(struct loading *l)
{
    if (l->b == NULL)
        return;
    BUG_IF(l->op == NULL || l->stream == NULL, "rows of nobody");
    if (l->op->key != NULL)
        push_keyed(l, l->op->key);
    else
        taskjoin_restore(l->t, l->op->join, l->b, l->entries);
    batch_unref(l->b);
    l->b = NULL;
}

/* Places in a batch ascend, but for those of derived streams. */
static struct batch *batch_for(struct loading *l, uint32_t partition, uint64_t offset)
{
    struct batch *b = l->b;
    if (b != NULL &&
        (b->n == BATCH_ROWS || b->partition != partition ||
         (b->schema->derived == DERIVED_NOT && b->n > 0 && b->offset[b->n - 1] >= offset)))
        push(l);
    if (l->b == NULL) {
        l->b = batch_new(l->stream->schema, &l->columns.present);
        l->b->partition = partition;
    }
    return l->b;
}

static bool read_cell(struct bytes_reader *in, struct batch *b, int column, struct type type)
{
    if (type.kind != TYPE_STRING) {
        int64_t v = (int64_t)bytes_get_u64(in);
        if (b != NULL && column >= 0)
            b->columns[column].i[b->n] = v;
        return !in->bad;
    }
    size_t n = 0;
    const char *p = bytes_get_str(in, &n);
    if (in->bad)
        return false;
    if (b != NULL && column >= 0)
        b->columns[column].s[b->n] = (struct str){arena_dup(b->arena, p, n), (uint32_t)n, 0};
    return true;
}

static void put_null(struct batch *b, int column)
{
    struct batch_column *c = &b->columns[column];
    if (b->schema->columns[column].type.kind == TYPE_STRING)
        c->s[b->n] = (struct str){"", 0, 0};
    else
        c->i[b->n] = 0;
    c->nulls[b->n / 64] |= UINT64_C(1) << (b->n % 64);
    c->has_nulls = true;
}

static bool read_row(struct loading *l, struct bytes_reader *in)
{
    bool late = bytes_get_u8(in) != 0;
    struct order_entry e = {.ts = (evtime)bytes_get_u64(in), .bits = bytes_get_u64(in)};
    uint64_t partition = bytes_get_varint(in), offset = bytes_get_varint(in);
    evtime ts = (evtime)bytes_get_u64(in), late_w = late ? (evtime)bytes_get_u64(in) : 0;
    const uint8_t *nulls = bytes_get(in, (l->columns.n + 7) / 8);
    if (in->bad || partition > UINT32_MAX)
        return false;
    struct batch *b = l->stream == NULL ? NULL : batch_for(l, (uint32_t)partition, offset);
    for (unsigned i = 0; i < l->columns.n; i++) {
        bool null = nulls[i / 8] >> (i % 8) & 1;
        if (!null && !read_cell(in, b, l->columns.to[i], l->columns.types[i]))
            return false;
        if (null && b != NULL && l->columns.to[i] >= 0)
            put_null(b, l->columns.to[i]);
    }
    if (b == NULL)
        return true;
    b->ts[b->n] = ts;
    b->offset[b->n] = offset;
    if (late) {
        b->late[b->n / 64] |= UINT64_C(1) << (b->n % 64);
        b->late_w[b->n] = late_w;
        b->has_late = true;
    }
    l->entries[b->n++] = e;
    return true;
}

static const struct jobdef_stream *stream_named(const struct task *t, const char *name, size_t n)
{
    for (unsigned i = 0; i < t->job->nstreams; i++)
        if (strlen(t->job->schemas[i]->name) == n && memcmp(t->job->schemas[i]->name, name, n) == 0)
            return &t->job->streams[i];
    return NULL;
}

/* The lane's fork of a stream of that name. */
static const struct jobdef_stream *fork_named(const struct task *t, const struct tasksnap_op *op,
                                              const char *name, size_t n)
{
    for (unsigned i = 0; i < t->job->nstreams; i++) {
        const struct schema *s = t->job->schemas[i];
        const struct join_side *side =
            op->join == NULL ? NULL : op->join->rule->pub.plan->join.side;
        bool reads = side == NULL ? op->key->keyed.schema == s
                                  : side[JOIN_LEFT].schema == s || side[JOIN_RIGHT].schema == s;
        if (reads && s->copy_of != NULL && strlen(s->copy_of->name) == n &&
            memcmp(s->copy_of->name, name, n) == 0)
            return &t->job->streams[i];
    }
    return NULL;
}

static void find_op(struct loading *l, const struct taskload_one *one, const char *id, size_t id_n,
                    const char *name, size_t name_n)
{
    struct task *t = l->t;
    if (one != NULL) {
        bool is_its = strlen(one->id) == id_n && memcmp(one->id, id, id_n) == 0;
        l->op = is_its ? one->snap : NULL;
        l->stream = is_its ? fork_named(t, one->snap, name, name_n) : NULL;
        return;
    }
    l->op = tasksnap_find(t, id, id_n);
    l->stream = l->op == NULL ? NULL : stream_named(t, name, name_n);
    if (l->stream != NULL && l->op->key != NULL && l->op->key->keyed.schema != l->stream->schema)
        l->stream = NULL;
}

enum err taskflowload_rows(struct task *t, const struct taskload_one *one, struct bytes_reader *in)
{
    size_t id_n = 0, name_n = 0;
    const char *id = bytes_get_str(in, &id_n), *name = bytes_get_str(in, &name_n);
    if (in->bad)
        return ERR_CORRUPT;
    struct loading *l = mem_new(sizeof *l);
    l->t = t;
    find_op(l, one, id, id_n, name, name_n);
    bool ok = read_columns(in, l->stream == NULL ? NULL : l->stream->schema, &l->columns);
    while (ok && in->p < in->end)
        ok = read_row(l, in);
    if (ok)
        push(l);
    batch_unref(l->b);
    mem_free(l);
    return ok ? ERR_OK : ERR_CORRUPT;
}
