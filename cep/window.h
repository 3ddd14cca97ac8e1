/* SPDX-License-Identifier: Apache-2.0 */
/* window.h - TUMBLE and HOP: rows of a key to one accumulator for each pane, panes to windows when they end.
 *
 * Room:   keyed rows -> [window] -> results.  window_prog: what is compiled, of a job; window: what runs, of a task
 * Owns:   prog: its machines; window: the panes, by key
 * Thread: one worker.  Time: evtime; reads no clock. */
#ifndef WEIR_CEP_WINDOW_H
#define WEIR_CEP_WINDOW_H
#include "cep/keyed.h"

struct window_prog;
struct window;

/* Refuses, with a sentence, what this release does not do. */
enum err window_supported(const struct rule_plan *p, struct diag *d);

struct window_prog *window_prog_new(const struct rule_plan *p); /* the plan outlives it */
void window_prog_free(struct window_prog *p); /* NULL is fine */
/* A late row: is every window of it closed at w? (DESIGN, "Late is decided at the source") */
bool window_prog_is_closed(const struct window_prog *p, evtime ts, evtime w);

struct window *window_new(struct keyed *k);
void window_free(struct window *w); /* NULL is fine; every state must have been dropped */
/* From now on by this program: the first time, or one of the same text after a change of rules. */
void window_bind(struct window *w, const struct window_prog *p, const struct keyed_rule *r);
void window_drop(struct window *w, struct keystate *state); /* frees a key's state; the key stays */
/* Adds a row that passed WHERE. state: the rule's for that key, or NULL, then `key` says which. */
void window_row(struct window *w, struct keystate *state, struct key *key,
                const struct keyed_row *r);
void window_prefetch(const struct keystate *state); /* it will soon be given a row */
/* The end of the window that fires next; EVTIME_MAX: none is open. */
evtime window_next(const struct window *w);
/* No row before `to` is to come: every window that ends at or before it fires. */
void window_advance(struct window *w, evtime to);
uint64_t window_open(const struct window *w); /* keys with a window that has rows */
size_t window_bytes(const struct window *w);

#endif
