/* SPDX-License-Identifier: Apache-2.0
 *
 * The least watermark of a stream is kept by partition, for every declared one, by every worker: workers tell each other
 * what they read, in the same frames as rows, so that when a partition's watermark arrives its rows are there. */
#include "cep/task/task.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/task/taskdef.h"
#include <string.h>

enum { AT_ONCE_KEYS = 20000 }; /* some 10 ms */

/* --- life --- */

struct task *task_new(const struct task_options *o)
{
    struct task *t = mem_new(sizeof *t);
    BUG_IF(o->workers == 0 || o->workers > TASK_WORKERS_MAX || o->worker >= o->workers ||
               o->key_groups < o->workers || (o->key_groups & (o->key_groups - 1)) != 0,
           "worker %u of %u with %u key groups", o->worker, o->workers, o->key_groups);
    t->o = *o;
    t->owner = mem_array(o->key_groups, 1);
    for (unsigned g = 0; g < o->key_groups; g++)
        t->owner[g] = (uint8_t)((uint64_t)g * o->workers / o->key_groups);
    t->clock = EVTIME_MIN;
    t->at_once_keys = AT_ONCE_KEYS;
    emit_init(&t->emit);
    t->presum = taskpresum_new();
    t->writers = mem_array(o->workers, sizeof *t->writers);
    t->readers = mem_array(o->workers, sizeof *t->readers);
    for (unsigned i = 0; i < o->workers; i++) {
        frame_writer_init(&t->writers[i]);
        frame_reader_init(&t->readers[i]);
    }
    return t;
}

void task_free(struct task *t)
{
    if (t == NULL)
        return;
    tasklane_fini(t);
    tasksnap_fini(t);
    tasklookup_fini(t);
    taskout_fini(t);
    taskjob_fini(t);
    for (unsigned i = 0; i < t->o.workers; i++) {
        frame_writer_fini(&t->writers[i]);
        frame_reader_fini(&t->readers[i]);
    }
    for (size_t i = 0; i < t->nstreams; i++) {
        mem_free(t->streams[i].w);
        mem_free(t->streams[i].marks);
    }
    gather_fini(&t->gather);
    taskpresum_free(t->presum);
    emit_fini(&t->emit);
    bytes_fini(&t->scratch);
    mem_free(t->streams);
    mem_free(t->sources);
    mem_free(t->writers);
    mem_free(t->readers);
    mem_free(t->frames);
    mem_free(t->births);
    mem_free(t->counts);
    mem_free(t->owner);
    mem_free(t);
}

void task_watch(struct task *t, const struct task_watch *w)
{
    t->watch = w;
}

void task_set_job(struct task *t, struct job *j)
{
    tasksnap_finish(t); /* it is of the rules as they were */
    task_count_results(t);
    t->passed_early = t->emit.nearly; /* they know their rules by numbers of the old job */
    t->passed_keyed = t->emit.nkeyed;
    taskjob_swap(t, job_ref(j));
}

/* --- time --- */

struct task_stream *task_stream_of(struct task *t, uint32_t stream)
{
    for (size_t i = 0; i < t->nstreams; i++)
        if (t->streams[i].id == stream)
            return &t->streams[i];
    return NULL;
}

evtime task_root_w(struct task *t, unsigned stream)
{
    const struct schema *s = t->job->schemas[stream];
    const struct task_stream *root = NULL;
    while (s->derived != DERIVED_NOT)
        s = s->from;
    root = task_stream_of(t, s->id);
    return root != NULL ? root->least : task_stream_of(t, t->job->schemas[stream]->id)->least;
}

/* A partition's watermark, as this worker's keyed side knows it. */
static void note_watermark(struct task *t, uint32_t stream, uint32_t partition, evtime w)
{
    struct task_stream *s = task_stream_of(t, stream);
    if (s == NULL || partition >= s->npartitions || w <= s->w[partition])
        return;
    evtime was = s->w[partition];
    s->w[partition] = w;
    if (w < EVTIME_MAX && s->marked)
        taskmark_add(s, w);
    if (w < EVTIME_MAX && w > s->furthest)
        s->furthest = w;
    if (was > s->least)
        return;
    evtime least = EVTIME_MAX;
    for (unsigned i = 0; i < s->npartitions; i++)
        least = s->w[i] < least ? s->w[i] : least;
    s->least = least;
}

