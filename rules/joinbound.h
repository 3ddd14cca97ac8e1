/* SPDX-License-Identifier: Apache-2.0 */
/* joinbound.h - which conditions of a join bound one side's time by the other's.
 *
 * Room:   ON of a join -> [joinbound] -> joinrule
 * Thread: one.
 *
 * A comparison is one if what it says comes down to `right time - left time` op constant: b.ts <= a.ts + INTERVAL '5'
 * SECOND, and also a.ts + INTERVAL '1' HOUR > b.ts, or b.ts - a.ts < INTERVAL '5' SECOND. */
#ifndef WEIR_RULES_JOINBOUND_H
#define WEIR_RULES_JOINBOUND_H
#include "cep/expr/expr.h"

struct joinbound {
    unsigned left_time, right_time; /* slots */
    bool has_least, has_most;
    int64_t least_ms, most_ms; /* of right time - left time, inclusive */
};

/* True: e is such a condition, and is in *b now. */
bool joinbound_take(struct joinbound *b, const struct expr *e);

#endif
