/* SPDX-License-Identifier: Apache-2.0 */
/* intakedef.h - inside of the intake: what it knows of each stream, and a batch of rows into the log.
 *
 * Room:   intake.c, intakeerrors.c. Nobody else includes this.
 * Owns:   see intake.h.  Thread: whoever holds the lock. */
#ifndef WEIR_SERVER_INTAKEDEF_H
#define WEIR_SERVER_INTAKEDEF_H
#include "base/map.h"
#include "cep/expr/exprvm.h"
#include "cep/idle.h"
#include "cep/watermark.h"
#include "io/codec_json.h"
#include "server/intake/intake.h"
#include <pthread.h>

struct intake_partition {
    struct watermark w;
    uint64_t end, taken; /* taken: UINT64_MAX: not read */
    evtime arrival; /* of the last row */
    bool asked; /* bad rows of a file: */
    uint64_t noted; /* those before that offset are in ERRORS */
};
/* What is written with rows, beside them. */
struct intake_beside {
    const uint64_t *letters; /* of each row; NULL: they are no dead letters */
    const struct intakelog_note *note; /* NULL: none */
};
struct intake_stream {
    uint32_t id; /* key of the map */
    const struct schema *schema;
    struct codec_json *codec;
    struct colset all;
    struct exprvm *punctuated; /* NULL: bounded */
    struct exprvm **computed; /* by column; NULL: not needed */
    struct intake_partition *partitions;
    struct idle idle;
    MAP_LINK;
};
struct intake {
    pthread_mutex_t lock;
    struct intakelog *log;
    struct intake_events events;
    uint64_t max_ahead;
    bool held; /* nothing is taken just now */
    bool pressed; /* memory is short */
    pthread_mutex_t clock_lock; /* of the steady clock: */
    montime asked; /* when it was asked last */
    evtime wall0; /* the wall's time at the start */
    montime counted; /* since then, without the time in which nobody was awake to ask */
    struct intake_stream *streams;
    struct intake_counts counts;
};

struct intake_stream *intake_stream_of(struct intake *in, const struct schema *schema);
/* At most BATCH_ROWS rows: decode, append. The answers' offsets are right if it succeeds. */
enum err intake_take_batch(struct intake *in, struct intake_stream *s, unsigned partition,
                           const struct runtime_row *rows, const struct intake_beside *beside,
                           unsigned n, bool durable, struct runtime_row_answer *answers);

/* Those of the n rows that were not taken, at most BATCH_ROWS, into the stream's ERRORS; told when they are there. */
enum err intakeerrors_note(struct intake *in, struct intake_stream *s, unsigned partition,
                           const struct runtime_row *rows, unsigned n, bool durable,
                           const struct runtime_row_answer *answers);
/* If all partitions of the stream have ended: it refuses no more. */
enum err intakeerrors_end(struct intake *in, const struct intake_stream *s);

#endif
