/* SPDX-License-Identifier: Apache-2.0 */
#include "server/eval/evalrun.h"
#include "base/bug.h"
#include "base/mem.h"
#include "io/result_json.h"
#include "server/eval/evalbad.h"
#include "server/eval/evalout.h"
#include "server/eval/evalplaces.h"
#include "server/eval/evalsnap.h"
#include "server/worker/lookups.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OUT_BYTES = 256 << 10,
    KEY_GROUPS = 128,
    KINDS = RESULT_ERROR + 1,
    LOOKUP_WAIT_MS = 20,
    HAND_OVER_KEYS = 3,
    AT_ONCE_KEYS = 1
};
/* Nothing is on its way that could be held back: what waits for the watermark is bounded by the input itself. */
#define ROWS_MAX (SIZE_MAX / 2)
#define PARTIALS_MAX (SIZE_MAX / 2)

struct failure { /* of a look-up */
    struct place at;
    char *reason;
};

struct evalrun {
    unsigned workers;
    struct task *tasks[TASK_WORKERS_MAX];
    unsigned delivered[TASK_WORKERS_MAX]
                      [TASK_WORKERS_MAX]; /* frames that have been passed on: from, to */
    bool moved[TASK_WORKERS_MAX]; /* was given something since its last step */
    struct job *job;
    int fd;
    struct bytes out;
    int failed; /* errno of a write, 0: none */
    evalrun_late_row *late_row;
    void *ctx;
    evalrun_told *told; /* NULL: lines to fd */
    void *told_ctx;
    unsigned key_groups;
    size_t max_partials, max_rows; /* of a key; rows 0: no limit */
    struct lookups *lookups[TASK_WORKERS_MAX]; /* by task; NULL: there was none yet */
    unsigned asked[TASK_WORKERS_MAX]; /* asks that they have */
    struct evalplaces *places; /* NULL: no rule reads another */
    uint64_t nfailed; /* look-ups */
    struct failure *failures; /* not told yet */
    size_t nfailures, failures_cap;
    bool looked_up; /* since results were told last: they are of several steps */
    uint64_t *counts; /* rules x KINDS */
    const struct result **order; /* of several tasks' results */
    size_t cap_order;
    struct evalsnap *snap; /* NULL: no snapshots, no keys out of memory */
    struct evalout *outside; /* NULL: none of these */
    bool lost; /* a store could not be opened */
    struct diag *why;
    uint64_t every, rows; /* a snapshot before the row that makes it so many since the last */
    unsigned then; /* how many tasks go on from a snapshot; 0: as many */
    struct evalrun_partition {
        uint32_t stream, partition;
    } * open;
    size_t nopen, open_cap;
};

static void lookup_failed(void *ctx, const struct place *at, const char *reason)
{
    struct evalrun *r = ctx;
    r->failures = mem_grow(r->failures, r->nfailures, 1, &r->failures_cap, sizeof *r->failures);
    r->failures[r->nfailures++] = (struct failure){*at, mem_str(reason)};
}

static int failure_order(const void *a, const void *b)
{
    const struct failure *x = a, *y = b;
    if (x->at.stream != y->at.stream)
        return x->at.stream < y->at.stream ? -1 : 1;
    if (x->at.partition != y->at.partition)
        return x->at.partition < y->at.partition ? -1 : 1;
    if (x->at.offset != y->at.offset)
        return x->at.offset < y->at.offset ? -1 : 1;
    return strcmp(x->reason, y->reason);
}

/* Rows that could not be looked up are told of as rows that could not be read; in their order, not that of the answers. */
static void tell_failures(struct evalrun *r)
{
    if (r->nfailures > 1)
        qsort(r->failures, r->nfailures, sizeof *r->failures, failure_order);
    for (size_t i = 0; i < r->nfailures; i++) {
        const struct failure *f = &r->failures[i];
        const struct bytes *row = r->late_row(r->ctx, &f->at);
        const struct schema *s = job_schema(r->job, f->at.stream);
        bool has = row != NULL && row->n > 0;
        evalbad_line(s != NULL ? s->name : NULL, f->at.offset, has ? (const char *)row->p : "",
                     has ? row->n : 0, "lookup", f->reason, &r->out);
        mem_free(f->reason);
    }
    r->nfailed += r->nfailures;
    r->nfailures = 0;
}

