/* SPDX-License-Identifier: Apache-2.0 */
/* whynot.h - why a rule has not fired for a key: its recorded rows are found here, and gone through by a worker.
 *
 * Room:   API -> [whynot: a thread of its own] -> keyscan -> inspector -> a worker (workertrace)
 * Owns:   its thread, and what has been asked
 * Thread: whynot_want any; `done` comes on this one's or the runtime's. */
#ifndef WEIR_SERVER_WHYNOT_H
#define WEIR_SERVER_WHYNOT_H
#include "base/diag.h"
#include "server/inspect/inspector.h"
#include "state/intakelog.h"

enum { WHYNOT_WAITING_MAX = 16, WHYNOT_SKIPS_MAX = 64 };

struct whynot;

/* A version that runs no more: no worker has it, so the rows are gone through here. */
struct whynot_then {
    uint32_t version;
    unsigned ncuts;
    struct job_cut *cuts; /* with marks of their own */
    evtime until; /* what came after it was not its */
    size_t max_partials, max_rows; /* of one key; given by runtimeinspect_why */
};
void whynot_then_free(struct whynot_then *t); /* NULL is fine */

struct whynot_ask {
    struct rule_plan *
        plan; /* why_cannot() is NULL, over streams that are in the log; the caller's reference goes over */
    uint64_t uid;
    struct whynot_then *then; /* NULL: the version that runs; goes over */
    struct bytes key; /* canonical bytes, goes over; empty: that of the event */
    bool finds; /* the rows of that key are all that is asked for: no worker is asked */
    bool has_by; /* the key is of these columns: of a filter, which has none */
    struct plan_key by;
    bool has_event;
    uint32_t partition;
    uint64_t offset;
    uint32_t stream; /* of a join: in which of its streams */
    evtime at; /* EVTIME_MAX: now */
    uint64_t scan; /* rows that may be looked at */
    uint32_t steps;
    unsigned nskips; /* rows that no worker takes (poison) */
    struct whynot_skip {
        uint32_t partition;
        uint64_t offset;
    } skips[WHYNOT_SKIPS_MAX];
};
/* NULL: it can be asked. Else a sentence: what is not recorded cannot be gone through again. */
const char *whynot_cannot(const struct rule_plan *p);

/* The name of the rule of whose results all its rows are made; NULL: of none, or not of one alone. Lives as the plan does. */
const char *whynot_upstream(const struct rule_plan *p);

struct whynot_answer {
    const struct bytes *rows; /* of `finds`: tracewire_row each */
    const struct bytes *key;
    const char *json; /* members of an object (cep/why/why.h); n 0: no worker knows the rule */
    size_t n;
    uint64_t scanned;
    uint32_t events;
    bool complete; /* all rows of the key that the rule has seen are among them */
};
typedef void whynot_done(void *ctx, enum err e, const struct diag *d,
                         const struct whynot_answer *a);

/* wake: the runtime's loop, after something was put to the inspector. */
struct whynot *whynot_new(struct intakelog *log, struct inspector *inspector,
                          void (*wake)(void *ctx), void *ctx);
void whynot_stop(struct whynot *w); /* ends the thread; what waits is answered ERR_CLOSED */
void whynot_free(
    struct whynot *w); /* NULL is fine; after whynot_stop, and once nobody answers any more */
/* ERR_AGAIN: too many wait already; *ask is still the caller's. */
enum err whynot_want(struct whynot *w, struct whynot_ask *ask, whynot_done *done, void *ctx);

#endif
