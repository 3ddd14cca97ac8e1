/* SPDX-License-Identifier: Apache-2.0 */
/* taskdef.h - inside of a task. For scatter.c and the files of this folder.
 *
 * Room:   [task: scatter (source side) -> order -> taskstep (keyed side)]
 * Owns:   see task.h.  Thread: one worker.  Time: evtime. */
#ifndef WEIR_CEP_TASKDEF_H
#define WEIR_CEP_TASKDEF_H
#include "cep/frame.h"
#include "cep/gather.h"
#include "cep/jobdef.h"
#include "cep/join/join.h"
#include "cep/order.h"
#include "cep/over/over.h"
#include "cep/task/task.h"
#include "cep/task/taskcopy.h"
#include "cep/task/taskout.h"
#include "cep/task/tasksnap.h"
#include "cep/ttl.h"
#include "cep/watermark.h"

struct task_source { /* a partition that this worker reads */
    uint32_t stream, partition;
    struct watermark w;
};

struct task_stream { /* what is known of a stream's time */
    uint32_t id;
    unsigned stage;
    unsigned npartitions; /* of a derived stream: workers, each of which makes rows */
    evtime *w; /* by partition */
    evtime least;
    evtime released; /* rows before it have been released */
    evtime furthest; /* of the watermarks that were said, but for the end */
    bool marked; /* every rise counts (taskmark.c) */
    evtime stepped; /* least, of the last step */
    evtime reached; /* least, while time goes from mark to mark */
    evtime *marks; /* past `least` */
    size_t nmarks, marks_cap;
    bool restored; /* its time is that of a snapshot */
};

struct task_op { /* a keyed rule, running */
    const struct jobdef_rule *rule;
    struct match *match;
    struct window *window;
    struct over *over;
    struct ttl *ttl; /* NULL: its state stays */
    uint64_t mark; /* seq of the row it was last given */
    uint64_t rows;
    bool begun, took; /* it has some, all of the state of the version before it */
    struct task_kept took_over; /* how much of it */
};

struct task_key { /* a key definition, running */
    const struct jobdef_key *def;
    uint32_t stream;
    struct order order;
    struct keyed keyed;
    unsigned nops;
    struct task_op *ops; /* by slot */
    evtime next_fire; /* of its windows */
    evtime next_handover; /* from one version of a rule to the next */
    evtime next_step; /* at which something is over in a pattern with steps */
    evtime mark; /* the watermark of the last step, as far as it was said (window.h) */
    uint64_t arrived; /* rows, if they go to the operators as they come */
    struct taskout_key out;
    struct slab bits; /* rows' bits, if one word is not enough: the fold first */
    unsigned words;
    const struct task_watch *watch; /* in this step */
    struct tasksnap_op snap;
    struct taskupgrade *giving; /* state that goes to the next version piece by piece; NULL: none */
    struct taskcopy *copy; /* how far that is, if it is copied; NULL: it is not */
    struct taskcopy *copied; /* how far it was in the snapshot's workers */
    evtime hold; /* time does not pass it for now (tasklane.h); EVTIME_MAX: it may */
};

struct task_join { /* a join, running */
    const struct jobdef_rule *rule;
    struct order order; /* rows of both sides; bits: see taskjoin.c */
    struct join *op;
    struct tasksnap_op snap;
    struct task_kept took_over; /* of the version before it */
    evtime hold; /* while its state is loaded (tasklane.h); EVTIME_MAX */
};

struct task_birth { /* rows of a derived stream that are being made */
    unsigned stream; /* of the job */
    struct batch *b;
    evtime step; /* of the results that they are made of */
};

struct task_pending { /* an ask that has not been answered whole */
    struct task_ask ask;
    unsigned stream; /* of the job */
    unsigned left; /* rows */
    evtime w; /* how far time had come when it was made */
    evtime step;
};

struct task_counts { /* of a rule, over all jobs */
    uint64_t uid, results;
    uint32_t version;
};

