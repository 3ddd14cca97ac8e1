/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks: a block is decoded batch by batch. A word about time looks like a bad row to the decoder; when one turns up,
 * the batch is decoded again up to it only, so that the rows before it go first. Bad rows wait until their batch is
 * settled that way and are told before its results. */
#include "server/eval/evalfeed.h"
#include "base/bug.h"
#include "base/mem.h"
#include "io/codec_json.h"
#include "server/eval/evalbad.h"
#include "server/eval/evalclock.h"
#include "server/eval/evalerrors.h"
#include "server/eval/evalinput.h"
#include "server/eval/evalline.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* A batch of fewer bytes than that is full, or the input's last. */
enum { WHOLE_BATCH_MAX = 8 << 20 };

struct source { /* one stream */
    const struct schema *schema;
    struct codec_json *codec,
        *whole; /* the columns that rules read; all, made when a late row is shown */
    struct colset want, all;
    uint64_t places;
    unsigned partitions;
};

struct lane { /* one input's events of one stream */
    struct batch *filling; /* NULL: nothing yet */
    struct bytes text; /* the lines of its rows */
    size_t starts[BATCH_ROWS + 1]; /* where each begins in it */
    uint32_t partition;
    bool is_open;
};

struct feed_input {
    struct evalinput *in;
    int stream;
    struct lane *lanes; /* by stream */
    bool ended;
};

struct evalfeed {
    struct evalfeed_options o;
    struct source *sources;
    struct feed_input *inputs;
    struct evalrun *run;
    struct evalclock *clock;
    struct evalerrors *errors; /* NULL: no rule reads any */
    struct bytes bad; /* lines of bad rows that wait for their batch */
    uint64_t nbad; /* how many are in it */
    struct evalfeed_stats stats;
    bool measure;
    /* The words about time found in the batch being decoded: the first only. */
    const char *word;
    size_t word_len;
    /* Where the lines are of the rows that are being settled, for late rows: in a block, or in a lane. */
    struct {
        uint64_t first, next; /* place of the first line, and of the line at `at` */
        const char *from, *at, *end;
    } shown;
    const struct lane *sent;
    struct bytes late_row; /* the last late row that was shown, as text, and where it is */
    struct place late_place;
};

static int64_t thread_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* --- opening and closing ----------------------------------------------------------------------- */

static void open_lanes(struct evalfeed *f, struct feed_input *in, const struct evalfeed_input *o)
{
    in->lanes = mem_array(f->o.nstreams, sizeof *in->lanes);
    in->stream = o->stream;
    for (unsigned s = 0; s < f->o.nstreams; s++) {
        if (o->stream >= 0 && (unsigned)o->stream != s)
            continue;
        in->lanes[s].is_open = true;
        in->lanes[s].partition = f->sources[s].partitions++;
    }
}

enum err evalfeed_new(const struct evalfeed_options *o, unsigned *which, struct evalfeed **out)
{
    struct evalfeed *f = mem_new(sizeof *f);
    f->o = *o;
    f->sources = mem_array(o->nstreams, sizeof *f->sources);
    f->inputs = mem_array(o->ninputs, sizeof *f->inputs);
    for (unsigned s = 0; s < o->nstreams; s++)
        f->sources[s].schema = o->streams[s];
    for (unsigned i = 0; i < o->ninputs; i++) {
        enum err e = evalinput_open(o->inputs[i].path, &f->inputs[i].in);
        if (e != ERR_OK) {
            int why = errno;
            *which = i;
            evalfeed_free(f);
            errno = why;
            return e;
        }
        open_lanes(f, &f->inputs[i], &o->inputs[i]);
    }
    *out = f;
    return ERR_OK;
}