static void make_tasks(struct evalrun *r, unsigned workers)
{
    r->workers = workers;
    for (unsigned i = 0; i < workers; i++) {
        r->tasks[i] = task_new(&(struct task_options){.worker = i,
                                                      .workers = workers,
                                                      .key_groups = r->key_groups,
                                                      .max_ordering_rows = ROWS_MAX,
                                                      .max_partials_per_key = r->max_partials,
                                                      .max_rows_per_key = r->max_rows});
        taskupgrade_slowly(r->tasks[i], AT_ONCE_KEYS);
        if (r->snap != NULL)
            tasksnap_track(r->tasks[i]);
        if (r->outside != NULL && !r->lost)
            r->lost = evalout_attach(r->outside, r->tasks[i], i, workers, r->why) != ERR_OK;
        task_set_job(r->tasks[i], r->job);
        if (r->lookups[i] == NULL)
            r->lookups[i] = lookups_new(true, lookup_failed, r);
    }
}

struct evalrun *evalrun_new(struct job *job, unsigned workers, int fd, evalrun_late_row *late_row,
                            void *ctx)
{
    struct evalrun *r = mem_new(sizeof *r);
    r->job = job_ref(job);
    r->fd = fd;
    r->late_row = late_row;
    r->ctx = ctx;
    r->max_partials = PARTIALS_MAX;
    r->key_groups = KEY_GROUPS;
    r->places = evalplaces_new(job);
    r->counts = mem_array((size_t)job_nrules(job) * KINDS + 1, sizeof *r->counts);
    make_tasks(r, workers);
    return r;
}

void evalrun_free(struct evalrun *r)
{
    if (!r)
        return;
    for (unsigned i = 0; i < r->workers; i++)
        task_free(r->tasks[i]);
    for (unsigned i = 0; i < TASK_WORKERS_MAX; i++)
        lookups_free(r->lookups[i]);
    evalplaces_free(r->places);
    evalout_free(r->outside);
    evalsnap_free(r->snap);
    mem_free(r->open);
    job_unref(r->job);
    bytes_fini(&r->out);
    mem_free(r->counts);
    mem_free(r->order);
    mem_free(r->failures);
    mem_free(r);
}

/* --- output ------------------------------------------------------------------------------------ */

enum err evalrun_flush(struct evalrun *r)
{
    for (unsigned i = 0; i < r->workers && r->failed == 0; i++)
        if (taskout_error(r->tasks[i]) != ERR_OK)
            r->failed = EIO;
    const uint8_t *p = r->out.p;
    size_t n = r->out.n;
    while (n > 0 && !r->failed) {
        ssize_t did = write(r->fd, p, n);
        if (did < 0 && errno != EINTR)
            r->failed = errno;
        if (did > 0) {
            p += did;
            n -= (size_t)did;
        }
    }
    bytes_reset(&r->out);
    errno = r->failed;
    return r->failed ? ERR_IO : ERR_OK;
}

struct bytes *evalrun_out(struct evalrun *r)
{
    return &r->out;
}

static void tell(struct evalrun *r, const struct result *found)
{
    const struct bytes *row = NULL;
    struct result numbered;
    r->counts[(size_t)found->rule_index * KINDS + found->kind]++;
    if (r->told != NULL) {
        r->told(r->told_ctx, found);
        return;
    }
    if (found->kind == RESULT_LATE && found->nrows > 0 &&
        found->rule->input->derived == DERIVED_NOT)
        row = r->late_row(r->ctx, &found->rows[0].place);
    if (r->places) {
        numbered = *found;
        numbered.rows = evalplaces_rows(r->places, found);
        found = &numbered;
    }
    if (row)
        result_json_line_with(found, row, &r->out);
    else
        result_json_line(found, &r->out);
    if (r->out.n >= OUT_BYTES)
        (void)!evalrun_flush(r); /* the failure is kept, and told at the end */
}

/* --- all tasks ----------------------------------------------------------------------------- */

/* What does not wait for the watermark (filters, late rows) as it comes, before all others. */
static int result_order(const void *a, const void *b)
{
    const struct result *x = *(const struct result *const *)a;
    const struct result *y = *(const struct result *const *)b;
    return result_compare(x, y);
}

