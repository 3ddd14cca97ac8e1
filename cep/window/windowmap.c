/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/window/windowmap.h"
#include "base/mem.h"

static bool same_expr(const struct expr *a, const struct expr *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || expr_same(a, b));
}

static bool same_windows(const struct window_plan *x, const struct window_plan *y)
{
    return x->kind == y->kind && x->size_ms == y->size_ms && x->slide_ms == y->slide_ms &&
           x->offset_ms == y->offset_ms && same_expr(x->gap, y->gap);
}

/* Is time cut into the same panes, with the same numbers? */
static bool same_panes(const struct windowprog *a, const struct windowprog *b)
{
    const struct windowpane *x = &a->panes, *y = &b->panes;
    return a->by_panes && b->by_panes && x->slide == y->slide && x->offset == y->offset &&
           x->rest == 0 && y->rest == 0 && (x->steps > 0) == (y->steps > 0);
}

static const char *reset_of(const struct windowprog *a, const struct windowprog *b)
{
    const struct window_plan *x = a->w, *y = b->w;
    if (!same_windows(x, y) && !same_panes(a, b))
        return "its windows are others, of which no part is known";
    if (x->trigger != y->trigger || x->every != y->every || x->purge != y->purge)
        return "its windows fire otherwise";
    if (x->each_row != y->each_row || x->evictor != y->evictor || x->spares != y->spares ||
        x->evict_after != y->evict_after || a->by_panes != b->by_panes ||
        a->keeps_rows != b->keeps_rows)
        return "its windows keep their rows otherwise";
    if (!plan_key_same(&x->split, &y->split))
        return "its windows are divided into other groups";
    return NULL;
}

static bool map_aggs(struct windowmap *m, const struct windowprog *a, const struct windowprog *b)
{
    bool had[WINDOWPROG_WORDS_MAX] = {false};
    bool same = a->naggs == b->naggs && a->words == b->words;
    m->aggs = mem_array(a->naggs, sizeof *m->aggs);
    for (unsigned i = 0; i < a->naggs; i++) {
        m->aggs[i] = WINDOWMAP_NONE;
        for (unsigned k = 0; k < b->naggs && m->aggs[i] == WINDOWMAP_NONE; k++)
            if (!had[k] && expr_same_agg(&a->w->aggs[i], &b->w->aggs[k])) {
                m->aggs[i] = (int)k;
                had[k] = true;
            }
        same = same && m->aggs[i] == (int)i;
    }
    return same;
}

struct windowmap *windowmap_new(const struct windowprog *from, const struct windowprog *to)
{
    struct windowmap *m = mem_new(sizeof *m);
    m->from = from;
    m->reset = reset_of(from, to);
    m->resized = !same_windows(from->w, to->w);
    m->in_place = map_aggs(m, from, to) && !m->resized && m->reset == NULL;
    return m;
}

void windowmap_free(struct windowmap *m)
{
    if (m == NULL)
        return;
    mem_free(m->aggs);
    mem_free(m);
}
