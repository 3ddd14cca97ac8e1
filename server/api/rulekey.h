/* SPDX-License-Identifier: Apache-2.0 */
/* rulekey.h - a key of a rule as people write it, to the bytes by which the engine knows it.
 *
 * Room:   api_inspect, api_whynot -> [rulekey] -> cep/value.  Owns: nothing.  Thread: any.  Time: none. */
#ifndef WEIR_SERVER_RULEKEY_H
#define WEIR_SERVER_RULEKEY_H
#include "base/diag.h"
#include "cep/plan.h"
#include <jansson.h>

/* {"card": "c1"}, or the value itself if the key has one column. Appends to out. ERR_INVALID: d says what is wrong. */
enum err rulekey_from_json(const struct rule_plan *p, const json_t *key, struct diag *d,
                           struct bytes *out);
/* The same as text: JSON if it begins with `{`, else the value of the one column. */
enum err rulekey_from_text(const struct rule_plan *p, const char *text, struct diag *d,
                           struct bytes *out);

/* {"card": "c1"}: any columns of the rule's stream, of a rule without a key. `by` is then that key. */
enum err rulekey_of_columns(const struct rule_plan *p, const json_t *key, struct diag *d,
                            struct plan_key *by, struct bytes *out);

#endif
