/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker/workertrace.h"
#include "base/mem.h"
#include "cep/key/keyrows.h"
#include "cep/why/why.h"
#include "io/codec_json.h"
#include "server/wire/inspectwire.h"
#include "server/wire/tracewire.h"
#include "server/worker/workerdef.h"
#include "server/worker/workerinspect.h"
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

/* What the version before has seen counts as seen by this one, if it has taken over the state. */
static const struct cut *cut_of(const struct job_rule *rule, const struct side *s)
{
    enum job_handover begin = rule->ncuts == 0 ? JOB_HANDOVER_KEEP : rule->cuts[0].handover;
    return begin == JOB_HANDOVER_KEEP || begin == JOB_HANDOVER_COPY ? NULL : &s->cut;
}

static evtime watermark_of(const struct worker *w, const struct rows *r)
{
    evtime least = EVTIME_MAX;
    for (unsigned i = 0; i < r->nsides; i++) {
        evtime own = task_stream_watermark(w->task, r->side[i].schema->id);
        least = own < least ? own : least;
    }
    return least;
}

static enum err trace(struct worker *w, const struct job_rule *rule, const struct tracewire_ask *m,
                      struct bytes_reader *in, struct bytes *json)
{
    struct rows r;
    rows_init(&r, rule);
    evtime now = watermark_of(w, &r);
    const struct why_ask ask = {.plan = rule->plan,
                                .cut = cut_of(rule, &r.side[0]),
                                .right = cut_of(rule, &r.side[r.nsides - 1]),
                                .key = m->key,
                                .key_n = m->key_n,
                                .now = m->at < now ? m->at : now,
                                .max_partials = w->max_partials_per_key,
                                .max_rows = w->max_rows_per_key,
                                .steps = m->steps,
                                .has_focus = m->has_focus,
                                .partition = m->partition,
                                .offset = m->offset,
                                .stream = m->stream};
    enum err e = read_rows(&r, in, m->nrows);
    if (e == ERR_OK)
        why_run(&ask, r.rows, r.n, json);
    rows_fini(&r);
    return e;
}

enum err workertrace_take(struct worker *w, const struct channel_frame *f)
{
    struct bytes_reader in = bytes_read(f->p, f->n);
    struct inspectwire_answer answer = {.keys = 0};
    struct tracewire_ask m;
    struct bytes json = {0};
    unsigned rule = 0;
    enum err e = tracewire_get_ask(&in, &answer.number, &m);
    if (e != ERR_OK)
        return e;
    if (workerinspect_rule(w, m.uid, &rule))
        e = trace(w, job_rule(w->job, rule), &m, &in, &json);
    answer.json = (const char *)json.p;
    answer.json_n = json.n;
    bytes_reset(&w->out);
    inspectwire_put_answer(&answer, &w->out);
    if (e == ERR_OK)
        worker_say(w, CONTROL_INSPECTED, &w->out);
    bytes_fini(&json);
    return e;
}
