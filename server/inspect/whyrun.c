/* SPDX-License-Identifier: Apache-2.0 */
#include "server/inspect/whyrun.h"
#include "base/mem.h"
#include "cep/key/keyrows.h"
#include "cep/why/why.h"
#include "io/codec_json.h"
#include <string.h>

struct side { /* of a join; else there is one */
    struct keyrows *keyrows;
    struct codec_json *codec;
    const struct schema *schema;
    struct cut cut;
};

struct rows { /* decoded */
    struct side side[2];
    unsigned nsides;
    struct batch *b; /* being filled, of side `of` */
    unsigned of;
    struct batch **batches;
    size_t nbatches, batches_cap;
    struct why_row *rows;
    size_t n, cap;
    struct bytes text; /* with what a codec may read behind it */
};

static void begin_batch(struct rows *r, unsigned side, uint32_t partition)
{
    r->b = batch_new(r->side[side].schema, keyrows_columns(r->side[side].keyrows));
    r->b->partition = partition;
    r->of = side;
    r->batches = mem_grow(r->batches, r->nbatches, 1, &r->batches_cap, sizeof *r->batches);
    r->batches[r->nbatches++] = r->b;
}

static void set_late(struct batch *b, unsigned i, evtime w)
{
    b->has_late = true;
    b->late[i / 64] |= UINT64_C(1) << (i % 64);
    b->late_w[i] = w;
}

/* Rows that cannot be decoded were never taken. */
static void add(struct rows *r, const struct tracewire_row *row)
{
    struct codec_problem problem;
    const struct side *s = &r->side[row->side];
    if (r->b == NULL || r->of != row->side || r->b->partition != row->partition ||
        r->b->n == BATCH_ROWS)
        begin_batch(r, row->side, row->partition);
    bytes_reset(&r->text);
    bytes_put(&r->text, row->text, row->n);
    memset(bytes_reserve(&r->text, CODEC_PADDING), 0, CODEC_PADDING);
    if (codec_json_row(s->codec, (const char *)r->text.p, row->n, row->offset, r->b, &problem) !=
        ERR_OK)
        return;
    unsigned i = r->b->n - 1;
    if (s->schema->time != TIME_EVENT)
        batch_set_time(r->b, i, row->arrival);
    if (row->late)
        set_late(r->b, i, row->late_w);
    r->rows = mem_grow(r->rows, r->n, 1, &r->cap, sizeof *r->rows);
    r->rows[r->n++] = (struct why_row){
        .b = r->b, .i = i, .late = row->late, .side = row->side, .arrival = row->arrival};
}

/* What the version before has seen counts as seen by this one, if it has taken over the state. */
static void see_from_the_start(struct cut *c)
{
    if (c->n == 0 ||
        (c->cuts[0].handover != JOB_HANDOVER_KEEP && c->cuts[0].handover != JOB_HANDOVER_COPY))
        return;
    c->cuts[0].handover = JOB_HANDOVER_NONE;
    c->cuts[0].nmarks = 0;
    c->cuts[0].w = EVTIME_MIN;
}

static void rows_init(struct rows *r, const struct job_rule *rule)
{
    const struct rule_plan *p = rule->plan;
    *r = (struct rows){.nsides = p->shape == RULE_JOIN ? 2 : 1};
    for (unsigned i = 0; i < r->nsides; i++) {
        struct side *s = &r->side[i];
        s->schema = keyrows_schema(p, i);
        s->keyrows = keyrows_new(p, i, NULL);
        s->codec = codec_json_new(s->schema, keyrows_columns(s->keyrows), NULL);
        cut_init_of(&s->cut, rule, schema_rows(s->schema)->id);
        see_from_the_start(&s->cut);
    }
}

static void rows_fini(struct rows *r)
{
    for (size_t i = 0; i < r->nbatches; i++)
        batch_unref(r->batches[i]);
    for (unsigned i = 0; i < r->nsides; i++) {
        codec_json_free(r->side[i].codec);
        keyrows_free(r->side[i].keyrows);
        cut_fini(&r->side[i].cut);
    }
    bytes_fini(&r->text);
    mem_free(r->batches);
    mem_free(r->rows);
}

static enum err read_rows(struct rows *r, struct bytes_reader *in, uint32_t n)
{
    struct tracewire_row row;
    enum err e = ERR_OK;
    for (uint32_t i = 0; i < n && e == ERR_OK; i++) {
        e = tracewire_get_row(in, &row);
        if (e == ERR_OK && row.side >= r->nsides)
            e = ERR_CORRUPT;
        if (e == ERR_OK)
            add(r, &row);
    }
    for (size_t i = 0; i < r->nbatches; i++) {
        bool left = r->batches[i]->schema == r->side[0].schema;
        keyrows_fill(r->side[left ? 0 : 1].keyrows, r->batches[i]);
    }
    return e == ERR_OK && in->p != in->end ? ERR_CORRUPT : e;
}

enum err whyrun(const struct whyrun_ask *m, struct bytes_reader *in, struct bytes *json)
{
    struct rows r;
    const struct tracewire_ask *t = m->trace;
    rows_init(&r, m->rule);
    const struct why_ask ask = {.plan = m->rule->plan,
                                .cut = &r.side[0].cut,
                                .right = &r.side[r.nsides - 1].cut,
                                .key = t->key,
                                .key_n = t->key_n,
                                .now = t->at < m->now ? t->at : m->now,
                                .max_partials = m->max_partials,
                                .max_rows = m->max_rows,
                                .steps = t->steps,
                                .has_focus = t->has_focus,
                                .partition = t->partition,
                                .offset = t->offset,
                                .stream = t->stream};
    enum err e = read_rows(&r, in, t->nrows);
    if (e == ERR_OK)
        why_run(&ask, r.rows, r.n, json);
    rows_fini(&r);
    return e;
}
