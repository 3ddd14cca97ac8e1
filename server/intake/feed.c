/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "feed"
#include "server/intake/feed.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/source_file.h"
#include "server/intake/feeddef.h"
#include "server/intake/feedfork.h"
#include "server/intake/feedtime.h"
#include "state/intakelogtrim.h"
#include <inttypes.h>
#include <string.h>

static void share(struct feed *f, unsigned workers, const struct budget *budget)
{
    f->workers = workers;
    f->worker_max = f->part_max = budget->intake_bytes;
    f->part_max /= 4;
    if (f->part_max > FEED_WINDOW_BYTES_MAX)
        f->part_max = FEED_WINDOW_BYTES_MAX;
    f->ordering_max = budget->ordering_bytes;
}

struct feed *feed_new(struct registry *reg, struct intakelog *log, struct intake *intake,
                      unsigned workers, const struct budget *budget)
{
    struct feed *f = mem_new(sizeof *f);
    f->registry = reg;
    f->log = log;
    f->intake = intake;
    share(f, workers, budget);
    f->loads = mem_array(TASK_WORKERS_MAX, sizeof *f->loads);
    f->worker_bytes = mem_array(TASK_WORKERS_MAX, sizeof *f->worker_bytes);
    f->worker_sent = mem_array(TASK_WORKERS_MAX, sizeof *f->worker_sent);
    f->fork_credit = mem_array(TASK_WORKERS_MAX, sizeof *f->fork_credit);
    f->fork_share = FEED_FORK_SHARE;
    f->waiting = mem_array(TASK_WORKERS_MAX, sizeof *f->waiting);
    f->due = mem_array(TASK_WORKERS_MAX, sizeof *f->due);
    for (unsigned i = 0; i < TASK_WORKERS_MAX; i++)
        f->due[i] = EVTIME_MAX;
    f->block = mem_new(sizeof *f->block);
    pthread_mutex_init(&f->lock, NULL);
    return f;
}

void feed_scale(struct feed *f, unsigned workers, const struct budget *budget)
{
    pthread_mutex_lock(&f->lock);
    share(f, workers, budget);
    for (size_t i = 0; i < f->n; i++) {
        struct feed_part *p = &f->parts[i];
        p->worker = (p->schema->id + p->partition) % workers;
        p->count = 0;
        p->bytes = 0;
    }
    memset(f->worker_bytes, 0, TASK_WORKERS_MAX * sizeof *f->worker_bytes);
    pthread_mutex_unlock(&f->lock);
}

void feed_free(struct feed *f)
{
    if (f == NULL)
        return;
    pthread_mutex_destroy(&f->lock);
    bytes_fini(&f->out);
    mem_free(f->block);
    mem_free(f->worker_bytes);
    mem_free(f->loads);
    mem_free(f->worker_sent);
    mem_free(f->fork_credit);
    mem_free(f->waiting);
    mem_free(f->due);
    feedtime_fini(f);
    mem_free(f->parts);
    mem_free(f);
}

unsigned feed_worker_of(const struct feed *f, uint32_t stream, uint32_t partition)
{
    return (stream + partition) % f->workers;
}

static struct feed_part *find(const struct feed *f, uint32_t stream, uint32_t partition)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->parts[i].schema->id == stream && f->parts[i].partition == partition)
            return &f->parts[i];
    return NULL;
}

/* --- what is read from where ------------------------------------------------------------------------------------- */

static struct feed_part *find_or_add(struct feed *f, const struct schema *s, uint32_t partition)
{
    struct feed_part *p = find(f, s->id, partition);
    if (p != NULL)
        return p;
    f->parts = mem_grow(f->parts, f->n, 1, &f->cap, sizeof *f->parts);
    p = &f->parts[f->n++];
    *p = (struct feed_part){.schema = s,
                            .partition = partition,
                            .worker = feed_worker_of(f, s->id, partition),
                            .log = strcmp(s->connector, "file") != 0,
                            .fork = s->copy_of != NULL,
                            .source = s->copy_of != NULL ? s->copy_of->id : s->id,
                            .paused_since = EVTIME_MIN,
                            .holds_since = EVTIME_MIN};
    p->follows = !p->log && source_file_follows(s);
    return p;
}

