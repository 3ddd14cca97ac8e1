/* SPDX-License-Identifier: Apache-2.0
 *
 * A row is made as the server writes it down (refused.h), and decoded as a worker does. */
#include "server/eval/evalerrors.h"
#include "base/bug.h"
#include "base/mem.h"
#include "io/codec_json.h"
#include "server/alerts/refused.h"
#include <string.h>

struct source {
    const struct schema *of;
    struct codec_json *codec; /* NULL: nobody reads them */
};
struct evalerrors {
    struct job *job;
    struct evalrun *run;
    struct source *sources;
    unsigned n;
    evtime clock; /* EVTIME_MIN: nobody has said it */
    struct bytes text;
};

struct evalerrors *evalerrors_new(struct job *job, struct evalrun *run,
                                  const struct schema *const *streams, unsigned n)
{
    struct evalerrors *e = mem_new(sizeof *e);
    bool any = false;
    e->job = job;
    e->run = run;
    e->sources = mem_array(n, sizeof *e->sources);
    e->n = n;
    e->clock = EVTIME_MIN;
    for (unsigned i = 0; i < n; i++) {
        const struct schema *s = streams[i]->errors;
        const struct colset *read = job_columns(job, s->id);
        e->sources[i].of = streams[i];
        if (read == NULL)
            continue;
        any = true;
        e->sources[i].codec = codec_json_new(s, read, job_dict(job));
        evalrun_open(run, s->id, 0);
    }
    if (any)
        return e;
    evalerrors_free(e);
    return NULL;
}

void evalerrors_free(struct evalerrors *e)
{
    if (e == NULL)
        return;
    for (unsigned i = 0; i < e->n; i++)
        codec_json_free(e->sources[i].codec);
    bytes_fini(&e->text);
    mem_free(e->sources);
    mem_free(e);
}

bool evalerrors_read(const struct evalerrors *e, unsigned stream)
{
    return e != NULL && e->sources[stream].codec != NULL;
}

static evtime now(const struct evalerrors *e, const struct schema *of, uint32_t partition)
{
    evtime come = evalrun_w(e->run, of->errors->id, 0);
    evtime t = e->clock != EVTIME_MIN ? e->clock : evalrun_w(e->run, of->id, partition);
    t = t > come ? t : come;
    return t == EVTIME_MIN ? 0 : t;
}

void evalerrors_put(struct evalerrors *e, const struct evalerrors_row *row)
{
    const struct source *s = &e->sources[row->stream];
    const struct catalog_dead_letter d = {.code = row->code,
                                          .reason = row->reason,
                                          .raw = row->text,
                                          .raw_len = row->n,
                                          .partition = row->partition,
                                          .offset = row->place};
    struct codec_problem problem;
    bytes_reset(&e->text);
    refused_put(&d, &e->text);
    size_t n = e->text.n;
    memset(bytes_reserve(&e->text, CODEC_PADDING), 0, CODEC_PADDING);
    struct batch *b = batch_new(s->of->errors, job_columns(e->job, s->of->errors->id));
    enum err bad = codec_json_row(s->codec, (const char *)e->text.p, n, row->place, b, &problem);
    BUG_IF(bad != ERR_OK, "a row of %s cannot be read", s->of->errors->name);
    batch_set_time(b, 0, now(e, s->of, row->partition));
    evalrun_rows(e->run, b);
    batch_unref(b);
}

void evalerrors_clock(struct evalerrors *e, evtime to)
{
    if (e == NULL)
        return;
    if (to != EVTIME_MAX)
        e->clock = to;
    for (unsigned i = 0; i < e->n; i++) {
        uint32_t id = e->sources[i].of->errors->id;
        if (e->sources[i].codec != NULL && to > evalrun_w(e->run, id, 0))
            evalrun_watermark(e->run, id, 0, to);
    }
}
