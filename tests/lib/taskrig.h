/* SPDX-License-Identifier: Apache-2.0 */
/* taskrig.h - one or several tasks in one process, fed with rows of the stream `pay` in any interleaving; their results as
 * sorted lines. */
#ifndef WEIR_TESTS_LIB_TASKRIG_H
#define WEIR_TESTS_LIB_TASKRIG_H
#include "base/mem.h"
#include "cep/task/task.h"
#include "tests/lib/planbuild.h"
#include <stdlib.h>

struct pay {
    uint32_t partition;
    uint64_t offset;
    int64_t id;
    evtime ts;
    const char *card, *account; /* NULL: NULL */
    int64_t amount; /* cents */
    const char *status;
};

enum { RIG_WORKERS = 3, RIG_LINES = 100000 };

struct rig_queue { /* frames from one worker to another */
    struct bytes *frames;
    size_t first, n, cap;
};

struct rig {
    unsigned workers;
    const struct schema *schema, *fork; /* fork: of it, or NULL */
    uint64_t hidden; /* the rule of this uid is not in the lines */
    evtime from, to; /* only what was decided in between is, but no LATE; 0, 0: all */
    struct job *job;
    struct task *tasks[RIG_WORKERS];
    struct rig_queue queues[RIG_WORKERS][RIG_WORKERS]; /* from, to */
    char **lines;
    size_t n;
    uint64_t random;
};

static inline unsigned rig_random(struct rig *r, unsigned below)
{
    r->random = r->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(r->random >> 33) % below;
}

static inline void rig_job(struct rig *r, const struct job_rule *rules, unsigned nrules)
{
    const struct schema *streams[] = {r->schema, r->fork};
    struct job *j = job_new(streams, r->fork != NULL ? 2 : 1, rules, nrules);
    for (unsigned i = 0; i < r->workers; i++)
        task_set_job(r->tasks[i], j);
    job_unref(r->job);
    r->job = j;
}

static inline void rig_start(struct rig *r, unsigned workers, const struct schema *s,
                             const struct job_rule *rules, unsigned nrules)
{
    *r = (struct rig){.workers = workers, .schema = s, .random = 1};
    r->lines = mem_array(RIG_LINES, sizeof(char *));
    for (unsigned i = 0; i < workers; i++)
        r->tasks[i] = task_new(&(struct task_options){.worker = i,
                                                      .workers = workers,
                                                      .key_groups = 16,
                                                      .max_ordering_rows = SIZE_MAX / 2,
                                                      .max_partials_per_key = SIZE_MAX / 2});
    rig_job(r, rules, nrules);
    for (unsigned p = 0; p < s->partitions; p++)
        task_source_open(r->tasks[p % workers], s->id, p, EVTIME_MIN);
}

static inline void rig_stop(struct rig *r)
{
    for (unsigned i = 0; i < r->workers; i++)
        task_free(r->tasks[i]);
    job_unref(r->job);
    for (unsigned i = 0; i < RIG_WORKERS; i++)
        for (unsigned k = 0; k < RIG_WORKERS; k++) {
            struct rig_queue *q = &r->queues[i][k];
            for (size_t f = 0; f < q->n; f++)
                bytes_fini(&q->frames[f]);
            mem_free(q->frames);
        }
    for (size_t i = 0; i < r->n; i++)
        mem_free(r->lines[i]);
    mem_free(r->lines);
}

static inline void rig_line(struct rig *r, const struct result *x)
{
    struct bytes out = {0};
    char id[RESULT_ID_TEXT];
    evtime decided = x->late_w != EVTIME_MIN ? x->late_w : x->time;
    if ((r->hidden != 0 && x->rule_uid == r->hidden) ||
        (r->from != r->to && (x->kind == RESULT_LATE || decided < r->from || decided >= r->to)))
        return;
    result_id_text(x->id, id);
    bytes_printf(&out, "%s %s t=%lld", x->rule->name, result_kind_name(x->kind),
                 (long long)x->time);
    if (x->window_start != EVTIME_MIN)
        bytes_printf(&out, " [%lld,%lld)", (long long)x->window_start, (long long)x->window_end);
    for (unsigned i = 0; i < x->nrows; i++)
        bytes_printf(&out, " %d:%u/%llu", x->rows[i].var, x->rows[i].place.partition,
                     (unsigned long long)x->rows[i].place.offset);
    for (unsigned i = 0; i < x->nvalues; i++) {
        bytes_printf(&out, i == 0 ? " = " : ", ");
        value_json(&x->values[i], &out);
    }
    bytes_printf(&out, " %s", id);
    assert_true(r->n < RIG_LINES);
    r->lines[r->n++] = mem_dup(out.p, out.n);
    bytes_fini(&out);
}