static void read_from(struct feed *f, const struct schema *s, const struct job_mark *m)
{
    struct feed_part *p = find_or_add(f, s, m->partition);
    p->read = true;
    p->skips = p->held = p->end_sent = false;
    p->start = p->next = m->offset;
    p->start_w = p->sent_w = m->w;
    p->raise_w = p->raised_w = p->paused_since = EVTIME_MIN;
    p->at = (struct control_position){.stream = s->id,
                                      .partition = m->partition,
                                      .offset = m->offset,
                                      .w = m->w};
    p->base_rows = p->base_late = 0;
    p->first = p->count = 0;
    p->bytes = 0;
    if (p->log &&
        !p->fork) /* what was in the log before is a backlog of ours, not one that intake is to be held for */
        intake_taken(f->intake, s->id, m->partition, intakelog_end(f->log, s->id, m->partition));
}

bool feed_open(struct feed *f, const struct schema *s, const struct job_mark *marks)
{
    pthread_mutex_lock(&f->lock);
    const struct feed_part *known = find(f, s->id, 0);
    bool opened = known == NULL || !known->read;
    for (unsigned i = 0; opened && i < s->partitions; i++)
        read_from(f, s, &marks[i]);
    pthread_mutex_unlock(&f->lock);
    return opened;
}

void feed_close(struct feed *f, uint32_t stream)
{
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->n; i++) {
        struct feed_part *p = &f->parts[i];
        if (p->schema->id != stream || !p->read)
            continue;
        p->read = false;
        f->worker_bytes[p->worker] -= p->bytes;
        p->bytes = p->count = 0;
        if (!p->fork)
            intake_taken(f->intake, stream, p->partition, UINT64_MAX);
    }
    pthread_mutex_unlock(&f->lock);
}

/* The least mark of each partition over the rules that read s. False: none does. */
static bool least_marks(const struct feed *f, const struct schema *s, struct job_mark *marks)
{
    bool any = false;
    for (unsigned i = 0; registry_rule_at(f->registry, i) != NULL; i++) {
        const struct registry_rule *rule = registry_rule_at(f->registry, i);
        while (rule->before != NULL) /* what the oldest version read, the others go on with */
            rule = rule->before;
        if (!plan_reads_stream(rule->plan, s))
            continue;
        bool several = rule->plan->shape == RULE_JOIN || plan_is_derived(rule->plan);
        struct job_mark of_rule[SCHEMA_PARTITIONS_MAX];
        for (unsigned p = 0; p < s->partitions; p++)
            of_rule[p] = (struct job_mark){p, 0, EVTIME_MIN, s->id};
        for (unsigned m = 0; rule->ncuts > 0 && m < rule->cuts[0].nmarks; m++)
            if (rule->cuts[0].marks[m].partition < s->partitions &&
                (!several || rule->cuts[0].marks[m].stream == s->id))
                of_rule[rule->cuts[0].marks[m].partition] = rule->cuts[0].marks[m];
        for (unsigned p = 0; p < s->partitions; p++)
            if (!any || of_rule[p].offset < marks[p].offset ||
                (of_rule[p].offset == marks[p].offset && of_rule[p].w < marks[p].w))
                marks[p] = of_rule[p];
        any = true;
    }
    return any;
}

void feed_restart(struct feed *f)
{
    struct job_mark marks[SCHEMA_PARTITIONS_MAX];
    unsigned n = 0;
    const struct schema **streams = feedfork_all(f, &n);
    memset(f->fork_credit, 0, f->workers * sizeof *f->fork_credit);
    memset(f->worker_bytes, 0, f->workers * sizeof *f->worker_bytes);
    memset(f->worker_sent, 0, f->workers * sizeof *f->worker_sent);
    memset(f->waiting, 0, f->workers * sizeof *f->waiting);
    for (unsigned i = 0; i < f->workers; i++)
        f->due[i] = EVTIME_MAX;
    memset(f->loads, 0, f->workers * sizeof *f->loads);
    f->piled_up = false;
    f->stopped = f->pressed;
    for (unsigned i = 0; i < n; i++) {
        /* The intake is told of the stream, so that it knows what is taken of it from the first event on. */
        if (strcmp(streams[i]->connector, "file") != 0 && streams[i]->copy_of == NULL)
            intake_marks(f->intake, streams[i], marks);
        bool any = least_marks(f, streams[i], marks);
        pthread_mutex_lock(&f->lock);
        for (unsigned p = 0; any && p < streams[i]->partitions; p++)
            read_from(f, streams[i], &marks[p]);
        pthread_mutex_unlock(&f->lock);
    }
    mem_free(streams);
}

