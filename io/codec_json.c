/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines are indexed some dozens at a time, which costs half of what it does one by one. A text that simdjson refuses as a
 * whole is indexed again line by line, so that a bad line costs its neighbours time and nothing else. */
#include "io/codec_json.h"
#include "base/bug.h"
#include "base/mem.h"
#include "io/codec_simd.h"
#include "io/codec_walk.h"
#include <stdio.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    BLOCK_BYTES = 16 << 10, /* text and index together stay in the first-level cache, nearly */
    TEXT_STEP = 8 << 10, /* strings of a batch are kept in pieces of that size */
};

struct codec_json {
    struct codec_walk walk;
    struct codec_simd *simd;
    struct colset want;
    const struct dict *dict;
    uint32_t ends[BLOCK_BYTES]; /* of the lines of a block: places of newlines, then its length */
};

struct codec_json *codec_json_new(const struct schema *s, const struct colset *want,
                                  const struct dict *dict)
{
    struct codec_json *c = mem_new(sizeof *c);
    c->want = *want;
    if (s->time_column >= 0)
        colset_add(&c->want, (unsigned)s->time_column);
    c->simd = codec_simd_new();
    c->walk.schema = s;
    c->dict = dict;
    codec_shape_init(&c->walk.shape, s, &c->want);
    return c;
}

void codec_json_free(struct codec_json *c)
{
    if (c == NULL)
        return;
    codec_shape_fini(&c->walk.shape);
    codec_simd_free(c->simd);
    mem_free(c);
}

/* The batch that rows go to from now on. */
static void begin(struct codec_json *c, struct batch *b, size_t text_step)
{
    struct codec_walk *w = &c->walk;
    BUG_IF(memcmp(&b->present, &c->want, sizeof c->want) != 0, "a batch of other columns");
    w->b = b;
    for (unsigned i = 0; i < w->schema->ncolumns; i++)
        w->cells[i] = b->columns[i].i;
    w->text = (struct codec_text){.step = text_step};
    uint64_t serial = c->dict != NULL ? dict_serial(c->dict) : 0;
    if (b->n == 0 && serial != 0) {
        b->dict_serial = serial;
        b->with_ids = *dict_columns(c->dict);
    } else if (b->dict_serial != serial) {
        b->with_ids = (struct colset){{0}}; /* rows of two dictionaries: none counts */
    }
}

static void told_by_simd(struct codec_problem *p, enum codec_simd_fault fault)
{
    static const char *const texts[] = {
        [CODEC_SIMD_NONE] = "",
        [CODEC_SIMD_EMPTY] = "the event is empty",
        [CODEC_SIMD_UTF8] = "the event is not valid UTF-8",
        [CODEC_SIMD_STRING] = "the event is not valid JSON: a string is not closed",
        [CODEC_SIMD_CONTROL] =
            "the event is not valid JSON: a control character stands in a string",
        [CODEC_SIMD_OTHER] = "the event is not valid JSON",
    };
    *p = (struct codec_problem){.code = fault == CODEC_SIMD_UTF8 ? CODEC_UTF8 : CODEC_JSON};
    snprintf(p->text, sizeof p->text, "%s", texts[fault]);
}

static void too_big(struct codec_problem *p, size_t n)
{
    *p = (struct codec_problem){.code = CODEC_TOO_BIG};
    snprintf(p->text, sizeof p->text, "the event has %zu bytes, more than %d", n,
             (int)CODEC_EVENT_MAX);
}

/* Texts that rules compare with get their ids, in rows from `first` on. */
static void fill_ids(struct codec_json *c, unsigned first)
{
    struct batch *b = c->walk.b;
    if (c->dict == NULL || b->n == first)
        return;
    const struct colset *columns = dict_columns(c->dict);
    for (unsigned k = 0; k < b->schema->ncolumns; k++) {
        if (!colset_has(columns, k) || !colset_has(&c->want, k) ||
            b->schema->columns[k].type.kind != TYPE_STRING ||
            b->schema->columns[k].computed != NULL)
            continue;
        dict_fill(c->dict, b->columns[k].s + first, b->n - first);
    }
}

/* A row has been filled. */
static void commit(struct codec_walk *w, uint64_t offset)
{
    w->b->ts[w->row] = w->time;
    w->b->offset[w->row] = offset;
    w->b->n++;
}

static bool walk_one(struct codec_json *c, const char *text, size_t n, uint64_t offset,
                     struct codec_problem *p)
{
    struct codec_walk *w = &c->walk;
    enum codec_simd_fault fault = codec_simd_index(c->simd, text, n, &w->at);
    if (fault != CODEC_SIMD_NONE) {
        told_by_simd(p, fault);
        return false;
    }
    w->buf = text;
    w->end = (uint32_t)n;
    w->has_escapes = memchr(text, '\\', n) != NULL;
    w->row = w->b->n;
    w->problem = p;
    if (!codec_walk_line(w))
        return false;
    commit(w, offset);
    return true;
}