void evalfeed_free(struct evalfeed *f)
{
    if (!f)
        return;
    for (unsigned i = 0; i < f->o.ninputs; i++) {
        for (unsigned s = 0; f->inputs[i].lanes && s < f->o.nstreams; s++) {
            batch_unref(f->inputs[i].lanes[s].filling);
            bytes_fini(&f->inputs[i].lanes[s].text);
        }
        mem_free(f->inputs[i].lanes);
        evalinput_free(f->inputs[i].in);
    }
    for (unsigned s = 0; s < f->o.nstreams; s++) {
        codec_json_free(f->sources[s].codec);
        codec_json_free(f->sources[s].whole);
    }
    evalclock_free(f->clock);
    evalerrors_free(f->errors);
    bytes_fini(&f->late_row);
    bytes_fini(&f->bad);
    mem_free(f->sources);
    mem_free(f->inputs);
    mem_free(f);
}

/* --- bad rows ---------------------------------------------------------------------------------- */

static void put_bad(struct evalfeed *f, const struct schema *stream, uint64_t place,
                    const char *text, size_t n, const char *code, const char *reason)
{
    evalbad_line(stream ? stream->name : NULL, place, text, n, code, reason, &f->bad);
    f->nbad++;
}

static void tell_bad(struct evalfeed *f)
{
    bytes_put(evalrun_out(f->run), f->bad.p, f->bad.n);
    bytes_reset(&f->bad);
    f->stats.bad += f->nbad;
    f->nbad = 0;
}

/* --- words about time -------------------------------------------------------------------------- */

/* W becomes N + 1: all events with a time of N and before have been seen. */
static void apply_word(struct evalfeed *f, struct feed_input *in, const struct evalline *word)
{
    if (word->kind == EVALLINE_PROCESSING_TIME) {
        evalclock_set(f->clock, word->time);
        evalerrors_clock(f->errors, word->time);
        evalrun_settle(f->run);
        return;
    }
    evtime w = word->time < EVTIME_MAX ? word->time + 1 : EVTIME_MAX;
    for (unsigned s = 0; s < f->o.nstreams; s++)
        if (in->lanes[s].is_open) {
            evalrun_watermark(f->run, f->o.streams[s]->id, in->lanes[s].partition, w);
            evalclock_moved(f->clock, s, in->lanes[s].partition);
        }
    evalrun_settle(f->run);
}

/* --- late rows --------------------------------------------------------------------------------- */

static bool is_blank(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r')
            return false;
    return true;
}

/* The line of that place in the block. Late rows are asked for in order, mostly, so the walk goes on. */
static const char *block_line(struct evalfeed *f, uint64_t place, size_t *n)
{
    if (place < f->shown.next) {
        f->shown.next = f->shown.first;
        f->shown.at = f->shown.from;
    }
    while (f->shown.at < f->shown.end && f->shown.next <= place) {
        const char *line = f->shown.at;
        size_t left = (size_t)(f->shown.end - line);
        const char *newline = memchr(line, '\n', left);
        *n = newline ? (size_t)(newline - line) : left;
        if (!is_blank(line, *n)) {
            if (f->shown.next == place)
                return line;
            f->shown.next++;
        }
        f->shown.at = newline ? newline + 1 : f->shown.end;
    }
    return NULL;
}

static const char *lane_line(const struct lane *lane, const struct place *at, size_t *n)
{
    const struct batch *b = lane->filling;
    if (b->schema->id != at->stream || b->partition != at->partition)
        return NULL;
    for (unsigned i = 0; i < b->n; i++)
        if (b->offset[i] == at->offset) {
            *n = lane->starts[i + 1] - lane->starts[i];
            return (const char *)lane->text.p + lane->starts[i];
        }
    return NULL;
}

/* Row 0 as an object, computed columns left out. */
static void put_row(const struct batch *b, struct bytes *out)
{
    const struct schema *s = b->schema;
    char before = '{';
    bytes_reset(out);
    for (unsigned c = 0; c < s->ncolumns; c++) {
        if (s->columns[c].computed)
            continue;
        struct value v = batch_value(b, c, 0);
        bytes_u8(out, (uint8_t)before);
        value_json_string(s->columns[c].name, strlen(s->columns[c].name), out);
        bytes_u8(out, ':');
        value_json(&v, out);
        before = ',';
    }
    bytes_u8(out, '}');
}

static struct source *source_of(struct evalfeed *f, uint32_t stream)
{
    for (unsigned i = 0; i < f->o.nstreams; i++)
        if (f->o.streams[i]->id == stream)
            return &f->sources[i];
    return NULL;
}

