/* SPDX-License-Identifier: Apache-2.0 */
/* join.h - an interval join, running: rows of two streams in order of time, pairs out.
 *
 * Room:   order -> [join] -> emit
 * Owns:   the rows that it keeps, by key
 * Thread: one worker.  Time: evtime; reads no clock.
 *
 * A pair is given when its later row is taken, with that row's time. A left row of an outer join that has found no partner
 * is given by itself once time has passed its bound, with the time of the bound, or its own if that is later. */
#ifndef WEIR_CEP_JOIN_H
#define WEIR_CEP_JOIN_H
#include "cep/join/joinprog.h"
#include "cep/key/keyed.h"
#include "cep/key/keyload.h"
#include "cep/key/keysave.h"

struct join;

struct join_stats {
    uint64_t rows, kept, keys, dropped, expired;
    size_t bytes;
};

/* max_rows: kept of one key and side; past it the oldest is dropped and counted. */
struct join *join_new(const struct rule_plan *p, struct emit *emit, size_t max_rows);
void join_free(struct join *j); /* NULL is fine */
/* The rule as it is from now on: the same text. Both outlive the next bind. */
void join_bind(struct join *j, const struct joinprog *p, const struct keyed_rule *rule);

/* ... or another version that can go on with its rows (joinmap.h), from now on. */
void joinchange(struct join *j, const struct joinprog *p, const struct keyed_rule *rule,
                size_t max_rows);
/* The rows of a key go as if they had never been. */
void join_forget(struct join *j, struct key *key);

/* w: the watermark that is being carried out. */
void join_begin(struct join *j, evtime w);
/* A row that counts; rows come in order of time. partner: it may find one. hash: of its key. */
void join_row(struct join *j, unsigned side, bool partner, uint64_t hash, struct batch *b,
              unsigned i);
/* All rows before w have been taken. */
void join_advance(struct join *j, evtime w);
/* link 0 to 3: what a row of this hash will touch, one pointer further each time. */
void join_prefetch(const struct join *j, unsigned side, uint64_t hash, unsigned link);
/* The least watermark at which something is to be given; EVTIME_MAX: nothing waits. */
evtime join_next(const struct join *j);
struct join_stats join_stats(const struct join *j);
uint64_t join_waiting(const struct keystate *state, enum join_which side); /* rows of a key */

/* --- joinsave.c: a key's state as bytes, and back. What follows from the rest (queues, timers) is made again --- */

/* From now on the keys that change are noted, and given out (keytrack.h). */
void join_track(struct join *j, void (*give)(void *ctx, const struct key *key), void *ctx);
void join_track_as(struct join *j, void *ctx); /* as before, but given to another */
struct keytrack *join_tracking(struct join *j);
/* rows: one for each side, begun. No cells: the key is gone. */
void joinsave_put(const struct join *j, const struct key *key, struct keysave rows[2],
                  struct bytes *out);
/* rows: one for each side, with the rows of the entry. The key must not be there. ERR_CORRUPT: nothing is there then. */
enum err joinsave_load(struct join *j, const void *key, size_t n, struct keyload rows[2],
                       struct bytes_reader *in);
struct keyed *join_side(struct join *j, unsigned side);
void joinsave_put_head(const struct join *j, struct bytes *out);
enum err joinsave_load_head(struct join *j, struct bytes_reader *in);
void joinsave_loaded(struct join *j);

#endif
