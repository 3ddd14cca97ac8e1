/* SPDX-License-Identifier: Apache-2.0 */
/* windowkey.h - inside of running windows: the panes of one key, and what has been told of its windows.
 *
 * Room:   windowpanes -> [windowkey]
 * Owns:   the panes of a key, in the memory of its window (windowrun.h)
 * Thread: one worker.  Time: evtime. */
#ifndef WEIR_CEP_WINDOWKEY_H
#define WEIR_CEP_WINDOWKEY_H
#include "cep/window/windowrun.h"

struct windowkey_pane {
    int64_t pane;
    uint64_t acc[];
};

struct windowkey_told { /* of a window that has given a result and may change */
    int64_t window;
    struct windowrun_told told;
};

struct windowpanes_cell {
    struct keystate state;
    uint64_t *panes; /* `words` + 1 each */
    struct windowkey_told *told;
    int64_t total; /* at least the bounding number of every window to come */
    uint32_t at; /* in the vector of active cells, or NOT_ACTIVE */
    uint16_t n, cap;
    uint16_t ntold, told_cap;
    bool wild; /* the number has shrunk once: total says nothing */
    /* state.room: 0, or which of window.ahead + 1: windows up to there have fired for it */
    bool
        restless; /* a late row came before its oldest pane: it does not sleep until that has gone */
};

static inline size_t windowkey_pane_words(const struct window *w)
{
    return w->p->words + sizeof(struct windowkey_pane) / 8;
}

static inline struct windowkey_pane *windowkey_pane(const struct window *w,
                                                    const struct windowpanes_cell *c, unsigned i)
{
    return (struct windowkey_pane *)(void *)(c->panes + i * windowkey_pane_words(w));
}

static inline void windowkey_clear(const struct window *w, struct windowkey_pane *p)
{
    if (w->p->holds)
        windowprog_clear(w->p, p->acc);
}

/* The last window that nothing can change any more, if all that end at or before `to` have fired. */
static inline int64_t windowkey_last_closed(const struct window *w, evtime to)
{
    return windowpane_ending_after(&w->p->panes, to - w->p->w->lateness_ms) - 1;
}

static inline int64_t windowkey_newest_window(const struct window *w,
                                              const struct windowpanes_cell *c)
{
    return windowpane_last_window(&w->p->panes, windowkey_pane(w, c, c->n - 1u)->pane);
}

/* The last window that has fired; INT64_MIN: none has. */
static inline int64_t windowkey_last_fired(const struct window *w)
{
    return w->now == EVTIME_MIN ? INT64_MIN : windowpane_ending_after(&w->p->panes, w->now) - 1;
}

void windowkey_set_cap(struct window *w, struct windowpanes_cell *c, unsigned cap);
/* Drops panes whose last window is this one or before it. */
void windowkey_drop(struct window *w, struct windowpanes_cell *c, int64_t window);
/* The pane of that number, made if it is not there. NULL: a key has more panes than it may have. */
struct windowkey_pane *windowkey_pane_for(struct window *w, struct windowpanes_cell *c,
                                          int64_t pane);
void windowkey_free_told(struct window *w, struct windowpanes_cell *c);
/* What has been told of a window; NULL: nothing. Trims what is over. */
struct windowkey_told *windowkey_told_of(struct window *w, struct windowpanes_cell *c,
                                         int64_t window);
void windowkey_set_told(struct window *w, struct windowpanes_cell *c,
                        const struct windowkey_told *told);

#endif