/* ... and tells all others. */
void task_raise(struct task *t, uint32_t stream, uint32_t partition, evtime w)
{
    const struct task_stream *s = task_stream_of(t, stream);
    note_watermark(t, stream, partition, w);
    for (unsigned i = 0; i < t->o.workers; i++)
        if (i != t->o.worker)
            frame_writer_watermark(&t->writers[i], s == NULL ? 0 : s->stage, stream, partition, w);
}

/* --- source side --- */

static struct task_source *source_of(const struct task *t, uint32_t stream, uint32_t partition)
{
    for (size_t i = 0; i < t->nsources; i++)
        if (t->sources[i].stream == stream && t->sources[i].partition == partition)
            return &t->sources[i];
    return NULL;
}

void task_source_open(struct task *t, uint32_t stream, uint32_t partition, evtime w)
{
    struct task_source *s = source_of(t, stream, partition);
    if (s == NULL) {
        t->sources = mem_grow(t->sources, t->nsources, 1, &t->sources_cap, sizeof *t->sources);
        s = &t->sources[t->nsources++];
        *s = (struct task_source){stream, partition, {EVTIME_MIN, 0}};
    }
    int si = t->job == NULL ? -1 : job_stream_of(t->job, stream);
    evtime saved = si < 0 ? EVTIME_MIN : taskload_source_w(t, t->job->schemas[si]->name, partition);
    w = saved > w ? saved : w;
    if (w <= s->w.w)
        return;
    s->w.w = w;
    task_raise(t, stream, partition, w);
}

static size_t rows_waiting(const struct task *t)
{
    size_t waiting = taskjoin_waiting(t);
    for (unsigned i = 0; i < t->nkeys; i++)
        waiting += order_waiting(&t->keys[i]->order);
    for (size_t i = 0; i < t->nstreams; i++) /* a mark is less than a row, but not nothing */
        waiting += t->streams[i].nmarks;
    return waiting;
}

static size_t bytes_waiting(size_t rows)
{
    return batch_live_bytes() + rows * sizeof(struct order_entry);
}

size_t task_ordering_bytes(const struct task *t)
{
    return bytes_waiting(rows_waiting(t));
}

bool task_ordering_full(const struct task *t)
{
    size_t rows = rows_waiting(t);
    return rows >= t->o.max_ordering_rows || (rows > 0 && t->o.max_ordering_bytes > 0 &&
                                              bytes_waiting(rows) >= t->o.max_ordering_bytes);
}

/* The partition that the others wait for must go on, or nothing ever leaves. */
static bool is_ahead(const struct task *t, const struct task_source *src)
{
    struct task *all = (struct task *)(uintptr_t)t;
    const struct task_stream *s = task_stream_of(all, src->stream);
    if (s == NULL)
        return false;
    evtime least = taskjoin_least(all, s), held = t->holds ? tasklane_least(t, s->id) : EVTIME_MAX;
    return src->w.w > (held < least ? held : least);
}

bool task_source_waits(const struct task *t, uint32_t stream, uint32_t partition)
{
    const struct task_source *s = source_of(t, stream, partition);
    return s != NULL && is_ahead(t, s);
}

void task_spread(struct task *t, const struct jobdef_stream *s, struct batch *b)
{
    predindex_eval(s->conditions, b);
    scatter_filters(t, s, b);
    if (b->has_late)
        scatter_late(t, s, b);
    if (s->nlookups > 0)
        tasklookup_rows(t, s, b);
    if (s->nkeys + s->ninputs > 0)
        scatter_rows(t, s, b, true);
}

