/* SPDX-License-Identifier: Apache-2.0 */
/* rulejson.h - a compiled rule as JSON: what the editor and the rule's page show of it.
 *
 * Room:   plan -> [rulejson] -> api_rules.  Owns: nothing.  Thread: any. */
#ifndef WEIR_SERVER_RULEJSON_H
#define WEIR_SERVER_RULEJSON_H
#include "base/bytes.h"
#include "cep/plan.h"

const char *
rulejson_kind(const struct rule_plan *p); /* "filter", "window", "over", "pattern", "join" */
/* Members of an open object. */
void rulejson_shape(struct bytes *out, const struct rule_plan *p); /* kind, stream, keys */
void rulejson_parts(struct bytes *out, const struct rule_plan *p); /* variables, outputs */
/* The automaton, or null if the rule has none. */
void rulejson_nfa(struct bytes *out, const struct rule_plan *p);

#endif
