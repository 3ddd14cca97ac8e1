/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker/workersource.h"
#include "base/mem.h"
#include "io/source_file.h"
#include "server/worker/workerwatch.h"
#include <string.h>

enum { NEAR_BYTES = 1 << 20 }; /* of a file: a batch is mostly less */

struct block { /* a frame of rows that waits */
    struct block *next;
    struct control_rows rows; /* texts point into bytes */
    size_t size;
    unsigned taken;
    char bytes[];
};

struct partition {
    const struct schema *schema;
    struct source_file *file; /* NULL: of the log */
    struct block *first, **last;
    bool held, ended;
    bool dry; /* a followed file has no more just now */
    bool unread; /* a file of a stream that no live rule reads */
    uint64_t expected; /* offset of the next row that the coordinator sends */
};

struct decoder {
    uint32_t stream;
    const struct colset *columns;
    struct codec_json *codec;
};

struct workersource {
    struct task *task;
    struct job *job;
    workersource_bad *bad;
    void *ctx;
    struct partition *partitions;
    struct control_position *positions; /* side by side with partitions */
    size_t n, cap, positions_cap;
    struct decoder *decoders;
    size_t ndecoders, decoders_cap;
    struct workerwatch *watch;
    uint64_t rows_taken;
    size_t bytes; /* of blocks that wait */
    bool careful; /* what was taken last is suspected */
};

struct workersource *workersource_new(struct task *t, struct workerwatch *watch,
                                      workersource_bad *bad, void *ctx)
{
    struct workersource *s = mem_new(sizeof *s);
    s->task = t;
    s->watch = watch;
    s->bad = bad;
    s->ctx = ctx;
    return s;
}

static void forget_decoders(struct workersource *s)
{
    for (size_t i = 0; i < s->ndecoders; i++)
        codec_json_free(s->decoders[i].codec);
    s->ndecoders = 0;
}

static void drop_first(struct workersource *s, struct partition *p)
{
    struct block *b = p->first;
    p->first = b->next;
    s->bytes -= b->size;
    mem_free(b);
}

static void drop_blocks(struct workersource *s, struct partition *p)
{
    while (p->first != NULL)
        drop_first(s, p);
    p->last = NULL;
}

void workersource_free(struct workersource *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++) {
        drop_blocks(s, &s->partitions[i]);
        source_file_close(s->partitions[i].file);
    }
    forget_decoders(s);
    job_unref(s->job);
    mem_free(s->partitions);
    mem_free(s->positions);
    mem_free(s->decoders);
    mem_free(s);
}

static bool is_unread(const struct workersource *s, const struct schema *schema)
{
    return s->job == NULL || job_columns(s->job, schema->id) == NULL;
}

void workersource_set_job(struct workersource *s, struct job *j)
{
    forget_decoders(s); /* their columns and literals are the old job's */
    struct job *old = s->job;
    s->job = j != NULL ? job_ref(j) : NULL;
    job_unref(old);
    for (size_t i = 0; i < s->n; i++)
        s->partitions[i].unread = is_unread(s, s->partitions[i].schema);
}

static struct decoder *decoder_of(struct workersource *s, const struct schema *schema)
{
    for (size_t i = 0; i < s->ndecoders; i++)
        if (s->decoders[i].stream == schema->id)
            return &s->decoders[i];
    s->decoders = mem_grow(s->decoders, s->ndecoders, 1, &s->decoders_cap, sizeof *s->decoders);
    struct decoder *d = &s->decoders[s->ndecoders++];
    d->stream = schema->id;
    d->columns = s->job != NULL ? job_columns(s->job, schema->id) : NULL;
    d->codec = d->columns != NULL ? codec_json_new(schema, d->columns, job_dict(s->job)) : NULL;
    return d;
}

static size_t find(const struct workersource *s, uint32_t stream, uint32_t partition)
{
    size_t i = 0;
    while (i < s->n && (s->positions[i].stream != stream || s->positions[i].partition != partition))
        i++;
    return i;
}

