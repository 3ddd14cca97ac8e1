/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps of a task. Most rules ask only how far time has come, so one step makes up for any number of rises of the watermark.
 * Windows that fire with each rise ask for all of them: a stream that such a rule is made from keeps every watermark that
 * one of its partitions has reached (a mark), and time goes from mark to mark, as far as the least over all partitions. So
 * the rule fires at the same moments however rows are cut into batches, and in whatever order partitions are read.
 *
 * GLOBAL with a continuous trigger takes rows as they arrive and fires at multiples of an interval. For it batches are cut
 * where the watermark passes one: what came before is worked off first. */
#include "base/mem.h"
#include "cep/task/taskdef.h"

/* --- marks: a heap, the least first --- */

void taskmark_add(struct task_stream *s, evtime w)
{
    s->marks = mem_grow(s->marks, s->nmarks, 1, &s->marks_cap, sizeof *s->marks);
    size_t at = s->nmarks++;
    for (; at > 0 && w < s->marks[(at - 1) / 2]; at = (at - 1) / 2)
        s->marks[at] = s->marks[(at - 1) / 2];
    s->marks[at] = w;
}

static void take_first(struct task_stream *s)
{
    evtime last = s->marks[--s->nmarks];
    size_t at = 0;
    for (size_t below; (below = 2 * at + 1) < s->nmarks; at = below) {
        below += below + 1 < s->nmarks && s->marks[below + 1] < s->marks[below];
        if (last <= s->marks[below])
            break;
        s->marks[at] = s->marks[below];
    }
    s->marks[at] = last;
}

/* --- steps --- */

static void step_stage(struct task *t, unsigned stage, bool marked);

static void step_key(struct task *t, struct task_key *k, bool marked)
{
    const struct task_stream *s = task_stream_of(t, k->stream);
    if ((marked && !s->marked) || k->hold == EVTIME_MIN) /* its state is being loaded */
        return;
    evtime w = s->least < k->hold ? s->least : k->hold;
    evtime step = k->def->stage == 0 ? s->least : task_root_w(t, k->def->stream);
    k->keyed.clock = t->clock;
    k->watch = t->watch;
    taskstep_key(k, w, w < EVTIME_MAX ? w : s->furthest, step);
}

/* Operators of a stage, and then of those after it. marked: only of marked streams. */
static void run_stage(struct task *t, unsigned stage, bool marked)
{
    bool again = false;
    if (t->holds)
        (void)tasklane_meet(t, stage);
    do {
        for (unsigned i = 0; i < t->nkeys; i++)
            if (t->keys[i]->def->stage == stage)
                step_key(t, t->keys[i], marked);
        taskjoin_step(t, stage);
        again = t->holds && tasklane_meet(t, stage);
    } while (again);
    if (stage == t->job->stages)
        return;
    taskstage_pass(t);
    taskstage_watermarks(t, stage + 1);
    step_stage(t, stage + 1, marked);
}

/* The next mark of a stage's streams up to which all is known; EVTIME_MAX: none. */
static evtime next_mark(const struct task *t, unsigned stage)
{
    evtime next = EVTIME_MAX;
    for (size_t i = 0; i < t->nstreams; i++) {
        const struct task_stream *s = &t->streams[i];
        if (s->stage == stage && s->nmarks > 0 && s->marks[0] <= s->reached && s->marks[0] < next)
            next = s->marks[0];
    }
    return next;
}

static void come_to(struct task *t, unsigned stage, evtime w)
{
    for (size_t i = 0; i < t->nstreams; i++) {
        struct task_stream *s = &t->streams[i];
        if (s->stage != stage || !s->marked)
            continue;
        s->least = w < s->reached ? w : s->reached;
        s->least = s->stepped > s->least ? s->stepped : s->least; /* another stream's mark */
        s->stepped = s->least;
        while (s->nmarks > 0 && s->marks[0] <= s->least)
            take_first(s);
    }
}

static void step_stage(struct task *t, unsigned stage, bool marked)
{
    bool any = false;
    for (size_t i = 0; i < t->nstreams; i++)
        if (t->streams[i].stage == stage && t->streams[i].marked) {
            t->streams[i].reached = t->streams[i].least;
            any = true;
        }
    for (evtime w; any && (w = next_mark(t, stage)) < EVTIME_MAX;) {
        come_to(t, stage, w);
        run_stage(t, stage, true);
    }
    if (any)
        come_to(t, stage, EVTIME_MAX);
    run_stage(t, stage, marked);
}

void taskmark_step(struct task *t)
{
    if (t->job != NULL)
        step_stage(t, 0, false);
    t->passed_keyed = t->emit.nkeyed; /* nobody reads what is left, and it is moved now */
    emit_step(&t->emit);
}

/* --- what comes in --- */

static bool passes(const struct jobdef_stream *s, evtime before, evtime w)
{
    for (unsigned i = 0; i < s->nslices; i++) {
        evtime past = w - (w % s->slices[i] + s->slices[i]) % s->slices[i];
        if (before < past)
            return true;
    }
    return false;
}

static void raise(struct task *t, const struct jobdef_stream *s, const struct batch *b,
                  const struct watermark_rise *rises, unsigned n)
{
    for (unsigned i = s->marks || n == 0 ? 0 : n - 1; i < n; i++)
        task_raise(t, b->schema->id, b->partition, rises[i].w);
}

static void spread(struct task *t, const struct jobdef_stream *s, struct batch *b)
{
    task_spread(t, s, b);
    if (t->job->nderived > 0)
        taskstage_pass(t);
}

void taskmark_rows(struct task *t, const struct jobdef_stream *s, struct batch *b,
                   const struct watermark_rise *rises, unsigned n)
{
    unsigned from = 0, done = 0;
    evtime before = n > 0 && s->nslices > 0 ? task_stream_of(t, b->schema->id)->w[b->partition] : 0;
    for (unsigned i = 0; i < n && s->nslices > 0; i++) {
        if (!passes(s, before, rises[i].w))
            continue;
        struct batch *part = gather_part(b, from, rises[i].row + 1);
        spread(t, s, part);
        batch_unref(part);
        raise(t, s, b, rises + done, i + 1 - done);
        for (unsigned to = 0; to < t->o.workers; to++) /* within a frame rows may go ahead */
            frame_writer_flush(&t->writers[to]);
        taskmark_step(t);
        before = rises[i].w;
        from = rises[i].row + 1;
        done = i + 1;
    }
    if (from > 0 && from < b->n) {
        b = gather_part(b, from, b->n);
        spread(t, s, b);
        raise(t, s, b, rises + done, n - done);
        batch_unref(b);
    } else if (from == 0) {
        spread(t, s, b);
        raise(t, s, b, rises, n);
    }
}

void taskmark_raised(struct task *t, uint32_t stream, evtime before)
{
    int i = t->job == NULL ? -1 : job_stream_of(t->job, stream);
    const struct task_stream *s = task_stream_of(t, stream);
    if (i >= 0 && s != NULL && passes(&t->job->streams[i], before, s->least))
        taskmark_step(t);
}
