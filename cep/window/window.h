/* SPDX-License-Identifier: Apache-2.0 */
/* window.h - windows of every kind: rows of a key into them, results when they fire, updates when late rows come.
 *
 * Room:   keyed rows -> [window] -> results.  windowprog: what is compiled, of a job; window: what runs, of a task
 * Owns:   the windows, by key
 * Thread: one worker.  Time: evtime, and the clock that it is told; reads none.
 *
 * TUMBLE, HOP and CUMULATE that fire by the watermark keep panes (windowpanes.c); all others keep a state for each window
 * of a key (windowlist.c). */
#ifndef WEIR_CEP_WINDOW_H
#define WEIR_CEP_WINDOW_H
#include "cep/key/keyed.h"
#include "cep/key/keyload.h"
#include "cep/key/keysave.h"
#include "cep/window/windowprog.h"

struct window;

struct window *window_new(struct keyed *k);
void window_free(struct window *w); /* NULL is fine; every state must have been dropped */
/* From now on by this program: the first time, or one of the same text after a change of rules. */
void window_bind(struct window *w, const struct windowprog *p, const struct keyed_rule *r);
/* Frees a key's state; the key stays. Every key's of the rule must follow. */
void window_drop(struct window *w, struct keystate *state);
void window_expire(struct window *w, struct keystate *state); /* one key's is over, others stay */
/* Adds a row that passed WHERE. state: the rule's for that key, or NULL, then `key` says which. A late row must come
 * after window_advance to the watermark that it came at. */
void window_row(struct window *w, struct keystate *state, struct key *key, struct keyed_row *r);
/* Adds what rows of one pane, none of them late, have been summed up to: at `ts` one of them stands. Only of a rule that
 * windowprog_presums. */
void window_part(struct window *w, struct keystate *state, struct key *key, evtime ts,
                 const uint64_t *acc);
void window_prefetch(const struct window *w, const struct keystate *state); /* a row is to come */
/* When something is due next; EVTIME_MAX: nothing. It may be too early. */
evtime window_next(const struct window *w);
/* How far time has come. */
struct window_time {
    evtime to; /* no row before it is to come: what is due fires */
    evtime
        mark; /* the watermark, as far as the input has said it (`to` is infinite at its end): for `continuous` */
    bool rows_at; /* rows of the time `to` are there: sessions that they touch wait for them */
};
void window_advance(struct window *w, const struct window_time *t);
/* The watermark has risen (or the clock): for triggers that ask for no more than that. After window_advance. */
void window_punctuated(struct window *w);
void window_clock(struct window *w, evtime now);
evtime window_clock_next(const struct window *w); /* when the clock fires next; EVTIME_MAX: never */
/* For people (cep/why): a window that is asked for a result, whether or not HAVING holds. NULL: nobody looks. Windows by
 * panes are not asked while it cannot hold. */
struct window_asked {
    evtime start, end; /* EVTIME_MIN: it has none */
    evtime time; /* of the result */
    const struct value *slots;
};
void window_watch(struct window *w, void (*each)(void *ctx, const struct window_asked *a),
                  void *ctx);
size_t window_cells(const struct window *w); /* keys with state */
/* A key's state of which something is due by `to`; NULL: none, or *all: of any. */
struct keystate *window_due(const struct window *w, evtime to, bool *all);
/* Each of them, some more than once, unless it is of any; `f` does not change w. */
void window_each_due(const struct window *w, evtime to, void (*f)(void *ctx, struct keystate *c),
                     void *ctx);
uint64_t window_open(const struct window *w); /* windows, or keys with panes */
size_t window_bytes(const struct window *w);
size_t window_used(const struct window *w); /* of these, by what is there */
/* A key's state may leave memory: nothing but time and its rows will ask for it. */
bool window_may_leave(const struct window *w);

/* --- windowsave.c: a key's state as bytes, and back ---
 *
 * What follows from the rest (links, timers, heaps, masks of conditions) is not saved; it is made again. */
void windowsave_put(const struct window *w, const struct keystate *state, struct keysave *rows,
                    struct bytes *out);
/* For a key of l without a state of this rule. ERR_CORRUPT: no such bytes; nothing is there then. */
enum err windowsave_load(struct window *w, struct keyload *l, struct bytes_reader *in);
/* What the rule knows beyond its keys; of several tasks, if it starts from several. */
void windowsave_put_head(const struct window *w, struct bytes *out);
enum err windowsave_load_head(struct window *w, struct bytes_reader *in);
void windowsave_loaded(struct window *w); /* after a bulk of loads: all entries are there */
/* The least watermark at which something of that state is over or due without another row; EVTIME_MAX: none is. May be
 * too early. For a key whose state is put out of memory. */
evtime windowsave_when(const struct window *w, const struct keystate *state);

#endif
