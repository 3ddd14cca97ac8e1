/* SPDX-License-Identifier: Apache-2.0 */
/* replay.h - may a rule answer otherwise when the log is read again? (DESIGN, "Rules whose replay may differ")
 *
 * Room:   plan -> [replay] -> EXPLAIN.  Owns: nothing.  Thread: any. */
#ifndef WEIR_RULES_REPLAY_H
#define WEIR_RULES_REPLAY_H
#include "cep/plan.h"

/* Why, as the end of a sentence; NULL: it never does. Of streams whose clock is in the log it does not. */
const char *replay_differs(const struct rule_plan *p);

#endif
