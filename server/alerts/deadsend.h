/* SPDX-License-Identifier: Apache-2.0 */
/* deadsend.h - dead letters go to the intake again; and what the end of the process left open with them is settled.
 *
 * Room:   runtime -> [deadsend] -> intake, catalogue
 * Owns:   nothing.  Thread: any.  Time: wall clock.
 *
 * A letter is sent once. It is marked in the catalogue, goes into the log together with a note that it did, and is settled in
 * the catalogue. If the process ends on the way, the note decides at the next start. */
#ifndef WEIR_SERVER_DEADSEND_H
#define WEIR_SERVER_DEADSEND_H
#include "server/alerts/alertwriter.h"
#include "server/deploy/registry.h"
#include "server/intake/intake.h"
#include "state/catalog_dead.h"

struct deadsend {
    struct catalog *catalog;
    struct registry *registry;
    struct intake *intake;
    struct intakelog *log;
};

/* The waiting letters that fit, the oldest first, at most `limit`. What could not be tried waits on. An error stops it:
 * ERR_AGAIN (backpressure), ERR_IO. */
enum err deadsend_go(const struct deadsend *d, const struct catalog_dead_filter *f, unsigned limit,
                     const char *by, struct runtime_sent *out);
/* At the start: letters that were being sent; and what streams refused, which is in the log and not yet a letter. */
enum err deadsend_settle(const struct deadsend *d);
enum err deadsend_refill(const struct deadsend *d, struct alertwriter *w, uint64_t keep);

#endif
