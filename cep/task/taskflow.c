/* SPDX-License-Identifier: Apache-2.0
 *
 * The flow of a snapshot: how far time has come, what operators count, and the rows that wait for the watermark. Rows are
 * noted by reference when it begins; their batches do not change, so they can be written later. */
#include "base/mem.h"
#include "cep/task/taskdef.h"
#include "cep/task/tasksnap.h"
#include <string.h>

static struct bytes *record(struct task *t, enum tasksnap_record kind)
{
    bytes_reset(&t->snap.record);
    bytes_u8(&t->snap.record, (uint8_t)kind);
    return &t->snap.record;
}

static void give(struct task *t)
{
    t->snap.out.flow(t->snap.out.ctx, t->snap.record.p, t->snap.record.n);
}

static void put_text(struct bytes *out, const char *text)
{
    bytes_str(out, text, strlen(text));
}

/* --- time and counters --- */

static const char *name_of(const struct task *t, uint32_t stream)
{
    int i = job_stream_of(t->job, stream);
    return i < 0 ? NULL : t->job->schemas[i]->name;
}

static void give_head(struct task *t)
{
    struct bytes *out = record(t, TASKSNAP_HEAD);
    bytes_u8(out, TASKSNAP_VERSION);
    bytes_u32(out, t->o.worker);
    bytes_u32(out, t->o.workers);
    bytes_u32(out, t->o.key_groups);
    bytes_u64(out, (uint64_t)t->clock);
    give(t);
}

static void give_time(struct task *t)
{
    for (size_t i = 0; i < t->nstreams; i++) {
        const struct task_stream *s = &t->streams[i];
        const char *name = name_of(t, s->id);
        if (name == NULL) /* of a rule that is gone */
            continue;
        struct bytes *out = record(t, TASKSNAP_STREAM);
        put_text(out, name);
        bytes_u64(out, (uint64_t)s->furthest);
        bytes_varint(out, s->npartitions);
        for (unsigned p = 0; p < s->npartitions; p++)
            bytes_u64(out, (uint64_t)s->w[p]);
        bytes_varint(out, s->nmarks);
        for (size_t m = 0; m < s->nmarks; m++)
            bytes_u64(out, (uint64_t)s->marks[m]);
        give(t);
    }
    for (size_t i = 0; i < t->nsources; i++) {
        const char *name = name_of(t, t->sources[i].stream);
        if (name == NULL)
            continue;
        struct bytes *out = record(t, TASKSNAP_SOURCE);
        put_text(out, name);
        bytes_u32(out, t->sources[i].partition);
        bytes_u64(out, (uint64_t)t->sources[i].w.w);
        give(t);
    }
}

static void put_head(const struct task_op *op, struct bytes *out)
{
    bytes_u64(out, op->rule->pub.uid);
    bytes_u64(out, tasksnap_text(op->rule));
    bytes_u8(out, op->took ? 1 : op->begun ? 2 : 0);
    bytes_u32(out, 0);
    size_t at = out->n;
    if (op->match != NULL)
        matchsave_put_head(op->match, out);
    else if (op->over != NULL)
        oversave_put_head(op->over, out);
    else
        windowsave_put_head(op->window, out);
    uint32_t len = (uint32_t)(out->n - at);
    memcpy(out->p + at - sizeof len, &len, sizeof len);
}

static void give_ops(struct task *t)
{
    for (unsigned i = 0; i < t->nkeys; i++) {
        const struct task_key *k = t->keys[i];
        struct bytes *out = record(t, TASKSNAP_OP);
        put_text(out, k->snap.id);
        bytes_u64(out, (uint64_t)k->snap.now);
        bytes_varint(out, k->keyed.seq);
        bytes_varint(out, k->arrived);
        bytes_u64(out, (uint64_t)k->mark);
        bytes_varint(out, k->nops);
        for (unsigned o = 0; o < k->nops; o++)
            put_head(&k->ops[o], out);
        taskcopy_put(k, out);
        give(t);
    }
    for (unsigned i = 0; i < t->njoins; i++) {
        struct bytes *out = record(t, TASKSNAP_OP);
        put_text(out, t->joins[i]->snap.id);
        bytes_u64(out, (uint64_t)t->joins[i]->snap.now);
        joinsave_put_head(t->joins[i]->op, out);
        give(t);
    }
}

static void note_rows(struct task *t, struct order *o, const struct tasksnap_op *op)
{
    struct tasksnap *s = &t->snap;
    struct order_cursor at = {0};
    s->rows = mem_grow(s->rows, s->n, order_waiting(o), &s->cap, sizeof *s->rows);
    for (struct order_entry *e; (e = order_next(o, &at)) != NULL;) {
        s->rows[s->n++] = (struct tasksnap_row){*e, op};
        e->b->refs++;
    }
}

