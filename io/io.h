/* SPDX-License-Identifier: Apache-2.0 */
/* io.h - what every sink does: lines go in, and what a checkpoint has made sure of comes out, once.
 *
 * Room:   server/alerts/sinks -> [io] -> sink_file
 * Owns:   each sink its files or connections, and what was given to it and is not committed
 * Thread: one at a time.  Time: none in what it is given.
 *
 * Two-phase commit, by the ids of checkpoints, which rise:
 *
 *   write        a line, for the checkpoint that is to come; `next`: for the one behind the one that is being made, because
 *                its worker's barrier has come and those of others have not
 *   prepare n    all that was written for n can be committed from now on, whatever dies, and only that: it is named in
 *                `pending`, a text that goes into the metadata of checkpoint n. So are transactions that were prepared
 *                before and are not committed yet (checkpoints in between have failed: nothing of them is undone).
 *                What was written for `next` is what is being written now
 *   commit n     checkpoint n is complete: all that was prepared for it or before is for readers to see. It may be asked
 *                for again, and what is committed already stays so
 *   recover      all begins again from a checkpoint whose metadata have that text ("" if there is none): what it names is
 *                committed, unless it is; all else that is not committed is aborted, since it will be written again
 *   finish       the sink is taken away, and nobody will write this again: all is committed
 *
 * After a failure of `prepare` the same lines are there still, and belong to the next one. ERR_CORRUPT says that lines may
 * have been lost (an fsync has failed): all must begin again from the last complete checkpoint.
 *
 * What a sink of a broker with transactions needs is this and no more: `pending` names the transaction (its id, the
 * producer's number and epoch), `recover` commits it by that name, and aborts whatever else is open under its prefix. */
#ifndef WEIR_IO_IO_H
#define WEIR_IO_IO_H
#include "base/bytes.h"
#include "base/diag.h"
#include "base/timebase.h"

enum io_promise {
    IO_AT_LEAST_ONCE, /* lines may come again after a crash; their ids say so */
    IO_EXACTLY_ONCE /* what readers see of a checkpoint's lines, they see once */
};

struct io_sink_stats {
    uint64_t lines, committed_lines, committed_bytes, parts; /* since it was opened */
    uint64_t pending_parts, pending_bytes; /* ended, not committed */
    uint64_t open_bytes; /* of the part that is being written */
    uint64_t waiting_bytes; /* in memory */
    evtime committed_at; /* wall clock; EVTIME_MIN: never */
};

struct io_sink {
    const struct io_sink_kind *kind;
};

struct io_sink_kind {
    enum io_promise promise;
    /* An error: the line was not taken, as too much waits that could not be written. */
    enum err (*write)(struct io_sink *s, bool next, const void *line, size_t n, struct diag *d);
    enum err (*prepare)(struct io_sink *s, uint64_t checkpoint, struct bytes *pending,
                        struct diag *d);
    enum err (*commit)(struct io_sink *s, uint64_t checkpoint, struct diag *d);
    /* Before the first write, too. An error: it is to be asked for again before anything else. */
    enum err (*recover)(struct io_sink *s, const void *pending, size_t n, struct diag *d);
    enum err (*finish)(struct io_sink *s, struct diag *d);
    void (*stats)(const struct io_sink *s, struct io_sink_stats *out);
    void (*close)(struct io_sink *s); /* frees it; what is not committed is left as it is */
};

#endif