enum err codec_json_row(struct codec_json *c, const char *text, size_t n, uint64_t offset,
                        struct batch *b, struct codec_problem *p)
{
    BUG_IF(b->n >= BATCH_ROWS, "a row for a full batch");
    if (n > CODEC_EVENT_MAX) {
        too_big(p, n);
        return ERR_INVALID;
    }
    begin(c, b, 0);
    if (!walk_one(c, text, n, offset, p))
        return ERR_INVALID;
    fill_ids(c, b->n - 1);
    return ERR_OK;
}

static bool is_blank(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!codec_walk_is_space(p[i]))
            return false;
    return true;
}

struct lines { /* what codec_json_lines was called with */
    struct codec_json *c;
    uint64_t *offset;
    codec_json_bad *on_bad;
    void *ctx;
};

/* One line that is not part of an indexed block. */
static void single_line(struct lines *l, const char *p, size_t n)
{
    struct codec_problem problem;
    if (is_blank(p, n))
        return;
    if (n > CODEC_EVENT_MAX)
        too_big(&problem, n);
    else if (walk_one(l->c, p, n, *l->offset, &problem)) {
        ++*l->offset;
        return;
    }
    l->on_bad(l->ctx, (*l->offset)++, p, n, &problem);
}

/* Places of newlines in p[0 … n), then n, to ends; tells if there is a backslash. */
static unsigned find_ends(const char *p, size_t n, uint32_t *ends, bool *has_escapes)
{
    unsigned count = 0;
    size_t i = 0;
    bool escapes = false;
#ifdef __SSE2__
    const __m128i newline = _mm_set1_epi8('\n'), backslash = _mm_set1_epi8('\\');
    __m128i seen = _mm_setzero_si128();
    for (; i + 64 <= n; i += 64) {
        const __m128i *at = (const __m128i *)(const void *)(p + i);
        __m128i a = _mm_loadu_si128(at), b = _mm_loadu_si128(at + 1);
        __m128i c = _mm_loadu_si128(at + 2), d = _mm_loadu_si128(at + 3);
        seen = _mm_or_si128(seen, _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(a, backslash),
                                                            _mm_cmpeq_epi8(b, backslash)),
                                               _mm_or_si128(_mm_cmpeq_epi8(c, backslash),
                                                            _mm_cmpeq_epi8(d, backslash))));
        uint64_t bits = (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(a, newline)) |
                        (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(b, newline)) << 16 |
                        (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(c, newline)) << 32 |
                        (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(d, newline)) << 48;
        for (; bits != 0; bits &= bits - 1)
            ends[count++] = (uint32_t)i + (uint32_t)__builtin_ctzll(bits);
    }
    escapes = _mm_movemask_epi8(seen) != 0;
#endif
    for (; i < n; i++) {
        if (p[i] == '\n')
            ends[count++] = (uint32_t)i;
        escapes |= p[i] == '\\';
    }
    if (n > 0 && p[n - 1] != '\n')
        ends[count++] = (uint32_t)n;
    *has_escapes = escapes;
    return count;
}

/* The lines of p[0 … n), n at most BLOCK_BYTES, until the batch is full. Returns how many bytes are done with. */
static size_t block_lines(struct lines *l, const char *p, size_t n)
{
    struct codec_walk *w = &l->c->walk;
    struct codec_problem problem;
    const uint32_t *at;
    unsigned nlines = find_ends(p, n, l->c->ends, &w->has_escapes);
    enum codec_simd_fault fault = codec_simd_index(l->c->simd, p, n, &at);
    size_t from = 0;
    w->buf = p;
    w->problem = &problem;
    for (unsigned i = 0; i < nlines && w->b->n < BATCH_ROWS; i++) {
        uint32_t end = l->c->ends[i];
        if (fault != CODEC_SIMD_NONE) {
            single_line(l, p + from, end - from);
        } else if (*at < end) { /* else it is blank */
            w->at = at;
            w->end = end;
            w->row = w->b->n;
            if (codec_walk_line(w)) {
                at = w->at;
                commit(w, (*l->offset)++);
            } else {
                while (*at < end)
                    at++;
                l->on_bad(l->ctx, (*l->offset)++, p + from, end - from, &problem);
            }
        }
        from = (size_t)end + 1;
    }
    return from < n ? from : n;
}

void codec_json_lines(struct codec_json *c, const char *buf, size_t len, size_t *pos,
                      uint64_t *offset, struct batch *b, codec_json_bad *on_bad, void *ctx)
{
    struct lines l = {.c = c, .offset = offset, .on_bad = on_bad, .ctx = ctx};
    unsigned first = b->n;
    begin(c, b, TEXT_STEP);
    while (*pos < len && b->n < BATCH_ROWS) {
        const char *p = buf + *pos;
        size_t left = len - *pos, n = left;
        if (left > BLOCK_BYTES) {
            const char *last = memrchr(p, '\n', BLOCK_BYTES);
            if (last == NULL) { /* one long line */
                last = memchr(p + BLOCK_BYTES, '\n', left - BLOCK_BYTES);
                n = last != NULL ? (size_t)(last - p) : left;
                single_line(&l, p, n);
                *pos += n < left ? n + 1 : n;
                continue;
            }
            n = (size_t)(last - p) + 1;
        }
        *pos += block_lines(&l, p, n);
    }
    fill_ids(c, first);
}
