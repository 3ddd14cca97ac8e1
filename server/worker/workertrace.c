/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker/workertrace.h"
#include "base/mem.h"
#include "cep/key/keyrows.h"
#include "cep/match/matchtrace.h"
#include "io/codec_json.h"
#include "server/wire/inspectwire.h"
#include "server/wire/tracewire.h"
#include "server/worker/workerdef.h"
#include "server/worker/workerinspect.h"
#include <string.h>

struct rows { /* decoded */
    struct keyrows *keyrows;
    struct codec_json *codec;
    const struct schema *schema;
    struct batch *b; /* being filled */
    struct batch **batches;
    size_t nbatches, batches_cap;
    struct matchtrace_row *rows;
    size_t n, cap;
    struct bytes text; /* with what a codec may read behind it */
};

static void begin_batch(struct rows *r, uint32_t partition)
{
    r->b = batch_new(r->schema, keyrows_columns(r->keyrows));
    r->b->partition = partition;
    r->batches = mem_grow(r->batches, r->nbatches, 1, &r->batches_cap, sizeof *r->batches);
    r->batches[r->nbatches++] = r->b;
}

/* Rows that cannot be decoded were never taken. */
static void add(struct rows *r, const struct tracewire_row *row)
{
    struct codec_problem problem;
    if (r->b == NULL || r->b->partition != row->partition || r->b->n == BATCH_ROWS)
        begin_batch(r, row->partition);
    bytes_reset(&r->text);
    bytes_put(&r->text, row->text, row->n);
    memset(bytes_reserve(&r->text, CODEC_PADDING), 0, CODEC_PADDING);
    if (codec_json_row(r->codec, (const char *)r->text.p, row->n, row->offset, r->b, &problem) !=
        ERR_OK)
        return;
    if (r->schema->time != TIME_EVENT)
        batch_set_time(r->b, r->b->n - 1, row->arrival);
    r->rows = mem_grow(r->rows, r->n, 1, &r->cap, sizeof *r->rows);
    r->rows[r->n++] = (struct matchtrace_row){r->b, r->b->n - 1, row->late};
}

static void rows_fini(struct rows *r)
{
    for (size_t i = 0; i < r->nbatches; i++)
        batch_unref(r->batches[i]);
    codec_json_free(r->codec);
    keyrows_free(r->keyrows);
    bytes_fini(&r->text);
    mem_free(r->batches);
    mem_free(r->rows);
}

static enum err read_rows(struct rows *r, struct bytes_reader *in, uint32_t n)
{
    struct tracewire_row row;
    enum err e = ERR_OK;
    for (uint32_t i = 0; i < n && e == ERR_OK; i++)
        if ((e = tracewire_get_row(in, &row)) == ERR_OK)
            add(r, &row);
    for (size_t i = 0; i < r->nbatches; i++)
        keyrows_fill(r->keyrows, r->batches[i]);
    return e == ERR_OK && in->p != in->end ? ERR_CORRUPT : e;
}

/* What the version before has seen counts as seen by this one, if it has taken over the state. */
static const struct cut *cut_of(const struct job_rule *rule, struct cut *own)
{
    cut_init(own, rule);
    enum job_handover begin = rule->ncuts == 0 ? JOB_HANDOVER_KEEP : rule->cuts[0].handover;
    return begin == JOB_HANDOVER_KEEP || begin == JOB_HANDOVER_COPY ? NULL : own;
}

static enum err trace(struct worker *w, const struct job_rule *rule, const struct tracewire_ask *m,
                      struct bytes_reader *in, struct bytes *json)
{
    const struct schema *s = rule->plan->input;
    struct rows r = {.schema = s, .keyrows = keyrows_new(rule->plan)};
    struct cut own;
    evtime now = task_stream_watermark(w->task, s->id);
    r.codec = codec_json_new(s, keyrows_columns(r.keyrows), NULL);
    const struct matchtrace_ask ask = {.plan = rule->plan,
                                       .cut = cut_of(rule, &own),
                                       .key = m->key,
                                       .key_n = m->key_n,
                                       .now = m->at < now ? m->at : now,
                                       .max_partials = w->max_partials_per_key,
                                       .max_rows = w->max_rows_per_key,
                                       .steps = m->steps,
                                       .has_focus = m->has_focus,
                                       .partition = m->partition,
                                       .offset = m->offset};
    enum err e = read_rows(&r, in, m->nrows);
    if (e == ERR_OK)
        matchtrace_run(&ask, r.rows, r.n, json);
    rows_fini(&r);
    cut_fini(&own);
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
    if (workerinspect_rule(w, m.uid, &rule) && job_rule(w->job, rule)->plan->shape == RULE_MATCH)
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
