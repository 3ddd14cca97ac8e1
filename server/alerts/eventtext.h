/* SPDX-License-Identifier: Apache-2.0 */
/* eventtext.h - the recorded text of an event, found by its place: in the intake log, or in the file it was read from.
 *
 * Room:   intake log, files -> [eventtext] -> alert writer, pages
 * Owns:   the block read last, or the file: neighbours are asked for one after the other.  Thread: one at a time. */
#ifndef WEIR_SERVER_EVENTTEXT_H
#define WEIR_SERVER_EVENTTEXT_H
#include "server/deploy/registry.h"
#include "state/intakelog.h"

struct eventtext;

struct eventtext *eventtext_new(struct intakelog *log,
                                struct registry *streams); /* both must outlive it */
void eventtext_free(struct eventtext *t); /* NULL is fine */

/* The text goes into `a`. ERR_NOT_FOUND: it is not there (any more); ERR_IO, ERR_CORRUPT. */
enum err eventtext_get(struct eventtext *t, const struct place *at, struct arena *a,
                       const char **text, size_t *n);
/* All that were wanted now are there: the file is closed, since another may have its name the next time. */
void eventtext_rest(struct eventtext *t);

#endif
