/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows are decoded up to a batch at a time into all columns, which checks every type, and gives the event times from
 * which the partition's watermark after the batch follows; it is written with the block. The watermark of a PUNCTUATED
 * stream needs its condition and the computed columns that it reads, evaluated here as the worker's task does. */
#define LOG_MODULE "intake"
#include "base/log.h"
#include "base/mem.h"
#include "server/intake/intakedef.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The steady clock is asked several times a second. */
#define ASLEEP_NS ((montime)2000000000)

struct intake *intake_new(struct intakelog *log, const struct intake_events *events,
                          uint64_t max_ahead)
{
    struct intake *in = mem_new(sizeof *in);
    pthread_mutex_init(&in->lock, NULL);
    in->log = log;
    in->events = *events;
    in->max_ahead = max_ahead;
    pthread_mutex_init(&in->clock_lock, NULL);
    in->wall0 = timebase_now_ms();
    in->asked = timebase_mono_ns();
    return in;
}

evtime intake_clock(struct intake *in)
{
    pthread_mutex_lock(&in->clock_lock);
    montime now = timebase_mono_ns(), passed = now - in->asked;
    in->asked = now;
    if (passed <
        ASLEEP_NS) /* else we were stopped, or had no workers: clients could not get through */
        in->counted += passed;
    evtime clock = in->wall0 + in->counted / 1000000;
    pthread_mutex_unlock(&in->clock_lock);
    return clock;
}

/* The clock that a stream goes by when the steady one is at `steady`: where times of arrival are its time it is theirs. */
static evtime clock_of(struct intake *in, const struct intake_stream *s, evtime steady)
{
    return s->schema->time == TIME_EVENT ? steady : steady + timebase_now_ms() - intake_clock(in);
}

static void free_stream(struct intake_stream *s)
{
    for (unsigned c = 0; s->computed != NULL && c < s->schema->ncolumns; c++)
        if (s->computed[c] != NULL)
            exprvm_free(s->computed[c]);
    if (s->punctuated != NULL)
        exprvm_free(s->punctuated);
    codec_json_free(s->codec);
    idle_fini(&s->idle);
    mem_free(s->computed);
    mem_free(s->partitions);
    mem_free(s);
}

void intake_free(struct intake *in)
{
    if (in == NULL)
        return;
    struct intake_stream *s, *next;
    MAP_EACH(in->streams, s, next) {
        MAP_DEL(in->streams, s);
        free_stream(s);
    }
    pthread_mutex_destroy(&in->lock);
    pthread_mutex_destroy(&in->clock_lock);
    mem_free(in);
}

/* --- a stream's decoder and clock -------------------------------------------------------------------------------- */

static void make_punctuated(struct intake_stream *s)
{
    const struct schema *schema = s->schema;
    if (schema->watermark != WATERMARK_PUNCTUATED)
        return;
    struct colset reads = {0};
    s->punctuated = exprvm_new(schema->punctuated, NULL);
    expr_columns(schema->punctuated, &reads);
    s->computed = mem_array(schema->ncolumns, sizeof(struct exprvm *));
    /* From the last column to the first: a computed column reads only those before it. */
    for (unsigned c = schema->ncolumns; c-- > 0;)
        if (colset_has(&reads, c) && schema->columns[c].computed != NULL) {
            s->computed[c] = exprvm_new(schema->columns[c].computed, NULL);
            expr_columns(schema->columns[c].computed, &reads);
        }
}

