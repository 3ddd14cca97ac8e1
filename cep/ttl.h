/* SPDX-License-Identifier: Apache-2.0 */
/* ttl.h - 'state-ttl': when the state of a key that gets no rows is over, in event time.
 *
 * Room:   taskstep -> [ttl] -> taskstep, which drops the state
 * Owns:   a copy of the keys that have state, each with the time of its last row
 * Thread: one worker.  Time: evtime; reads no clock.
 *
 * Beside the operators, so that rules without it pay nothing and every kind of state has it alike. A key whose state went
 * by itself stays here until its time is over: nothing is found to be dropped then. */
#ifndef WEIR_CEP_TTL_H
#define WEIR_CEP_TTL_H
#include "cep/key/keytable.h"
#include "cep/timers.h"

struct ttl;

struct ttl *ttl_new(int64_t ms);
void ttl_free(struct ttl *t); /* NULL is fine */
int64_t ttl_ms(const struct ttl *t);
void ttl_change(struct ttl *t, int64_t ms); /* from now on, also for keys that are there */
/* The key has had a row of that time. */
void ttl_touch(struct ttl *t, const struct key *key, evtime ts);
/* Of its last row. False: it is not here. */
bool ttl_last(const struct ttl *t, const struct key *key, evtime *ts);
/* When the first may be over; EVTIME_MAX: there is none. It may be too early. */
evtime ttl_next(const struct ttl *t);
/* A key that is over by `to`, and when it was; NULL: none. Valid until the next call of any. */
const struct key *ttl_take(struct ttl *t, evtime to, evtime *at);
/* Its state is not in memory any more, or not for now. */
void ttl_forget(struct ttl *t, const struct key *key);
size_t ttl_bytes(const struct ttl *t);
size_t ttl_used(const struct ttl *t); /* of these, by what is there */

#endif
