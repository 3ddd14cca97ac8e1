/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows:   u16 n, u8 flags, then n rows by column
 *   flags   1: some are late, 2: offsets are 8 bytes, 4: times are 8 bytes; else both are 4
 *   place   u64 offset and u64 ts of the first row, n offsets less the first's, n times less the first's
 *   late    if some are: n bits, then of each that is late its late_w (8)
 *   column  u8 form (1: some are NULL, 2: wide); if some are NULL: n bits; then n cells, of 8 bytes if wide, else 4; of
 *           texts n lengths, of 4 bytes if wide, else 1, then all texts
 *
 * Places, cells and lengths are in the machine's own order of bytes: both ends are one program on one machine. */
#include "cep/framerows.h"
#include "base/bug.h"
#include <string.h>

enum { ROWS_LATE = 1, ROWS_OFFSETS_WIDE = 2, ROWS_TIMES_WIDE = 4, ROWS_FLAGS = 7 };
enum { COLUMN_NULLS = 1, COLUMN_WIDE = 2, COLUMN_FORMS = 3 };

/* --- writing --- */

static void select_rows(struct framerows *s, const uint64_t *rows)
{
    const struct batch *b = s->b;
    for (unsigned w = 0; w < (b->n + 63) / 64; w++)
        for (uint64_t left = rows[w]; left != 0; left &= left - 1) {
            unsigned i = w * 64 + (unsigned)__builtin_ctzll(left);
            if (i < b->n)
                s->rows[s->n++] = (uint16_t)i;
        }
}

static void measure_texts(struct framerows *s, unsigned k)
{
    const struct str *texts = s->b->columns[s->columns.list[k]].s;
    bool wide = false;
    for (unsigned r = 0; r < s->n; r++) {
        uint32_t n = texts[s->rows[r]].n;
        s->text[r] += n;
        wide |= n > UINT8_MAX;
    }
    s->forms[k] |= wide ? COLUMN_WIDE : 0;
    s->fixed += wide ? 4 : 1;
}

static void measure_cells(struct framerows *s, unsigned k)
{
    const int64_t *cells = s->b->columns[s->columns.list[k]].i;
    bool wide = false;
    for (unsigned r = 0; r < s->n; r++)
        wide |= cells[s->rows[r]] != (int32_t)cells[s->rows[r]];
    s->forms[k] |= wide ? COLUMN_WIDE : 0;
    s->fixed += wide ? 8 : 4;
}

static void measure(struct framerows *s)
{
    const struct batch *b = s->b;
    uint64_t first = s->n > 0 ? b->offset[s->rows[0]] : 0;
    uint64_t start = s->n > 0 ? (uint64_t)b->ts[s->rows[0]] : 0;
    bool wide_offsets = b->schema->derived != DERIVED_NOT,
         wide_times = false; /* those are in no order */
    for (unsigned r = 0; r < s->n; r++) {
        uint64_t t = (uint64_t)b->ts[s->rows[r]] - start;
        wide_offsets |= b->offset[s->rows[r]] - first > UINT32_MAX;
        /* half of what fits, so that it does from whatever row a message begins */
        wide_times |= t + (UINT64_C(1) << 30) >= UINT64_C(1) << 31;
        s->text[r] = 0;
    }
    s->flags = (uint8_t)((wide_offsets ? ROWS_OFFSETS_WIDE : 0) |
                         (wide_times ? ROWS_TIMES_WIDE : 0) | (b->has_late ? ROWS_LATE : 0));
    s->fixed = (wide_offsets ? 8u : 4u) + (wide_times ? 8u : 4u) + (b->has_late ? 8u : 0u);
    s->nbits = b->has_late;
    for (unsigned k = 0; k < s->columns.n; k++) {
        unsigned c = s->columns.list[k];
        s->forms[k] = b->columns[c].has_nulls ? COLUMN_NULLS : 0;
        s->nbits += b->columns[c].has_nulls;
        if (b->schema->columns[c].type.kind == TYPE_STRING)
            measure_texts(s, k);
        else
            measure_cells(s, k);
    }
}