struct intake_stream *intake_stream_of(struct intake *in, const struct schema *schema)
{
    struct intake_stream *s = MAP_GET(in->streams, &schema->id, sizeof schema->id);
    if (s != NULL)
        return s;
    s = mem_new(sizeof *s);
    s->id = schema->id;
    s->schema = schema;
    for (unsigned c = 0; c < schema->ncolumns; c++)
        colset_add(&s->all, c);
    s->codec = codec_json_new(schema, &s->all, NULL);
    make_punctuated(s);
    s->partitions = mem_array(schema->partitions, sizeof *s->partitions);
    idle_init(&s->idle, schema, schema->partitions, clock_of(in, s, intake_clock(in)));
    for (unsigned p = 0; p < schema->partitions; p++) {
        struct intake_partition *part = &s->partitions[p];
        part->end = intakelog_end(in->log, schema->id, p);
        part->w.w = intakelog_w(in->log, schema->id, p);
        part->arrival = intakelog_arrival(in->log, schema->id, p);
        part->taken = UINT64_MAX;
        /* Silence begins anew: while the server was down clients may have held back what they had. */
        s->idle.partitions[p].w = part->w.w;
        if (part->w.w == EVTIME_MAX)
            idle_end(&s->idle, p);
    }
    MAP_PUT(in->streams, s, &s->id, sizeof s->id);
    return s;
}

static void fill_computed(struct intake_stream *s, struct batch *b)
{
    for (unsigned c = 0; c < s->schema->ncolumns; c++) {
        if (s->computed[c] == NULL)
            continue;
        struct batch_column *col = &b->columns[c];
        for (unsigned i = 0; i < b->n; i++) {
            struct exprvm_env env = {.current = {.b = b, .i = i}, .scratch = b->arena};
            union cell cell = {0};
            if (!exprvm_eval(s->computed[c], &env, &cell)) {
                memset(&cell, 0, sizeof cell);
                col->nulls[i / 64] |= UINT64_C(1) << (i % 64);
                col->has_nulls = true;
            }
            if (s->schema->columns[c].type.kind == TYPE_STRING)
                col->s[i] = cell.s;
            else
                col->i[i] = cell.i;
        }
    }
}

