/* SPDX-License-Identifier: Apache-2.0 */
/* taskout.h - inside of a task: keys whose state is not in memory. For taskout.c, taskstep.c, taskjob.c, task.c …
 *
 * Room:   taskstep: a row's key, what is due -> [taskout] -> keystore; above the budget, back
 * Owns:   which keys may be out (a filter), and when the first of them is due
 * Thread: one worker.  Time: evtime. */
#ifndef WEIR_CEP_TASKOUT_H
#define WEIR_CEP_TASKOUT_H
#include "cep/key/keyfilter.h"
#include "cep/key/keystore.h"
#include "cep/key/keytable.h"
#include <stdbool.h>

struct task;
struct task_key;

struct taskout { /* of a task */
    bool on;
    bool held; /* a snapshot was begun that is not kept yet */
    bool full; /* memory was not enough once */
    struct keystore store;
    size_t budget;
    unsigned rows; /* since memory was last looked at */
    size_t rest; /* looks that are left out, since the last found nothing that may leave */
    evtime began, kept; /* time at the last snapshot, and at the last that is kept */
    enum err error;
    struct bytes value, found; /* found: keys that are due */
    uint64_t asked, loaded, left, written;
};

struct taskout_key { /* of a key definition */
    bool on;
    bool by_row; /* what is due must be there before a row of that time */
    bool ended;
    bool swept; /* in the look at memory that is being made */
    void *op; /* of the store */
    struct keyfilter filter;
    evtime next_due; /* the first note; EVTIME_MAX: none */
    evtime time; /* of the last row or step */
    size_t hand;
    unsigned group; /* at the end: the next whose keys come back */
};

void taskout_key_fini(struct task_key *k);
void taskout_bind(struct task *t, struct task_key *k); /* its rules are other ones now */
void taskout_fini(struct task *t);

void taskout_hold(struct task *t); /* a snapshot begins */

/* The key in keyed.key_bytes comes back, if it is out; else NULL. hash: but for its low bits. */
struct key *taskout_find(struct task_key *k, uint64_t hash, evtime now);
/* What is due by `to` comes back; true: only some of it, the rest when it is called again. */
bool taskout_due(struct task_key *k, evtime to);
/* All come back. */
void taskout_recall(struct task_key *k);
/* A row was given, a step was made, an entry was loaded: looks whether memory is enough, now and then. */
void taskout_row(struct task *t);
void taskout_trim(struct task *t);

#endif