enum err task_source_rows(struct task *t, struct batch *b)
{
    struct task_source *src = source_of(t, b->schema->id, b->partition);
    BUG_IF(src == NULL, "rows of a partition that is not open: stream %u partition %u",
           b->schema->id, b->partition);
    if (is_ahead(t, src) && task_ordering_full(t))
        return ERR_AGAIN;
    int si = t->job == NULL ? -1 : job_stream_of(t->job, b->schema->id);
    const struct jobdef_stream *s =
        si < 0 || !t->job->streams[si].read ? NULL : &t->job->streams[si];
    struct watermark_rise rises[BATCH_ROWS];
    uint64_t late = src->w.late_rows, punctuated[BATCH_WORDS];
    if (s != NULL && s->ncomputed > 0)
        job_fill_computed(s, b);
    bool has_punctuated = s != NULL && s->punctuated != NULL;
    if (has_punctuated)
        exprvm_filter(s->punctuated, b, NULL, punctuated);
    unsigned n = watermark_rises(&src->w, b, has_punctuated ? punctuated : NULL, rises);
    t->stats.rows_in += b->n;
    t->stats.rows_late += src->w.late_rows - late;
    if (s != NULL && b->n > 0)
        taskmark_rows(t, s, b, rises, n);
    else if (n > 0)
        task_raise(t, src->stream, src->partition, src->w.w);
    return ERR_OK;
}

void task_source_watermark(struct task *t, uint32_t stream, uint32_t partition, evtime w)
{
    struct task_source *s = source_of(t, stream, partition);
    BUG_IF(s == NULL, "watermark of a partition that is not open: stream %u partition %u", stream,
           partition);
    if (w <= s->w.w)
        return;
    s->w.w = w;
    task_raise(t, stream, partition, w);
}

evtime task_source_w(const struct task *t, uint32_t stream, uint32_t partition)
{
    const struct task_source *s = source_of(t, stream, partition);
    return s == NULL ? EVTIME_MIN : s->w.w;
}

void task_clock(struct task *t, evtime now)
{
    t->clock = now > t->clock ? now : t->clock;
}

evtime task_clock_next(const struct task *t)
{
    evtime next = EVTIME_MAX;
    for (unsigned i = 0; i < t->nkeys; i++)
        for (unsigned s = 0; s < t->keys[i]->nops; s++) {
            const struct window *w = t->keys[i]->ops[s].window;
            if (w != NULL && window_clock_next(w) < next)
                next = window_clock_next(w);
        }
    return next;
}

/* --- frames --- */

static void take_rows(struct task *t, struct batch *b)
{
    int si = t->job == NULL ? -1 : job_stream_of(t->job, b->schema->id);
    const struct jobdef_stream *s = si < 0 ? NULL : &t->job->streams[si];
    if (s != NULL && s->read && s->nkeys + s->ninputs > 0) {
        (void)taskdef_watch(t->watch, b, 0, b->n - 1);
        predindex_eval(s->conditions, b);
        scatter_rows(t, s, b, false);
        (void)taskdef_watch(t->watch, NULL, 0, 0);
    }
}

enum err task_frame(struct task *t, unsigned from, const void *p, size_t n)
{
    BUG_IF(from >= t->o.workers, "a frame of worker %u of %u", from, t->o.workers);
    const struct job *j = t->job;
    struct frame_reader *r = &t->readers[from];
    enum err e = frame_read(r, p, n, j == NULL ? NULL : j->schemas, j == NULL ? 0 : j->nstreams,
                            j == NULL ? NULL : j->dict);
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < r->nitems; i++)
        if (r->items[i].part_n > 0 &&
            !taskpresum_is_part(t, r->parts.p + r->items[i].part, r->items[i].part_n))
            e = ERR_CORRUPT;
    if (e != ERR_OK) {
        for (size_t i = 0; i < r->nitems; i++)
            batch_unref(r->items[i].b);
        return e;
    }
    t->stats.frames_in++;
    for (size_t i = 0; i < r->nitems; i++) {
        struct frame_item *it = &r->items[i];
        if (it->part_n > 0) {
            taskpresum_take(t, r->parts.p + it->part, it->part_n);
        } else if (it->b != NULL) {
            take_rows(t, it->b);
            batch_unref(it->b);
        } else {
            const struct task_stream *s = task_stream_of(t, it->stream);
            evtime before = s != NULL ? s->least : EVTIME_MIN;
            note_watermark(t, it->stream, it->partition, it->w);
            taskmark_raised(t, it->stream, before);
        }
    }
    return ERR_OK;
}

/* --- steps and effects --- */

void task_step(struct task *t)
{
    taskmark_step(t);
}

