/* SPDX-License-Identifier: Apache-2.0 */
/* matchtrace.h - a pattern over the rows of one key once more, step by step: what each row did, and why nothing was found.
 *
 * Room:   rows of a key (recorded) -> [matchtrace: matchcond, matchwhy] -> JSON for people
 * Owns:   an operator of its own, for as long as it runs; nothing that runs is touched
 * Thread: one.  Time: evtime; reads no clock. */
#ifndef WEIR_CEP_MATCHTRACE_H
#define WEIR_CEP_MATCHTRACE_H
#include "cep/cut.h"
#include "cep/match/match.h"

enum { MATCHTRACE_ROWS_MAX = 4096, MATCHTRACE_STEPS_MAX = 500 };

struct matchtrace_row {
    struct batch *b; /* has the plan's columns, the computed ones too */
    unsigned i;
    bool late;
};
struct matchtrace_ask {
    const struct rule_plan *plan; /* a pattern */
    const struct cut *cut;
    const void *key; /* canonical bytes */
    size_t key_n;
    evtime now; /* the watermark: rows from it on have not been taken yet */
    size_t max_partials, max_rows; /* of one key, as the task has it */
    unsigned steps; /* how many of the last rows are told of, step by step */
    bool has_focus; /* the question is about that row */
    uint32_t partition;
    uint64_t offset;
};

/* Rules whose rows wait in queues (NEXT, MATCH_NUMBER() in DEFINE) cannot be stepped through. */
bool matchtrace_can(const struct rule_plan *p);
/* Appends members of an object (docs/inspection.md): "verdict":{…},"earlier":0,"steps":[…],"after":{…}. rows: in any order. */
void matchtrace_run(const struct matchtrace_ask *ask, const struct matchtrace_row *rows, size_t n,
                    struct bytes *out);

#endif
