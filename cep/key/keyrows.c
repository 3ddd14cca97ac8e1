/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/key/keyrows.h"
#include "base/mem.h"
#include "cep/jobdef.h"
#include <string.h>

struct keyrows {
    struct job *job;
    const struct jobdef_stream *stream;
    struct emit emit;
    struct keyed keyed;
    struct colset columns;
    const struct joinprog *join; /* NULL: it is none */
    unsigned side;
};

const struct schema *keyrows_schema(const struct rule_plan *p, unsigned side)
{
    return p->shape == RULE_JOIN ? p->join.side[side].schema : p->input;
}

struct keyrows *keyrows_new(const struct rule_plan *p, unsigned side, const struct plan_key *by)
{
    const struct schema *streams[PLAN_STREAMS_MAX], *s = keyrows_schema(p, side);
    struct keyrows *k = mem_new(sizeof *k);
    const struct job_rule rule = {.plan = (struct rule_plan *)(uintptr_t)p, .uid = 1};
    k->job = job_new(streams, plan_streams(p, streams), &rule, 1);
    k->stream = &k->job->streams[job_stream_of(k->job, s->id)];
    k->join = k->job->rules[0].join;
    k->side = side;
    k->columns = k->stream->columns;
    if (by != NULL)
        plan_key_reads(by, &k->columns);
    emit_init(&k->emit);
    keyed_init(&k->keyed, s, &k->emit);
    if (k->join == NULL)
        keyed_set_key(&k->keyed, by != NULL ? by : &p->key);
    return k;
}

void keyrows_free(struct keyrows *k)
{
    if (k == NULL)
        return;
    keyed_fini(&k->keyed);
    emit_fini(&k->emit);
    job_unref(k->job);
    mem_free(k);
}

const struct colset *keyrows_columns(const struct keyrows *k)
{
    return &k->columns;
}

void keyrows_fill(struct keyrows *k, struct batch *b)
{
    job_fill_computed(k->stream, b);
}

const struct bytes *keyrows_key(struct keyrows *k, const struct batch *b, unsigned i)
{
    if (k->join != NULL) {
        joinprog_key(k->join, k->side, b, i, k->keyed.scratch, &k->keyed.key_bytes);
        arena_reset(k->keyed.scratch);
    } else {
        keyed_key_of(&k->keyed, b, i);
    }
    return &k->keyed.key_bytes;
}

void keyrows_take(struct keyrows *k, struct batch *b, struct watermark *w, const void *key,
                  size_t n, void (*each)(void *ctx, const struct batch *b, unsigned i), void *ctx)
{
    uint64_t punctuated[BATCH_WORDS];
    keyrows_fill(k, b);
    if (k->stream->punctuated != NULL)
        exprvm_filter(k->stream->punctuated, b, NULL, punctuated);
    watermark_rows(w, b, k->stream->punctuated != NULL ? punctuated : NULL);
    for (unsigned i = 0; i < b->n; i++) {
        const struct bytes *own = keyrows_key(k, b, i);
        if (own->n == n && (n == 0 || memcmp(own->p, key, n) == 0))
            each(ctx, b, i);
    }
}
