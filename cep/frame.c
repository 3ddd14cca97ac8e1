/* SPDX-License-Identifier: Apache-2.0
 *
 * Frame:      'w' version stage 0, then messages of streams of that stage (cep/row/schema.h)
 * Message:    u32 length of what follows it (of its kind's body), u8 kind, body
 *   ROWS      varint stream, varint partition, u8 nsummed, nsummed x u64 key definition, varint ncolumns, ncolumns x u8
 *             column, rows (framerows.c)
 *   WATERMARK varint stream, varint partition, u64
 *   PART      bytes
 *   PIECE     u8 1 if it is the last, bytes: pieces in a row make one message, kind first
 *
 * Version 2. */
#include "cep/frame.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/framerows.h"
#include <string.h>

enum { MAGIC = 'w', HEAD = 4, MESSAGE_HEAD = 5, STAGE_AT = 2 };
enum message { MESSAGE_ROWS = 1, MESSAGE_WATERMARK = 2, MESSAGE_PIECE = 3, MESSAGE_PART = 4 };
enum { FEW_ROWS = 64 /* for which a frame is not begun */ };

/* --- writing --- */

void frame_writer_init(struct frame_writer *w)
{
    *w = (struct frame_writer){0};
}

void frame_writer_fini(struct frame_writer *w)
{
    for (size_t i = 0; i < w->spare; i++)
        bytes_fini(&w->done[i]);
    mem_free(w->done);
    bytes_fini(&w->current);
}

void frame_writer_flush(struct frame_writer *w)
{
    if (w->current.n == 0)
        return;
    if (w->ndone == w->spare) {
        w->done = mem_grow(w->done, w->ndone, 1, &w->done_cap, sizeof *w->done);
        w->done[w->spare++] = (struct bytes){0};
    }
    struct bytes empty = w->done[w->ndone];
    w->done[w->ndone++] = w->current;
    empty.n = 0;
    w->current = empty;
}

void frame_writer_clear(struct frame_writer *w)
{
    w->ndone = 0;
}

/* Room for n more bytes: in the frame in hand, or in a new one. */
static struct bytes *frame_with_room(struct frame_writer *w, size_t n)
{
    if (w->current.n + n > FRAME_MAX || (w->current.n > 0 && w->current.p[STAGE_AT] != w->stage))
        frame_writer_flush(w);
    if (w->current.n == 0) {
        bytes_reserve(&w->current, FRAME_MAX);
        const uint8_t head[HEAD] = {MAGIC, FRAME_VERSION, w->stage, 0};
        bytes_put(&w->current, head, sizeof head);
    }
    return &w->current;
}

static size_t message_begin(struct bytes *out, enum message kind)
{
    size_t at = out->n;
    bytes_u32(out, 0);
    bytes_u8(out, (uint8_t)kind);
    return at;
}

static void message_end(struct bytes *out, size_t at)
{
    uint32_t n = (uint32_t)(out->n - at - MESSAGE_HEAD);
    for (unsigned i = 0; i < 4; i++)
        out->p[at + i] = (uint8_t)(n >> (8 * i));
}

void frame_writer_watermark(struct frame_writer *w, unsigned stage, uint32_t stream,
                            uint32_t partition, evtime t)
{
    w->stage = (uint8_t)stage;
    enum { WATERMARK_MAX = MESSAGE_HEAD + 5 + 5 + 8 };
    struct bytes *out = frame_with_room(w, WATERMARK_MAX);
    size_t at = message_begin(out, MESSAGE_WATERMARK);
    bytes_varint(out, stream);
    bytes_varint(out, partition);
    bytes_u64(out, (uint64_t)t);
    message_end(out, at);
}

static void put_rows_head(struct bytes *out, const struct batch *b,
                          const struct framerows_columns *c)
{
    bytes_varint(out, b->schema->id);
    bytes_varint(out, b->partition);
    bytes_u8(out, (uint8_t)b->nsummed);
    for (unsigned i = 0; i < b->nsummed; i++)
        bytes_u64(out, b->summed[i]);
    bytes_varint(out, c->n);
    bytes_put(out, c->list, c->n);
}

/* Most that a message of rows takes besides the rows themselves. */
static size_t rows_head(const struct framerows *s)
{
    return MESSAGE_HEAD + 5 + 5 + 1 + 8 * s->b->nsummed + 2 + s->columns.n +
           framerows_head_bytes(s);
}

static void put_rows(struct bytes *out, const struct framerows *s, unsigned from, unsigned to)
{
    put_rows_head(out, s->b, &s->columns);
    framerows_put(s, from, to, out);
}

