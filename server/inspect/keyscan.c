/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks of a partition, one after the other. Where the key is a text that JSON writes as it is, a block in which that text
 * does not occur is not decoded; of the others all rows are, since which of them are late follows from those before. */
#include "server/inspect/keyscan.h"
#include "base/mem.h"
#include "cep/key/keyrows.h"
#include "io/codec_json.h"
#include "server/wire/tracewire.h"
#include "state/intakelogtrim.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct found_row {
    evtime ts, arrival, late_w;
    uint32_t partition;
    uint64_t offset;
    bool late;
    char *text;
    uint32_t n;
};

struct scan {
    const struct keyscan_ask *ask;
    const struct schema *schema; /* whose rows they are */
    struct keyrows *keyrows;
    struct codec_json *codec;
    const char *needle; /* NULL: every block is decoded */
    size_t needle_n;
    struct bytes text;
    const struct intakelog_block *block; /* being looked at */
    struct found_row *rows;
    size_t n, cap, bytes;
    bool dropped; /* some of the oldest */
};

static bool decode_row(struct scan *s, const struct intakelog_row *row, uint64_t offset,
                       evtime arrival, struct batch *b)
{
    struct codec_problem problem;
    bytes_reset(&s->text);
    bytes_put(&s->text, row->p, row->n);
    memset(bytes_reserve(&s->text, CODEC_PADDING), 0, CODEC_PADDING);
    if (codec_json_row(s->codec, (const char *)s->text.p, row->n, offset, b, &problem) != ERR_OK)
        return false;
    if (b->schema->time != TIME_EVENT)
        batch_set_time(b, b->n - 1, arrival);
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct found_row *x = a, *y = b;
    return x->ts != y->ts ? (x->ts < y->ts ? -1 : 1) : x->offset < y->offset ? -1 : 1;
}

static int by_place(const void *a, const void *b)
{
    const struct found_row *x = a, *y = b;
    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    return x->offset < y->offset ? -1 : 1;
}

/* The newest stay. */
static void drop_oldest(struct scan *s, size_t most)
{
    size_t gone = 0;
    if (s->n == 0)
        return;
    qsort(s->rows, s->n, sizeof *s->rows, by_time);
    while (gone < s->n && (s->n - gone > most || s->bytes > KEYSCAN_BYTES_MAX)) {
        s->bytes -= s->rows[gone].n;
        mem_free(s->rows[gone++].text);
        s->dropped = true;
    }
    s->n -= gone;
    memmove(s->rows, s->rows + gone, s->n * sizeof *s->rows);
}

static void note(void *ctx, const struct batch *b, unsigned i)
{
    struct scan *s = ctx;
    uint64_t at = b->offset[i] - s->block->first;
    const struct intakelog_row *row = &s->block->rows[at];
    bool late = b->has_late && batch_is_late(b, i);
    if (b->ts[i] > s->ask->at || s->ask->skips(s->ask->skips_ctx, b->partition, b->offset[i]))
        return;
    s->rows = mem_grow(s->rows, s->n, 1, &s->cap, sizeof *s->rows);
    s->rows[s->n++] = (struct found_row){.ts = b->ts[i],
                                         .arrival = s->block->arrivals[at],
                                         .partition = b->partition,
                                         .offset = b->offset[i],
                                         .late = late,
                                         .late_w = late ? b->late_w[i] : EVTIME_MIN,
                                         .text = mem_dup(row->p, row->n),
                                         .n = row->n};
    s->bytes += row->n;
    if (s->n >= 2 * KEYSCAN_ROWS_MAX || s->bytes > 2 * KEYSCAN_BYTES_MAX)
        drop_oldest(s, KEYSCAN_ROWS_MAX);
}

static bool may_have_key(const struct scan *s, const struct intakelog_block *k)
{
    for (unsigned i = 0; i < k->n; i++)
        if (s->needle == NULL || memmem(k->rows[i].p, k->rows[i].n, s->needle, s->needle_n) != NULL)
            return true;
    return false;
}

static void look(struct scan *s, uint32_t partition, const struct intakelog_block *k,
                 struct watermark *w)
{
    if (k->before > w->w)
        w->w = k->before;
    if (!may_have_key(s, k)) {
        w->w = k->w > w->w ? k->w : w->w;
        return;
    }
    struct batch *b = batch_new(s->schema, keyrows_columns(s->keyrows));
    b->partition = partition;
    s->block = k;
    for (unsigned i = 0; i < k->n; i++)
        if (!decode_row(s, &k->rows[i], k->first + i, k->arrivals[i], b))
            continue;
    keyrows_take(s->keyrows, b, w, s->ask->key->p, s->ask->key->n, note, s);
    batch_unref(b);
}