static struct codec_json *whole_codec(struct source *s)
{
    if (s->whole)
        return s->whole;
    for (unsigned c = 0; c < s->schema->ncolumns; c++)
        if (!s->schema->columns[c].computed)
            colset_add(&s->all, c);
    return s->whole = codec_json_new(s->schema, &s->all, NULL);
}

const struct bytes *evalfeed_late_row(void *feed, const struct place *at)
{
    struct evalfeed *f = feed;
    struct codec_problem problem;
    size_t length = 0;
    if (f->late_row.n > 0 && memcmp(&f->late_place, at, sizeof *at) == 0)
        return &f->late_row; /* several rules tell of it */
    const char *line =
        f->sent ? lane_line(f->sent, at, &length) : block_line(f, at->offset, &length);
    struct source *s = source_of(f, at->stream);
    if (!line || !s)
        return NULL;
    struct codec_json *codec = whole_codec(s);
    struct batch *b = batch_new(s->schema, &s->all);
    bool good = codec_json_row(codec, line, length, 0, b, &problem) == ERR_OK;
    bytes_reset(&f->late_row);
    if (good)
        put_row(b, &f->late_row);
    batch_unref(b);
    f->late_place = *at;
    return good ? &f->late_row : NULL;
}

/* --- blocks: one input of one stream ----------------------------------------------------------- */

struct block {
    struct evalfeed *f;
    struct source *source;
};

static void on_bad(void *ctx, uint64_t place, const char *text, size_t n,
                   const struct codec_problem *problem)
{
    struct block *b = ctx;
    struct evalfeed *f = b->f;
    if (f->word)
        return;
    struct evalline line = evalline_read(text, n);
    if (line.kind != EVALLINE_EVENT) {
        f->word = text;
        f->word_len = n;
        return;
    }
    put_bad(f, b->source->schema, place, text, n, codec_problem_name(problem->code), problem->text);
}

static void decode(struct block *b, const char *p, size_t n, size_t *pos, uint64_t *places,
                   struct batch *to)
{
    int64_t from = b->f->measure ? thread_ns() : 0;
    codec_json_lines(b->source->codec, p, n, pos, places, to, on_bad, b);
    if (b->f->measure)
        b->f->stats.decode_ns += thread_ns() - from;
}

static struct batch *batch_of(const struct source *s, uint32_t partition)
{
    struct batch *b = batch_new(s->schema, &s->want);
    b->partition = partition;
    return b;
}

/* As if not decoded: the next decoding tells of the bad rows again. */
static struct batch *undo(struct block *b, struct batch *rows, uint64_t first)
{
    batch_unref(rows);
    bytes_reset(&b->f->bad);
    b->f->nbad = 0;
    b->f->word = NULL;
    b->source->places = first;
    return batch_of(b->source, 0);
}

/* One batch from p + *pos. False: it is not whole, and there is more to read; nothing was done. Where a batch ends must
 * not depend on how a pipe cuts its bytes, since the order of results within a step does on where it ends. */
static bool run_batch(struct block *b, struct feed_input *in, const char *p, size_t n, size_t *pos)
{
    struct evalfeed *f = b->f;
    struct source *s = b->source;
    size_t from = *pos;
    uint64_t first = s->places;
    struct batch *rows = batch_of(s, 0);
    f->word = NULL;
    decode(b, p, n, pos, &s->places, rows);
    const char *word = f->word;
    size_t word_len = f->word_len;
    bool cut = !word && rows->n < BATCH_ROWS && n - from < WHOLE_BATCH_MAX;
    if (cut && !evalinput_ended(in->in)) {
        batch_unref(undo(b, rows, first));
        *pos = from;
        return false;
    }
    if (word) { /* again, up to it */
        rows = undo(b, rows, first);
        *pos = from;
        decode(b, p, (size_t)(word - p), pos, &s->places, rows);
    }
    f->shown.first = f->shown.next = first;
    f->shown.from = f->shown.at = p + from;
    f->shown.end = p + *pos;
    tell_bad(f);
    if (rows->n > 0) {
        f->stats.events += rows->n;
        evalclock_stamp(f->clock, (unsigned)in->stream, rows);
        evalrun_rows(f->run, rows);
        evalclock_moved(f->clock, (unsigned)in->stream, 0);
        evalrun_settle(f->run);
    }
    f->shown.from = f->shown.at = f->shown.end = NULL;
    batch_unref(rows);
    if (word) {
        struct evalline line = evalline_read(word, word_len);
        *pos = (size_t)(word - p) + word_len;
        apply_word(f, in, &line);
    }
    return true;
}

