/* SPDX-License-Identifier: Apache-2.0 */
/* why.h - the recorded rows of one key through a rule once more, of whatever shape: what became of each, and why nothing was found.
 *
 * Room:   rows of a key (recorded) -> [why: whyfilter, whywindow, whyover, whyjoin, matchtrace] -> JSON for people
 * Owns:   operators of its own, for as long as it runs; nothing that runs is touched
 * Thread: one.  Time: evtime; reads no clock. */
#ifndef WEIR_CEP_WHY_H
#define WEIR_CEP_WHY_H
#include "cep/cut.h"

enum { WHY_ROWS_MAX = 4096, WHY_STEPS_MAX = 500 };

struct why_row {
    struct batch
        *b; /* has the plan's columns, the computed ones too; late rows have their late_w */
    unsigned i;
    bool late;
    unsigned side; /* of a join */
    evtime arrival;
};
struct why_ask {
    const struct rule_plan *plan; /* one that why_can */
    const struct cut *cut; /* NULL: all rows are seen */
    const struct cut *right; /* of a join's right side */
    const void *key; /* canonical bytes */
    size_t key_n;
    evtime now; /* the watermark: rows from it on have not been taken yet */
    size_t max_partials, max_rows; /* of one key, as the task has it */
    unsigned steps; /* how many of the last rows are told of, step by step */
    bool has_focus; /* the question is about that row */
    uint32_t partition;
    uint64_t offset;
    uint32_t stream; /* of a join: in which of its streams */
};

/* NULL: it can be gone through again. Else a sentence that says why not. */
const char *why_cannot(const struct rule_plan *p);
/* Appends members of an object (docs/inspection.md): "verdict":{…},"earlier":0,"steps":[…], and what its shape has beside. rows: in
 * any order. */
void why_run(const struct why_ask *ask, const struct why_row *rows, size_t n, struct bytes *out);

#endif