void framerows_select(struct framerows *s, const struct batch *b, const uint64_t *rows)
{
    s->b = b;
    s->n = s->columns.n = 0;
    for (unsigned k = 0; k < b->schema->ncolumns; k++)
        if (colset_has(&b->present, k))
            s->columns.list[s->columns.n++] = (uint8_t)k;
    select_rows(s, rows);
    measure(s);
}

unsigned framerows_fitting(const struct framerows *s, unsigned from, size_t room)
{
    size_t text = 0;
    for (unsigned r = from; r < s->n; r++) {
        size_t n = r + 1 - from;
        text += s->text[r];
        if (n * s->fixed + (n + 7) / 8 * s->nbits + text > room)
            return r;
    }
    return s->n;
}

/* --- rows [from, to) of a selection: at most what was measured --- */

static uint8_t *put_4(uint8_t *at, uint32_t v)
{
    memcpy(at, &v, sizeof v);
    return at + sizeof v;
}

static uint8_t *put_8(uint8_t *at, uint64_t v)
{
    memcpy(at, &v, sizeof v);
    return at + sizeof v;
}

/* Bits of those rows. */
static uint8_t *put_bits(uint8_t *at, const struct framerows *s, unsigned from, unsigned to,
                         const uint64_t *bits)
{
    memset(at, 0, (to - from + 7) / 8);
    for (unsigned r = from; r < to; r++)
        at[(r - from) / 8] |=
            (uint8_t)((bits[s->rows[r] / 64] >> (s->rows[r] % 64) & 1) << ((r - from) % 8));
    return at + (to - from + 7) / 8;
}

static uint8_t *put_places(uint8_t *at, const struct framerows *s, unsigned from, unsigned to)
{
    const struct batch *b = s->b;
    uint64_t first = b->offset[s->rows[from]], start = (uint64_t)b->ts[s->rows[from]];
    at = put_8(put_8(at, first), start);
    for (unsigned r = from; r < to && (s->flags & ROWS_OFFSETS_WIDE); r++)
        at = put_8(at, b->offset[s->rows[r]] - first);
    for (unsigned r = from; r < to && !(s->flags & ROWS_OFFSETS_WIDE); r++)
        at = put_4(at, (uint32_t)(b->offset[s->rows[r]] - first));
    for (unsigned r = from; r < to && (s->flags & ROWS_TIMES_WIDE); r++)
        at = put_8(at, (uint64_t)b->ts[s->rows[r]] - start);
    for (unsigned r = from; r < to && !(s->flags & ROWS_TIMES_WIDE); r++)
        at = put_4(at, (uint32_t)((uint64_t)b->ts[s->rows[r]] - start));
    if (!(s->flags & ROWS_LATE))
        return at;
    at = put_bits(at, s, from, to, b->late);
    for (unsigned r = from; r < to; r++)
        if (batch_is_late(b, s->rows[r]))
            at = put_8(at, (uint64_t)b->late_w[s->rows[r]]);
    return at;
}

static uint8_t *put_texts(uint8_t *at, const struct framerows *s, unsigned k, unsigned from,
                          unsigned to)
{
    const struct str *texts = s->b->columns[s->columns.list[k]].s;
    for (unsigned r = from; r < to && (s->forms[k] & COLUMN_WIDE); r++)
        at = put_4(at, texts[s->rows[r]].n);
    for (unsigned r = from; r < to && !(s->forms[k] & COLUMN_WIDE); r++)
        *at++ = (uint8_t)texts[s->rows[r]].n;
    for (unsigned r = from; r < to; r++) {
        const struct str *t = &texts[s->rows[r]];
        if (t->n > 0)
            memcpy(at, t->p, t->n);
        at += t->n;
    }
    return at;
}

static uint8_t *put_cells(uint8_t *at, const struct framerows *s, unsigned k, unsigned from,
                          unsigned to)
{
    const int64_t *cells = s->b->columns[s->columns.list[k]].i;
    for (unsigned r = from; r < to && (s->forms[k] & COLUMN_WIDE); r++)
        at = put_8(at, (uint64_t)cells[s->rows[r]]);
    for (unsigned r = from; r < to && !(s->forms[k] & COLUMN_WIDE); r++)
        at = put_4(at, (uint32_t)cells[s->rows[r]]);
    return at;
}