static enum err scan_partition(struct scan *s, uint32_t partition, uint64_t from, uint64_t to,
                               struct keyscan_found *out)
{
    struct intakelog *log = s->ask->log;
    uint32_t stream = s->schema->id;
    struct intakelog_block *k = mem_new(sizeof *k);
    struct watermark w = {.w = EVTIME_MIN};
    enum err e = ERR_OK;
    while (from < to && e == ERR_OK && !atomic_load(s->ask->stop)) {
        if ((e = intakelog_read(log, stream, partition, from, k)) != ERR_OK)
            break;
        look(s, partition, k, &w);
        out->scanned += k->n;
        bool end = k->end_of_input || k->first + k->n <= from;
        from = k->first + k->n;
        intakelog_block_fini(k);
        if (end)
            break;
    }
    mem_free(k);
    return e == ERR_END ? ERR_OK : e;
}

/* The first offset of a partition whose row came at that time or later. */
static uint64_t offset_at(const struct scan *s, uint32_t partition, evtime arrival, uint64_t lo,
                          uint64_t hi)
{
    struct intakelog_block *k = mem_new(sizeof *k);
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (intakelog_read(s->ask->log, s->schema->id, partition, mid, k) != ERR_OK)
            break;
        bool before = k->n > 0 && k->arrivals[0] < arrival;
        intakelog_block_fini(k);
        if (before)
            lo = mid + 1;
        else
            hi = mid;
    }
    mem_free(k);
    return lo;
}

/* One row into a batch; false: there is none. */
static bool read_one(struct scan *s, struct intakelog *log, uint32_t partition, uint64_t offset,
                     evtime *arrival, struct batch *b)
{
    struct intakelog_block *k = mem_new(sizeof *k);
    bool is_read = false;
    enum err e = intakelog_read(log, s->schema->id, partition, offset, k);
    if (e == ERR_OK && k->n > 0 && k->first == offset) {
        *arrival = k->arrivals[0];
        is_read = decode_row(s, &k->rows[0], offset, *arrival, b);
    }
    if (e == ERR_OK)
        intakelog_block_fini(k);
    mem_free(k);
    return is_read;
}

enum err keyscan_time(struct intakelog *log, const struct rule_plan *plan, unsigned side,
                      uint32_t partition, uint64_t offset, evtime *out)
{
    struct scan s = {.schema = keyrows_schema(plan, side),
                     .keyrows = keyrows_new(plan, side, NULL)};
    evtime arrival = EVTIME_MIN;
    s.codec = codec_json_new(s.schema, keyrows_columns(s.keyrows), NULL);
    struct batch *b = batch_new(s.schema, keyrows_columns(s.keyrows));
    bool is_read = read_one(&s, log, partition, offset, &arrival, b);
    if (is_read) {
        keyrows_fill(s.keyrows, b);
        *out = b->ts[0];
    }
    batch_unref(b);
    codec_json_free(s.codec);
    keyrows_free(s.keyrows);
    bytes_fini(&s.text);
    return is_read ? ERR_OK : ERR_NOT_FOUND;
}

/* The event that is asked about: when it came, and its key. */
static enum err find_focus(struct scan *s, struct diag *d, evtime *arrival)
{
    const struct keyscan_ask *ask = s->ask;
    const struct schema *schema = s->schema;
    struct batch *b = batch_new(schema, keyrows_columns(s->keyrows));
    bool same = false, is_read = read_one(s, ask->log, ask->partition, ask->offset, arrival, b);
    if (is_read) {
        keyrows_fill(s->keyrows, b);
        const struct bytes *own = keyrows_key(s->keyrows, b, 0);
        if (ask->key->n == 0)
            bytes_put(ask->key, own->p, own->n);
        same = own->n == ask->key->n && (own->n == 0 || memcmp(own->p, ask->key->p, own->n) == 0);
    }
    batch_unref(b);
    if (is_read && same)
        return ERR_OK;
    diag_say(d, "event", NULL,
             is_read ? "event %u/%" PRIu64 " of stream %s is of another key"
                     : "there is no event %u/%" PRIu64 " of stream %s (any more)",
             ask->partition, ask->offset, schema->name);
    return is_read ? ERR_CONFLICT : ERR_NOT_FOUND;
}