static void run_blocks(struct evalfeed *f)
{
    struct feed_input *in = &f->inputs[0];
    struct block b = {f, &f->sources[in->stream]};
    const char *p;
    size_t n, last = 0, least = 0;
    while (evalinput_block(in->in, least, &p, &n)) {
        size_t pos = 0, from = 0;
        bool whole = true;
        while (whole && pos < n && (n - pos >= last || evalinput_ended(in->in))) {
            from = pos;
            whole = run_batch(&b, in, p, n, &pos);
            if (whole)
                last = pos - from;
        }
        f->stats.bytes += pos;
        evalinput_take(in->in, pos);
        least = whole ? last : 2 * (n - pos);
    }
}

/* --- a line of each input in turn -------------------------------------------------------------- */

static void send(struct evalfeed *f, struct lane *lane, unsigned stream)
{
    struct batch *b = lane->filling;
    if (!b)
        return;
    f->sent = lane;
    f->stats.events += b->n;
    evalclock_stamp(f->clock, stream, b);
    evalrun_rows(f->run, b);
    evalclock_moved(f->clock, stream, lane->partition);
    evalrun_settle(f->run);
    f->sent = NULL;
    batch_unref(b);
    lane->filling = NULL;
    bytes_reset(&lane->text);
}

static void send_all(struct evalfeed *f, struct feed_input *in)
{
    for (unsigned s = 0; s < f->o.nstreams; s++)
        send(f, &in->lanes[s], s);
}

/* -1: none, and it has been told. */
static int stream_of(struct evalfeed *f, const struct feed_input *in, const struct evalline *line,
                     const char *text, size_t n)
{
    if (in->stream >= 0)
        return in->stream;
    if (!line->stream) {
        put_bad(f, NULL, 0, text, n, "no-stream",
                "the event does not name its stream in '_stream'");
        return -1;
    }
    for (unsigned s = 0; s < f->o.nstreams; s++)
        if (strlen(f->o.streams[s]->name) == line->stream_len &&
            strncasecmp(f->o.streams[s]->name, line->stream, line->stream_len) == 0)
            return (int)s;
    char reason[160];
    snprintf(reason, sizeof reason, "there is no stream '%.*s'",
             line->stream_len < 100 ? (int)line->stream_len : 100, line->stream);
    put_bad(f, NULL, 0, text, n, "no-stream", reason);
    return -1;
}

static void take_event(struct evalfeed *f, struct feed_input *in, int stream, const char *text,
                       size_t n)
{
    struct source *s = &f->sources[stream];
    struct lane *lane = &in->lanes[stream];
    struct codec_problem problem;
    if (!lane->filling)
        lane->filling = batch_of(s, lane->partition);
    uint64_t place = s->places++;
    if (codec_json_row(s->codec, text, n, place, lane->filling, &problem) != ERR_OK) {
        put_bad(f, s->schema, place, text, n, codec_problem_name(problem.code), problem.text);
        tell_bad(f);
        if (evalerrors_read(f->errors, (unsigned)stream)) {
            send(f, lane,
                 (unsigned)stream); /* how far time has come must not hang on the batches */
            evalerrors_put(f->errors,
                           &(struct evalerrors_row){(unsigned)stream, lane->partition, place, text,
                                                    n, codec_problem_name(problem.code),
                                                    problem.text});
            evalrun_settle(f->run);
        }
        return;
    }
    lane->starts[lane->filling->n - 1] = lane->text.n;
    bytes_put(&lane->text, text, n);
    lane->starts[lane->filling->n] = lane->text.n;
    bytes_reserve(&lane->text, CODEC_PADDING);
    if (lane->filling->n >= f->o.batch)
        send(f, lane, (unsigned)stream);
}

