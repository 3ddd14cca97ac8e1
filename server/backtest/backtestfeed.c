/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backtest/backtestfeed.h"
#include "base/mem.h"
#include "io/codec_json.h"
#include "io/source_file.h"
#include "state/intakelogcopy.h"
#include "state/intakelogtrim.h"
#include <string.h>
#include <strings.h>

enum { SOURCES_MAX = 4096 };

struct decoder {
    const struct schema *schema;
    struct colset columns;
    struct codec_json *codec;
    int label; /* column, or -1 */
};
struct partition {
    struct decoder *decoder;
    uint32_t number;
    struct source_file *file; /* NULL: of the log */
    uint64_t first, next, end; /* offsets; of a file, bytes */
    bool ended;
};
struct backtestfeed {
    struct backtestfeed_options o;
    struct decoder **decoders; /* each by itself: partitions point to them */
    struct partition *partitions;
    size_t n, cap, ndecoders, decoders_cap;
    struct backtestfeed_stats stats;
    struct intakelog_block block;
};

/* --- what is read ------------------------------------------------------------------------------------------------------ */

static bool is_wanted(const struct backtestfeed *f, const struct schema *s)
{
    size_t i;
    json_t *v;
    if (f->o.plan->streams == NULL)
        return true;
    json_array_foreach((json_t *)(uintptr_t)f->o.plan->streams, i,
                       v) if (strcasecmp(json_string_value(v), s->name) == 0) return true;
    return false;
}

static struct decoder *make_decoder(struct backtestfeed *f, const struct schema *s)
{
    struct decoder *d = mem_new(sizeof *d);
    const char *label = f->o.plan->label_column;
    d->schema = s;
    d->columns = *job_columns(f->o.job, s->id);
    d->label = label != NULL ? schema_column(s, label, strlen(label)) : -1;
    if (d->label >= 0)
        colset_add(&d->columns, (unsigned)d->label);
    d->codec = codec_json_new(s, &d->columns, job_dict(f->o.job));
    f->decoders =
        mem_grow(f->decoders, f->ndecoders, 1, &f->decoders_cap, sizeof(struct decoder *));
    f->decoders[f->ndecoders++] = d;
    return d;
}

static struct partition *add_partition(struct backtestfeed *f, struct decoder *d, uint32_t number)
{
    f->partitions = mem_grow(f->partitions, f->n, 1, &f->cap, sizeof *f->partitions);
    struct partition *p = &f->partitions[f->n++];
    *p = (struct partition){.decoder = d, .number = number};
    return p;
}

static enum err open_log(struct backtestfeed *f, struct decoder *d, uint32_t number,
                         struct diag *diag)
{
    const struct schema *s = d->schema;
    struct partition *p = add_partition(f, d, number);
    uint64_t offset = intakelogtrim_first(f->o.log, s->id, number);
    uint64_t stop = intakelog_end(f->o.log, s->id, number);
    evtime w = EVTIME_MIN, unused = 0;
    enum err e = ERR_OK;
    uint64_t there = offset;
    /* How far behind a watermark is that rows themselves give, nobody knows. */
    if (f->o.save != NULL)
        (void)backtestsave_position(f->o.save, s->id, number, &offset, &w);
    else if (f->o.from > EVTIME_MIN && s->watermark == WATERMARK_BOUNDED)
        e = intakelogcopy_seek(f->o.log, s->id, number, f->o.from, s->delay_ms, &offset, &w);
    if (e == ERR_OK && f->o.to < EVTIME_MAX)
        e = intakelogcopy_seek(f->o.log, s->id, number, f->o.to, 0, &stop, &unused);
    if (e == ERR_OK && offset < there) {
        diag_say(diag, "savepoint", NULL,
                 "events of stream %s from offset %llu on have been deleted from the log", s->name,
                 (unsigned long long)offset);
        return ERR_INVALID;
    }
    if (e != ERR_OK)
        diag_say(diag, "intake-log", NULL, "the log of stream %s, partition %u, cannot be read: %s",
                 s->name, number, err_text(e));
    p->first = p->next = offset;
    p->end = stop > offset ? stop : offset;
    evalrun_open_at(f->o.run, s->id, number, w);
    return e;
}

static enum err open_file(struct backtestfeed *f, struct decoder *d, uint32_t number,
                          const char *path, struct diag *diag)
{
    struct partition *p = add_partition(f, d, number);
    enum err e = source_file_open(path, 0, false, &p->file);
    if (e != ERR_OK) {
        diag_say(diag, "file", NULL, "file %s of stream %s: %s", path, d->schema->name,
                 err_text(e));
        return e;
    }
    p->end = source_file_size(p->file);
    evalrun_open(f->o.run, d->schema->id, number);
    return ERR_OK;
}

