/* SPDX-License-Identifier: Apache-2.0 */
/* overprog.h - an OVER rule, compiled: what is kept of each row, which frames there are, how each call is computed.
 *
 * Room:   plan -> [overprog], of a job -> over, overacc (which run it, of a task)
 * Owns:   its machines.  Immutable, but for their scratch.  Thread: one worker.  Time: none. */
#ifndef WEIR_CEP_OVERPROG_H
#define WEIR_CEP_OVERPROG_H
#include "cep/agg/agg.h"
#include "cep/output.h"

enum { OVERPROG_INPUTS_MAX = 64, OVERPROG_WORDS_MAX = 512 };

enum overprog_way {
    OVERPROG_ROWS, /* COUNT(*): by the numbers of rows */
    OVERPROG_NUMBER, /* ROW_NUMBER() */
    OVERPROG_LAG,
    OVERPROG_EDGE, /* FIRST, LAST: the row at the frame's edge */
    OVERPROG_SUM, /* added and retracted */
    OVERPROG_SUFFIX, /* what cannot be retracted: sums of suffixes of the frame, by row */
    OVERPROG_QUEUE, /* MIN, MAX: rows that may yet be the least */
    OVERPROG_BEST, /* the same over a frame that nothing leaves */
    OVERPROG_SET, /* DISTINCT */
    OVERPROG_SCAN /* TOP, LIST_AGG of a frame that rows leave: made anew from its rows each time */
};

/* What is kept of a row: a value, or whether a condition holds. */
struct overprog_input {
    const struct expr *e, *condition; /* e NULL: the condition is all */
    struct type type;
    int column; /* e is that column, or -1 */
    struct exprvm *arg, *filter;
    bool text;
    unsigned at; /* word in an entry, if there is a value */
};

struct overprog_frame {
    struct over_frame f;
    bool passive; /* its calls need no word when a row comes or goes */
    unsigned start; /* word of a key's state: number of the first row in it */
};

struct overprog_call {
    enum overprog_way way;
    const struct over_call *c;
    struct agg agg; /* without DISTINCT, but for TOP and LIST_AGG */
    unsigned frame;
    int input,
        gate; /* gate: FIRST and LAST take NULLs, so FILTER is an input of its own; -1: none */
    unsigned acc; /* word of a key's state */
    unsigned suffix; /* SUFFIX: word in an entry */
    struct exprvm *fallback;
};

struct overprog {
    const struct rule_plan *plan;
    unsigned ninputs, nframes, ncalls;
    struct overprog_input *inputs;
    struct overprog_frame *frames;
    struct overprog_call *calls;
    unsigned words; /* of a key's state: starts, then accumulators */
    unsigned entry; /* words of an entry: time, NULLs if there are inputs, values, suffixes */
    bool texts;
    bool ranges; /* some frame is RANGE: a row waits for the others of its time */
    int64_t lag; /* rows before the current one that LAG reads */
    int64_t idle_ms; /* a key without rows for longer is forgotten; -1: never */
    struct exprvm *having;
    struct output output;
};

/* Refuses, with a sentence, what this release does not do. */
enum err overprog_supported(const struct rule_plan *p, struct diag *d);
struct overprog *overprog_new(const struct rule_plan *p); /* the plan outlives it */
void overprog_free(struct overprog *p); /* NULL is fine */

#endif
