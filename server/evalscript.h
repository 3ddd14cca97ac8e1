/* SPDX-License-Identifier: Apache-2.0 */
/* evalscript.h - the streams and rules of a compiled script, as a job takes them: for eval, test and explain.
 *
 * Owns: nothing; the two arrays are the caller's, freed by mem_free.  Thread: any. */
#ifndef WEIR_SERVER_EVALSCRIPT_H
#define WEIR_SERVER_EVALSCRIPT_H
#include "cep/job.h"
#include "rules/compile.h"

struct evalscript {
    const struct schema **streams;
    struct job_rule *rules;
    unsigned nstreams, nrules;
};

/* A rule that replaces one of the same name takes its place. */
struct evalscript evalscript_sort(const struct script *s);

#endif