/* Those that the request names for this stream; how many. */
static enum err open_named(struct backtestfeed *f, struct decoder *d, unsigned *n,
                           struct diag *diag)
{
    size_t i;
    json_t *v;
    enum err e = ERR_OK;
    json_array_foreach((json_t *)(uintptr_t)f->o.plan->files, i,
                       v) if (e == ERR_OK &&
                              strcasecmp(json_string_value(json_object_get(v, "stream")),
                                         d->schema->name) == 0) e =
        open_file(f, d, (*n)++, json_string_value(json_object_get(v, "path")), diag);
    return e;
}

/* Its time must not hold up others'. */
static void leave_out(struct backtestfeed *f, const struct schema *s)
{
    for (uint32_t i = 0; i < s->partitions; i++) {
        evalrun_open(f->o.run, s->id, i);
        evalrun_watermark(f->o.run, s->id, i, EVTIME_MAX);
    }
}

static enum err open_stream(struct backtestfeed *f, const struct schema *s, struct diag *diag)
{
    struct decoder *d = make_decoder(f, s);
    char **paths = NULL;
    unsigned n = 0, named = 0;
    enum err e = open_named(f, d, &named, diag);
    if (e != ERR_OK || named > 0)
        return e;
    if (strcmp(s->connector, "file") == 0) {
        e = source_file_list(s, diag, &paths, &n);
        for (unsigned i = 0; e == ERR_OK && i < n; i++)
            e = open_file(f, d, i, paths[i], diag);
        source_file_list_free(paths);
        return e;
    }
    if (f->o.log == NULL)
        leave_out(f, s);
    for (uint32_t i = 0; f->o.log != NULL && e == ERR_OK && i < s->partitions; i++)
        e = open_log(f, d, i, diag);
    return e;
}

enum err backtestfeed_new(const struct backtestfeed_options *o, struct diag *d,
                          struct backtestfeed **out)
{
    const struct schema *streams[SOURCES_MAX];
    struct backtestfeed *f = mem_new(sizeof *f);
    enum err e = ERR_OK;
    f->o = *o;
    f->stats.first = EVTIME_MAX;
    f->stats.last = EVTIME_MIN;
    unsigned n = registry_sources(o->registry, streams, SOURCES_MAX);
    for (unsigned i = 0; e == ERR_OK && i < n && i < SOURCES_MAX; i++)
        if (job_columns(o->job, streams[i]->id) == NULL)
            continue; /* no rule reads it */
        else if (is_wanted(f, streams[i]))
            e = open_stream(f, streams[i], d);
        else
            leave_out(f, streams[i]);
    if (e == ERR_OK && f->n == 0) {
        diag_say(d, "streams", "name one that the rule reads, or none", "no stream is read");
        e = ERR_NOT_FOUND;
    }
    if (e == ERR_OK)
        *out = f;
    else
        backtestfeed_free(f);
    return e;
}

void backtestfeed_free(struct backtestfeed *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->n; i++)
        source_file_close(f->partitions[i].file);
    for (size_t i = 0; i < f->ndecoders; i++) {
        codec_json_free(f->decoders[i]->codec);
        mem_free(f->decoders[i]);
    }
    mem_free(f->decoders);
    mem_free(f->partitions);
    mem_free(f);
}

/* --- rows -------------------------------------------------------------------------------------------------------------- */

static bool is_labelled(const struct backtestfeed *f, const struct batch *b, unsigned column,
                        unsigned row)
{
    struct value v = batch_value(b, column, row);
    const char *wanted = f->o.plan->label_value;
    union cell c;
    if (v.null)
        return false;
    if (wanted == NULL)
        return v.type.kind == TYPE_STRING ? v.c.s.n > 0 : v.c.i != 0;
    struct value w = {.type = v.type};
    if (!value_parse_text(v.type, wanted, strlen(wanted), &c))
        return false;
    w.c = c;
    return value_compare(&v, &w) == 0;
}

static void give_rows(struct backtestfeed *f, const struct partition *p, struct batch *b)
{
    if (b->n == 0)
        return;
    f->stats.events += b->n;
    for (unsigned i = 0; i < b->n; i++) {
        f->stats.first = b->ts[i] < f->stats.first ? b->ts[i] : f->stats.first;
        f->stats.last = b->ts[i] > f->stats.last ? b->ts[i] : f->stats.last;
        if (p->decoder->label >= 0 && b->ts[i] >= f->o.plan->from && b->ts[i] < f->o.plan->to &&
            is_labelled(f, b, (unsigned)p->decoder->label, i))
            f->o.label(f->o.ctx, b, i);
    }
    f->o.rows(f->o.ctx, b);
    evalrun_rows(f->o.run, b);
}

static struct batch *new_batch(const struct partition *p)
{
    struct batch *b = batch_new(p->decoder->schema, &p->decoder->columns);
    b->partition = p->number;
    return b;
}

static void raise(struct backtestfeed *f, struct partition *p, evtime w)
{
    evalrun_watermark(f->o.run, p->decoder->schema->id, p->number, w);
    if (w == EVTIME_MAX)
        p->ended = true;
}