static enum err open_file(struct partition *p, const struct control_open *o, struct diag *d)
{
    char **paths = NULL;
    unsigned n = 0;
    enum err e = source_file_list(p->schema, d, &paths, &n);
    if (e != ERR_OK)
        return e;
    if (o->partition >= n) {
        diag_say(d, "files", NULL, "stream %s has %u files, not %u", p->schema->name, n,
                 o->partition + 1);
        e = ERR_NOT_FOUND;
    } else if ((e = source_file_open(paths[o->partition], o->offset, source_file_follows(p->schema),
                                     &p->file)) != ERR_OK) {
        diag_say(d, "file", NULL, "file %s of stream %s: %s", paths[o->partition], p->schema->name,
                 err_text(e));
    }
    source_file_list_free(paths);
    return e;
}

enum err workersource_open(struct workersource *s, const struct schema *schema,
                           const struct control_open *o, struct diag *d)
{
    struct partition p = {.schema = schema,
                          .expected = o->offset,
                          .ended = o->w == EVTIME_MAX,
                          .unread = is_unread(s, schema)};
    if (strcmp(schema->connector, "file") == 0) {
        enum err e = open_file(&p, o, d);
        if (e != ERR_OK)
            return e;
    }
    size_t i = find(s, o->stream, o->partition);
    if (i == s->n) {
        s->partitions = mem_grow(s->partitions, s->n, 1, &s->cap, sizeof *s->partitions);
        s->positions = mem_grow(s->positions, s->n, 1, &s->positions_cap, sizeof *s->positions);
        s->n++;
    } else {
        drop_blocks(s, &s->partitions[i]);
        source_file_close(s->partitions[i].file);
    }
    s->partitions[i] = p;
    s->positions[i] = (struct control_position){.stream = o->stream,
                                                .partition = o->partition,
                                                .offset = o->offset,
                                                .w = o->w};
    task_source_open(s->task, o->stream, o->partition, o->w);
    return ERR_OK;
}

enum err workersource_rows(struct workersource *s, const void *frame, size_t n)
{
    struct block *b = mem_alloc(sizeof *b + n);
    memcpy(b->bytes, frame, n);
    b->next = NULL;
    b->taken = 0;
    enum err e = control_get_rows(b->bytes, n, &b->rows);
    size_t i = e == ERR_OK ? find(s, b->rows.stream, b->rows.partition) : s->n;
    if (i == s->n || b->rows.first != s->partitions[i].expected || s->partitions[i].file != NULL) {
        mem_free(b);
        return ERR_CORRUPT;
    }
    struct partition *p = &s->partitions[i];
    p->expected += b->rows.n;
    if (p->first == NULL)
        p->first = b;
    else
        *p->last = b;
    p->last = &b->next;
    s->bytes += b->size = sizeof *b + n;
    return ERR_OK;
}

void workersource_hold(struct workersource *s, const struct control_hold *h)
{
    size_t i = find(s, h->stream, h->partition);
    if (i < s->n)
        s->partitions[i].held = h->held;
}

static bool can_take(const struct partition *p)
{
    return !p->ended && !p->held && (p->file != NULL ? !p->dry && !p->unread : p->first != NULL);
}

/* Of those that can be taken the one whose time is furthest behind; s->n: none. waits: is there any that could be taken if
 * fewer rows waited for the watermark? */
static size_t furthest_behind(const struct workersource *s, bool *waits)
{
    size_t best = s->n;
    bool full = task_ordering_full(s->task);
    *waits = false;
    for (size_t i = 0; i < s->n; i++) {
        const struct control_position *at = &s->positions[i];
        if (!can_take(&s->partitions[i]) || (best < s->n && at->w >= s->positions[best].w))
            continue;
        if (full && task_source_waits(s->task, at->stream, at->partition))
            *waits = true;
        else
            best = i;
    }
    return best;
}

bool workersource_has(const struct workersource *s)
{
    bool waits = false;
    return furthest_behind(s, &waits) < s->n;
}

bool workersource_careful(const struct workersource *s)
{
    return s->careful;
}

bool workersource_waits(const struct workersource *s)
{
    bool waits = false;
    (void)furthest_behind(s, &waits);
    return waits;
}

