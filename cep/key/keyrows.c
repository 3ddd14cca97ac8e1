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
};

struct keyrows *keyrows_new(const struct rule_plan *p)
{
    struct keyrows *k = mem_new(sizeof *k);
    const struct job_rule rule = {.plan = (struct rule_plan *)(uintptr_t)p, .uid = 1};
    k->job = job_new(&p->input, 1, &rule, 1);
    k->stream = &k->job->streams[job_stream_of(k->job, p->input->id)];
    emit_init(&k->emit);
    keyed_init(&k->keyed, p->input, &k->emit);
    keyed_set_key(&k->keyed, &p->key);
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
    return &k->stream->columns;
}

void keyrows_fill(struct keyrows *k, struct batch *b)
{
    job_fill_computed(k->stream, b);
}

const struct bytes *keyrows_key(struct keyrows *k, const struct batch *b, unsigned i)
{
    keyed_key_of(&k->keyed, b, i);
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
