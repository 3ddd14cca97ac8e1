/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker/workerwatch.h"
#include "base/fault.h"
#include "base/mem.h"
#include "server/run/poison.h"
#include <stdlib.h>
#include <unistd.h>

struct workerwatch {
    struct lastplace_page *page;
    struct poison_watch told;
    struct task_watch rows;
};

static int compare(const void *a, const void *b)
{
    const struct lastplace *x = a, *y = b;
    if (x->stream != y->stream)
        return x->stream < y->stream ? -1 : 1;
    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static bool meets(const struct lastplace *a, const struct lastplace *b)
{
    return a->stream == b->stream && a->partition == b->partition && a->first <= b->last &&
           b->first <= a->last;
}

/* The first place at or after the first of these events decides. */
bool workerwatch_skips(const struct workerwatch *w, const struct lastplace *at)
{
    size_t from = 0, to = w->told.nskips;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (compare(&w->told.skips[mid], at) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from < w->told.nskips && meets(&w->told.skips[from], at);
}

/* Rows of the streams from outside; what rules made of them has no place that could be left out. A row that is set aside
 * may still come out of a checkpoint. */
static bool note_rows(void *ctx, const struct batch *b, unsigned first, unsigned last)
{
    struct workerwatch *w = ctx;
    if (b == NULL || b->schema->derived != DERIVED_NOT) {
        lastplace_set(w->page, NULL);
        return false;
    }
    const struct lastplace at = {b->schema->id, b->partition, b->offset[first], b->offset[last]};
    lastplace_set(w->page, &at);
    if (first == last && workerwatch_skips(w, &at))
        return true;
    if (first == last)
        fault_number("worker.row", at.first);
    return false;
}

struct workerwatch *workerwatch_new(int fd)
{
    struct workerwatch *w = mem_new(sizeof *w);
    w->page = lastplace_map(fd);
    w->rows = (struct task_watch){note_rows, w};
    if (fd >= 0)
        close(fd);
    return w;
}

void workerwatch_free(struct workerwatch *w)
{
    if (w == NULL)
        return;
    lastplace_unmap(w->page);
    mem_free(w->told.skips);
    mem_free(w);
}

enum err workerwatch_take(struct workerwatch *w, const void *p, size_t n)
{
    struct poison_watch told;
    enum err e = poison_get(p, n, &told);
    if (e != ERR_OK)
        return e;
    mem_free(w->told.skips);
    w->told = told;
    qsort(w->told.skips, w->told.nskips, sizeof *w->told.skips, compare);
    return ERR_OK;
}

const struct task_watch *workerwatch_rows(struct workerwatch *w)
{
    return w->told.rows || w->told.nskips > 0 || fault_wished("worker.row") ? &w->rows : NULL;
}

void workerwatch_at(struct workerwatch *w, const struct lastplace *at)
{
    lastplace_set(w->page, at);
}

bool workerwatch_suspects(const struct workerwatch *w, const struct lastplace *at)
{
    for (unsigned i = 0; i < w->told.nsuspects; i++)
        if (meets(&w->told.suspects[i], at))
            return true;
    return false;
}

void workerwatch_decoded(const struct batch *b)
{
    bool wished = fault_wished("worker.decoded");
    for (unsigned i = 0; wished && i < b->n; i++)
        fault_number("worker.decoded", b->offset[i]);
}