struct task {
    struct task_options o;
    const struct task_watch *watch;
    uint8_t *owner; /* key group -> worker */
    struct job *job;
    struct task_source *sources;
    size_t nsources, sources_cap;
    struct task_stream *streams;
    size_t nstreams, streams_cap;
    struct task_key **keys;
    unsigned nkeys;
    struct task_join **joins; /* by the job's joins */
    unsigned njoins;
    struct gather gather;
    struct taskpresum *presum;
    struct emit emit;
    struct frame_writer *writers; /* by worker */
    struct frame_reader *readers;
    struct task_frame *frames;
    size_t nframes, frames_cap;
    struct task_counts *counts; /* by rule of the job */
    size_t counted_early, counted_keyed; /* results that are in counts */
    size_t passed_early, passed_keyed; /* results that rows of derived streams have been made of */
    struct task_birth *births;
    size_t nbirths, births_cap;
    evtime step; /* of the results whose rows are being worked off */
    struct task_effects effects;
    struct task_stats stats;
    evtime clock; /* processing time */
    struct bytes scratch;
    struct tasksnap snap;
    struct task_pending *pending; /* in order of their numbers */
    size_t npending, pending_cap;
    struct task_ask *asks; /* those that are effects */
    size_t nasks, asks_cap;
    uint64_t asked; /* numbers given */
    struct taskout out;
    bool holds; /* some operator waits for a lane, or a lane does */
    struct tasklane *lane; /* that is being loaded; NULL: none */
    size_t at_once_keys; /* more than that are handed over to the next version piece by piece */
};

/* task.c */
/* Rows as the source side sees them: filters, late rows, and to the owners of their keys. */
void task_spread(struct task *t, const struct jobdef_stream *s, struct batch *b);
/* The watermark of what comes from outside that a stream of the job is made from. */
evtime task_root_w(struct task *t, unsigned stream);
struct task_stream *task_stream_of(struct task *t, uint32_t stream);
void task_raise(struct task *t, uint32_t stream, uint32_t partition, evtime w);
void task_count_results(struct task *t);

/* scatter.c: rows of a batch to the key definitions: owned ones by call, others into frames (source: it is read here). */
void scatter_rows(struct task *t, const struct jobdef_stream *s, struct batch *b, bool source);
/* Late rows of a batch to LATE of the rules that they are late for. */
void scatter_late(struct task *t, const struct jobdef_stream *s, struct batch *b);
void scatter_filters(struct task *t, const struct jobdef_stream *s, struct batch *b);
/* Bits of row i, from the conditions last evaluated, in the form of order_entry.bits. */
uint64_t scatter_bits(struct task_key *k, const struct predindex *conditions, unsigned i);

/* The key's bytes are in t->scratch. */
void scatter_late_row(struct task *t, const struct jobdef_rule *r, const struct colset *reads,
                      struct batch *b, unsigned i);

/* taskjoin.c */
/* Rows of a batch that one side of a join wants. False: none. */
bool taskjoin_wants(const struct task *t, const struct jobdef_stream *s,
                    const struct jobdef_input *in, const struct batch *b, uint64_t *rows);
/* ... to its order, or to their owners: remote is NULL, or the rows that each of the others gets. Row i of b is
 * row at[i] of `kept`, or i if `at` is NULL. */
void taskjoin_take(struct task *t, const struct jobdef_stream *s, const struct jobdef_input *in,
                   const struct batch *b, const uint64_t *rows, struct batch *kept,
                   const uint16_t *at, uint64_t (*remote)[BATCH_WORDS]);
/* Late rows to LATE. */
void taskjoin_late(struct task *t, const struct jobdef_stream *s, struct batch *b);
void taskjoin_step(struct task *t, unsigned stage);
void taskjoin_swap(struct task *t, const struct job *j);
void taskjoin_fini(struct task *t);
void taskjoin_stats(const struct task *t, struct task_stats *out);
evtime taskjoin_due(const struct task *t); /* see task_stats.due */
size_t taskjoin_waiting(const struct task *t); /* rows in all orders */
/* Rows that waited in a snapshot, of the keys that are owned here; entries: with their time and bits. */
void taskjoin_restore(struct task *t, struct task_join *j, struct batch *b,
                      struct order_entry *entries);
