/* SPDX-License-Identifier: Apache-2.0 */
/* patterntree.h - PATTERN (...) as written to the tree that the automaton is built from, and the rules it must keep.
 *
 * Room:   ast -> [patterntree] -> struct pattern.  Owns: nothing.  Thread: one. */
#ifndef WEIR_RULES_PATTERNTREE_H
#define WEIR_RULES_PATTERNTREE_H
#include "rules/names.h"

enum { PATTERNTREE_ELEMENTS_MAX = 1000 };

/* within_ms: of the whole, -1: none. Collects the variables into `vars` (which is empty) and builds the tree. NULL, once said. */
const struct pattern *patterntree_build(struct cc *cc, const struct ast_match *m, int64_t within_ms,
                                        bool bounded, struct names_vars *vars);
/* What the skip clause says, checked against the tree: SKIP TO a row that is always the first goes on for ever. */
void patterntree_check_skip(struct cc *cc, const struct pattern *p, const struct ast_skip_to *to,
                            uint64_t vars);
/* Variables that can take rows: not those that are only negated or after UNTIL. */
uint64_t patterntree_takes(const struct pattern *p);

#endif