static void add_order(struct evalrun *r, size_t n, const struct result *found)
{
    r->order = mem_grow(r->order, n, 1, &r->cap_order, sizeof(struct result *));
    r->order[n] = found;
}

static void tell_merged(struct evalrun *r)
{
    size_t n = 0, early = 0;
    for (unsigned i = 0; i < r->workers; i++) {
        const struct task_effects *e = task_effects(r->tasks[i]);
        for (unsigned k = 0; k < e->nresults; k++)
            if (e->results[k].early)
                add_order(r, n++, &e->results[k]);
    }
    early = n;
    for (unsigned i = 0; i < r->workers; i++) {
        const struct task_effects *e = task_effects(r->tasks[i]);
        for (unsigned k = 0; k < e->nresults; k++)
            if (!e->results[k].early)
                add_order(r, n++, &e->results[k]);
    }
    if (n - early > 1 && (r->workers > 1 || r->looked_up))
        qsort(r->order + early, n - early, sizeof(struct result *), result_order);
    for (size_t i = 0; i < n && r->places; i++)
        evalplaces_note(r->places, r->order[i]);
    for (size_t i = 0; i < n; i++)
        tell(r, r->order[i]);
    r->looked_up = false;
}

/* Frames that a task has made since it was last asked go to their owners; true if there were any. */
static bool deliver_from(struct evalrun *r, unsigned i)
{
    const struct task_effects *e = task_effects(r->tasks[i]);
    unsigned seen[TASK_WORKERS_MAX] = {0};
    bool any = false;
    for (unsigned k = 0; k < e->nframes; k++) {
        const struct task_frame *f = &e->frames[k];
        if (seen[f->to]++ < r->delivered[i][f->to])
            continue;
        r->delivered[i][f->to]++;
        any = true;
        enum err bad = task_frame(r->tasks[f->to], i, f->p, f->n);
        BUG_IF(bad != ERR_OK, "task %u does not take a frame of task %u", f->to, i);
        r->moved[f->to] = true;
    }
    return any;
}

/* Rows that a task wants looked up, until nobody wants any: what comes of them may be looked up again. Waits for each, so
 * that results come in the same order whatever the databases do. True: some task has got rows. */
static bool look_up(struct evalrun *r)
{
    bool any = false;
    for (unsigned i = 0; i < r->workers; i++) {
        const struct task_effects *all = task_effects(r->tasks[i]);
        struct task_effects fresh = {.nasks = all->nasks - r->asked[i],
                                     .asks = all->asks + r->asked[i]};
        if (fresh.nasks == 0)
            continue;
        r->asked[i] = all->nasks;
        r->looked_up = true;
        lookups_take(r->lookups[i], &fresh);
        while (!lookups_idle(r->lookups[i])) {
            struct pollfd fd = {.fd = lookups_fd(r->lookups[i]), .events = POLLIN};
            if (lookups_answer(r->lookups[i], r->tasks[i]))
                r->moved[i] = any = true;
            else
                poll(&fd, 1, LOOKUP_WAIT_MS);
        }
    }
    tell_failures(r);
    return any;
}

static void exchange(struct evalrun *r)
{
    bool any = true;
    while (any) {
        any = false;
        for (unsigned i = 0; i < r->workers; i++) {
            if (r->moved[i])
                task_step(r->tasks[i]);
            r->moved[i] = false;
        }
        for (unsigned i = 0; i < r->workers; i++)
            any |= deliver_from(r, i);
        any |= look_up(r);
    }
}

/* --- input ------------------------------------------------------------------------------------- */

static unsigned reader_of(const struct evalrun *r, uint32_t partition)
{
    return partition % r->workers;
}

void evalrun_open(struct evalrun *r, uint32_t stream, uint32_t partition)
{
    evalrun_open_at(r, stream, partition, EVTIME_MIN);
}

void evalrun_open_at(struct evalrun *r, uint32_t stream, uint32_t partition, evtime w)
{
    task_source_open(r->tasks[reader_of(r, partition)], stream, partition, w);
    r->open = mem_grow(r->open, r->nopen, 1, &r->open_cap, sizeof *r->open);
    r->open[r->nopen++] = (struct evalrun_partition){stream, partition};
}