/* A message, its kind first, that no frame holds whole. */
static void put_pieces(struct frame_writer *w, const struct bytes *whole)
{
    for (size_t from = 0; from < whole->n;) {
        frame_writer_flush(w);
        size_t room = FRAME_MAX - HEAD - MESSAGE_HEAD - 1;
        size_t n = whole->n - from < room ? whole->n - from : room;
        struct bytes *out = frame_with_room(w, FRAME_MAX - HEAD);
        size_t at = message_begin(out, MESSAGE_PIECE);
        bytes_u8(out, from + n == whole->n);
        bytes_put(out, whole->p + from, n);
        message_end(out, at);
        from += n;
    }
}

static void put_long_row(struct frame_writer *w, const struct framerows *s, unsigned row)
{
    struct bytes whole = {0};
    bytes_u8(&whole, MESSAGE_ROWS);
    put_rows(&whole, s, row, row + 1);
    put_pieces(w, &whole);
    bytes_fini(&whole);
}

void frame_writer_part(struct frame_writer *w, const void *p, size_t n)
{
    w->stage = 0;
    if (HEAD + MESSAGE_HEAD + n > FRAME_MAX) {
        struct bytes whole = {0};
        bytes_u8(&whole, MESSAGE_PART);
        bytes_put(&whole, p, n);
        put_pieces(w, &whole);
        bytes_fini(&whole);
        return;
    }
    struct bytes *out = frame_with_room(w, MESSAGE_HEAD + n);
    size_t at = message_begin(out, MESSAGE_PART);
    bytes_put(out, p, n);
    message_end(out, at);
}

void frame_writer_rows(struct frame_writer *w, const struct batch *b, const uint64_t *rows)
{
    struct framerows s;
    w->stage = (uint8_t)b->schema->stage;
    framerows_select(&s, b, rows);
    for (unsigned from = 0, to; from < s.n; from = to) {
        bool goes_on = w->current.n > 0 && w->current.p[STAGE_AT] == w->stage;
        size_t used = (goes_on ? w->current.n : HEAD) + rows_head(&s);
        to = framerows_fitting(&s, from, used < FRAME_MAX ? FRAME_MAX - used : 0);
        if (goes_on && to < s.n && to - from < FEW_ROWS) {
            frame_writer_flush(w);
            to = from;
        } else if (to == from) {
            put_long_row(w, &s, to++);
        } else {
            struct bytes *out = frame_with_room(w, 0);
            size_t message = message_begin(out, MESSAGE_ROWS);
            put_rows(out, &s, from, to);
            message_end(out, message);
        }
    }
}

/* --- reading --- */

void frame_reader_init(struct frame_reader *r)
{
    *r = (struct frame_reader){0};
}

void frame_reader_fini(struct frame_reader *r)
{
    mem_free(r->items);
    bytes_fini(&r->piece);
    bytes_fini(&r->parts);
}

struct reading {
    struct frame_reader *r;
    const struct schema *const *streams;
    unsigned nstreams;
    const struct dict *dict;
};

static const struct schema *schema_of(const struct reading *rd, uint64_t id)
{
    for (unsigned i = 0; i < rd->nstreams; i++)
        if (rd->streams[i]->id == id)
            return rd->streams[i];
    return NULL;
}

static void add_item(struct frame_reader *r, struct frame_item it)
{
    r->items = mem_grow(r->items, r->nitems, 1, &r->items_cap, sizeof *r->items);
    r->items[r->nitems++] = it;
}

struct summed { /* of a message: batch.summed */
    unsigned n;
    uint64_t ids[BATCH_SUMMED_MAX];
};

static bool get_summed(struct bytes_reader *in, struct summed *out)
{
    out->n = bytes_get_u8(in);
    for (unsigned i = 0; i < out->n && i < BATCH_SUMMED_MAX; i++)
        out->ids[i] = bytes_get_u64(in);
    return !in->bad && out->n <= BATCH_SUMMED_MAX;
}

/* The batch that n rows may be appended to: one of this frame, of the same partition and columns, that ends before them. So
 * a frame of many small messages does not become as many batches. */
static struct batch *batch_with_room(struct reading *rd, const struct schema *s, uint32_t partition,
                                     const struct colset *columns, const struct summed *summed,
                                     unsigned n, uint64_t offset)
{
    for (size_t i = rd->r->nitems; i-- > 0;) {
        struct batch *b = rd->r->items[i].b;
        if (b == NULL || b->schema != s || b->partition != partition)
            continue;
        if (b->n + n <= BATCH_ROWS && framerows_may_follow(b, offset) &&
            memcmp(&b->present, columns, sizeof *columns) == 0 && b->nsummed == summed->n &&
            memcmp(b->summed, summed->ids, summed->n * sizeof *summed->ids) == 0)
            return b;
        break;
    }
    struct batch *b = batch_new(s, columns);
    add_item(rd->r, (struct frame_item){.b = b, .stream = s->id, .partition = partition});
    b->partition = partition;
    b->nsummed = summed->n;
    memcpy(b->summed, summed->ids, summed->n * sizeof *summed->ids);
    if (rd->dict != NULL) {
        for (unsigned k = 0; k < SCHEMA_COLUMNS_MAX / 64; k++)
            b->with_ids.w[k] = columns->w[k] & dict_columns(rd->dict)->w[k];
        b->dict_serial = dict_serial(rd->dict);
    }
    return b;
}