void feed_restore(struct feed *f, const struct control_position *at)
{
    struct feed_part *p = find(f, at->stream, at->partition);
    if (p == NULL || !p->read)
        return;
    pthread_mutex_lock(&f->lock);
    p->start = p->next = at->offset;
    p->start_w = p->sent_w = at->w;
    p->end_sent = p->log && at->w == EVTIME_MAX;
    p->base_rows = at->rows;
    p->base_late = at->late;
    p->at = *at;
    pthread_mutex_unlock(&f->lock);
}

void feed_settle(struct feed *f)
{
    for (size_t i = 0; i < f->n; i++) {
        struct feed_part *p = &f->parts[i];
        uint64_t first =
            p->read && p->log ? intakelogtrim_first(f->log, p->source, p->partition) : 0;
        if (first <= p->next)
            continue;
        LOG_ERROR("events that would have to be read again are deleted, rules go on without them",
                  "stream=%s partition=%u from=%" PRIu64 " first=%" PRIu64, p->schema->name,
                  p->partition, p->next, first);
        pthread_mutex_lock(&f->lock);
        p->start = p->next = p->at.offset = first;
        p->skips = true;
        pthread_mutex_unlock(&f->lock);
    }
}

bool feed_total(const struct feed *f, struct control_position *at)
{
    const struct feed_part *p = find(f, at->stream, at->partition);
    if (p == NULL || !p->read)
        return false;
    at->rows += p->base_rows;
    at->late += p->base_late;
    return true;
}

unsigned feed_opens(const struct feed *f, unsigned worker, uint32_t stream, struct arena *a,
                    const struct control_open **out)
{
    struct control_open *opens = arena_zero(a, f->n * sizeof *opens);
    unsigned n = 0;
    for (size_t i = 0; i < f->n; i++) {
        const struct feed_part *p = &f->parts[i];
        if (p->read && p->worker == worker && (stream == 0 || p->schema->id == stream))
            opens[n++] = (struct control_open){p->schema->id, p->partition, p->start, p->start_w};
    }
    *out = opens;
    return n;
}

void feed_marks(const struct feed *f, const struct schema *s, struct job_mark *marks)
{
    for (unsigned i = 0; i < s->partitions; i++) {
        const struct feed_part *p = find(f, s->id, i);
        bool known = p != NULL && p->read;
        marks[i] =
            (struct job_mark){i, known ? p->at.offset : 0, known ? p->at.w : EVTIME_MIN, s->id};
    }
}

uint64_t feed_reached(const struct feed *f, uint32_t stream, uint32_t partition)
{
    const struct feed_part *p = find(f, stream, partition);
    return p == NULL ? 0 : p->reached;
}

/* --- what the workers say ---------------------------------------------------------------------------------------- */

void feed_position(struct feed *f, unsigned worker, const struct control_position *at)
{
    struct feed_part *p = find(f, at->stream, at->partition);
    if (p == NULL || p->worker != worker || !p->read || at->offset < p->at.offset)
        return; /* said before it was opened anew */
    pthread_mutex_lock(&f->lock);
    p->at = *at;
    p->at.rows += p->base_rows;
    p->at.late += p->base_late;
    if (at->offset > p->reached)
        p->reached = at->offset;
    while (p->count > 0 && p->ring[p->first].end <= at->offset) {
        p->bytes -= p->ring[p->first].bytes;
        f->worker_bytes[worker] -= p->ring[p->first].bytes;
        p->first = (p->first + 1) % FEED_WINDOW_BLOCKS;
        p->count--;
    }
    pthread_mutex_unlock(&f->lock);
    if (p->log && !p->fork)
        intake_taken(f->intake, at->stream, at->partition, at->offset);
}

static void weigh(struct feed *f)
{
    uint64_t rows = 0, bytes = 0;
    f->stopped = f->pressed;
    for (unsigned i = 0; i < f->workers; i++) {
        rows = f->waiting[i] > rows ? f->waiting[i] : rows;
        bytes = f->loads[i].ordering_bytes > bytes ? f->loads[i].ordering_bytes : bytes;
        f->stopped |= f->loads[i].state_full;
    }
    /* Two bounds, so that partitions do not start and stop with every status. */
    unsigned part = f->piled_up ? 2 : 1;
    f->piled_up = rows >= FEED_WAITING_ROWS / part ||
                  (f->ordering_max > 0 && bytes >= f->ordering_max / part);
}

void feed_press(struct feed *f, bool pressed)
{
    f->pressed = pressed;
    weigh(f);
}

void feed_waiting(struct feed *f, unsigned worker, uint64_t rows)
{
    f->waiting[worker] = rows;
    weigh(f);
}

