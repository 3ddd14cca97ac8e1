/* SPDX-License-Identifier: Apache-2.0 */
/* upgradeplan.h - what a new version of a rule keeps of the running one's state, said before anything happens.
 *
 * Room:   api_versions -> [upgradeplan: cep/key/statemap] -> JSON
 * Owns:   nothing.  Thread: any.  Time: none.
 *
 * {"state":"kept"|"mapped"|"reset","reason":"…"|null,"items":[{"kind":"variable","name":"B","verdict":"keep"|"migrate"|
 * "reset"|"new","reason":"…"|null}]}. Kinds: variable, time, window, aggregate, measure, column. */
#ifndef WEIR_SERVER_UPGRADEPLAN_H
#define WEIR_SERVER_UPGRADEPLAN_H
#include "cep/plan.h"

void upgradeplan_write(const struct rule_plan *from, const struct rule_plan *to, struct bytes *out);

#endif