static void make_anew(struct evalrun *r)
{
    unsigned workers = r->workers;
    for (unsigned i = 0; i < workers; i++)
        task_free(r->tasks[i]);
    make_tasks(r, workers);
}

void evalrun_tell(struct evalrun *r, evalrun_told *told, void *ctx)
{
    r->told = told;
    r->told_ctx = ctx;
}

void evalrun_limits(struct evalrun *r, size_t max_partials, size_t max_rows)
{
    r->max_partials = max_partials;
    r->max_rows = max_rows;
    make_anew(r);
}

enum err evalrun_begin_from(struct evalrun *r, unsigned key_groups, evalrun_load *load, void *ctx,
                            struct diag *d)
{
    BUG_IF(r->workers != 1, "%u tasks begin from one state", r->workers);
    r->key_groups = key_groups;
    make_anew(r);
    return load(ctx, r->tasks[0], d);
}

void evalrun_snapshots(struct evalrun *r, uint64_t every, unsigned then)
{
    r->every = every;
    r->then = then;
    if (r->snap == NULL)
        r->snap = evalsnap_new();
    make_anew(r);
}

enum err evalrun_state_memory(struct evalrun *r, size_t bytes, struct diag *d)
{
    if (r->snap == NULL)
        r->snap = evalsnap_new();
    enum err e = evalout_new(bytes, r->snap, d, &r->outside);
    if (e != ERR_OK)
        return e;
    r->why = d;
    make_anew(r);
    return r->lost ? ERR_IO : ERR_OK;
}

static void clear(struct evalrun *r)
{
    for (unsigned i = 0; i < r->workers; i++) {
        task_effects_clear(r->tasks[i]);
        r->asked[i] = 0;
        memset(r->delivered[i], 0, sizeof r->delivered[i]);
    }
}

static bool has_results(struct evalrun *r)
{
    bool any = false;
    for (unsigned i = 0; i < r->workers; i++)
        any |= task_effects(r->tasks[i])->nresults > 0;
    return any;
}

/* A snapshot, during which the tasks go on with the batch; then new tasks are made of it, which do not know of that. */
static void go_on_from_snapshot(struct evalrun *r, struct batch *b)
{
    evalsnap_begin(r->snap, r->tasks, r->workers);
    bool moving = false; /* what goes to another version has still to be looked at by that one */
    for (unsigned i = 0; i < r->workers; i++)
        moving = taskupgrade_go_on(r->tasks[i], 0) || moving;
    evalsnap_some(r->tasks, r->workers);
    unsigned reader = reader_of(r, b->partition);
    enum err e = task_source_rows(r->tasks[reader], b);
    BUG_IF(e != ERR_OK, "a task without a limit refuses rows: %s", err_name(e));
    r->moved[reader] = true;
    exchange(r);
    evalsnap_some(r->tasks, r->workers);
    for (size_t i = 0; i < r->nopen; i++) /* the end of the input */
        task_source_watermark(r->tasks[reader_of(r, r->open[i].partition)], r->open[i].stream,
                              r->open[i].partition, EVTIME_MAX);
    for (unsigned i = 0; i < r->workers; i++)
        r->moved[i] = true;
    exchange(r);
    evalsnap_take(r->tasks, r->workers);
    clear(r);
    for (unsigned i = 0; i < r->workers; i++)
        task_free(r->tasks[i]);
    memset(r->moved, 0, sizeof r->moved);
    make_tasks(r, r->then > 0 ? r->then : r->workers);
    evalsnap_load(r->snap, r->tasks, r->workers);
    for (size_t i = 0; i < r->nopen; i++)
        task_source_open(r->tasks[reader_of(r, r->open[i].partition)], r->open[i].stream,
                         r->open[i].partition, EVTIME_MIN);
    exchange(r); /* what they tell each other of their partitions */
    BUG_IF(r->failed == 0 && !moving && has_results(r),
           "a task that starts from a snapshot has results");
    tell_merged(r);
    clear(r);
}

void evalrun_rows(struct evalrun *r, struct batch *b)
{
    if (r->every > 0 && (r->rows += b->n) >= r->every) {
        go_on_from_snapshot(r, b);
        r->rows = 0;
    }
    unsigned i = reader_of(r, b->partition);
    enum err e = task_source_rows(r->tasks[i], b);
    BUG_IF(e != ERR_OK, "a task without a limit refuses rows: %s", err_name(e));
    r->moved[i] = true;
}

