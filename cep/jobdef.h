/* SPDX-License-Identifier: Apache-2.0 */
/* jobdef.h - inside of a job: what its rules share, laid out for the task that runs it. For job.c, jobderived.c, scatter.c, task*.c.
 *
 * Room:   job -> [jobdef] -> source side, keyed side
 * Owns:   see job.h.  Immutable, but for the scratch of its machines.  Thread: one worker. */
#ifndef WEIR_CEP_JOBDEF_H
#define WEIR_CEP_JOBDEF_H
#include "cep/cut.h"
#include "cep/derived.h"
#include "cep/expr/predindex.h"
#include "cep/job.h"
#include "cep/join/joinprog.h"
#include "cep/key/keyed.h"
#include "cep/match/match.h"
#include "cep/output.h"
#include "cep/over/overprog.h"
#include "cep/window/window.h"

enum { JOBDEF_NONE = UINT32_MAX };
struct jobdef_side { /* of a join */
    unsigned stream; /* index among the job's streams */
    unsigned see, partner; /* rows that count, and that may find a partner, among its conditions */
    struct colset needs;
    struct cut cut; /* with the marks of its stream */
};

struct jobdef_rule {
    struct job_rule pub;
    struct cut cut;
    struct keyed_rule keyed; /* what operators see */
    unsigned stream; /* index among the job's streams */
    struct colset needs; /* columns of the input, the key's among them */
    unsigned see; /* WHERE, among the stream's conditions */
    unsigned keydef, slot; /* keyed rules */
    unsigned see_bit; /* WHERE, among the key definition's */
    uint64_t start_fold; /* its bits that begin something for a key without state */
    struct output output; /* FILTER */
    struct match_prog *match;
    struct windowprog *window;
    struct overprog *over;
    struct joinprog *join;
    struct jobdef_side side[2]; /* JOIN, of which `slot` is the place among the job's joins */
    unsigned derived[DERIVED_ERRORS +
                     1]; /* streams made of it, by kind; JOBDEF_NONE: nobody reads that */
};

/* All rules that read one stream by one key in one order. */
struct jobdef_key {
    unsigned stream, stage;
    struct plan_key key;
    struct colset reads; /* columns, for the key */
    const struct match_plan *order; /* columns that order equal times; NULL: none */
    bool by_arrival; /* rows go to the operators as they come, not in order of time */
    bool by_mark; /* windows fire with each rise of the watermark (taskmark.c) */
    unsigned nconditions;
    unsigned *conditions; /* bit -> the stream's condition */
    unsigned words; /* of a row's bits */
    uint64_t *interest; /* bits, one of which makes a row matter */
    uint64_t *starts; /* bits that begin something for a key without state */
    struct jobdef_starters {
        unsigned n, *slots;
    } * starters; /* by bit */
    unsigned nrules, *rules; /* slot -> rule */
    bool has_windows, has_sessions;
    bool presums, presums_all; /* rows of hot keys, of all: may be summed up first */
    uint64_t id; /* of its columns: the same for every worker and job */
    struct colset keeps;
    unsigned nhandovers;
    struct jobdef_handover { /* from one version of a rule to the next */
        unsigned of; /* the key definition of `from`: this one, or a lane's (tasklane.h) */
        unsigned from, to; /* slots */
        unsigned drops; /* of this one: a version that ends and gives nothing, or JOBDEF_NONE */
        bool lane;
        evtime at;
        uint32_t version; /* that takes over */
        bool copies; /* the old one goes on, with its state */
        struct statemap *map;
    } * handovers; /* in order of time, then of version */
};

/* From one version of a join to the next. */
struct jobdef_rejoin {
    unsigned from, to; /* places among the job's joins */
    evtime at;
    bool copies; /* the old one goes on, with its state */
    bool
        lane; /* the old one is a lane (tasklane.h), which has other streams, and a time of its own */
    const char *why; /* nothing is kept; NULL: its rows are */
};

/* Of a derived stream of looked-up rows: which rows of the stream below, and by what. */
struct jobdef_lookup {
    struct exprvm *key;
    struct colset needs; /* columns of the stream below */
    unsigned nwhen, *when; /* its conditions, one of which makes a row wanted */
};

struct jobdef_stream {
    const struct schema *schema;
    bool read; /* some rule reads it */
    bool marks; /* every rise of its watermark counts for some rule that is made from it */
    unsigned
        nslices; /* past each multiple of these, what came before is worked off before what comes after (taskmark.c) */
    int64_t *slices;
    struct colset columns; /* to be decoded */
    struct predindex *conditions;
    struct exprvm *punctuated;
    unsigned ncomputed, *computed; /* columns to be filled, in order */
    struct exprvm **machines; /* of those */
    unsigned nfilters, *filters; /* rules */
    unsigned nkeyed, *keyed; /* rules */
    unsigned nkeys, *keys; /* key definitions */
    unsigned ninputs;
    struct jobdef_input { /* of a join */
        unsigned rule, side;
    } * inputs;
    unsigned late; /* the derived stream of its late rows, or JOBDEF_NONE */
    unsigned nlookups,
        *lookups; /* the derived streams of its rows with what tables have for them */
    struct jobdef_lookup lookup; /* of such a one */
    /* Of a derived stream: */
    unsigned producer; /* rule, or JOBDEF_NONE: there is none just now */
    unsigned from; /* the stream whose rows it is made from, or JOBDEF_NONE */
    bool
        early; /* its rows do not wait for a watermark: filters and late rows of what comes from outside */
};

struct job {
    int refs;
    unsigned nstreams, nrules, nkeys; /* streams: derived ones behind those that were given */
    unsigned nderived, *derived; /* derived streams, a lower stage first */
    unsigned stages; /* the highest */
    const struct schema **schemas; /* of the streams */
    struct jobdef_stream *streams;
    struct jobdef_rule *rules;
    struct jobdef_key *keys;
    unsigned njoins, *joins; /* rules */
    unsigned nrejoins;
    struct jobdef_rejoin *rejoins;
    struct dict *dict;
};

/* Rows decoded before a change of rules may lack columns that a rule reads; such a rule does not see them. */
static inline bool jobdef_has_all(const struct colset *needs, const struct batch *b)
{
    uint64_t lacks = 0;
    for (unsigned i = 0; i < SCHEMA_COLUMNS_MAX / 64; i++)
        lacks |= needs->w[i] & ~b->present.w[i];
    return lacks == 0;
}
static inline bool jobdef_has_columns(const struct jobdef_rule *r, const struct batch *b)
{
    return jobdef_has_all(&r->needs, b);
}

/* jobderived.c: streams, each once; those of what a rule looks up. */
void jobderived_add_stream(struct job *j, const struct schema *s);
void jobderived_add(struct job *j, const struct schema *s); /* nothing, if it is not derived */
void jobderived_add_lookups(struct job *j, const struct rule_plan *p);
/* Who makes the rows of each, once all rules are there. */
void jobderived_join(struct job *j);

/* jobrejoin.c */
void jobrejoin_add(struct job *j, const struct jobdef_rule *from, const struct jobdef_rule *to,
                   const struct job_cut *begin);
/* jobhandover.c: once all rules are there. */
void jobhandover_add(struct job *j);

/* Columns that are computed from others of their row. */
void job_fill_computed(const struct jobdef_stream *s, struct batch *b);
/* Index of a stream, or -1. */
int job_stream_of(const struct job *j, uint32_t id);

#endif
