/* SPDX-License-Identifier: Apache-2.0 */
/* checkhistory.h - the last checkpoints, as pages and metrics show them.
 *
 * Room:   checkpointer -> [checkhistory] -> API.  Owns: its entries.
 * Thread: any; one thread changes it.  Time: wall clock of beginnings. */
#ifndef WEIR_SERVER_CHECKHISTORY_H
#define WEIR_SERVER_CHECKHISTORY_H
#include "server/checkpoint/checkmeta.h"
#include "server/run/runtime.h"

enum { CHECKHISTORY_MAX = 64 };

struct checkhistory;

struct checkhistory *checkhistory_new(void);
void checkhistory_free(struct checkhistory *h); /* NULL is fine */
void checkhistory_begun(struct checkhistory *h, const struct checkmeta *m);
void checkhistory_progress(struct checkhistory *h, const struct checkmeta *m);
void checkhistory_completed(struct checkhistory *h, const struct checkmeta *m);
void checkhistory_failed(struct checkhistory *h, const struct checkmeta *m, const char *why);
void checkhistory_found(struct checkhistory *h,
                        const struct checkmeta *m); /* of before the start */
void checkhistory_removed(struct checkhistory *h, uint64_t id);
void checkhistory_restored(struct checkhistory *h, uint64_t id); /* 0: from none */

unsigned checkhistory_list(struct checkhistory *h, struct runtime_checkpoint *out, unsigned cap);
void checkhistory_counts(struct checkhistory *h, struct runtime_checkpoint_counts *out);

#endif