unsigned taskjoin_stage(const struct task_join *j);
evtime taskjoin_watermark(struct task *t, const struct task_join *j); /* least, of both sides */
/* The least watermark that rows of this stream wait for. */
evtime taskjoin_least(struct task *t, const struct task_stream *s);
/* taskrejoin.c */
/* What is to be taken over now; NULL: nothing. */
const struct jobdef_rejoin *taskrejoin_next(struct task *t, unsigned stage);
/* The time at which it gives way to the next version; EVTIME_MAX: it does not. */
evtime taskrejoin_end(const struct task *t, unsigned join);
/* Time does not pass it while a lane has not come to where it is to give its state; EVTIME_MAX: it may. */
evtime taskrejoin_hold(const struct task *t, unsigned join);
evtime taskrejoin_due(const struct task *t, unsigned join, evtime due); /* with lanes */
/* Both have come to that time. */
void taskrejoin_take(struct task *t, const struct jobdef_rejoin *r);
/* taskstage.c: results to rows of derived streams. */
void taskstage_pass(struct task *t); /* what was found since the last call */
void taskstage_late(struct task *t, unsigned stream, struct batch *b, unsigned i);
void taskstage_pass_late(void *task, unsigned stream, struct batch *b, unsigned i); /* the same */
/* How far time has come in the derived streams of that stage, as far as this worker makes their rows. */
void taskstage_watermarks(struct task *t, unsigned stage);

/* tasklookup.c: rows that go by a table first. */
/* Rows of a batch whose conditions have been evaluated. */
void tasklookup_rows(struct task *t, const struct jobdef_stream *s, const struct batch *b);
evtime tasklookup_held(const struct task *t, uint32_t stream); /* EVTIME_MAX: nothing is pending */
void tasklookup_fini(struct task *t);

/* taskmark.c */
void taskmark_add(struct task_stream *s, evtime w);
void taskmark_step(struct task *t);
/* Rows of a source, and the rises of the watermark that are due to them. */
void taskmark_rows(struct task *t, const struct jobdef_stream *s, struct batch *b,
                   const struct watermark_rise *rises, unsigned n);
/* Another worker has raised the watermark, which was `before`. */
void taskmark_raised(struct task *t, uint32_t stream, evtime before);

/* taskpresum.c */
struct taskpresum *taskpresum_new(void);
void taskpresum_free(struct taskpresum *p);
struct taskpresum_done { /* rows that are in the sums of a key definition */
    uint64_t id;
    uint64_t rows[BATCH_WORDS];
};
/* Takes rows of hot keys out of `rows`: they are summed up, and the sums given or sent to the owners of the keys. False:
 * there are none. */
bool taskpresum_rows(struct task *t, const struct jobdef_stream *s, struct task_key *k,
                     struct batch *b, uint64_t *rows, struct taskpresum_done *done);
/* Of the keys of the rows that it has left, but for late ones; valid until the next batch. */
const uint64_t *taskpresum_hashes(const struct task *t);
/* Rows to another worker, each with the key definitions that have it in their sums. */
void taskpresum_send(struct task *t, unsigned to, struct batch *b, const uint64_t *rows,
                     const struct taskpresum_done *done, unsigned ndone);
bool taskpresum_has(const struct batch *b, const struct jobdef_key *def); /* of a frame */
bool taskpresum_is_part(struct task *t, const void *p, size_t n); /* bytes of another worker */
void taskpresum_take(struct task *t, const void *p, size_t n); /* of those that are */
/* Of a snapshot's flow: kept until all entries are loaded, then taken. */
enum err taskpresum_load(struct task *t, struct bytes_reader *in);
void taskpresum_loaded(struct task *t);