void feed_load(struct feed *f, unsigned worker, const struct loadwire *m)
{
    f->loads[worker] = (struct feed_load){m->state_full, m->ordering_bytes};
    weigh(f);
}

void feed_due(struct feed *f, unsigned worker, evtime due)
{
    f->due[worker] = due;
}

evtime feed_least_due(const struct feed *f)
{
    evtime due = EVTIME_MAX;
    for (unsigned i = 0; i < f->workers; i++)
        due = f->due[i] < due ? f->due[i] : due;
    return due;
}

/* --- sending ----------------------------------------------------------------------------------------------------- */

static evtime least_w(const struct feed *f, uint32_t stream)
{
    evtime w = EVTIME_MAX;
    for (size_t i = 0; i < f->n; i++)
        if (f->parts[i].schema->id == stream && f->parts[i].read && f->parts[i].at.w < w)
            w = f->parts[i].at.w;
    return w;
}

static bool has_more(const struct feed *f, const struct feed_part *p)
{
    return p->next < intakelog_end(f->log, p->source, p->partition) ||
           intakelog_w(f->log, p->source, p->partition) > p->sent_w;
}

static bool may_send(struct feed *f, struct feed_part *p)
{
    if (!p->read || !p->log || p->end_sent || p->start_w == EVTIME_MAX || f->stopped ||
        feedtime_paused(f, p))
        return false;
    if (p->count == FEED_WINDOW_BLOCKS || (p->count > 0 && p->bytes >= f->part_max))
        return false;
    if (p->count > 0 && f->worker_bytes[p->worker] >= f->worker_max)
        return false;
    if (p->fork && !feedfork_may(f, p))
        return false;
    return !f->piled_up || p->at.w <= least_w(f, p->schema->id);
}

static void send_block(struct feed *f, struct feed_part *p, struct channel *to)
{
    struct intakelog_block *k = f->block;
    struct control_rows rows = {.stream = p->schema->id,
                                .partition = p->partition,
                                .end_of_input = k->end_of_input,
                                .first = k->first,
                                .before = k->before,
                                .n = k->n};
    for (unsigned i = 0; i < k->n; i++) {
        rows.texts[i] = k->rows[i].p;
        rows.lengths[i] = k->rows[i].n;
    }
    bytes_reset(&f->out);
    control_put_rows(&rows, p->schema->time != TIME_EVENT ? k->arrivals : NULL, &f->out);
    channel_send(to, &(struct channel_frame){.kind = CONTROL_ROWS,
                                             .p = f->out.p,
                                             .n = (uint32_t)f->out.n});
    pthread_mutex_lock(&f->lock);
    p->next = k->first + k->n;
    p->sent_w = k->w > p->sent_w ? k->w : p->sent_w;
    p->end_sent = k->end_of_input;
    if (k->n > 0) {
        p->ring[(p->first + p->count++) % FEED_WINDOW_BLOCKS] =
            (struct feed_block){p->next, f->out.n};
        p->bytes += f->out.n;
        f->worker_bytes[p->worker] += f->out.n;
        f->worker_sent[p->worker] += f->out.n;
        feedfork_sent(f, p, f->out.n);
    }
    pthread_mutex_unlock(&f->lock);
}

/* What a worker has of a partition already is held too: rows of the log are few bytes there, and many when they wait. */
static void hold(struct feed *f, struct feed_part *p, struct channel *to)
{
    bool held = f->stopped || (f->piled_up && p->at.w > least_w(f, p->schema->id)) ||
                (!p->log && feedtime_paused(f, p));
    if (held == p->held)
        return;
    p->held = held;
    bytes_reset(&f->out);
    control_put_hold(&(struct control_hold){p->schema->id, p->partition, held}, &f->out);
    channel_send(to, &(struct channel_frame){.kind = CONTROL_HOLD,
                                             .p = f->out.p,
                                             .n = (uint32_t)f->out.n});
}

/* The clock has something to say of a file. */
static void raise_file(struct feed *f, struct feed_part *p, struct channel *to)
{
    if (p->raise_w <= p->raised_w || p->raise_w <= p->at.w)
        return;
    p->raised_w = p->raise_w;
    bytes_reset(&f->out);
    control_put_advance(&(struct control_advance){p->schema->id, p->partition, p->raise_w},
                        &f->out);
    channel_send(to, &(struct channel_frame){.kind = CONTROL_ADVANCE,
                                             .p = f->out.p,
                                             .n = (uint32_t)f->out.n});
}

