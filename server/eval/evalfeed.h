/* SPDX-License-Identifier: Apache-2.0 */
/* evalfeed.h - the inputs of `weir eval`: lines to batches, places, bad lines, words about time.
 *
 * Room:   evalinput -> [evalfeed: codec_json] -> evalrun
 * Owns:   the inputs, a decoder for each stream, batches that fill.  Thread: one.
 * Time:   evtime; {"watermark": N} lines set it by hand.
 *
 * One input of one stream is decoded in blocks; otherwise a line of each input in turn. Each input is a partition of its
 * stream, or of each stream if its lines name theirs in "_stream". Places count by stream, from 0, over all inputs. */
#ifndef WEIR_SERVER_EVALFEED_H
#define WEIR_SERVER_EVALFEED_H
#include "base/err.h"
#include "cep/job.h"
#include "server/eval/evalrun.h"

struct evalfeed_input {
    const char *path; /* "-": standard input */
    int stream; /* index among the streams; -1: each line names its own */
};
struct evalfeed_options {
    const struct schema *const *streams;
    unsigned nstreams;
    const struct evalfeed_input *inputs;
    unsigned ninputs;
    unsigned batch; /* rows of a batch, at most BATCH_ROWS */
    bool no_end; /* the input does not end: what has not fired stays */
};

struct evalfeed;

/* ERR_IO: an input cannot be opened; *which says which, errno why. */
enum err evalfeed_new(const struct evalfeed_options *o, unsigned *which, struct evalfeed **out);
void evalfeed_free(struct evalfeed *f); /* NULL is fine */
/* To the end of all inputs. ERR_IO: reading or writing failed (errno). */
enum err evalfeed_run(struct evalfeed *f, struct job *job, struct evalrun *run);
/* For evalrun_new. */
const struct bytes *evalfeed_late_row(void *feed, const struct place *at);

struct evalfeed_stats {
    uint64_t events, bad, bytes;
    int64_t decode_ns; /* processor time in the decoder; 0: not asked for */
};
/* Ask before the run, read after it. */
void evalfeed_measure(struct evalfeed *f);
struct evalfeed_stats evalfeed_stats(const struct evalfeed *f);

#endif