size_t workersource_bytes(const struct workersource *s)
{
    return s->bytes;
}

bool workersource_follows(struct workersource *s)
{
    bool follows = false;
    for (size_t i = 0; i < s->n; i++)
        if (s->partitions[i].file != NULL && s->partitions[i].dry && !s->partitions[i].held) {
            s->partitions[i].dry =
                false; /* the caller asks once a turn of waiting: time to look again */
            follows = true;
        }
    return follows;
}

/* --- one batch --------------------------------------------------------------------------------------------------- */

/* A row of the log that does not decode although it did at intake: its schema's file has been tampered with, or a
 * program of another version has written it. It is the same row at every replay. */
static void report(struct workersource *s, const struct control_position *at, uint64_t offset,
                   const char *text, size_t n, const struct codec_problem *p)
{
    struct control_bad_row bad = {at->stream, at->partition, offset, codec_problem_name(p->code),
                                  p->text,    text,          n};
    s->bad(s->ctx, &bad);
}

/* Rows [k->taken, end) of the block. */
static void decode_block(struct workersource *s, struct block *k, unsigned end,
                         struct codec_json *codec, struct batch *b,
                         const struct control_position *at)
{
    struct codec_problem problem;
    const struct lastplace rows = {at->stream, at->partition, k->rows.first + k->taken,
                                   k->rows.first + end - 1};
    bool skips = workerwatch_skips(s->watch, &rows);
    workerwatch_at(s->watch, &rows);
    for (unsigned i = k->taken; i < end; i++) {
        uint64_t offset = k->rows.first + i;
        const struct lastplace row = {at->stream, at->partition, offset, offset};
        if (skips && workerwatch_skips(s->watch, &row))
            continue;
        if (codec_json_row(codec, k->rows.texts[i], k->rows.lengths[i], offset, b, &problem) !=
            ERR_OK)
            report(s, at, offset, k->rows.texts[i], k->rows.lengths[i], &problem);
        else if (k->rows.arrivals != NULL)
            batch_set_time(b, b->n - 1, control_rows_arrival(&k->rows, i));
    }
    workerwatch_decoded(b);
}

/* The clock has raised the partition's watermark here. */
static void raise(struct workersource *s, size_t i, evtime w)
{
    struct control_position *at = &s->positions[i];
    task_source_watermark(s->task, at->stream, at->partition, w);
    at->w = task_source_w(s->task, at->stream, at->partition);
}

static void note_taken(struct workersource *s, size_t i, uint64_t offset, const struct batch *b)
{
    struct control_position *at = &s->positions[i];
    at->offset = offset;
    at->rows += b->n;
    s->rows_taken += b->n;
    for (unsigned w = 0; b->has_late && w < BATCH_WORDS; w++)
        at->late += (uint64_t)__builtin_popcountll(b->late[w]);
    at->w = task_source_w(s->task, at->stream, at->partition);
}

static void end_partition(struct workersource *s, size_t i)
{
    struct control_position *at = &s->positions[i];
    task_source_watermark(s->task, at->stream, at->partition, EVTIME_MAX);
    at->w = EVTIME_MAX;
    s->partitions[i].ended = true;
}

void workersource_advance(struct workersource *s, const struct control_advance *a)
{
    size_t i = find(s, a->stream, a->partition);
    if (i < s->n && !s->partitions[i].ended)
        raise(s, i, a->w);
}

/* The next rows of a block: all, or one, if any is suspected to kill its worker. */
static unsigned end_of_rows(const struct workersource *s, const struct block *k)
{
    const struct lastplace rest = {k->rows.stream, k->rows.partition, k->rows.first + k->taken,
                                   k->rows.first + k->rows.n - 1};
    return workerwatch_suspects(s->watch, &rest) ? k->taken + 1 : k->rows.n;
}

static enum err take_rows(struct workersource *s, size_t i, struct block *k, struct decoder *d)
{
    unsigned end = end_of_rows(s, k);
    struct batch *b = batch_new(s->partitions[i].schema, d->columns);
    b->partition = k->rows.partition;
    decode_block(s, k, end, d->codec, b, &s->positions[i]);
    enum err e = b->n > 0 ? task_source_rows(s->task, b) : ERR_OK;
    if (e == ERR_OK) {
        s->careful = k->taken + 1 == end;
        k->taken = end;
        note_taken(s, i, k->rows.first + end, b);
    }
    batch_unref(b);
    return e;
}

