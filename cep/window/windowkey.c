/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/window/windowkey.h"
#include <string.h>

void windowkey_set_cap(struct window *w, struct windowpanes_cell *c, unsigned cap)
{
    size_t one = windowkey_pane_words(w) * 8;
    uint64_t *more = cap == 0 ? NULL : slabs_alloc(&w->memory, cap * one);
    if (more != NULL && c->n > 0)
        memcpy(more, c->panes, c->n * one);
    if (c->cap > 0)
        slabs_free(&w->memory, c->panes, c->cap * one);
    c->panes = more;
    c->cap = (uint16_t)cap;
}

void windowkey_drop(struct window *w, struct windowpanes_cell *c, int64_t window)
{
    unsigned gone = 0;
    while (gone < c->n &&
           windowpane_last_window(&w->p->panes, windowkey_pane(w, c, gone)->pane) <= window)
        gone++;
    if (gone == 0)
        return;
    keyed_touch(w->k, c->state.key);
    for (unsigned i = 0; i < gone; i++)
        windowkey_clear(w, windowkey_pane(w, c, i));
    size_t one = windowkey_pane_words(w);
    c->n = (uint16_t)(c->n - gone);
    memmove(c->panes, c->panes + gone * one, c->n * one * 8);
}

struct windowkey_pane *windowkey_pane_for(struct window *w, struct windowpanes_cell *c,
                                          int64_t pane)
{
    unsigned at = c->n;
    while (at > 0) {
        struct windowkey_pane *p = windowkey_pane(w, c, at - 1);
        if (p->pane < pane)
            break;
        if (p->pane == pane)
            return p;
        at--;
    }
    if (c->n == c->cap && w->nbuckets > 0 && !w->p->sleeps && w->now > EVTIME_MIN) {
        unsigned had = c->n;
        windowkey_drop(w, c, windowkey_last_closed(w, w->now));
        at -= had - c->n < at ? had - c->n : at;
    }
    if (c->n == UINT16_MAX)
        return NULL;
    if (c->n == c->cap)
        windowkey_set_cap(w, c, c->cap > UINT16_MAX / 2 ? UINT16_MAX : 2u * c->cap);
    struct windowkey_pane *p = windowkey_pane(w, c, at);
    size_t one = windowkey_pane_words(w) * 8;
    memmove((char *)p + one, p, (c->n - at) * one);
    memset(p, 0, one);
    p->pane = pane;
    c->n++;
    return p;
}

void windowkey_free_told(struct window *w, struct windowpanes_cell *c)
{
    if (c->told_cap > 0)
        slabs_free(&w->memory, c->told, c->told_cap * sizeof *c->told);
    c->told = NULL;
    c->ntold = c->told_cap = 0;
}

static void trim_told(struct window *w, struct windowpanes_cell *c)
{
    int64_t closed = windowkey_last_closed(w, w->now);
    unsigned n = 0, keep = 0;
    for (unsigned i = 0; i < c->ntold; i++)
        keep += c->told[i].window > closed;
    if (keep == c->ntold)
        return;
    keyed_touch(w->k, c->state.key);
    for (unsigned i = 0; i < c->ntold; i++)
        if (c->told[i].window > closed)
            c->told[n++] = c->told[i];
    c->ntold = (uint16_t)n;
}

struct windowkey_told *windowkey_told_of(struct window *w, struct windowpanes_cell *c,
                                         int64_t window)
{
    trim_told(w, c);
    for (unsigned i = 0; i < c->ntold; i++)
        if (c->told[i].window == window)
            return &c->told[i];
    return NULL;
}

void windowkey_set_told(struct window *w, struct windowpanes_cell *c,
                        const struct windowkey_told *told)
{
    struct windowkey_told *had = windowkey_told_of(w, c, told->window);
    unsigned n = c->ntold;
    if (had != NULL)
        *had = *told;
    if (had != NULL || n == UINT16_MAX)
        return;
    if (n == c->told_cap) {
        unsigned cap = n == 0 ? 1 : n > UINT16_MAX / 2 ? UINT16_MAX : 2 * n;
        struct windowkey_told *more = slabs_alloc(&w->memory, cap * sizeof *more);
        if (n > 0)
            memcpy(more, c->told, n * sizeof *more);
        windowkey_free_told(w, c);
        c->told = more;
        c->told_cap = (uint16_t)cap;
    }
    c->told[n] = *told;
    c->ntold = (uint16_t)(n + 1);
}