void task_count_results(struct task *t)
{
    for (; t->counted_early < t->emit.nearly; t->counted_early++)
        t->counts[t->emit.early[t->counted_early].rule_index].results++;
    for (; t->counted_keyed < t->emit.nkeyed; t->counted_keyed++)
        t->counts[t->emit.keyed[t->counted_keyed].rule_index].results++;
}

static const struct task_effects *collect(struct task *t, bool all)
{
    task_count_results(t);
    t->nframes = 0;
    for (unsigned i = 0; i < t->o.workers; i++) {
        struct frame_writer *w = &t->writers[i];
        if (all)
            frame_writer_flush(w);
        t->frames = mem_grow(t->frames, t->nframes, w->ndone, &t->frames_cap, sizeof *t->frames);
        for (size_t f = 0; f < w->ndone; f++)
            t->frames[t->nframes++] = (struct task_frame){i, w->done[f].p, (uint32_t)w->done[f].n};
    }
    t->effects.results = emit_all(&t->emit, &t->effects.nresults);
    t->effects.frames = t->frames;
    t->effects.nframes = (unsigned)t->nframes;
    t->effects.asks = t->asks;
    t->effects.nasks = (unsigned)t->nasks;
    return &t->effects;
}

const struct task_effects *task_effects(struct task *t)
{
    return collect(t, true);
}

const struct task_effects *task_effects_full(struct task *t)
{
    return collect(t, false);
}

void task_effects_clear(struct task *t)
{
    task_count_results(t);
    for (unsigned i = 0; i < t->o.workers; i++) {
        t->stats.frames_out += t->writers[i].ndone;
        frame_writer_clear(&t->writers[i]);
    }
    emit_clear(&t->emit);
    t->counted_early = t->counted_keyed = t->passed_early = t->passed_keyed = 0;
    t->nframes = t->nasks = 0;
    t->effects = (struct task_effects){0};
}

/* --- counters --- */

static size_t op_bytes(const struct task_op *op)
{
    if (op->match != NULL)
        return match_bytes(op->match);
    return op->over != NULL ? over_bytes(op->over) : window_bytes(op->window);
}

static evtime due_of(const struct task_key *k)
{
    evtime due = order_least(&k->order);
    due = due < EVTIME_MAX ? due + 1 : due;
    for (unsigned i = 0; i < k->nops; i++) {
        const struct task_op *op = &k->ops[i];
        evtime next = op->match != NULL    ? match_next(op->match)
                      : op->window != NULL ? window_next(op->window)
                                           : EVTIME_MAX;
        due = next < due ? next : due;
    }
    if (k->out.on && k->out.next_due < due)
        due = k->out.next_due;
    if (k->snap.now >= k->hold) /* what waits behind it waits for another stream */
        due = EVTIME_MAX;
    else if (k->hold < due)
        due = k->hold;
    return due;
}

static bool goes_by_clock(const struct job *j)
{
    for (unsigned i = 0; j != NULL && i < j->nstreams; i++)
        if (j->streams[i].read && (j->streams[i].schema->idle_timeout_ms > 0 ||
                                   j->streams[i].schema->time == TIME_PROCESSING))
            return true;
    return false;
}

/* Asked for only where the clock may move a stream: what waits is looked for. All keys count, since a rule that reads
 * another rule waits for the time of that one's stream. */
static evtime task_due(const struct task *t)
{
    evtime due = EVTIME_MAX;
    for (unsigned i = 0; i < t->nkeys && goes_by_clock(t->job); i++) {
        evtime of_key = due_of(t->keys[i]);
        due = of_key < due ? of_key : due;
    }
    evtime of_joins = taskjoin_due(t);
    due = of_joins < due ? of_joins : due;
    return due;
}