/* taskinspect.c */
struct taskinspect_place { /* where a rule's keys are: one of the two */
    struct task_key *key;
    const struct task_op *op;
    const struct task_join *join;
};
bool taskinspect_place_of(struct task *t, unsigned rule,
                          struct taskinspect_place *out); /* false: it has none */

/* taskupgrade.c */
void taskupgrade_bind(struct task_key *k); /* after a change of rules: when is the next? */
/* Time has come to `to`, of which rows may still follow: versions of rules that end by then give their state away. */
void taskupgrade_hand_over(struct task_key *k, evtime to);
/* While some state is on its way piece by piece (k->giving): of that many slots of the table; false: all is there. */
bool taskupgrade_slice(struct task_key *k, size_t n);
/* The state of the key in k->keyed.key_bytes, before it changes; key: it, or NULL. It may be there only then. */
struct key *taskupgrade_key(struct task_key *k, uint64_t hash, struct key *key);
/* A version takes over from a lane, if both have come to that time. False: none does. */
bool taskupgrade_from_lane(struct task_key *k);
/* A handover from a lane that has not begun, or not in this task. */
bool taskupgrade_waits(const struct task_key *k, const struct jobdef_handover *h);
void taskupgrade_due(struct task_key *k, evtime to); /* all of which something is due */
evtime taskupgrade_next(
    const struct task_key *k); /* when a key's 'state-ttl' may be over in the next version */
bool taskupgrade_gives(const struct task_key *k, const struct task_op *op); /* to the next one */
/* How far OVER may forget: what has not been copied is needed as it was. */
evtime taskupgrade_forgets(const struct task_key *k, const struct task_op *op, evtime to);
void taskupgrade_stop(struct task_key *k); /* for a change of rules; it begins again */

/* taskslow.c */
/* Whose keys they are before a handover: a lane's, or k itself. */
struct task_key *taskslow_giver(const struct task_key *k, const struct jobdef_handover *h);
bool taskslow_may(const struct task_key *k, const struct jobdef_handover *h);

/* tasklane.c */
void tasklane_bind(struct task *t); /* who waits for whom; after each change of it */
/* Operators of that stage that have waited for one another. True: time may go on for some. */
bool tasklane_meet(struct task *t, unsigned stage);
evtime tasklane_hold(const struct task *t, const struct jobdef_rule *r); /* its operator's */
evtime tasklane_least(const struct task *t, uint32_t stream); /* of those that read the stream */
void tasklane_fini(struct task *t);

static inline bool taskdef_watch(const struct task_watch *w, const struct batch *b, unsigned first,
                                 unsigned last)
{
    return w != NULL && w->rows(w->ctx, b, first, last);
}

/* taskstep.c */
void taskstep_advance(struct task_key *k, struct task_op *op, evtime to, bool rows_at);
/* mark: how far time has come, but for the end of the input; step: the watermark of what comes from outside that has led to
 * this. */
void taskstep_key(struct task_key *k, evtime w, evtime mark, evtime step);
/* A state will soon be looked at: link 1, 2, 3 of its chain of pointers. */
void taskstep_prefetch(const struct task_key *k, const struct keystate *c, unsigned link);
static inline const uint64_t *taskdef_bits(const struct task_key *k, const struct order_entry *e)
{
    return k->words == 1 ? &e->bits : (const uint64_t *)(uintptr_t)e->bits + 1;
}
static inline uint64_t taskdef_fold(const struct task_key *k, const struct order_entry *e)
{
    return k->words == 1 ? e->bits : *(const uint64_t *)(uintptr_t)e->bits;
}

/* taskjob.c */
void taskjob_swap(struct task *t, struct job *j); /* takes over the reference */
void taskjob_fini(struct task *t);
size_t taskjob_cells(const struct task_op *op); /* keys with state */
void taskjob_drop(struct task_op *op, struct keystate *c); /* frees a key's state */
bool taskjob_same_rule(const struct jobdef_rule *a, const struct jobdef_rule *b);

#endif
