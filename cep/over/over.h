/* SPDX-License-Identifier: Apache-2.0 */
/* over.h - OVER: for each row a result that looks at the rows of its key before it.
 *
 * Room:   keyed rows -> [over] -> results.  overprog: what is compiled, of a job; over: what runs, of a task
 * Owns:   what is kept of the rows in the frames, by key; rows that wait for others of their time
 * Thread: one worker.  Time: evtime; reads no clock. */
#ifndef WEIR_CEP_OVER_H
#define WEIR_CEP_OVER_H
#include "cep/key/keyed.h"
#include "cep/key/keyload.h"
#include "cep/key/keysave.h"
#include "cep/over/overprog.h"

enum {
    OVER_ROWS_MAX = 1 << 22
}; /* rows of a key at most, whatever its limit; past it the oldest leaves its frames, and is counted as dropped */

struct over;

struct over *over_new(struct keyed *k);
void over_free(struct over *o); /* NULL is fine; every state must have been dropped */
/* From now on by this program: the first time, or one of the same text after a change of rules. */
void over_bind(struct over *o, const struct overprog *p, const struct keyed_rule *r);
void over_drop(struct over *o, struct keystate *state); /* frees a key's state; the key stays */
/* Takes a row that passed WHERE. state: the rule's for that key, or NULL, then `key` says which. */
void over_row(struct over *o, struct keystate *state, struct key *key, const struct keyed_row *r);
/* It will soon be given a row: link 1, 2, 3 of what it points to. */
void over_prefetch(const struct over *o, const struct keystate *state, unsigned link);
/* No row before `to` is to come: rows that wait give their results, keys without rows in any frame leave. */
void over_advance(struct over *o, evtime to);
uint64_t over_keys(const struct over *o); /* with state */
uint64_t over_kept(const struct keystate *state); /* rows of a key */
uint64_t over_dropped(const struct over *o); /* rows, for the limit of their key */
/* For people (cep/why): what the calls of a row gave, whether or not it is a result. NULL: nobody looks. */
struct over_given {
    const struct batch *b;
    unsigned i;
    const struct value *slots;
    const uint64_t *rows; /* in the frame, by call */
};
void over_watch(struct over *o, void (*each)(void *ctx, const struct over_given *g), void *ctx);
size_t over_bytes(const struct over *o);
size_t over_used(const struct over *o); /* of these, by what is there */

/* --- oversave.c: a key's state as bytes, and back ---
 *
 * What follows from the rest (links, timers, heaps, masks of conditions) is not saved; it is made again. */
void oversave_put(const struct over *o, const struct keystate *state, struct keysave *rows,
                  struct bytes *out);
/* For a key of l without a state of this rule. ERR_CORRUPT: no such bytes; nothing is there then. */
enum err oversave_load(struct over *o, struct keyload *l, struct bytes_reader *in);
/* What the rule knows beyond its keys; of several tasks, if it starts from several. */
void oversave_put_head(const struct over *o, struct bytes *out);
enum err oversave_load_head(struct over *o, struct bytes_reader *in);
void oversave_loaded(struct over *o); /* after a bulk of loads: all entries are there */
/* The least watermark at which something of that state is over or due without another row; EVTIME_MAX: none is. May be
 * too early. For a key whose state is put out of memory. */
evtime oversave_when(const struct over *o, const struct keystate *state);

#endif
