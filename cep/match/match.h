/* SPDX-License-Identifier: Apache-2.0 */
/* match.h - MATCH_RECOGNIZE: rows of a key, in order, to partial matches, matches and timeouts.
 *
 * Room:   keyed rows -> [match] -> results.  match_prog: what is compiled, of a job; match: what runs, of a task
 * Owns:   prog: automaton and machines; match: partial matches, by key
 * Thread: one worker.  Time: evtime; reads no clock.
 *
 * The general evaluator: right for every pattern it accepts. A partial match is a node that points to the one it extends,
 * so prefixes are shared; it waits on the edges of its state that are still alive. */
#ifndef WEIR_CEP_MATCH_H
#define WEIR_CEP_MATCH_H
#include "cep/key/keyed.h"
#include "cep/key/keyload.h"
#include "cep/key/keysave.h"

struct match_prog;
struct match;
struct nfa;

/* Refuses, with a sentence and the element's place, what this release does not do. */
enum err match_supported(const struct rule_plan *p, struct diag *d);

struct match_prog *match_prog_new(const struct rule_plan *p); /* the plan outlives it */
void match_prog_free(struct match_prog *p); /* NULL is fine */
const struct nfa *match_prog_nfa(const struct match_prog *p);
/* Variables whose conditions must be told to match_prog_bind. */
uint64_t match_prog_vars(const struct match_prog *p);
bool match_prog_all_rows(
    const struct match_prog *p); /* every row of the partition matters, not only some conditions */
bool match_prog_every_row(const struct match_prog *p); /* ... even of keys that have no state */
/* Bits, among the key definition's conditions, of WHERE and of each variable (WHERE and its row condition). */
void match_prog_bind(struct match_prog *p, unsigned see_bit, const unsigned *var_bits);
/* Conditions that can begin a match; adds variables' bits. */
uint64_t match_prog_start_vars(const struct match_prog *p);

struct match *match_new(struct keyed *k);
void match_free(struct match *m); /* NULL is fine; every state must have been dropped */
/* Frees a key's state without a result. The key stays. */
void match_drop(struct match *m, struct keystate *state);
/* From now on by this program: the first time, or one of the same text after a change of rules. */
void match_bind(struct match *m, const struct match_prog *p, const struct keyed_rule *r);
/* The next row of a key. state: the rule's for that key, or NULL, then `key` says which. Frees the state when it is empty. */
void match_row(struct match *m, struct keystate *state, struct key *key, struct keyed_row *r);
/* The state will soon be given a row: prefetches link 1, 2, 3 of its chain of pointers. */
void match_prefetch(const struct keystate *state, unsigned link);
/* No row before w is to come: ends what is over. EVTIME_MAX: the input has ended. */
void match_advance(struct match *m, evtime w);
/* The watermark at which something is over next; EVTIME_MAX: nothing ever is. */
evtime match_next(const struct match *m);
/* Its runs are not over in the order in which they begin: match_advance must be called with the time of a row, if
 * match_next has come, before that row is given to it. */
bool match_has_steps(const struct match *m);
/* Of a rule that others read: no result that is still to be given is of before that time, or of before the watermark. */
evtime match_held(const struct match *m);
uint64_t match_partials(const struct match *m);
size_t match_cells(const struct match *m); /* keys with state */
/* A key's state of which something may be over by `to`; NULL: there is none. */
struct keystate *match_due(const struct match *m, evtime to);
/* Each of them, some more than once; `f` does not change m. */
void match_each_due(const struct match *m, evtime to, void (*f)(void *ctx, struct keystate *c),
                    void *ctx);
uint64_t match_dropped(const struct match *m); /* partial matches, for a limit of their key */
size_t match_bytes(const struct match *m);
size_t match_used(const struct match *m); /* of these, by what is there */

/* --- matchsave.c: a key's state as bytes, and back ---
 *
 * What follows from the rest (links, timers, heaps, masks of conditions) is not saved; it is made again. */
void matchsave_put(const struct match *m, const struct keystate *state, struct keysave *rows,
                   struct bytes *out);
/* For a key of l without a state of this rule. ERR_CORRUPT: no such bytes; nothing is there then. */
enum err matchsave_load(struct match *m, struct keyload *l, struct bytes_reader *in);
/* What the rule knows beyond its keys; of several tasks, if it starts from several. */
void matchsave_put_head(const struct match *m, struct bytes *out);
enum err matchsave_load_head(struct match *m, struct bytes_reader *in);
void matchsave_loaded(struct match *m); /* after a bulk of loads: all entries are there */
/* The least watermark at which something of that state is over or due without another row; EVTIME_MAX: none is. May be
 * too early. For a key whose state is put out of memory. */
evtime matchsave_when(const struct match *m, const struct keystate *state);

#endif
