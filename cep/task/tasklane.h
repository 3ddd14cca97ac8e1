/* SPDX-License-Identifier: Apache-2.0 */
/* tasklane.h - a rule's state made again beside what runs, and handed over.
 *
 * Room:   forks of streams, or a snapshot's records -> [lane: a rule of its own] -> the rule's next version
 * Owns:   what is being loaded.  Thread: one worker.  Time: evtime.
 *
 * A lane is a rule with a uid of its own (its plan `stands_for` the rule that it is made for), which reads forks
 * (schema_fork) of that rule's streams. To the engine a fork is a stream and a lane is a rule: it has its own key definition,
 * and checkpoints, exchange and late rows are as always. The forks are read from an older place on, at whatever pace.
 *
 * When they have nearly caught up, one change of rules makes the handover, at an event time T past all accepted rows:
 *   - the version that runs ends: last cut {deployed = false, w = T, handover = KEEP};
 *   - the lane ends: the same;
 *   - the next version begins: first cut {deployed = true, w = T, handover = KEEP, from = the lane's uid}.
 * In each worker the key definition of the rule waits at T until the lane's has come to T, and the other way round; rows of
 * after T wait in the ordering buffer meanwhile, and streams made of the rule's results stand at T. Then key by key the state
 * goes from the lane to the next version, through the map of their texts (statemap.h); much of it piece by piece
 * (taskupgrade_go_on). task_rule_stats.took says that it is done; then lane and forks may go.
 *
 * Forks are of one lane alone; their numbers are in the order of their streams' numbers (rows of equal times). Cuts of a lane name forks by their own numbers. */
#ifndef WEIR_CEP_TASKLANE_H
#define WEIR_CEP_TASKLANE_H
#include "cep/task/task.h"

/* Why a rule's state cannot be made on a lane; static. NULL: it can. */
const char *tasklane_refuses(const struct rule_plan *p);

/* --- loading: one rule's state of a snapshot into the lane of a task that runs ---
 *
 * begin; of each worker of the snapshot all records of its flow; all entries; done. Of any number of workers, into any number of tasks,
 * each of which is given all (it takes the keys that are its own). In slices between batches: meanwhile rows of the forks
 * wait. The lane's text must be the one that the rule had in the snapshot; to another text the lane itself has a version
 * that takes over from the first, past all that the snapshot has. Positions and watermarks of the forks' partitions are
 * those of the snapshot's streams: the caller's affair (task_source_open). */
struct tasklane_load {
    uint64_t uid; /* the lane */
    uint32_t version; /* ... of it, that runs the snapshot's text */
    /* As it was in the snapshot: its text; uid, version, and of cuts the first with its marks. saved.plan is not looked at. */
    const char *sql;
    struct job_rule saved;
};
/* After the change of rules that brings the lane, before any row of its forks. ERR_NOT_FOUND: no such rule is in the job.
 * ERR_INVALID, ERR_UNSUPPORTED: d says why its state cannot be loaded. Not while another load is open. */
enum err tasklane_begin(struct task *t, const struct tasklane_load *what, struct diag *d);
/* ERR_CORRUPT, ERR_VERSION: d says what. The lane has half a state then: it is to be taken out of the job. */
enum err tasklane_flow(struct task *t, const void *p, size_t n, struct diag *d);
enum err tasklane_entry(struct task *t, const char *op, unsigned key_group, const void *key,
                        size_t key_n, const void *value, size_t value_n, struct diag *d);
/* All is there: the lane goes on. It ends the load also without that; so does a change of rules without the lane. */
void tasklane_done(struct task *t);
/* No snapshot may begin then: what is loaded half would be in it. */
bool tasklane_is_loading(const struct task *t);
/* Entries of this operator alone are wanted; lives until the load ends. NULL: none is open. */
const char *tasklane_operator(const struct task *t);

#endif
