/* SPDX-License-Identifier: Apache-2.0 */
/* tasksnap.h - inside of a task: its snapshots. For tasksnap.c, taskload.c, taskflow*.c, task.c, taskjob.c, taskjoin.c.
 *
 * Room:   keytrack -> [tasksnap: keys' entries | taskflow: rows that wait, time] -> tasksnap_out
 *         a snapshot -> [taskload, taskflow] -> operators' Xsave_load, ordering
 * Owns:   what an open snapshot still has to give out
 * Thread: one worker.  Time: evtime.
 *
 * The formats are in cep/README.md, "Snapshots". */
#ifndef WEIR_CEP_TASKSNAP_H
#define WEIR_CEP_TASKSNAP_H
#include "cep/key/keyload.h"
#include "cep/key/keysave.h"
#include "cep/order.h"
#include "cep/task/task.h"

enum { TASKSNAP_VERSION = 1, TASKSNAP_RECORD_BYTES = 256 << 10 };

enum tasksnap_record { /* of the flow; first byte */
                       TASKSNAP_HEAD = 1, /* version, worker, workers, key groups */
                       TASKSNAP_LAYOUT, /* columns of kept rows (keysave.h) */
                       TASKSNAP_STREAM, /* how far its time has come, by partition */
                       TASKSNAP_SOURCE, /* the watermark of a partition that was read here */
                       TASKSNAP_OP, /* of an operator of the state: counters, and what its rules know beyond keys */
                       TASKSNAP_ROWS, /* rows that wait for the watermark */
                       TASKSNAP_PART, /* a sum of rows of a hot key that was in flight (taskpresum.c) */
};

struct task_key;
struct task_join;
struct join;
struct jobdef_rule;

struct tasksnap_op { /* an operator of the state: a key definition or a join. Lies in it. */
    struct task *t;
    struct task_key *key; /* or */
    struct task_join *join;
    char *id;
    evtime now; /* of its last step: no row before it is to come */
    evtime *nows; /* restored: those of the snapshot's workers; NULL: none is known */
    /* Of a join that has taken over from another version: that one's id, under which snapshots know its keys. `moved`: one has
     * begun since, which says that they are gone there. NULL: there is none, or that has been said. */
    char *was;
    bool moved;
};

struct tasksnap_row { /* that waited when the snapshot began */
    struct order_entry e; /* with a reference to its batch */
    const struct tasksnap_op *op;
};

struct tasksnap_source {
    char *stream;
    uint32_t partition;
    evtime w;
};

struct tasksnap {
    bool tracking, open;
    bool held, noting; /* noting: what is put into an order was in flight */
    bool foreign; /* what is loaded */
    struct tasksnap_out out;
    struct keylayouts layouts;
    struct keysave saved[2];
    struct keyload loaded[2];
    struct bytes value, cells, record;
    struct tasksnap_row *rows; /* [at, n) */
    size_t at, n, cap;
    /* while it is restored */
    unsigned worker, workers, key_groups; /* of whom the flow is that is being read */
    struct tasksnap_source *sources;
    size_t nsources, sources_cap;
    struct tasksnap_op *last; /* that an entry was of */
    struct bytes parts; /* sums in flight, each with its length: they follow the entries */
};

/* One rule of a snapshot, which is loaded as another (tasklane.c). */
struct taskload_one {
    uint64_t uid, text; /* in the snapshot */
    char *id; /* of its operator of the state there */
    struct tasksnap_op *snap; /* that operator here, and */
    struct task_op *op; /* ... the rule in it; NULL: a join */
    struct keylayouts layouts; /* of the snapshot's rows */
};

void tasksnap_fini(struct task *t);
/* A new operator of the state. */
void tasksnap_key(struct task *t, struct task_key *k);
void tasksnap_join(struct task *t, struct task_join *j);
/* The keys of `from` are those of `to` now; `from` has a new operator. */
void tasksnap_rejoin(struct task *t, struct task_join *from, struct task_join *to);
/* The key's entry in `from`, as one of `to`. */
enum err tasksnap_copy_join(struct task *t, struct task_join *from, struct task_join *to, evtime at,
                            const struct key *key);
void tasksnap_op_fini(struct tasksnap_op *op);
struct tasksnap_op *tasksnap_find(struct task *t, const char *id, size_t n); /* or NULL */
uint64_t
tasksnap_text(const struct jobdef_rule *r); /* hash of its text, its version, and where it began */
uint64_t tasksnap_text_of(const char *sql, const struct job_rule *r);
/* Names of operators of the state; the caller's. */
char *tasksnap_key_id(const struct task_key *k, const char *stream);
char *tasksnap_join_id(uint64_t uid, uint64_t text);
/* The key's entry, until the next one is made. */
const struct bytes *tasksnap_encode(struct task_key *k, const struct key *key);
void tasksnap_finish(struct task *t); /* an open snapshot gives out the rest */

/* taskload.c: the watermark that a snapshot has of a partition read from outside. */
evtime taskload_source_w(const struct task *t, const char *stream, uint32_t partition);
/* How far an operator had come in the worker of the snapshot that had this key group; EVTIME_MIN: it is of none. */
evtime taskload_now(const struct tasksnap_op *op, unsigned key_group);
/* A join's key: its entry behind its head. foreign: no snapshot of this task has it. */
enum err taskload_join(struct task *t, struct join *j, const struct keylayouts *layouts,
                       bool foreign, evtime now, const void *key, size_t key_n,
                       struct bytes_reader *in);
/* An entry, if it is of that one's operator and of a key that is owned here; and its record of the flow behind the id. */
enum err taskload_one_entry(struct task *t, const struct taskload_one *one, evtime now,
                            const void *key, size_t key_n, const void *value, size_t value_n,
                            struct diag *d);
enum err taskload_one_op(const struct taskload_one *one, bool first, struct bytes_reader *in);
void taskload_settle_op(struct task_op *op);
/* A key comes back alone; hash: all of it. */
enum err taskload_key(struct task *t, struct task_key *k, uint64_t hash, const void *key,
                      size_t key_n, const void *value, size_t value_n);
void taskload_settle(struct task *t); /* puts in order what a bulk of loads has left */

/* taskflow.c */
void taskflow_begin(struct task *t); /* time and counters are given out, waiting rows noted */
bool taskflow_rows(struct task *t, unsigned n); /* some of these; false: there are none */
void taskflow_note(struct task *t, const struct order_entry *e, const struct tasksnap_op *op);
void taskflow_part(struct task *t, uint64_t text, const void *p, size_t n);
void taskflow_end(struct task *t); /* layouts; rows that are left are forgotten */

/* taskflowload.c */
/* one: NULL, or those of its operator alone. */
enum err taskflowload_rows(struct task *t, const struct taskload_one *one, struct bytes_reader *in);

#endif