/* n, flags, the first row's place, forms. */
size_t framerows_head_bytes(const struct framerows *s)
{
    return 2 + 1 + 16 + s->columns.n;
}

void framerows_put(const struct framerows *s, unsigned from, unsigned to, struct bytes *out)
{
    size_t most = 16 + s->columns.n + (to - from) * s->fixed + s->nbits * ((to - from + 7) / 8);
    for (unsigned r = from; r < to; r++)
        most += s->text[r];
    bytes_u16(out, (uint16_t)(to - from));
    bytes_u8(out, s->flags);
    uint8_t *at = bytes_reserve(out, most);
    const uint8_t *end = at + most;
    at = put_places(at, s, from, to);
    for (unsigned k = 0; k < s->columns.n; k++) {
        unsigned c = s->columns.list[k];
        *at++ = s->forms[k];
        if (s->forms[k] & COLUMN_NULLS)
            at = put_bits(at, s, from, to, s->b->columns[c].nulls);
        if (s->b->schema->columns[c].type.kind == TYPE_STRING)
            at = put_texts(at, s, k, from, to);
        else
            at = put_cells(at, s, k, from, to);
    }
    BUG_IF(at > end, "rows take more than was measured");
    out->n = (size_t)(at - out->p);
}

/* --- reading --- */

bool framerows_may_follow(const struct batch *b, uint64_t offset)
{
    return b->schema->derived != DERIVED_NOT || b->offset[b->n - 1] < offset;
}

static uint64_t get_8(const uint8_t *p, size_t i)
{
    uint64_t v;
    memcpy(&v, p + i * sizeof v, sizeof v);
    return v;
}

static uint32_t get_4(const uint8_t *p, size_t i)
{
    uint32_t v;
    memcpy(&v, p + i * sizeof v, sizeof v);
    return v;
}

static bool get_bit(const uint8_t *bits, unsigned i)
{
    return bits[i / 8] >> (i % 8) & 1;
}

bool framerows_get_head(struct bytes_reader *in, struct framerows_head *out)
{
    out->n = bytes_get_u16(in);
    out->flags = bytes_get_u8(in);
    const uint8_t *place = bytes_get(in, 2 * sizeof(uint64_t));
    if (place == NULL || out->n == 0 || out->n > BATCH_ROWS || out->flags > ROWS_FLAGS)
        return false;
    out->offset = get_8(place, 0);
    out->ts = get_8(place, 1);
    return true;
}

/* Places and times of n rows behind those of b. */
static bool get_places(struct bytes_reader *in, struct batch *b, const struct framerows_head *h)
{
    unsigned n = h->n;
    bool wide = h->flags & ROWS_OFFSETS_WIDE, good = true;
    uint64_t *offset = b->offset + b->n;
    evtime *ts = b->ts + b->n;
    const uint8_t *p = bytes_get(in, n * (wide ? sizeof(uint64_t) : sizeof(uint32_t)));
    for (unsigned i = 0; p != NULL && i < n; i++)
        offset[i] = h->offset + (wide ? get_8(p, i) : get_4(p, i));
    wide = h->flags & ROWS_TIMES_WIDE;
    p = p == NULL ? NULL : bytes_get(in, n * (wide ? sizeof(uint64_t) : sizeof(uint32_t)));
    if (p == NULL || offset[0] != h->offset)
        return false;
    for (unsigned i = 0; i < n; i++) {
        ts[i] = (evtime)(h->ts + (wide ? get_8(p, i) : (uint64_t)(int32_t)get_4(p, i)));
        good &= ts[i] >= EVTIME_FIRST && ts[i] <= EVTIME_LAST;
    }
    for (unsigned i = 1; i < n && b->schema->derived == DERIVED_NOT; i++)
        good &= offset[i - 1] < offset[i];
    return good;
}

