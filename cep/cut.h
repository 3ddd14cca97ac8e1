/* SPDX-License-Identifier: Apache-2.0 */
/* cut.h - which rows a rule sees, and whether it gives results: its cuts (job.h), made ready to be asked.
 *
 * Room:   job -> [cut] -> filters at the source, operators
 * Owns:   a copy of the cuts.  Immutable.  Thread: one worker.  Time: evtime.
 *
 * A keyed rule sees a row whose offset is not before the mark of its first cut, and whose time falls where it is not
 * paused. A filter changes by the marks of each cut. Over a derived stream all rules change in event time. */
#ifndef WEIR_CEP_CUT_H
#define WEIR_CEP_CUT_H
#include "cep/job.h"
#include "cep/row/batch.h"

struct cut {
    enum rule_mode mode; /* without cuts */
    unsigned n;
    bool hands_over; /* some cut is between two versions */
    struct job_cut *cuts; /* with marks of their own */
};

void cut_init(struct cut *c, const struct job_rule *r);
/* With the marks of one stream alone. */
void cut_init_of(struct cut *c, const struct job_rule *r, uint32_t stream);
void cut_fini(struct cut *c);

bool cut_after_first(const struct cut *c, uint32_t partition, uint64_t offset);
/* The same for row i of a batch; one of a derived stream, whose places are in no order, is known by its time. */
bool cut_sees(const struct cut *c, const struct batch *b, unsigned i);
enum rule_mode cut_mode_at(const struct cut *c, evtime t); /* RULE_PAUSED also past its end */
enum rule_mode cut_mode_of(const struct cut *c, uint32_t partition,
                           uint64_t offset); /* a filter's, for a row */
enum rule_mode cut_mode_after(const struct cut *c,
                              evtime t); /* a filter's, for a row of a derived stream */
/* ... whichever it is: versions in `weir eval`, which knows of no places, change in event time. */
enum rule_mode cut_mode_at_row(const struct cut *c, const struct batch *b, unsigned i);
/* The number of pauses that end at or before t: two rows with different counts have one between them. */
unsigned cut_pauses(const struct cut *c, evtime t);

#endif
