/* SPDX-License-Identifier: Apache-2.0 */
/* evalerrors.h - what streams refuse, as rows of their ERRORS, for the rules of a script that read them.
 *
 * Room:   evalfeed -> [evalerrors] -> evalrun
 * Owns:   nothing but which streams' ERRORS are read
 * Thread: one.  Time: evtime. The time of a row is when it is refused: the clock's, if lines say it; else how far the
 *         partition's time had come. Its place is that of the event in its stream. */
#ifndef WEIR_SERVER_EVALERRORS_H
#define WEIR_SERVER_EVALERRORS_H
#include "server/eval/evalrun.h"

struct evalerrors;

/* NULL: no rule reads any. */
struct evalerrors *evalerrors_new(struct job *job, struct evalrun *run,
                                  const struct schema *const *streams, unsigned n);
void evalerrors_free(struct evalerrors *e); /* NULL is fine */

bool evalerrors_read(const struct evalerrors *e, unsigned stream); /* e may be NULL */
struct evalerrors_row {
    unsigned stream;
    uint32_t partition;
    uint64_t place;
    const char *text;
    size_t n;
    const char *code, *reason;
};
/* Then settle. */
void evalerrors_put(struct evalerrors *e, const struct evalerrors_row *row);
/* The clock moves on, or the input of all streams ends (EVTIME_MAX). Then settle. e may be NULL. */
void evalerrors_clock(struct evalerrors *e, evtime now);

#endif
