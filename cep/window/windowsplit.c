/* SPDX-License-Identifier: Apache-2.0
 *
 * GROUP BY that is finer than PARTITION BY: sessions and counted windows are those of the partition, and when one fires, its
 * rows are divided into groups, each with a result of its own. Rows are kept, not sums, since the rows of a session are known
 * only when it is over, and those of a counted window may leave it one by one. */
#include "base/mem.h"
#include "cep/window/windowlist.h"
#include <stdlib.h>
#include <string.h>

struct split_row {
    const uint8_t *key; /* the values that divide, canonical */
    uint32_t n, place;
};

static int by_key(const void *a, const void *b)
{
    const struct split_row *x = a, *y = b;
    int c = memcmp(x->key, y->key, x->n < y->n ? x->n : y->n);
    if (c != 0)
        return c;
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static void put_key(struct window *w, const struct kept *row, struct bytes *out)
{
    const struct rowref at = {.r = &row->row};
    const struct exprvm_env env = {.current = at,
                                   .layout = &w->k->layout,
                                   .scratch = w->k->scratch};
    for (unsigned i = 0; i < w->p->w->split.n; i++) {
        const struct windowprog_agg *a = &w->p->aggs[i];
        struct value v = {.type = a->agg.arg};
        v.null = a->column >= 0 ? !rowref_cell(at, &w->k->layout, (unsigned)a->column, &v.c)
                                : !exprvm_eval(a->arg, &env, &v.c);
        value_key(&v, out);
    }
}

/* The rows with their keys, in `text`, equal ones together in the order in which they came. */
static struct split_row *sorted(struct window *w, const struct windowlist_more *m,
                                struct bytes *text)
{
    struct split_row *rows = mem_array(m->nrows, sizeof *rows);
    size_t from = 0;
    for (uint32_t i = 0; i < m->nrows; i++) {
        put_key(w, m->rows[i], text);
        rows[i] = (struct split_row){.n = (uint32_t)(text->n - from), .place = i};
        from = text->n;
    }
    from = 0;
    for (uint32_t i = 0; i < m->nrows; i++) {
        rows[i].key = text->p + from;
        from += rows[i].n;
    }
    qsort(rows, m->nrows, sizeof *rows, by_key);
    return rows;
}

void windowsplit_give(struct window *w, struct windowlist_one *one, struct windowrun_result *v)
{
    const struct windowlist_more *m = one->more;
    struct bytes text = {0};
    struct split_row *rows = sorted(w, m, &text);
    for (uint32_t i = 0, end; i < m->nrows; i = end) {
        for (end = i; end < m->nrows && rows[end].n == rows[i].n &&
                      memcmp(rows[end].key, rows[i].key, rows[i].n) == 0;
             end++)
            windowprog_add(w->p, one->acc, (struct rowref){.r = &m->rows[rows[end].place]->row},
                           &w->k->layout, w->k->scratch);
        v->told = NULL; /* it fires once */
        v->split = rows[i].key;
        v->split_n = rows[i].n;
        windowgive(w, v);
        windowprog_clear(w->p, one->acc);
        if (arena_bytes(w->k->scratch) > 0)
            arena_reset(w->k->scratch);
    }
    mem_free(rows);
    bytes_fini(&text);
}
