/* SPDX-License-Identifier: Apache-2.0 */
/* matchtracedef.h - inside of matchtrace. For matchtrace.c, matchsteps.c and matchwhy.c.
 *
 * Owns: see matchtrace.h.  Thread: one.  Time: evtime. */
#ifndef WEIR_CEP_MATCHTRACEDEF_H
#define WEIR_CEP_MATCHTRACEDEF_H
#include "cep/match/matchcond.h"
#include "cep/match/matchtrace.h"

enum {
    TRACE_PARTIALS_MAX =
        512, /* that are remembered: those that wait, and the furthest that ended */
    TRACE_LIVE_MAX = 64, /* … at a time */
    TRACE_ASKED_MAX = 8, /* … of them are asked about a row that is not told of: the furthest */
    TRACE_OVER_MAX = 16, /* whose time is over, and which are still asked */
    TRACE_ROWS_TOLD = 8, /* the last of a partial match */
    TRACE_TOLD_MAX = 16, /* partial matches after a step */
    TRACE_RESULTS_BYTES = 32 << 10, /* of what a step tells of results, and of what was asked */
};
#define TRACE_NONE UINT32_MAX

enum trace_end { /* what became of a partial match */
                 TRACE_LIVES,
                 TRACE_TAKEN, /* it went on with another row */
                 TRACE_MATCHED,
                 TRACE_TIME,
                 TRACE_NOT,
                 TRACE_NEXT, /* the very next row was to be another */
                 TRACE_UNTIL,
                 TRACE_SKIPPED, /* another match came first */
                 TRACE_LIMIT, /* the key had too many */
};

struct trace_miss { /* the row that came nearest to what was waited for */
    uint32_t row; /* TRACE_NONE: none did */
    int var;
    unsigned parts, hold;
    const struct bytes *failed; /* cond_said */
    struct bytes conditions; /* JSON */
};

struct trace_partial {
    struct match_node *node; /* with a reference: what is over can still be asked. NULL: free */
    uint32_t id;
    uint32_t from; /* the partial match that it goes on from, or TRACE_NONE */
    uint32_t born, ended; /* rows */
    evtime begun, ends;
    unsigned left, rows; /* rows that are still needed at least; that it has */
    uint64_t live; /* edges, as they were last seen */
    bool alive, listed, was_taken, matched;
    enum trace_end end;
    int end_var; /* NOT, UNTIL */
    struct trace_miss miss; /* while it lived */
    struct trace_miss late; /* the first row that would have been taken after its time was over */
};

struct trace_row {
    struct batch *b;
    unsigned i;
    bool late, seen, paused, pending, where;
    struct keyed_row r;
    uint64_t bits[2]; /* bit 0: WHERE; bit 1 + v: variable v's row condition */
};

struct trace {
    const struct why_ask *ask;
    const struct rule_plan *plan;
    struct match_prog *prog;
    struct match *m;
    struct keyed k;
    struct emit emit;
    struct cut no_cut;
    struct key *key;
    struct cond *where, *rows[PLAN_VARS_MAX], *all[PLAN_VARS_MAX]; /* rows: row conditions */
    unsigned *left; /* by state */
    struct trace_row *row;
    uint32_t nrows, focus; /* focus: TRACE_NONE */
    struct trace_partial *partial;
    uint32_t npartials, last_id;
    bool cut_off; /* there were more partial matches than are followed */
    uint32_t live[TRACE_LIVE_MAX];
    unsigned nlive;
    uint32_t over[TRACE_OVER_MAX]; /* the furthest of those whose time is over */
    unsigned nover;
    struct trace_miss start; /* the row that came nearest to beginning one */
    uint32_t last_match; /* row at which the last match was given, or TRACE_NONE */
    bool focus_matched;
    bool limited; /* the row in hand made the limits of the key drop some */
};

struct trace_step { /* parts of a row's object that are made before it is known where they go */
    struct bytes tries, ended, results;
};

/* matchsteps.c */
/* Takes what was given, and notes what was a match; out NULL, or results are put there. */
void matchsteps_results(struct trace *t, uint32_t row, struct bytes *out);
void matchsteps_put_active(const struct trace *t, unsigned most, struct bytes *out);
void matchsteps_put(struct trace *t, uint32_t row, const struct trace_step *s, struct bytes *out);

/* matchwhy.c */
/* Does the row come nearer than that? */
bool matchwhy_is_nearer(const struct trace_miss *best, struct cond_said said);
/* Which is nearer to a match: fewer rows left, more rows taken, begun later. */
bool matchwhy_is_further(const struct trace_partial *a, const struct trace_partial *b);
void matchwhy_note(struct trace_miss *best, uint32_t row, int var, struct cond_said said,
                   struct bytes *conditions);
void matchwhy_put(struct trace *t, struct bytes *out); /* {…} */
/* Shared: "partition":0,"offset":17,"time":"…" of a row; rows of a partial match. */
void matchwhy_put_place(const struct trace *t, uint32_t row, struct bytes *out);
void matchwhy_put_rows(const struct trace *t, const struct trace_partial *p, struct bytes *out);
void matchwhy_put_waits(const struct trace *t, const struct trace_partial *p, struct bytes *out);
const char *matchwhy_end_name(enum trace_end e);

#endif