/* Where to look in a partition: the last rows, or those up to an event that is older, and some after it. */
static void range(const struct scan *s, uint32_t partition, evtime arrival, uint64_t *from,
                  uint64_t *to)
{
    const struct keyscan_ask *ask = s->ask;
    uint32_t stream = s->schema->id;
    uint64_t share = ask->scan / s->schema->partitions + 1;
    uint64_t first = intakelogtrim_first(ask->log, stream, partition);
    uint64_t end = intakelog_end(ask->log, stream, partition);
    *to = end;
    if (arrival > EVTIME_MIN) {
        uint64_t near = ask->has_focus && ask->partition == partition
                            ? ask->offset
                            : offset_at(s, partition, arrival, first, end);
        *to = near + share / 4 + 1 < end ? near + share / 4 + 1 : end;
    }
    *from = *to > first + share ? *to - share : first;
}

/* A text key that JSON writes as it is. */
static void find_needle(struct scan *s)
{
    const struct rule_plan *p = s->ask->plan;
    struct bytes_reader r = bytes_read(s->ask->key->p, s->ask->key->n);
    struct value v;
    const struct plan_key *key = s->ask->by != NULL ? s->ask->by : &p->key;
    int column = -1;
    if (p->shape == RULE_JOIN && p->join.nkeys > 0 &&
        p->join.keys[0].e[s->ask->side]->kind == EXPR_COLUMN)
        column = (int)p->join.keys[0].e[s->ask->side]->index;
    else if (p->shape != RULE_JOIN && plan_key_ncolumns(key) > 0)
        column = key->columns[0];
    if (column < 0 || s->schema->columns[column].computed != NULL ||
        s->schema->columns[column].type.kind != TYPE_STRING ||
        !value_from_key(&r, s->schema->columns[column].type, &v) || v.null || v.c.s.n == 0)
        return;
    for (uint32_t i = 0; i < v.c.s.n; i++)
        if ((unsigned char)v.c.s.p[i] < ' ' || strchr("\"\\/", v.c.s.p[i]) != NULL ||
            (unsigned char)v.c.s.p[i] > 126)
            return;
    s->needle = v.c.s.p;
    s->needle_n = v.c.s.n;
}

static void hand_out(struct scan *s, struct keyscan_found *out)
{
    drop_oldest(s, KEYSCAN_ROWS_MAX);
    if (s->n > 0)
        qsort(s->rows, s->n, sizeof *s->rows, by_place);
    for (size_t i = 0; i < s->n; i++) {
        const struct found_row *r = &s->rows[i];
        tracewire_put_row(&(struct tracewire_row){.partition = r->partition,
                                                  .offset = r->offset,
                                                  .arrival = r->arrival,
                                                  .late = r->late,
                                                  .late_w = r->late_w,
                                                  .side = s->ask->side,
                                                  .text = r->text,
                                                  .n = r->n},
                          &out->rows);
        mem_free(r->text);
    }
    out->nrows += (uint32_t)s->n;
    out->complete = out->complete && !s->dropped;
}

enum err keyscan(const struct keyscan_ask *ask, struct diag *d, struct keyscan_found *out)
{
    struct scan s = {.ask = ask,
                     .schema = keyrows_schema(ask->plan, ask->side),
                     .keyrows = keyrows_new(ask->plan, ask->side, ask->by)};
    evtime arrival = ask->near;
    enum err e = ERR_OK;
    s.codec = codec_json_new(s.schema, keyrows_columns(s.keyrows), NULL);
    if (ask->has_focus)
        e = find_focus(&s, d, &arrival);
    if (e == ERR_OK)
        find_needle(&s);
    out->arrival = arrival;
    for (uint32_t p = 0; p < s.schema->partitions && e == ERR_OK; p++) {
        uint64_t from, to;
        range(&s, p, arrival, &from, &to);
        out->complete = out->complete && from == 0;
        if ((e = scan_partition(&s, p, from, to, out)) != ERR_OK)
            diag_say(d, "log", NULL, "the recorded events of stream %s cannot be read: %s",
                     s.schema->name, err_text(e));
    }
    hand_out(&s, out);
    codec_json_free(s.codec);
    keyrows_free(s.keyrows);
    bytes_fini(&s.text);
    mem_free(s.rows);
    return e;
}
