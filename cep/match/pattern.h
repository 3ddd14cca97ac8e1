/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.h - the tree of a PATTERN (...) clause, checked: what rules/ writes and the automaton (nfa.h) is built from.
 *
 * Sources: ISO/IEC 9075-2 row pattern recognition; Flink CEP's contiguities (docs/language.md, Patterns).
 * Owns:   nothing; lives in the arena of its plan.  Immutable. */
#ifndef WEIR_CEP_PATTERN_H
#define WEIR_CEP_PATTERN_H
#include "base/diag.h"
#include <stdint.h>

enum contiguity {
    CONTIGUITY_NEXT, /* strict: the very next row */
    CONTIGUITY_FOLLOWED, /* relaxed: the next row that fits */
    CONTIGUITY_ANY, /* any later row that fits */
};

enum pattern_kind {
    PATTERN_VAR, /* variable `var`, or `negated` */
    PATTERN_SEQ, /* children in order; each child's `before` says how it follows */
    PATTERN_ALT, /* children in order of preference */
    PATTERN_PERMUTE,
    PATTERN_EXCLUDE, /* {- child -} */
    PATTERN_EMPTY, /* () */
    PATTERN_START, /* ^ */
    PATTERN_END, /* $ */
};

struct pattern {
    enum pattern_kind kind;
    struct span at;
    enum contiguity
        before; /* how its first row follows what came before; the first element's is NEXT */
    int var; /* VAR */
    bool negated; /* VAR: !v */
    bool quantified;
    uint32_t min, max; /* max UINT32_MAX: no bound; 1, 1 without a quantifier */
    bool reluctant;
    enum contiguity inner; /* how the rows (or rounds) of the loop follow each other */
    int until; /* variable whose condition stops the loop, or -1 */
    int64_t within_ms; /* WITHIN on this element, or -1 */
    unsigned nchildren;
    const struct pattern *const *children;
};

enum skip_kind { SKIP_PAST_LAST, SKIP_TO_NEXT, SKIP_TO_FIRST, SKIP_TO_LAST, SKIP_NONE };
enum rows_kind { ROWS_ONE, ROWS_ALL_SHOW_EMPTY, ROWS_ALL_OMIT_EMPTY, ROWS_ALL_UNMATCHED };

#endif