static bool get_late(struct bytes_reader *in, struct batch *b, unsigned n)
{
    const uint8_t *bits = bytes_get(in, (n + 7) / 8);
    for (unsigned i = 0; bits != NULL && i < n; i++) {
        unsigned row = b->n + i;
        if (!get_bit(bits, i))
            continue;
        const uint8_t *w = bytes_get(in, sizeof(uint64_t));
        if (w == NULL)
            return false;
        b->late_w[row] = (evtime)get_8(w, 0);
        b->late[row / 64] |= UINT64_C(1) << (row % 64);
        b->has_late = true;
    }
    return bits != NULL;
}

static void get_nulls(const uint8_t *bits, struct batch_column *c, unsigned from, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (get_bit(bits, i)) {
            c->nulls[(from + i) / 64] |= UINT64_C(1) << ((from + i) % 64);
            c->has_nulls = true;
        }
}

static bool get_cells(struct bytes_reader *in, int64_t *cells, unsigned n, bool wide,
                      const uint8_t *nulls)
{
    const uint8_t *p = bytes_get(in, n * (wide ? sizeof(uint64_t) : sizeof(uint32_t)));
    if (p == NULL)
        return false;
    for (unsigned i = 0; i < n && wide; i++)
        cells[i] = (int64_t)get_8(p, i);
    for (unsigned i = 0; i < n && !wide; i++)
        cells[i] = (int32_t)get_4(p, i);
    for (unsigned i = 0; i < n && nulls != NULL; i++)
        cells[i] = get_bit(nulls, i) ? 0 : cells[i];
    return true;
}

/* All texts of the column are copied at once, with what dict_fill reads behind them. */
static bool get_texts(struct bytes_reader *in, struct batch *b, struct str *texts, unsigned n,
                      bool wide, const uint8_t *nulls)
{
    const uint8_t *lengths = bytes_get(in, wide ? n * sizeof(uint32_t) : n);
    size_t all = 0;
    for (unsigned i = 0; lengths != NULL && i < n; i++)
        all += texts[i].n = wide ? get_4(lengths, i) : lengths[i];
    const uint8_t *p = lengths == NULL ? NULL : bytes_get(in, all);
    if (p == NULL)
        return false;
    char *at = arena_alloc(b->arena, all + DICT_PADDING);
    memcpy(at, p, all);
    memset(at + all, 0, DICT_PADDING);
    for (unsigned i = 0; i < n; i++) {
        texts[i].p = at;
        texts[i].id = 0;
        at += texts[i].n;
        if (nulls != NULL && get_bit(nulls, i))
            texts[i].n = 0;
    }
    return true;
}

static bool get_column(struct bytes_reader *in, struct batch *b, unsigned column, unsigned n,
                       const struct dict *dict)
{
    struct batch_column *c = &b->columns[column];
    unsigned form = bytes_get_u8(in);
    bool wide = form & COLUMN_WIDE;
    const uint8_t *nulls = form & COLUMN_NULLS ? bytes_get(in, (n + 7) / 8) : NULL;
    if (in->bad || form > COLUMN_FORMS)
        return false;
    if (nulls != NULL)
        get_nulls(nulls, c, b->n, n);
    if (b->schema->columns[column].type.kind != TYPE_STRING)
        return get_cells(in, c->i + b->n, n, wide, nulls);
    if (!get_texts(in, b, c->s + b->n, n, wide, nulls))
        return false;
    if (dict != NULL && colset_has(&b->with_ids, column))
        dict_fill(dict, c->s + b->n, n);
    return true;
}

bool framerows_get(struct bytes_reader *in, const struct framerows_head *h,
                   const struct framerows_columns *columns, struct batch *b,
                   const struct dict *dict)
{
    BUG_IF(b->n + h->n > BATCH_ROWS, "%u rows behind %u", h->n, b->n);
    if (!get_places(in, b, h) || (h->flags & ROWS_LATE && !get_late(in, b, h->n)))
        return false;
    for (unsigned k = 0; k < columns->n; k++)
        if (!get_column(in, b, columns->list[k], h->n, dict))
            return false;
    b->n += h->n;
    return true;
}
