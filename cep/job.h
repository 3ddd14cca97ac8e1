/* SPDX-License-Identifier: Apache-2.0 */
/* job.h - all live rules merged into one plan: shared conditions, keys, columns to decode. Immutable.
 *
 * Room:   plans -> [job] -> task (which runs it)
 * Owns:   references to its plans; its own tables.  By reference count.
 * Thread: one worker.  Time: evtime in the cuts.
 *
 * A change of rules makes a new job; operators keep their state across jobs by the rule's uid. */
#ifndef WEIR_CEP_JOB_H
#define WEIR_CEP_JOB_H
#include "cep/plan.h"
#include "cep/row/dict.h"

/* Where a change of a rule cuts the stream (DESIGN, "A change of rules"): durable, so that a replay cuts the same. */
struct job_mark {
    uint32_t partition;
    uint64_t offset; /* the first offset after the change */
    evtime w; /* the partition's own watermark there */
    uint32_t stream; /* whose partition; looked at for joins only, other rules read one stream */
};
struct job_cut {
    bool deployed; /* false: the rule ends here */
    enum rule_mode mode; /* from here on */
    evtime w; /* least watermark over the partitions: event-time rules change here */
    unsigned nmarks; /* of each stream that is read; partitions that are not named begin at 0 */
    const struct job_mark *marks;
    /* Here one version of a rule gives way to the next: the last cut of the one, the first of the other. Rows of before w
     * are the old version's, all others the new one's, whatever their places. */
    enum job_handover {
        JOB_HANDOVER_NONE,
        JOB_HANDOVER_KEEP, /* the new one takes over the state (statemap.h) */
        JOB_HANDOVER_RESET, /* it begins empty */
        JOB_HANDOVER_COPY, /* it begins with a copy of the state of `from`, which goes on */
    } handover;
    /* First cut: the rule whose state is taken (KEEP), and which ends at that very time, or is copied (COPY): of that uid.
     * 0: the version before it. */
    uint64_t from;
};
struct job_rule {
    struct rule_plan *plan;
    uint64_t uid; /* the catalogue's; the same for all versions */
    uint32_t version;
    unsigned ncuts; /* in order of time; the first deploys it. 0: sees everything (`weir eval`) */
    const struct job_cut *cuts;
};

struct job;

/* Takes its own reference to each plan and copies the rest. streams: every stream that is read, with its id. */
struct job *job_new(const struct schema *const *streams, unsigned nstreams,
                    const struct job_rule *rules, unsigned nrules);
struct job *job_ref(struct job *j);
void job_unref(struct job *j); /* NULL is fine */

unsigned job_nrules(const struct job *j);
const struct job_rule *job_rule(const struct job *j, unsigned i);
/* Columns that must be decoded of a stream (the time column among them); NULL: no live rule reads it. */
const struct colset *job_columns(const struct job *j, uint32_t stream);
/* The stream of what rule i finds, or of its timeouts and errors, that others read; false: nobody does. */
bool job_derived(const struct job *j, unsigned i, enum derived_kind k, uint32_t *stream);
unsigned job_stages(const struct job *j); /* of derived streams; 0: there are none */
/* The stream in which a place was given: not the one a row is read from, where a filter, OVER or LATE passes on places. */
uint32_t job_place_stream(const struct job *j, uint32_t stream);
const struct schema *job_schema(const struct job *j, uint32_t stream); /* NULL: none of its */
const struct dict *job_dict(const struct job *j); /* literals; for the decoder to fill str.id */

#endif