enum err feed_push(struct feed *f, unsigned worker, struct channel *to, struct diag *d)
{
    bool any = true;
    /* A block of each partition in turn, so that a long backlog of one does not fill the window alone. */
    while (any) {
        any = false;
        for (size_t i = 0; i < f->n; i++) {
            struct feed_part *p = &f->parts[i];
            if (p->worker != worker || !p->read)
                continue;
            hold(f, p, to);
            if (!p->log)
                raise_file(f, p, to);
            if (!may_send(f, p) || !has_more(f, p))
                continue;
            enum err e = intakelog_read(f->log, p->source, p->partition, p->next, f->block);
            if (e == ERR_END)
                continue;
            if (e != ERR_OK) {
                diag_say(d, "intake-log", NULL,
                         "the intake log: stream %s, partition %u, offset %llu: %s",
                         p->schema->name, p->partition, (unsigned long long)p->next, err_text(e));
                return e;
            }
            send_block(f, p, to);
            intakelog_block_fini(f->block);
            any = true;
        }
    }
    return ERR_OK;
}

/* --- pages ------------------------------------------------------------------------------------------------------- */

unsigned feed_snapshot(struct feed *f, struct runtime_partition *out, unsigned cap)
{
    unsigned total = 0, known = registry_sources(f->registry, NULL, 0);
    const struct schema **streams = mem_array(known, sizeof(const struct schema *));
    unsigned n = registry_sources(f->registry, streams, known);
    n = n < known ? n : known;
    pthread_mutex_lock(&f->lock);
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < streams[i]->partitions; k++, total++) {
            if (total >= cap)
                continue;
            const struct schema *s = streams[i];
            bool log = strcmp(s->connector, "file") != 0;
            struct runtime_partition p = {.stream = s->name,
                                          .stream_id = s->id,
                                          .partition = k,
                                          .worker = feed_worker_of(f, s->id, k),
                                          .watermark =
                                              log ? intakelog_w(f->log, s->id, k) : EVTIME_MIN,
                                          .end = log ? intakelog_end(f->log, s->id, k) : 0,
                                          .finished = log && intakelog_finished(f->log, s->id, k),
                                          .paused_since = EVTIME_MIN,
                                          .holds_since = EVTIME_MIN};
            feedtime_look(f, s, log, intake_clock(f->intake), &p);
            const struct feed_part *part = find(f, s->id, k);
            p.taken = p.end;
            if (part != NULL && part->read) {
                p.taken = part->at.offset;
                p.watermark = part->at.w;
                p.read = true;
                p.late = part->at.late;
                p.paused_since = part->paused_since;
                p.holds_since = part->holds_since;
                if (!log) {
                    p.end = part->at.end;
                    p.finished = part->at.w == EVTIME_MAX;
                }
            }
            out[total] = p;
        }
    pthread_mutex_unlock(&f->lock);
    mem_free(streams);
    return total;
}

unsigned feed_channels(struct feed *f, struct runtime_channel *out, unsigned cap)
{
    pthread_mutex_lock(&f->lock);
    for (unsigned i = 0; i < f->workers && i < cap; i++)
        out[i] = (struct runtime_channel){.from = -1,
                                          .to = (int)i,
                                          .window = (int64_t)f->worker_max,
                                          .credit = (int64_t)(f->worker_max - f->worker_bytes[i]),
                                          .sent = f->worker_sent[i]};
    unsigned n = f->workers;
    pthread_mutex_unlock(&f->lock);
    return n;
}

uint64_t feed_under_way(struct feed *f)
{
    uint64_t bytes = 0;
    pthread_mutex_lock(&f->lock);
    for (unsigned i = 0; i < f->workers; i++)
        bytes += f->worker_bytes[i];
    pthread_mutex_unlock(&f->lock);
    return bytes;
}

uint64_t feed_rows(struct feed *f, uint64_t *late)
{
    uint64_t rows = 0;
    *late = 0;
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->n; i++) {
        if (f->parts[i].fork)
            continue;
        rows += f->parts[i].at.rows;
        *late += f->parts[i].at.late;
    }
    pthread_mutex_unlock(&f->lock);
    return rows;
}

evtime feed_watermark(struct feed *f)
{
    evtime w = EVTIME_MAX;
    bool any = false;
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->n; i++)
        if (f->parts[i].read && !f->parts[i].fork) {
            any = true;
            if (f->parts[i].at.w < w)
                w = f->parts[i].at.w;
        }
    pthread_mutex_unlock(&f->lock);
    return any ? w : EVTIME_MIN;
}
