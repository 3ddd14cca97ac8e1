/* SPDX-License-Identifier: Apache-2.0 */
/* matchtrace.h - a pattern over the rows of one key once more, step by step: what each row did, and why nothing was found.
 *
 * Room:   rows of a key (recorded) -> [matchtrace: matchcond, matchwhy] -> JSON for people
 * Owns:   an operator of its own, for as long as it runs; nothing that runs is touched
 * Thread: one.  Time: evtime; reads no clock. */
#ifndef WEIR_CEP_MATCHTRACE_H
#define WEIR_CEP_MATCHTRACE_H
#include "cep/match/match.h"
#include "cep/why/why.h"

/* Rules whose rows wait in queues (NEXT, MATCH_NUMBER() in DEFINE) cannot be stepped through. */
bool matchtrace_can(const struct rule_plan *p);
/* As why_run, of a pattern. */
void matchtrace_run(const struct why_ask *ask, const struct why_row *rows, size_t n,
                    struct bytes *out);

#endif