/* The partition's watermark after these rows. */
static struct watermark watermark_after(struct intake_stream *s, struct watermark w,
                                        struct batch *b)
{
    uint64_t bits[BATCH_WORDS] = {0};
    if (s->punctuated != NULL) {
        fill_computed(s, b);
        exprvm_filter(s->punctuated, b, NULL, bits);
    }
    watermark_rows(&w, b, s->punctuated != NULL ? bits : NULL);
    return w;
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

static void refuse(struct intake *in, const struct codec_problem *p,
                   struct runtime_row_answer *answer)
{
    answer->accepted = 0;
    snprintf(answer->code, sizeof answer->code, "%s", codec_problem_name(p->code));
    snprintf(answer->error, sizeof answer->error, "%s", p->text);
    in->counts.refused++;
}

/* The row just decoded is too far in the future to let it move the watermark: out of the batch with it. */
static bool take_back_if_ahead(const struct intake_stream *s, struct batch *b, evtime now,
                               struct codec_problem *p)
{
    unsigned last = b->n - 1;
    if (s->schema->max_ahead_ms <= 0 || s->schema->time != TIME_EVENT ||
        b->ts[last] - s->schema->max_ahead_ms <= now)
        return false;
    for (unsigned c = 0; c < s->schema->ncolumns; c++)
        b->columns[c].nulls[last / 64] &= ~(UINT64_C(1) << (last % 64));
    b->n--;
    p->code = CODEC_TIME;
    snprintf(p->text, sizeof p->text,
             "the event's time lies more than %" PRId64 " ms after its arrival",
             s->schema->max_ahead_ms);
    return true;
}

/* At most BATCH_ROWS rows: decode, append. The answers' offsets are right if it succeeds. */
enum err intake_take_batch(struct intake *in, struct intake_stream *s, unsigned partition,
                           const struct runtime_row *rows, const struct intake_beside *beside,
                           unsigned n, bool durable, struct runtime_row_answer *answers)
{
    struct intakelog_row good[BATCH_ROWS];
    struct intakelog_note notes[BATCH_ROWS];
    unsigned nnotes = 0;
    struct intake_partition *part = &s->partitions[partition];
    evtime now = timebase_now_ms();
    struct watermark w = part->w;
    struct intakelog_time time = {.before = EVTIME_MIN};
    evtime clock = clock_of(in, s, intake_clock(in));
    evtime by_clock = idle_w(&s->idle, partition, clock);
    if (by_clock > w.w)
        w.w = time.before = by_clock;
    time.arrival = now > part->arrival ? now : part->arrival;
    if (s->schema->time != TIME_EVENT && w.w > time.arrival)
        time.arrival = w.w;
    struct batch *b = batch_new(s->schema, &s->all);
    b->partition = partition;
    for (unsigned i = 0; i < n; i++) {
        struct codec_problem problem;
        uint64_t offset = part->end + b->n;
        if (codec_json_row(s->codec, rows[i].p, rows[i].n, offset, b, &problem) != ERR_OK ||
            take_back_if_ahead(s, b, now, &problem)) {
            refuse(in, &problem, &answers[i]);
            continue;
        }
        if (s->schema->time != TIME_EVENT)
            batch_set_time(b, b->n - 1, time.arrival);
        answers[i].accepted = 1;
        answers[i].offset = offset;
        answers[i].code[0] = answers[i].error[0] = '\0';
        good[b->n - 1] = (struct intakelog_row){rows[i].p, (uint32_t)rows[i].n};
        if (beside->letters != NULL)
            notes[nnotes++] =
                (struct intakelog_note){INTAKELOG_LETTER, beside->letters[i], (int)b->n - 1, 0};
    }
    if (beside->note != NULL)
        notes[nnotes++] = *beside->note;
    enum err e = ERR_OK;
    if (b->n > 0) {
        w = watermark_after(s, w, b);
        time.w = w.w;
        uint64_t first = 0;
        e = intakelog_append_noted(in->log, s->id, partition, &time, good, b->n, notes, nnotes,
                                   durable, &first);
        if (e == ERR_OK) {
            part->w = w;
            part->arrival = time.arrival;
            idle_event(&s->idle, partition, w.w, clock);
            part->end = first + b->n;
            in->counts.accepted += b->n;
        }
    }
    batch_unref(b);
    return e;
}

static uint64_t rows_ahead(const struct intake *in)
{
    uint64_t ahead = 0;
    for (const struct intake_stream *s = in->streams; s != NULL; s = s->hh.next)
        for (unsigned p = 0; p < s->schema->partitions; p++)
            if (s->partitions[p].taken < s->partitions[p].end)
                ahead += s->partitions[p].end - s->partitions[p].taken;
    return ahead;
}

/* Rows of other partitions wait for what this one brings. */
static bool holds_back(const struct intake_stream *s, unsigned partition)
{
    evtime least = s->partitions[partition].w.w, most = least;
    for (unsigned p = 0; p < s->schema->partitions; p++) {
        evtime w = s->partitions[p].w.w;
        if (w < least)
            return false;
        most = w > most ? w : most;
    }
    return most > least;
}

/* May events be taken? A partition of which all was taken may be the one that holds time back, and for which the rows of the
 * others wait: to refuse it for their backlog would be for ever. So it may bring a request at a time. */
static enum err let_in(struct intake *in, struct intake_stream *s, unsigned partition)
{
    if (in->held)
        return ERR_AGAIN;
    const struct intake_partition *p = &s->partitions[partition];
    if (intakelog_finished(in->log, s->id, partition))
        return ERR_CONFLICT;
    bool all_taken = p->taken >= p->end;
    if (in->pressed ? all_taken && holds_back(s, partition)
                    : all_taken || rows_ahead(in) <= in->max_ahead)
        return ERR_OK;
    /* Its client has something to say: that is no silence. */
    idle_event(&s->idle, partition, s->partitions[partition].w.w,
               clock_of(in, s, intake_clock(in)));
    return ERR_AGAIN;
}

void intake_press(struct intake *in, bool pressed)
{
    pthread_mutex_lock(&in->lock);
    in->pressed = pressed;
    pthread_mutex_unlock(&in->lock);
}

void intake_hold(struct intake *in, bool held)
{
    pthread_mutex_lock(&in->lock);
    in->held = held;
    pthread_mutex_unlock(&in->lock);
}

enum err intake_rows(struct intake *in, const struct schema *schema, unsigned partition,
                     const struct runtime_row *rows, unsigned n, bool durable,
                     struct runtime_row_answer *answers)
{
    if (partition >= schema->partitions)
        return ERR_NOT_FOUND;
    pthread_mutex_lock(&in->lock);
    struct intake_stream *s = intake_stream_of(in, schema);
    enum err e = let_in(in, s, partition);
    for (unsigned done = 0; e == ERR_OK && done < n;) {
        unsigned k = n - done < BATCH_ROWS ? n - done : BATCH_ROWS;
        e = intake_take_batch(in, s, partition, rows + done, &(struct intake_beside){0}, k, durable,
                              answers + done);
        if (e == ERR_OK)
            e = intakeerrors_note(in, s, partition, rows + done, k, durable, answers + done);
        done += k;
    }
    if (e == ERR_IO)
        LOG_ERROR("events could not be written", "stream=%s partition=%u rows=%u", schema->name,
                  partition, n);
    in->events.appended(in->events.ctx);
    pthread_mutex_unlock(&in->lock);
    return e;
}

/* Where the events of letters are that were sent before; how many rows are left, put together at the front of the lists. */
static enum err leave_out_sent(struct intake *in, const uint64_t *letters, unsigned n,
                               struct runtime_row_answer *answers, unsigned *left, unsigned *nleft)
{
    for (unsigned i = 0; i < n; i++) {
        struct intakelog_noted at;
        enum err e = intakelognote_get(in->log, INTAKELOG_LETTER, letters[i], &at);
        if (e == ERR_NOT_FOUND)
            left[(*nleft)++] = i;
        else if (e != ERR_OK)
            return e;
        else
            answers[i] = (struct runtime_row_answer){.accepted = 1, .offset = at.offset};
    }
    return ERR_OK;
}

enum err intake_again(struct intake *in, const struct schema *schema, unsigned partition,
                      const struct runtime_row *rows, const uint64_t *letters, unsigned n,
                      struct runtime_row_answer *answers)
{
    if (partition >= schema->partitions)
        return ERR_NOT_FOUND;
    unsigned *left = mem_array(n, sizeof *left), nleft = 0;
    struct runtime_row *some = mem_array(n, sizeof *some);
    struct runtime_row_answer *said = mem_array(n, sizeof *said);
    uint64_t *theirs = mem_array(n, sizeof *theirs);
    pthread_mutex_lock(&in->lock);
    struct intake_stream *s = intake_stream_of(in, schema);
    enum err e = leave_out_sent(in, letters, n, answers, left, &nleft);
    for (unsigned i = 0; e == ERR_OK && i < nleft; i++) {
        some[i] = rows[left[i]];
        theirs[i] = letters[left[i]];
    }
    if (e == ERR_OK && nleft > 0)
        e = let_in(in, s, partition);
    for (unsigned done = 0; e == ERR_OK && done < nleft;) {
        unsigned k = nleft - done < BATCH_ROWS ? nleft - done : BATCH_ROWS;
        struct intake_beside beside = {.letters = theirs + done};
        e = intake_take_batch(in, s, partition, some + done, &beside, k, true, said + done);
        done += k;
    }
    for (unsigned i = 0; e == ERR_OK && i < nleft; i++)
        answers[left[i]] = said[i];
    in->events.appended(in->events.ctx);
    pthread_mutex_unlock(&in->lock);
    mem_free(theirs);
    mem_free(said);
    mem_free(some);
    mem_free(left);
    return e;
}

enum err intake_finish(struct intake *in, const struct schema *schema, unsigned partition)
{
    if (partition >= schema->partitions)
        return ERR_NOT_FOUND;
    pthread_mutex_lock(&in->lock);
    struct intake_stream *s = intake_stream_of(in, schema);
    enum err e = intakelog_finish(in->log, s->id, partition);
    if (e == ERR_OK) {
        s->partitions[partition].w.w = EVTIME_MAX;
        idle_end(&s->idle, partition);
        e = intakeerrors_end(in, s);
        in->events.appended(in->events.ctx);
    }
    pthread_mutex_unlock(&in->lock);
    return e;
}

void intake_marks(struct intake *in, const struct schema *schema, struct job_mark *marks)
{
    pthread_mutex_lock(&in->lock);
    const struct intake_stream *s = intake_stream_of(in, schema);
    for (unsigned p = 0; p < schema->partitions; p++)
        marks[p] = (struct job_mark){p, s->partitions[p].end, s->partitions[p].w.w, schema->id};
    pthread_mutex_unlock(&in->lock);
}

void intake_taken(struct intake *in, uint32_t stream, uint32_t partition, uint64_t offset)
{
    pthread_mutex_lock(&in->lock);
    struct intake_stream *s = MAP_GET(in->streams, &stream, sizeof stream);
    if (s != NULL && partition < s->schema->partitions) {
        struct intake_partition *p = &s->partitions[partition];
        if (offset == UINT64_MAX || p->taken == UINT64_MAX || offset > p->taken)
            p->taken = offset;
    }
    pthread_mutex_unlock(&in->lock);
}

void intake_count(struct intake *in, struct intake_counts *out)
{
    pthread_mutex_lock(&in->lock);
    *out = in->counts;
    out->ahead = rows_ahead(in);
    pthread_mutex_unlock(&in->lock);
}

/* --- the clock --------------------------------------------------------------------------------------------------- */

static bool advance(struct intake *in, struct intake_stream *s, evtime now, evtime due)
{
    bool any = false;
    /* While some partition is active the others go along with it: rows wait for them. */
    bool needed = s->idle.time != TIME_PROCESSING && !idle_all(&s->idle, now);
    for (unsigned p = 0; p < s->schema->partitions; p++) {
        struct intake_partition *part = &s->partitions[p];
        evtime to = idle_w(&s->idle, p, now);
        if (part->taken == UINT64_MAX || to <= part->w.w || !(needed || due <= to))
            continue;
        if (intakelog_advance(in->log, s->id, p, to) != ERR_OK) {
            LOG_ERROR("a watermark could not be written", "stream=%s partition=%u", s->schema->name,
                      p);
            continue;
        }
        part->w.w = to;
        any = true;
    }
    return any;
}

bool intake_tick(struct intake *in, evtime now, evtime due)
{
    bool by_clock = false, any = false;
    pthread_mutex_lock(&in->lock);
    for (struct intake_stream *s = in->streams; s != NULL; s = s->hh.next)
        if (idle_goes_by_clock(&s->idle)) {
            by_clock = true;
            any |= advance(in, s, clock_of(in, s, now), due);
        }
    if (any)
        in->events.appended(in->events.ctx);
    pthread_mutex_unlock(&in->lock);
    return by_clock;
}

void intake_look(struct intake *in, const struct schema *schema, unsigned partition, evtime now,
                 struct intake_look *out)
{
    pthread_mutex_lock(&in->lock);
    const struct intake_stream *s = intake_stream_of(in, schema);
    const struct intake_partition *p = &s->partitions[partition];
    *out = (struct intake_look){.w = p->w.w,
                                .arrival = p->arrival,
                                .since = s->idle.partitions[partition].since,
                                .idle = idle_is(&s->idle, partition, clock_of(in, s, now))};
    pthread_mutex_unlock(&in->lock);
}