void taskflow_note(struct task *t, const struct order_entry *e, const struct tasksnap_op *op)
{
    struct tasksnap *s = &t->snap;
    s->rows = mem_grow(s->rows, s->n, 1, &s->cap, sizeof *s->rows);
    s->rows[s->n++] = (struct tasksnap_row){*e, op};
    e->b->refs++;
}

void taskflow_part(struct task *t, uint64_t text, const void *p, size_t n)
{
    struct bytes *out = record(t, TASKSNAP_PART);
    bytes_u64(out, text);
    bytes_put(out, p, n);
    give(t);
}

void taskflow_begin(struct task *t)
{
    give_head(t);
    if (t->job == NULL)
        return;
    give_time(t);
    give_ops(t);
    for (unsigned i = 0; i < t->nkeys; i++)
        note_rows(t, &t->keys[i]->order, &t->keys[i]->snap);
    for (unsigned i = 0; i < t->njoins; i++)
        note_rows(t, &t->joins[i]->order, &t->joins[i]->snap);
}

void taskflow_end(struct task *t)
{
    struct tasksnap *s = &t->snap;
    for (size_t i = 0; s->open && i < s->layouts.n; i++) {
        struct bytes *out = record(t, TASKSNAP_LAYOUT);
        bytes_put(out, s->layouts.v[i].text.p, s->layouts.v[i].text.n);
        give(t);
    }
    for (; s->at < s->n; s->at++)
        batch_unref(s->rows[s->at].e.b);
    s->at = s->n = 0;
}

/* --- rows that wait --- */

enum { FLAG_LATE = 1 };

static void put_row(struct bytes *out, const struct tasksnap_row *r)
{
    const struct batch *b = r->e.b;
    unsigned i = order_row(&r->e);
    bool late = b->has_late && batch_is_late(b, i);
    uint8_t nulls[SCHEMA_COLUMNS_MAX / 8] = {0};
    bytes_u8(out, late ? FLAG_LATE : 0);
    bytes_u64(out, (uint64_t)r->e.ts);
    bytes_u64(out, r->op->join != NULL ? r->e.bits : 0); /* a key's are made again */
    bytes_varint(out, b->partition);
    bytes_varint(out, b->offset[i]);
    bytes_u64(out, (uint64_t)b->ts[i]);
    if (late)
        bytes_u64(out, (uint64_t)b->late_w[i]);
    unsigned n = 0;
    for (unsigned c = 0; c < b->schema->ncolumns; c++)
        if (colset_has(&b->present, c)) {
            nulls[n / 8] |= (uint8_t)(batch_is_null(b, c, i) << (n % 8));
            n++;
        }
    bytes_put(out, nulls, (n + 7) / 8);
    for (unsigned c = 0; c < b->schema->ncolumns; c++) {
        if (!colset_has(&b->present, c) || batch_is_null(b, c, i))
            continue;
        if (b->schema->columns[c].type.kind == TYPE_STRING)
            bytes_str(out, b->columns[c].s[i].p, b->columns[c].s[i].n);
        else
            bytes_u64(out, (uint64_t)b->columns[c].i[i]);
    }
}

static void put_rows_head(struct bytes *out, const struct tasksnap_row *r)
{
    const struct batch *b = r->e.b;
    unsigned n = 0;
    put_text(out, r->op->id);
    put_text(out, b->schema->name);
    for (unsigned c = 0; c < b->schema->ncolumns; c++)
        n += colset_has(&b->present, c);
    bytes_varint(out, n);
    for (unsigned c = 0; c < b->schema->ncolumns; c++) {
        if (!colset_has(&b->present, c))
            continue;
        const struct column *column = &b->schema->columns[c];
        bytes_u8(out, column->type.kind);
        bytes_u8(out, column->type.precision);
        bytes_u8(out, column->type.scale);
        put_text(out, column->name);
    }
}

/* May stand in one record. */
static bool is_alike(const struct tasksnap_row *a, const struct tasksnap_row *b)
{
    return a->op == b->op && a->e.b->schema == b->e.b->schema &&
           memcmp(&a->e.b->present, &b->e.b->present, sizeof a->e.b->present) == 0;
}

bool taskflow_rows(struct task *t, unsigned n)
{
    struct tasksnap *s = &t->snap;
    while (s->at < s->n && n > 0) {
        struct tasksnap_row first = s->rows[s->at];
        struct bytes *out = record(t, TASKSNAP_ROWS);
        batch_ref(first.e.b);
        put_rows_head(out, &first);
        for (; s->at < s->n && n > 0 && out->n < TASKSNAP_RECORD_BYTES &&
               is_alike(&first, &s->rows[s->at]);
             n--) {
            put_row(out, &s->rows[s->at]);
            batch_unref(s->rows[s->at++].e.b);
        }
        batch_unref(first.e.b);
        give(t);
    }
    return s->at < s->n;
}