void evalrun_watermark(struct evalrun *r, uint32_t stream, uint32_t partition, evtime w)
{
    unsigned i = reader_of(r, partition);
    task_source_watermark(r->tasks[i], stream, partition, w);
    r->moved[i] = true;
}

evtime evalrun_w(const struct evalrun *r, uint32_t stream, uint32_t partition)
{
    return task_source_w(r->tasks[reader_of(r, partition)], stream, partition);
}

void evalrun_clock(struct evalrun *r, evtime now)
{
    for (unsigned i = 0; i < r->workers; i++) {
        task_clock(r->tasks[i], now);
        r->moved[i] = true;
    }
}

/* From one version of a rule to the next, some keys at a time: as in the server, though here nobody waits. */
static void hand_over(struct evalrun *r)
{
    for (unsigned i = 0; i < r->workers; i++)
        (void)taskupgrade_go_on(r->tasks[i], HAND_OVER_KEYS);
}

void evalrun_settle(struct evalrun *r)
{
    hand_over(r);
    if (r->workers == 1) {
        task_step(r->tasks[0]);
        while (look_up(r))
            task_step(r->tasks[0]);
        tell_merged(r);
        task_effects_clear(r->tasks[0]);
        r->asked[0] = 0;
        return;
    }
    exchange(r);
    tell_merged(r);
    clear(r);
}

const char *evalrun_broken(const struct evalrun *r)
{
    const char *why = NULL;
    for (unsigned i = 0; i < TASK_WORKERS_MAX && why == NULL; i++)
        why = r->lookups[i] != NULL ? lookups_broken(r->lookups[i]) : NULL;
    return why;
}

/* --- figures ----------------------------------------------------------------------------------- */

static bool has_table(const struct lookups *l, const struct table *t)
{
    for (unsigned i = 0; i < lookups_ntables(l); i++)
        if (lookups_stats(l, i).table == t)
            return true;
    return false;
}

bool evalrun_lookups(const struct evalrun *r, unsigned i, struct lookups_stats *sum)
{
    *sum = (struct lookups_stats){0};
    for (unsigned w = 0; w < TASK_WORKERS_MAX && r->lookups[w] != NULL; w++)
        for (unsigned t = 0; t < lookups_ntables(r->lookups[w]); t++) {
            struct lookups_stats one = lookups_stats(r->lookups[w], t);
            bool known = false;
            for (unsigned before = 0; before < w; before++)
                known = known || has_table(r->lookups[before], one.table);
            if (sum->table == NULL && !known && i-- == 0)
                sum->table = one.table;
            if (sum->table == one.table)
                lookups_add(sum, &one);
        }
    return sum->table != NULL;
}

uint64_t evalrun_failed(const struct evalrun *r)
{
    return r->nfailed;
}

uint64_t evalrun_count(const struct evalrun *r, unsigned rule, enum result_kind k)
{
    return r->counts[(size_t)rule * KINDS + k];
}

void evalrun_stats(const struct evalrun *r, struct task_stats *sum)
{
    *sum = (struct task_stats){0};
    for (unsigned i = 0; i < r->workers; i++) {
        struct task_stats one;
        task_stats(r->tasks[i], &one);
        sum->rows_in += one.rows_in;
        sum->rows_late += one.rows_late;
        sum->frames_out += one.frames_out;
        sum->partials_dropped += one.partials_dropped;
        sum->keys += one.keys;
        sum->partials += one.partials;
        sum->windows_open += one.windows_open;
        sum->expired += one.expired;
        sum->rows_kept += one.rows_kept;
        sum->state_bytes += one.state_bytes;
    }
}

void evalrun_state_counts(const struct evalrun *r, struct taskout_counts *sum)
{
    *sum = (struct taskout_counts){0};
    for (unsigned i = 0; i < r->workers; i++) {
        struct taskout_counts one;
        taskout_counts(r->tasks[i], &one);
        sum->used_bytes += one.used_bytes;
        sum->keys_out += one.keys_out;
        sum->asked += one.asked;
        sum->loaded += one.loaded;
        sum->left += one.left;
        sum->written += one.written;
    }
}
