/* SPDX-License-Identifier: Apache-2.0 */
/* definitions.h - what a catalogue says of streams, tables, lists and rules, as it was at one moment, in a file of its own.
 *
 * Room:   catalogue -> [definitions] -> definitions.db of a savepoint -> the catalogue of a server that begins with it
 * Owns:   a connection and its snapshot, from begin to end
 * Thread: one at a time; begin may be on another than the rest.  Time: none.
 *
 * The file is a catalogue without what rules have found: alerts, timeouts, dead letters, the audit, sums. It is in the version of
 * the program that wrote it; a later one brings it to its own when it opens it. */
#ifndef WEIR_STATE_DEFINITIONS_H
#define WEIR_STATE_DEFINITIONS_H
#include "base/diag.h"

struct definitions;

/* An empty file at `to`, which is not there yet. */
enum err definitions_prepare(const char *to, struct diag *d);
/* The moment: takes a snapshot of the catalogue and copies nothing yet. */
enum err definitions_begin(const char *catalogue, const char *to, struct diag *d,
                           struct definitions **out);
/* Copies into the file, fsynced; frees. */
enum err definitions_end(struct definitions *x, struct diag *d);
void definitions_abandon(struct definitions *x); /* NULL is fine */

#endif
