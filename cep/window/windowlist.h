/* SPDX-License-Identifier: Apache-2.0 */
/* windowlist.h - inside of windows that have a state each. For windowlist*.c.
 *
 * Room:   window -> [windowlist: windows of a key, in order; windowlistrow: the rows that they keep;
 *         windowsplit: their groups] -> windowgive
 * Owns:   see window.h.  Thread: one worker.  Time: evtime.
 *
 * `more` is there only where the rule needs it, so that a million sessions are not large. */
#ifndef WEIR_CEP_WINDOWLIST_H
#define WEIR_CEP_WINDOWLIST_H
#include "cep/window/windowrun.h"

#define WINDOWLIST_UNBOUNDED (EVTIME_MAX - 1) /* the end of a window that ends with the input */

enum { WINDOWLIST_ROWS_MAX = 1 << 20 }; /* that a window keeps */

struct windowlist_more {
    struct timer clock; /* processing time: its end */
    struct windowlist_one *one; /* that it belongs to */
    evtime next; /* continuous: the next multiple; EVTIME_MAX: no row yet */
    struct kept **rows; /* in the order in which they came */
    uint32_t nrows, rows_cap;
    uint32_t nreplaces, replaces_cap;
    uint8_t (*replaces)[RESULT_ID_BYTES]; /* to be told with the next result */
    struct windowlist_one *older, *newer; /* punctuated: of those with rows since they fired */
    bool is_fresh;
};

struct windowlist_one { /* a window of a key */
    struct timer timer; /* its end, or before; then its closing */
    struct windowlist_cell *cell;
    struct windowlist_one *next; /* of the key: by start, then end */
    struct windowlist_more *more;
    evtime start, end;
    evtime newest; /* of its rows */
    evtime oldest; /* and the place of that row, from which a session has its id */
    struct place origin;
    struct windowrun_told told;
    uint32_t since; /* rows since it fired */
    bool some; /* it holds rows */
    bool ended; /* it has fired for its end */
    uint64_t acc[];
};

struct windowlist_cell {
    struct keystate state;
    struct windowlist_one *first;
};

/* windowsplit.c: a result for each group of its rows, if HAVING holds. */
void windowsplit_give(struct window *w, struct windowlist_one *one, struct windowrun_result *v);
/* windowlist.c */
struct windowlist_cell *windowlist_make(struct window *w, struct key *key);
/* A window behind *at. */
struct windowlist_one *windowlist_add(struct window *w, struct windowlist_cell *c,
                                      struct windowlist_one **at, evtime start, evtime end);
void windowlist_set_fresh(struct window *w, struct windowlist_one *one, bool fresh);
/* When something is to be done with it; multiples: those of `continuous` count. */
evtime windowlist_due_at(const struct window *w, const struct windowlist_one *one, bool multiples);

/* windowlistrow.c */
void windowlistrow_keep(struct window *w, struct windowlist_one *one, struct keyed_row *r);
/* Behind those that it has, with the caller's reference. */
void windowlistrow_append(struct window *w, struct windowlist_more *m, struct kept *row);
void windowlistrow_evict(struct window *w, struct windowlist_one *one);
void windowlistrow_merge(struct window *w, struct windowlist_one *into,
                         struct windowlist_one *from);
void windowlistrow_clear(struct window *w, struct windowlist_one *one);
void windowlistrow_replace(struct window *w, struct windowlist_one *into,
                           const struct windowlist_one *from);
void windowlistrow_replace_id(struct window *w, struct windowlist_more *m,
                              const uint8_t id[RESULT_ID_BYTES]);
struct windowlist_more *windowlistrow_more(struct window *w, struct windowlist_one *one);
void windowlistrow_free_more(struct window *w, struct windowlist_one *one);

#endif
