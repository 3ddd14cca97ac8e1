/* SPDX-License-Identifier: Apache-2.0 */
/* explainwindow.h - what EXPLAIN says of a window: its kind, when it fires, what its state is bounded by.
 * Thread: one. */
#ifndef WEIR_RULES_EXPLAINWINDOW_H
#define WEIR_RULES_EXPLAINWINDOW_H
#include "base/bytes.h"
#include "cep/plan.h"

/* "HOP of 1 min every 10 s, late rows taken for 5 min" */
void explainwindow_kind(const struct window_plan *w, struct bytes *out);
/* "when the watermark passes its end; …" */
void explainwindow_trigger(const struct window_plan *w, struct bytes *out);
/* Members of a JSON object, each with a comma behind it. */
void explainwindow_json(const struct window_plan *w, struct bytes *out);
void explainwindow_state(const struct rule_plan *p, struct bytes *out);
/* False: keys or a session may stay for ever. */
bool explainwindow_is_bounded(const struct rule_plan *p);
/* How long a row matters; -1: no bound. */
int64_t explainwindow_ms(const struct window_plan *w);

#endif
