/* SPDX-License-Identifier: Apache-2.0 */
/* tracewire.h - recorded rows of one key, on their way to a worker that goes through them step by step.
 *
 * Room:   whynot -> [tracewire] -> worker, in frames CONTROL_TRACE; the answer is an inspectwire_answer
 * Owns:   nothing; what is read stays slices of the frame.  Thread: any.  Time: evtime. */
#ifndef WEIR_SERVER_TRACEWIRE_H
#define WEIR_SERVER_TRACEWIRE_H
#include "base/bytes.h"
#include "base/err.h"
#include "base/timebase.h"

struct tracewire_ask {
    uint64_t uid; /* of the rule */
    const void *key; /* canonical bytes */
    size_t key_n;
    evtime at; /* the state as of then; EVTIME_MAX: as it is */
    bool has_focus;
    uint32_t partition; /* of the event that is asked about */
    uint64_t offset;
    uint32_t stream; /* ... and of a join, in which of its streams */
    uint32_t steps, nrows;
};
struct tracewire_row {
    uint32_t partition;
    uint64_t offset;
    evtime arrival; /* its time, in a stream without event time */
    bool late;
    evtime late_w; /* the watermark that it came behind */
    unsigned side; /* of a join */
    const char *text;
    size_t n;
};

/* A frame is the ask's number (8 bytes), the ask, then its rows, by side, partition and offset. */
void tracewire_put_ask(const struct tracewire_ask *m, struct bytes *out);
void tracewire_put_row(const struct tracewire_row *m, struct bytes *out);
enum err tracewire_get_ask(struct bytes_reader *r, uint64_t *number, struct tracewire_ask *out);
enum err tracewire_get_row(struct bytes_reader *r, struct tracewire_row *out);

#endif
