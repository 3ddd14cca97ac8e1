/* SPDX-License-Identifier: Apache-2.0 */
/* sources.h - what can stand after FROM: streams, rules, and the side outputs of both.
 *
 * Room:   ast -> [sources] -> schema.  Owns: nothing.  Thread: one. */
#ifndef WEIR_RULES_SOURCES_H
#define WEIR_RULES_SOURCES_H
#include "rules/names.h"

/* NULL, once said. */
const struct schema *sources_find(struct cc *cc, const struct ast_from *f);
/* The stream from outside that it all begins with. */
const struct schema *sources_root(const struct schema *s);

#endif