void task_stats(const struct task *t, struct task_stats *out)
{
    *out = t->stats;
    out->results = t->emit.made;
    out->due = task_due(t);
    out->watermark = EVTIME_MAX;
    bool any = false;
    for (unsigned i = 0; i < t->nkeys; i++) {
        const struct task_key *k = t->keys[i];
        out->rows_waiting += order_waiting(&k->order);
        out->rows_released += k->keyed.seq;
        out->keys += k->keyed.table.count - k->keyed.track.ngone;
        out->partials += k->keyed.partials;
        out->windows_open += k->keyed.windows;
        out->partials_dropped += k->keyed.partials_dropped;
        out->expired += k->keyed.expired;
        out->timeouts += k->keyed.timeouts;
        out->state_bytes += keyed_bytes(&k->keyed);
        for (unsigned s = 0; s < k->nops; s++)
            out->state_bytes += op_bytes(&k->ops[s]);
    }
    taskjoin_stats(t, out);
    if (t->out.on) {
        struct taskout_counts c;
        taskout_counts(t, &c);
        out->keys_out = c.keys_out;
        out->keys_left = c.left;
        out->keys_asked = c.asked;
        out->keys_loaded = c.loaded;
    }
    for (size_t i = 0; i < t->nstreams; i++) {
        int si = t->job == NULL ? -1 : job_stream_of(t->job, t->streams[i].id);
        if (si < 0 || !t->job->streams[si].read || t->streams[i].stage > 0 ||
            t->job->schemas[si]->copy_of != NULL) /* a fork comes after */
            continue;
        any = true;
        out->watermark =
            t->streams[i].least < out->watermark ? t->streams[i].least : out->watermark;
    }
    if (!any)
        out->watermark = EVTIME_MIN;
}

static const struct job_cut *beginning(const struct jobdef_rule *r)
{
    const struct job_cut *first = r->cut.n > 0 ? &r->cut.cuts[0] : NULL;
    return first != NULL && first->handover != JOB_HANDOVER_NONE ? first : NULL;
}

/* Of a filter, which begins at a place: all that came before it has gone by. */
static bool has_begun_at_place(const struct task *t, const struct jobdef_rule *r)
{
    const struct job_cut *first = beginning(r);
    bool all = first != NULL;
    for (unsigned i = 0; all && i < first->nmarks; i++) {
        const struct job_mark *m = &first->marks[i];
        const struct task_stream *s = task_stream_of((struct task *)(uintptr_t)t, m->stream);
        all = s != NULL && m->partition < s->npartitions && s->w[m->partition] > m->w;
    }
    return all;
}

/* Does it take over from another? Else it begins without state when its time has come. */
static bool is_given(const struct jobdef_key *k, unsigned slot)
{
    bool given = false;
    for (unsigned i = 0; i < k->nhandovers; i++)
        given |= k->handovers[i].to == slot;
    return given;
}

void task_rule_stats(const struct task *t, unsigned rule_index, struct task_rule_stats *out)
{
    const struct jobdef_rule *r = &t->job->rules[rule_index];
    *out = (struct task_rule_stats){.results = t->counts[rule_index].results};
    const struct job_cut *first = beginning(r);
    if (r->pub.plan->shape == RULE_FILTER) {
        out->took = has_begun_at_place(t, r);
        return;
    }
    if (r->join != NULL) {
        struct join_stats s = join_stats(t->joins[r->slot]->op);
        out->took = first != NULL && t->joins[r->slot]->snap.now >= first->w;
        out->kept = t->joins[r->slot]->took_over;
        out->rows = s.rows;
        out->rows_kept = s.kept;
        out->dropped = s.dropped;
        return;
    }
    const struct task_op *op = &t->keys[r->keydef]->ops[r->slot];
    out->rows = op->rows;
    out->took = op->took || (first != NULL && !is_given(t->keys[r->keydef]->def, r->slot) &&
                             t->keys[r->keydef]->snap.now >= first->w);
    out->kept = op->took_over;
    if (op->match != NULL) {
        out->partials = match_partials(op->match);
        out->keys = match_cells(op->match);
        out->dropped = match_dropped(op->match);
    } else if (op->over != NULL) {
        out->dropped = over_dropped(op->over);
        out->keys = over_keys(op->over);
    } else if (op->window != NULL) {
        out->windows_open = window_open(op->window);
        out->keys = window_cells(op->window);
    }
}

evtime task_stream_watermark(const struct task *t, uint32_t stream)
{
    const struct task_stream *s = task_stream_of((struct task *)(uintptr_t)t, stream);
    return s == NULL ? EVTIME_MIN : s->least;
}
