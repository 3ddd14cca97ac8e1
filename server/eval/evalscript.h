/* SPDX-License-Identifier: Apache-2.0 */
/* evalscript.h - the streams and rules of a compiled script, as a job takes them: for eval, test and explain.
 *
 * Owns: nothing; the arrays are the caller's, freed by mem_free.  Thread: any. */
#ifndef WEIR_SERVER_EVALSCRIPT_H
#define WEIR_SERVER_EVALSCRIPT_H
#include "cep/job.h"
#include "rules/compile.h"

struct evalscript {
    const struct schema **streams;
    struct job_rule *rules;
    struct job_cut (*cuts)[2]; /* of each rule; NULL: there is one version of each */
    unsigned nstreams, nrules;
};

/* A rule that replaces one of the same name takes its place. */
struct evalscript evalscript_sort(const struct script *s);

/* From `begin` of the script's text on, rules that replace others are new versions, which take over at an event time
 * (cep/key/statemap.h). In order of begin and of time. */
struct evalscript_switch {
    unsigned begin;
    evtime at;
};
struct evalscript evalscript_sort_versions(const struct script *s,
                                           const struct evalscript_switch *switches, unsigned n);

#endif
