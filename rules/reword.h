/* SPDX-License-Identifier: Apache-2.0 */
/* reword.h - the text of a rule's next version, of which only the SELECT is said.
 *
 * Room:   the version before, a SELECT -> [reword] -> the text that is kept
 * Owns:   nothing.  Thread: any. */
#ifndef WEIR_RULES_REWORD_H
#define WEIR_RULES_REWORD_H
#include "base/bytes.h"

/* `select` with what the text before says around its own SELECT: CREATE RULE, options, EMIT; NUL-terminated, appended to `out`.
 * False, and nothing is appended: `select` is no bare SELECT, or `before` no CREATE RULE: then it is the whole text. */
bool reword(const char *before, const char *select, struct bytes *out);

#endif
