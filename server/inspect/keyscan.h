/* SPDX-License-Identifier: Apache-2.0 */
/* keyscan.h - the recorded rows of one key of a rule, out of the intake log.
 *
 * Room:   whynot -> [keyscan] -> intake log, codec, keyrows -> rows, as tracewire carries them
 * Owns:   nothing.  Thread: any, not the HTTP thread: it may read a million events.  Time: evtime. */
#ifndef WEIR_SERVER_KEYSCAN_H
#define WEIR_SERVER_KEYSCAN_H
#include "base/diag.h"
#include "cep/plan.h"
#include "state/intakelog.h"
#include <stdatomic.h>

enum { KEYSCAN_ROWS_MAX = 1000, KEYSCAN_BYTES_MAX = 16 << 20 };

struct keyscan_ask {
    struct intakelog *log;
    const struct rule_plan *plan; /* reads streams that are in the log */
    unsigned side; /* of a join: whose rows are looked for */
    const struct plan_key *by; /* as for keyrows_new */
    struct bytes *key; /* canonical bytes; if has_focus and it is empty: the event's */
    uint64_t scan; /* rows that may be looked at, over all partitions */
    evtime at; /* later rows do not count; EVTIME_MAX: all do */
    evtime near; /* rows that came about then; EVTIME_MIN: the last */
    bool has_focus; /* near that event */
    uint32_t partition;
    uint64_t offset;
    bool (*skips)(void *ctx, uint32_t partition, uint64_t offset); /* rows that count for nothing */
    void *skips_ctx;
    const atomic_bool *stop; /* give up */
};
struct keyscan_found {
    evtime arrival; /* of the event */
    struct bytes rows; /* tracewire_put_row each; the caller's, appended to */
    uint32_t nrows;
    uint64_t scanned;
    bool
        complete; /* nothing older of that key is in the log or was left out, and nothing was deleted */
};
/* ERR_NOT_FOUND: no such event; ERR_CONFLICT: it is of another key. */
enum err keyscan(const struct keyscan_ask *ask, struct diag *d, struct keyscan_found *out);
/* The event time of one recorded event, of that side's stream. Quick. ERR_NOT_FOUND. */
enum err keyscan_time(struct intakelog *log, const struct rule_plan *plan, unsigned side,
                      uint32_t partition, uint64_t offset, evtime *out);

#endif
