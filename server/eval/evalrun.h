/* SPDX-License-Identifier: Apache-2.0 */
/* evalrun.h - one to 64 tasks in this process that pass their frames to each other, and the file their results go to.
 *
 * Room:   evalfeed -> [evalrun: tasks] -> result lines
 * Owns:   the tasks and the output.  Thread: one.  Time: none of its own.
 *
 * With one task, results come out as its effects list them; with several they are put in the same order. */
#ifndef WEIR_SERVER_EVALRUN_H
#define WEIR_SERVER_EVALRUN_H
#include "base/diag.h"
#include "cep/task/task.h"

/* The whole event of a late result as a JSON object, if it can still be told; NULL: the result's own values will do. Valid
 * until the next call. */
typedef const struct bytes *evalrun_late_row(void *ctx, const struct place *at);

struct evalrun;
struct lookups_stats; /* lookups.h */

/* Results go to fd, by large writes. */
struct evalrun *evalrun_new(struct job *job, unsigned workers, int fd, evalrun_late_row *late_row,
                            void *ctx);
void evalrun_free(struct evalrun *r); /* NULL is fine */

/* Before anything is open: results go to `told` instead, in the same order; limits of a key as task_options says. */
typedef void evalrun_told(void *ctx, const struct result *r);
void evalrun_tell(struct evalrun *r, evalrun_told *told, void *ctx);
void evalrun_limits(struct evalrun *r, size_t max_partials, size_t max_rows);

/* Before anything is open: with so many key groups, from what `load` puts into its only task. */
typedef enum err evalrun_load(void *ctx, struct task *t, struct diag *d);
enum err evalrun_begin_from(struct evalrun *r, unsigned key_groups, evalrun_load *load, void *ctx,
                            struct diag *d);

/* Before anything is open: after every so many rows a snapshot, from which so many tasks go on (0: as many as there are). */
void evalrun_snapshots(struct evalrun *r, uint64_t every, unsigned then);

/* The same, of state that leaves memory above so many bytes (evalout.h). */
enum err evalrun_state_memory(struct evalrun *r, size_t bytes, struct diag *d);

void evalrun_open(struct evalrun *r, uint32_t stream,
                  uint32_t partition); /* partitions are dealt to the tasks */
/* The same, of a partition whose watermark was w where reading begins. */
void evalrun_open_at(struct evalrun *r, uint32_t stream, uint32_t partition, evtime w);
void evalrun_rows(struct evalrun *r, struct batch *b); /* then settle */
void evalrun_watermark(struct evalrun *r, uint32_t stream, uint32_t partition,
                       evtime w); /* then settle */
void evalrun_clock(struct evalrun *r, evtime now); /* processing time; then settle */
evtime evalrun_w(const struct evalrun *r, uint32_t stream, uint32_t partition);
/* Step and exchange until nothing moves, then write down what has been found. */
void evalrun_settle(struct evalrun *r);
/* One more line, in turn with the results. */
struct bytes *evalrun_out(struct evalrun *r);
/* ERR_IO (errno) if any write failed so far. */
enum err evalrun_flush(struct evalrun *r);

/* Why a look-up ended the run ('on-error'='fail'), or NULL; what came after it is not right. */
const char *evalrun_broken(const struct evalrun *r);
uint64_t evalrun_failed(const struct evalrun *r); /* rows that could not be looked up */
/* The i-th table in which rows were looked up, over the tasks; false past the last. */
bool evalrun_lookups(const struct evalrun *r, unsigned i, struct lookups_stats *sum);
/* How many results of that rule of the job and kind. */
uint64_t evalrun_count(const struct evalrun *r, unsigned rule, enum result_kind k);
void evalrun_state_counts(const struct evalrun *r, struct taskout_counts *sum); /* the same */
void evalrun_stats(const struct evalrun *r, struct task_stats *sum); /* over the tasks */

#endif
