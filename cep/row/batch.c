/* SPDX-License-Identifier: Apache-2.0
 *
 * A batch is one block: head, columns, then each present column's null bits and cells. Blocks of 100 KiB and more would
 * go back to the kernel and be faulted in again with each batch, so each thread keeps a few of those it has freed (not
 * under ASan, where reuse would hide a use after free). */
#include "cep/row/batch.h"
#include "base/bug.h"
#include "base/mem.h"
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define BATCH_KEEP 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BATCH_KEEP 0
#endif
#endif
#ifndef BATCH_KEEP
#define BATCH_KEEP 8
#endif

enum { CACHE_LINE = 64, STRINGS_FIRST = 16 << 10 };

#if BATCH_KEEP > 0
struct spare {
    struct batch *b;
    size_t size;
};
static _Thread_local struct spare spares[BATCH_KEEP];
static _Thread_local unsigned nspares;
#endif

static _Thread_local size_t live;

static size_t rounded(size_t n)
{
    return (n + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
}

static size_t cells_bytes(const struct schema *s, unsigned column)
{
    size_t one = s->columns[column].type.kind == TYPE_STRING ? sizeof(struct str) : sizeof(int64_t);
    return BATCH_ROWS * one;
}

static size_t block_bytes(const struct schema *s, const struct colset *want)
{
    size_t n = rounded(sizeof(struct batch)) + rounded(s->ncolumns * sizeof(struct batch_column)) +
               CACHE_LINE;
    for (unsigned c = 0; c < s->ncolumns; c++)
        if (colset_has(want, c))
            n += BATCH_WORDS * sizeof(uint64_t) + cells_bytes(s, c);
    return n;
}

/* A block of that size with an empty arena; else uninitialised. */
static struct batch *block_new(size_t size)
{
#if BATCH_KEEP > 0
    for (unsigned i = nspares; i-- > 0;) {
        if (spares[i].size != size)
            continue;
        struct batch *kept = spares[i].b;
        spares[i] = spares[--nspares];
        return kept;
    }
#endif
    struct batch *b = mem_alloc(size);
    b->arena = arena_new(STRINGS_FIRST, 0);
    return b;
}

static void block_free(struct batch *b, size_t size)
{
    mem_free(b->bytes);
#if BATCH_KEEP > 0
    if (nspares ==
        BATCH_KEEP) { /* the one that has lain longest is of a size no longer asked for */
        arena_free(spares[0].b->arena);
        mem_free(spares[0].b);
        memmove(spares, spares + 1, --nspares * sizeof *spares);
    }
    arena_reset(b->arena);
    spares[nspares++] = (struct spare){b, size};
#else
    (void)size;
    arena_free(b->arena);
    mem_free(b);
#endif
}

struct batch *batch_new(const struct schema *s, const struct colset *want)
{
    size_t size = block_bytes(s, want);
    struct batch *b = block_new(size);
    live += b->counted = size;
    b->schema = s;
    b->partition = 0;
    b->n = 0;
    b->refs = 1;
    b->has_late = false;
    b->nsummed = 0;
    b->present = (struct colset){0};
    b->with_ids = (struct colset){0};
    b->dict_serial = 0;
    b->bytes = NULL;
    memset(b->late, 0, sizeof b->late);
    char *at = (char *)b + rounded(sizeof *b);
    b->columns = (struct batch_column *)(void *)at;
    at += rounded(s->ncolumns * sizeof *b->columns);
    at +=
        -(uintptr_t)at & (CACHE_LINE - 1); /* vectors of a column shall not straddle cache lines */
    for (unsigned c = 0; c < s->ncolumns; c++) {
        b->columns[c] = (struct batch_column){0};
        if (!colset_has(want, c))
            continue;
        colset_add(&b->present, c);
        b->columns[c].nulls = (uint64_t *)(void *)at;
        memset(at, 0, BATCH_WORDS * sizeof(uint64_t));
        at += BATCH_WORDS * sizeof(uint64_t);
        b->columns[c].i = (int64_t *)(void *)at;
        at += cells_bytes(s, c);
    }
    return b;
}

struct batch *batch_ref(struct batch *b)
{
    b->refs++;
    return b;
}

void batch_unref(struct batch *b)
{
    if (b == NULL)
        return;
    BUG_IF(b->refs <= 0, "batch has %d references", b->refs);
    if (--b->refs == 0) {
        live -= b->counted;
        block_free(b, block_bytes(b->schema, &b->present));
    }
}

size_t batch_live_bytes(void)
{
    return live;
}

void batch_settle(struct batch *b)
{
    size_t now = block_bytes(b->schema, &b->present) + arena_bytes(b->arena);
    live += now - b->counted;
    b->counted = now;
}

void batch_set_time(struct batch *b, unsigned row, evtime t)
{
    b->ts[row] = t;
    if (b->schema->time_column >= 0 && colset_has(&b->present, (unsigned)b->schema->time_column))
        b->columns[b->schema->time_column].i[row] = t;
}

static void append_cell(struct batch *to, const struct batch *b, unsigned c, unsigned i)
{
    struct batch_column *t = &to->columns[c];
    const struct batch_column *f = &b->columns[c];
    unsigned n = to->n;
    if (batch_is_null(b, c, i)) {
        t->nulls[n / 64] |= UINT64_C(1) << (n % 64);
        t->has_nulls = true;
    }
    if (b->schema->columns[c].type.kind != TYPE_STRING) {
        t->i[n] = f->i[i];
        return;
    }
    struct str s = f->s[i];
    t->s[n] = (struct str){s.n == 0 ? "" : arena_dup(to->arena, s.p, s.n), s.n, s.id};
}

void batch_append(struct batch *to, const struct batch *b, unsigned i)
{
    unsigned n = to->n;
    to->ts[n] = b->ts[i];
    to->offset[n] = b->offset[i];
    if (b->has_late && batch_is_late(b, i)) {
        to->late[n / 64] |= UINT64_C(1) << (n % 64);
        to->late_w[n] = b->late_w[i];
        to->has_late = true;
    }
    for (unsigned c = 0; c < b->schema->ncolumns; c++)
        if (colset_has(&b->present, c) && colset_has(&to->present, c))
            append_cell(to, b, c, i);
    to->n++;
}

void batch_put(struct batch *b, unsigned column, unsigned row, const struct value *v)
{
    struct batch_column *c = &b->columns[column];
    if (b->schema->columns[column].type.kind == TYPE_STRING)
        c->s[row] = v->null || v->c.s.n == 0
                        ? (struct str){"", 0, 0}
                        : (struct str){arena_dup(b->arena, v->c.s.p, v->c.s.n), v->c.s.n, 0};
    else
        c->i[row] = v->null ? 0 : v->c.i;
    if (!v->null)
        return;
    c->nulls[row / 64] |= UINT64_C(1) << (row % 64);
    c->has_nulls = true;
}