static enum err take_log(struct workersource *s, size_t i)
{
    struct partition *p = &s->partitions[i];
    struct block *k = p->first;
    struct decoder *d = decoder_of(s, p->schema);
    if (k->rows.before != EVTIME_MIN)
        raise(s, i, k->rows.before);
    if (d->codec != NULL && k->taken < k->rows.n) {
        enum err e = take_rows(s, i, k, d);
        if (e != ERR_OK || k->taken < k->rows.n)
            return e;
    }
    s->positions[i].offset = k->rows.first + k->rows.n;
    bool end = k->rows.end_of_input;
    drop_first(s, p);
    if (end)
        end_partition(s, i);
    return ERR_OK;
}

/* The next row of a file, noted before it is looked at. Its offset is that of its line. */
static void decode_line(struct workersource *s, size_t i, struct codec_json *codec,
                        const char *text, size_t n, uint64_t offset, struct batch *b)
{
    struct codec_problem problem;
    const struct lastplace row = {s->positions[i].stream, s->positions[i].partition, offset,
                                  offset};
    workerwatch_at(s->watch, &row);
    if (workerwatch_skips(s->watch, &row))
        return;
    if (codec_json_row(codec, text, n, offset, b, &problem) != ERR_OK)
        report(s, &s->positions[i], offset, text, n, &problem);
}

/* A file's batch is whole. */
static void note_batch(struct workersource *s, const struct batch *b)
{
    if (b->n == 0)
        return;
    const struct lastplace rows = {b->schema->id, b->partition, b->offset[0], b->offset[b->n - 1]};
    workerwatch_at(s->watch, &rows);
    workerwatch_decoded(b);
}

static enum err take_file(struct workersource *s, size_t i, struct diag *diag)
{
    struct partition *p = &s->partitions[i];
    struct decoder *d = decoder_of(s, p->schema);
    uint64_t start = source_file_offset(p->file), offset = 0;
    struct batch *b = batch_new(p->schema, d->columns);
    b->partition = s->positions[i].partition;
    const struct lastplace near = {p->schema->id, b->partition, start, start + NEAR_BYTES};
    unsigned most = workerwatch_suspects(s->watch, &near) ? 1 : BATCH_ROWS;
    const char *text = NULL;
    size_t n = 0;
    enum err e = ERR_OK;
    s->careful = most == 1;
    while (b->n < most && (e = source_file_next(p->file, &text, &n, &offset)) == ERR_OK)
        decode_line(s, i, d->codec, text, n, offset, b);
    if (e != ERR_OK && e != ERR_END && e != ERR_AGAIN) {
        diag_say(diag, "file", NULL, "a file of stream %s cannot be read: %s", p->schema->name,
                 err_text(e));
        goto out;
    }
    note_batch(s, b);
    enum err taken = b->n > 0 ? task_source_rows(s->task, b) : ERR_OK;
    if (taken != ERR_OK) {
        source_file_seek(p->file, start);
        e = taken;
        goto out;
    }
    note_taken(s, i, source_file_offset(p->file), b);
    s->positions[i].end = source_file_size(p->file);
    if (e == ERR_END)
        end_partition(s, i);
    p->dry = e == ERR_AGAIN;
    e = ERR_OK;
out:
    batch_unref(b);
    return e;
}

enum err workersource_take(struct workersource *s, struct diag *d)
{
    bool waits = false;
    size_t i = furthest_behind(s, &waits);
    s->careful = false;
    if (i == s->n)
        return ERR_END;
    return s->partitions[i].file != NULL ? take_file(s, i, d) : take_log(s, i);
}

unsigned workersource_positions(const struct workersource *s, const struct control_position **out)
{
    *out = s->positions;
    return (unsigned)s->n;
}

uint64_t workersource_rows_taken(const struct workersource *s)
{
    return s->rows_taken;
}