/* Results to lines, frames to their queues. */
static inline void rig_collect(struct rig *r, unsigned worker)
{
    const struct task_effects *fx = task_effects(r->tasks[worker]);
    for (unsigned i = 0; i < fx->nresults; i++)
        rig_line(r, &fx->results[i]);
    for (unsigned i = 0; i < fx->nframes; i++) {
        struct rig_queue *q = &r->queues[worker][fx->frames[i].to];
        assert_true(fx->frames[i].n <= TASK_FRAME_MAX);
        q->frames = mem_grow(q->frames, q->n, 1, &q->cap, sizeof *q->frames);
        q->frames[q->n] = (struct bytes){0};
        bytes_put(&q->frames[q->n++], fx->frames[i].p, fx->frames[i].n);
    }
    task_effects_clear(r->tasks[worker]);
}

/* One frame of one pair, if there is one. */
static inline bool rig_deliver(struct rig *r, unsigned from, unsigned to)
{
    struct rig_queue *q = &r->queues[from][to];
    if (q->first == q->n)
        return false;
    struct bytes *f = &q->frames[q->first++];
    assert_ok(task_frame(r->tasks[to], from, f->p, f->n));
    return true;
}

static inline void rig_settle(struct rig *r)
{
    for (bool more = true; more;) {
        more = false;
        for (unsigned i = 0; i < r->workers; i++)
            rig_collect(r, i);
        for (unsigned i = 0; i < r->workers; i++)
            for (unsigned k = 0; k < r->workers; k++)
                while (rig_deliver(r, i, k))
                    more = true;
        for (unsigned i = 0; i < r->workers; i++)
            task_step(r->tasks[i]);
    }
    for (unsigned i = 0; i < r->workers; i++)
        rig_collect(r, i);
}

static inline void rig_cell(struct batch *b, unsigned c, const char *s)
{
    unsigned i = b->n;
    uint32_t n = s == NULL ? 0 : (uint32_t)strlen(s);
    b->columns[c].s[i] = (struct str){arena_dup(b->arena, s, n), n, 0};
    if (s == NULL) {
        b->columns[c].nulls[i / 64] |= UINT64_C(1) << (i % 64);
        b->columns[c].has_nulls = true;
    }
}

static inline void rig_add(struct batch *b, const struct pay *p)
{
    unsigned i = b->n;
    b->ts[i] = b->columns[PAY_TS].i[i] = p->ts;
    b->offset[i] = p->offset;
    b->columns[PAY_ID].i[i] = p->id;
    b->columns[PAY_AMOUNT].i[i] = p->amount;
    rig_cell(b, PAY_CARD, p->card);
    rig_cell(b, PAY_ACCOUNT, p->account);
    rig_cell(b, PAY_STATUS, p->status);
    b->n++;
}

/* Rows of one partition as a batch to the worker that reads it. */
static inline enum err rig_feed_of(struct rig *r, const struct schema *s, const struct pay *rows,
                                   unsigned n)
{
    struct colset all = {{(1u << PAY_COLUMNS) - 1}};
    struct batch *b = batch_new(s, &all);
    b->partition = rows[0].partition;
    for (unsigned i = 0; i < n; i++)
        rig_add(b, &rows[i]);
    enum err e = task_source_rows(r->tasks[b->partition % r->workers], b);
    batch_unref(b);
    return e;
}

static inline enum err rig_feed(struct rig *r, const struct pay *rows, unsigned n)
{
    return rig_feed_of(r, r->schema, rows, n);
}

static inline void rig_end(struct rig *r)
{
    for (unsigned p = 0; p < r->schema->partitions; p++)
        task_source_watermark(r->tasks[p % r->workers], r->schema->id, p, EVTIME_MAX);
    rig_settle(r);
}

static inline int rig_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All lines, sorted, as one text; the caller's. */
static inline char *rig_text(struct rig *r)
{
    struct bytes out = {0};
    qsort(r->lines, r->n, sizeof *r->lines, rig_order);
    for (size_t i = 0; i < r->n; i++)
        bytes_printf(&out, "%s\n", r->lines[i]);
    char *text = mem_dup(out.p, out.n);
    bytes_fini(&out);
    return text;
}

/* Lines of one rule and kind. */
static inline size_t rig_count(const struct rig *r, const char *begin)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        n += strncmp(r->lines[i], begin, strlen(begin)) == 0;
    return n;
}

#endif
