/* SPDX-License-Identifier: Apache-2.0 */
/* workersource.h - the partitions that a worker reads: raw rows in, decoded batches to the task, positions kept.
 *
 * Room:   rows from the coordinator, files -> [workersource] -> codec -> task
 * Owns:   rows that wait to be decoded, open files, one decoder for each stream
 * Thread: the worker's only one.  Time: evtime.
 *
 * Of several partitions the one whose time is furthest behind is read first: it is the one that holds the others back. */
#ifndef WEIR_SERVER_WORKERSOURCE_H
#define WEIR_SERVER_WORKERSOURCE_H
#include "cep/job.h"
#include "cep/task/task.h"
#include "io/codec_json.h"
#include "server/wire/control.h"

/* A row of a file that does not decode. The text lives for the call. */
typedef void workersource_bad(void *ctx, const struct control_bad_row *row);

struct workersource;
struct workerwatch;

struct workersource *workersource_new(struct task *t, struct workerwatch *watch,
                                      workersource_bad *bad, void *ctx);
void workersource_free(struct workersource *s); /* NULL is fine */

/* Another job: decoders are made anew. */
void workersource_set_job(struct workersource *s, struct job *j);
/* Read that partition from (offset, w) on; one that is open already is set to it. For a file ERR_NOT_FOUND, ERR_IO …
 * with a sentence in d. */
enum err workersource_open(struct workersource *s, const struct schema *schema,
                           const struct control_open *o, struct diag *d);
/* Rows of the log, as a CONTROL_ROWS frame; copies it. ERR_CORRUPT: not one, or not the next rows of an open partition. */
enum err workersource_rows(struct workersource *s, const void *frame, size_t n);
/* A file of that partition is idle, and the clock raises its watermark. */
void workersource_advance(struct workersource *s, const struct control_advance *a);
void workersource_hold(struct workersource *s, const struct control_hold *h);

/* There is something to take now. */
bool workersource_has(const struct workersource *s);
/* There is, but for rows that wait for the watermark and fill their budget. */
bool workersource_waits(const struct workersource *s);
size_t workersource_bytes(const struct workersource *s); /* of rows that came and were not taken */
/* A followed file had no more: it is looked at again after this. */
bool workersource_follows(struct workersource *s);
/* Decodes one batch and hands it to the task. ERR_END: nothing there now; ERR_AGAIN: the task takes no more just now;
 * ERR_IO: a file failed, d says which. */
enum err workersource_take(struct workersource *s, struct diag *d);

/* What was taken last is to be worked off by itself, before anything else is taken: workerwatch.h. */
bool workersource_careful(const struct workersource *s);

unsigned workersource_positions(const struct workersource *s, const struct control_position **out);
uint64_t workersource_rows_taken(const struct workersource *s);

#endif
