/* SPDX-License-Identifier: Apache-2.0 */
/* budget.h - how much memory the parts of the running job may take, out of the options memory-*.
 *
 * Room:   serve -> [budget] -> runtime, workers
 * Owns:   nothing.  Thread: any.  Time: none.
 *
 * A part is what one kind of data takes in all processes together; each worker may take its share, so that none has to
 * ask another. docs/operations.md says what happens when a share is used up. */
#ifndef WEIR_SERVER_BUDGET_H
#define WEIR_SERVER_BUDGET_H
#include "base/bytes.h"
#include "base/diag.h"
#include "base/err.h"

enum budget_part { BUDGET_INTAKE, BUDGET_EXCHANGE, BUDGET_ORDERING, BUDGET_STATE, BUDGET_PARTS };

/* As given; 0: not given. total: of all parts and what the processes need besides. */
struct budget_options {
    uint64_t total, parts[BUDGET_PARTS];
};

enum { BUDGET_WINDOW_MAX = 64 << 20 };

struct budget {
    uint64_t total; /* 0: not given */
    uint64_t parts[BUDGET_PARTS]; /* in all processes together */
    uint64_t intake_bytes; /* of a worker: read from the log, not taken yet */
    uint64_t bodies_bytes; /* of requests that are coming in */
    uint64_t peer_window, results_window; /* credit: between workers; of a worker's results */
    uint64_t alerts_bytes; /* results that wait to be stored, in the coordinator */
    uint64_t ordering_bytes, state_bytes; /* of a worker */
};

const char *budget_name(enum budget_part part); /* "intake" … */
/* ERR_LIMIT: what is given is too little for so many workers, or the parts are more than the total; d says what to do. */
enum err budget_make(const struct budget_options *o, unsigned workers, struct budget *out,
                     struct diag *d);

void budget_put(const struct budget *m, struct bytes *out);
void budget_get(struct bytes_reader *r, struct budget *out);

#endif