static bool read_rows(struct reading *rd, struct bytes_reader *in)
{
    uint64_t stream = bytes_get_varint(in), partition = bytes_get_varint(in);
    struct summed summed;
    if (!get_summed(in, &summed))
        return false;
    uint64_t n = bytes_get_varint(in);
    struct framerows_columns c = {0};
    struct colset set = {0};
    const struct schema *s = schema_of(rd, stream);
    if (in->bad || partition >= SCHEMA_PARTITIONS_MAX || n > SCHEMA_COLUMNS_MAX)
        return false;
    if (s == NULL) { /* of rules that are gone */
        in->p = in->end;
        return true;
    }
    for (; c.n < n; c.n++) {
        c.list[c.n] = bytes_get_u8(in);
        if (in->bad || c.list[c.n] >= s->ncolumns || (c.n > 0 && c.list[c.n] <= c.list[c.n - 1]))
            return false;
        colset_add(&set, c.list[c.n]);
    }
    struct framerows_head head;
    if (!framerows_get_head(in, &head))
        return false;
    struct batch *b =
        batch_with_room(rd, s, (uint32_t)partition, &set, &summed, head.n, head.offset);
    if (!framerows_get(in, &head, &c, b, rd->dict))
        return false;
    return in->p == in->end;
}

static bool read_watermark(struct reading *rd, struct bytes_reader *in)
{
    uint64_t stream = bytes_get_varint(in), partition = bytes_get_varint(in);
    evtime w = (evtime)bytes_get_u64(in);
    if (in->bad || in->p != in->end || partition >= SCHEMA_PARTITIONS_MAX || stream > UINT32_MAX)
        return false;
    add_item(rd->r, (struct frame_item){.stream = (uint32_t)stream,
                                        .partition = (uint32_t)partition,
                                        .w = w});
    return true;
}

static bool read_part(struct reading *rd, const struct bytes_reader *in)
{
    size_t n = (size_t)(in->end - in->p);
    if (n == 0)
        return false;
    add_item(rd->r, (struct frame_item){.part = rd->r->parts.n, .part_n = n});
    bytes_put(&rd->r->parts, in->p, n);
    return true;
}

static bool read_message(struct reading *rd, unsigned kind, struct bytes_reader *in,
                         struct bytes *piece)
{
    if (kind != MESSAGE_PIECE && piece->n > 0)
        return false;
    if (kind == MESSAGE_ROWS)
        return read_rows(rd, in);
    if (kind == MESSAGE_WATERMARK)
        return read_watermark(rd, in);
    if (kind == MESSAGE_PART)
        return read_part(rd, in);
    if (kind != MESSAGE_PIECE)
        return false;
    unsigned last = bytes_get_u8(in);
    size_t n = (size_t)(in->end - in->p);
    if (in->bad || last > 1 || n == 0 || piece->n + n > FRAME_MESSAGE_MAX)
        return false;
    bytes_put(piece, in->p, n);
    if (!last)
        return true;
    struct bytes_reader whole = bytes_read(piece->p, piece->n);
    unsigned of = bytes_get_u8(&whole);
    bool ok = of == MESSAGE_ROWS   ? read_rows(rd, &whole)
              : of == MESSAGE_PART ? read_part(rd, &whole)
                                   : false;
    piece->n = 0;
    return ok;
}

enum err frame_read(struct frame_reader *r, const void *p, size_t n,
                    const struct schema *const *streams, unsigned nstreams, const struct dict *dict)
{
    struct bytes_reader in = bytes_read(p, n);
    struct reading rd = {r, streams, nstreams, dict};
    size_t before = r->piece.n;
    bool ok = n <= FRAME_MAX && bytes_get_u8(&in) == MAGIC;
    r->nitems = 0;
    bytes_reset(&r->parts);
    if (ok && bytes_get_u8(&in) != FRAME_VERSION && !in.bad)
        return ERR_VERSION;
    ok = ok && bytes_get_u8(&in) <= FRAME_STAGES && bytes_get_u8(&in) == 0 && !in.bad;
    while (ok && in.p < in.end) {
        uint32_t length = bytes_get_u32(&in);
        unsigned kind = bytes_get_u8(&in);
        const uint8_t *body = bytes_get(&in, length);
        struct bytes_reader message = bytes_read(body, body == NULL ? 0 : length);
        ok = body != NULL && read_message(&rd, kind, &message, &r->piece);
    }
    if (ok)
        return ERR_OK;
    for (size_t i = 0; i < r->nitems; i++)
        batch_unref(r->items[i].b);
    r->nitems = 0;
    r->piece.n = before < r->piece.n ? before : r->piece.n;
    return ERR_CORRUPT;
}
