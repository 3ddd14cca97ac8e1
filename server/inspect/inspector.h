/* SPDX-License-Identifier: Apache-2.0 */
/* inspector.h - what a rule knows of its keys, gathered from the workers, one after the other.
 *
 * Room:   API -> [inspector] -> workers (inspectwire.h)
 * Owns:   asks under way and what has been answered of them
 * Thread: inspector_want any; all else the runtime's. */
#ifndef WEIR_SERVER_INSPECTOR_H
#define WEIR_SERVER_INSPECTOR_H
#include "base/channel.h"
#include "cep/task/taskcount.h"
#include "server/run/crew.h"

struct inspector;

struct inspector_ask { /* texts and bytes are copied */
    uint64_t uid;
    const void *key; /* as inspectwire.h says */
    size_t key_n;
    unsigned worker; /* all keys: where to go on */
    uint64_t from;
    unsigned keys, items;
    const char *at;
    int64_t older_ms;
    /* How much there is, of `keys` keys at most; the states are copied. The answer's objects are one a slice (workerinspect.h). */
    bool counts;
    const struct taskcount_state *states;
    unsigned nstates;
    /* tracewire_ask and its rows, to be gone through by one worker; `uid` is all else that is looked at. */
    const struct bytes *trace;
};
struct inspector_answer {
    const char *json; /* objects, with commas between */
    size_t n;
    unsigned worker; /* where to go on; with from 0 and worker 0: that was all */
    uint64_t from;
};
/* On the runtime's thread, once. ERR_CONFLICT: the workers do not run. */
typedef void inspector_done(void *ctx, enum err e, const struct inspector_answer *a);

struct inspector *inspector_new(struct crew *crew, unsigned workers);
/* Between two attempts: there are that many from now on. */
void inspector_scale(struct inspector *i, unsigned workers);
void inspector_free(struct inspector *i); /* NULL is fine */
void inspector_want(struct inspector *i, const struct inspector_ask *ask, inspector_done *done,
                    void *ctx);
/* Begins what has been asked; up: the workers listen. */
void inspector_turn(struct inspector *i, bool up, uint32_t epoch);
enum err inspector_frame(struct inspector *i, unsigned worker, const struct channel_frame *f);
void inspector_attempt_failed(struct inspector *i); /* nobody will answer */

#endif