static enum err step_log(struct backtestfeed *f, struct partition *p, struct diag *d)
{
    const struct schema *s = p->decoder->schema;
    struct intakelog_block *k = &f->block;
    struct codec_problem bad;
    enum err e = intakelog_read(f->o.log, s->id, p->number, p->next, k);
    if (e == ERR_END) {
        p->ended = true;
        return ERR_OK;
    }
    if (e != ERR_OK) {
        diag_say(d, "intake-log", NULL,
                 "the log of stream %s, partition %u, cannot be read at offset %llu: %s", s->name,
                 p->number, (unsigned long long)p->next, err_text(e));
        return e;
    }
    struct batch *b = new_batch(p);
    if (k->before != EVTIME_MIN)
        raise(f, p, k->before);
    for (unsigned i = 0; i < k->n; i++) {
        f->stats.bytes += k->rows[i].n;
        if (codec_json_row(p->decoder->codec, k->rows[i].p, k->rows[i].n, k->first + i, b, &bad) !=
            ERR_OK)
            f->stats.bad++;
        else if (s->time != TIME_EVENT)
            batch_set_time(b, b->n - 1, k->arrivals[i]);
    }
    give_rows(f, p, b);
    batch_unref(b);
    p->next = k->first + k->n;
    p->ended = k->n == 0;
    if (k->end_of_input)
        raise(f, p, EVTIME_MAX);
    intakelog_block_fini(k);
    return ERR_OK;
}

static void on_bad(void *ctx, uint64_t offset, const char *text, size_t n,
                   const struct codec_problem *p)
{
    (void)offset, (void)text, (void)n, (void)p;
    ((struct backtestfeed *)ctx)->stats.bad++;
}

/* Lines that are in memory are decoded as one. False: there are none. */
static bool take_block(struct backtestfeed *f, struct partition *p, struct batch *b)
{
    const char *text;
    size_t n, pos = 0;
    uint64_t at, lines = 0;
    unsigned first = b->n;
    if (source_file_block(p->file, &text, &n, &at) != ERR_OK)
        return false;
    codec_json_lines(p->decoder->codec, text, n, &pos, &lines, b, on_bad, f);
    source_file_places(text, pos, at, &b->offset[first], b->n - first);
    source_file_seek(p->file, at + pos);
    return true;
}

static enum err step_file(struct backtestfeed *f, struct partition *p, struct diag *d)
{
    struct batch *b = new_batch(p);
    struct codec_problem bad;
    const char *text = NULL;
    size_t n = 0;
    uint64_t offset = 0;
    enum err e = ERR_OK;
    while (e == ERR_OK && b->n < BATCH_ROWS) {
        if (take_block(f, p, b))
            continue;
        e = source_file_next(p->file, &text, &n, &offset);
        if (e == ERR_OK && codec_json_row(p->decoder->codec, text, n, offset, b, &bad) != ERR_OK)
            f->stats.bad++;
    }
    give_rows(f, p, b);
    batch_unref(b);
    f->stats.bytes += source_file_offset(p->file) - p->next;
    p->next = source_file_offset(p->file);
    if (e == ERR_END) {
        raise(f, p, EVTIME_MAX);
        e = ERR_OK;
    }
    if (e != ERR_OK)
        diag_say(d, "file", NULL, "a file of stream %s cannot be read: %s",
                 p->decoder->schema->name, err_text(e));
    return e;
}

static evtime watermark(const struct backtestfeed *f, const struct partition *p)
{
    return evalrun_w(f->o.run, p->decoder->schema->id, p->number);
}

static struct partition *furthest_behind(struct backtestfeed *f)
{
    struct partition *best = NULL;
    evtime least = EVTIME_MAX;
    for (size_t i = 0; i < f->n; i++) {
        struct partition *p = &f->partitions[i];
        evtime w = p->ended ? EVTIME_MAX : watermark(f, p);
        if (!p->ended && (best == NULL || w < least)) {
            best = p;
            least = w;
        }
    }
    return best;
}

enum err backtestfeed_step(struct backtestfeed *f, struct diag *d)
{
    struct partition *p = furthest_behind(f);
    if (p == NULL)
        return ERR_END;
    enum err e = p->file != NULL ? step_file(f, p, d) : step_log(f, p, d);
    if (e != ERR_OK)
        return e;
    evalrun_settle(f->o.run);
    if (!p->ended && f->o.to < EVTIME_MAX && watermark(f, p) >= f->o.to)
        p->ended = true;
    return ERR_OK;
}

struct backtestfeed_stats backtestfeed_stats(const struct backtestfeed *f)
{
    struct backtestfeed_stats s = f->stats;
    for (size_t i = 0; i < f->n; i++) {
        const struct partition *p = &f->partitions[i];
        double whole = (double)(p->end - p->first);
        double part = p->ended || whole == 0 ? 1 : (double)(p->next - p->first) / whole;
        s.done += (part < 1 ? part : 1) / (double)f->n;
    }
    return s;
}