static void take_line(struct evalfeed *f, struct feed_input *in, const char *text, size_t n)
{
    struct evalline line = evalline_read(text, n);
    if (line.kind != EVALLINE_EVENT) {
        send_all(f, in);
        apply_word(f, in, &line);
        return;
    }
    int stream = stream_of(f, in, &line, text, n);
    if (stream >= 0)
        take_event(f, in, stream, text, n);
    else
        tell_bad(f);
}

static void finish(struct evalfeed *f, struct feed_input *in)
{
    send_all(f, in);
    in->ended = true;
    if (f->o.no_end)
        return;
    for (unsigned s = 0; s < f->o.nstreams; s++)
        if (in->lanes[s].is_open) {
            evalrun_watermark(f->run, f->o.streams[s]->id, in->lanes[s].partition, EVTIME_MAX);
            evalclock_ended(f->clock, s, in->lanes[s].partition);
        }
    evalrun_settle(f->run);
}

static void run_lines(struct evalfeed *f)
{
    unsigned left = f->o.ninputs;
    while (left > 0)
        for (unsigned i = 0; i < f->o.ninputs; i++) {
            struct feed_input *in = &f->inputs[i];
            const char *text;
            size_t n;
            if (in->ended)
                continue;
            if (evalinput_would_wait(in->in))
                (void)!evalrun_flush(f->run); /* the failure is kept */
            if (evalinput_line(in->in, &text, &n)) {
                f->stats.bytes += n + 1;
                take_line(f, in, text, n);
            } else {
                finish(f, in);
                left--;
            }
        }
    if (f->errors && !f->o.no_end) {
        evalerrors_clock(f->errors, EVTIME_MAX);
        evalrun_settle(f->run);
    }
}

/* --- the run ----------------------------------------------------------------------------------- */

static void begin(struct evalfeed *f, struct job *job)
{
    f->clock = evalclock_new(f->run, f->o.streams, f->o.nstreams);
    for (unsigned s = 0; s < f->o.nstreams; s++) {
        struct source *source = &f->sources[s];
        const struct colset *read = job_columns(job, source->schema->id);
        if (read)
            source->want = *read;
        if (source->schema->time_column >= 0)
            colset_add(&source->want, (unsigned)source->schema->time_column);
        evalclock_open(f->clock, s, source->partitions);
        source->codec = codec_json_new(source->schema, &source->want, job_dict(job));
    }
    f->errors = evalerrors_new(job, f->run, f->o.streams, f->o.nstreams);
    for (unsigned i = 0; i < f->o.ninputs; i++)
        for (unsigned s = 0; s < f->o.nstreams; s++)
            if (f->inputs[i].lanes[s].is_open)
                evalrun_open(f->run, f->o.streams[s]->id, f->inputs[i].lanes[s].partition);
}

enum err evalfeed_run(struct evalfeed *f, struct job *job, struct evalrun *run)
{
    f->run = run;
    begin(f, job);
    /* A word about time is told from an event by the time that it lacks, so an event must have one. */
    bool blocks =
        f->o.ninputs == 1 && !f->errors && f->inputs[0].stream >= 0 && f->o.batch == BATCH_ROWS;
    if (blocks && f->o.streams[f->inputs[0].stream]->time == TIME_EVENT) {
        run_blocks(f);
        finish(f, &f->inputs[0]);
    } else {
        run_lines(f);
    }
    enum err e = evalrun_flush(run);
    for (unsigned i = 0; i < f->o.ninputs; i++)
        if (evalinput_failed(f->inputs[i].in)) {
            errno = evalinput_failed(f->inputs[i].in);
            e = ERR_IO;
        }
    return e;
}

void evalfeed_measure(struct evalfeed *f)
{
    f->measure = true;
}

struct evalfeed_stats evalfeed_stats(const struct evalfeed *f)
{
    return f->stats;
}
