/* SPDX-License-Identifier: Apache-2.0 */
/* readgraph.h - which rules of a script read what, before they are compiled: for what is wrong with their order.
 *
 * Room:   text -> parse -> [readgraph] -> sources
 * Owns:   nothing; lives in the arena it is given.  Thread: one. */
#ifndef WEIR_RULES_READGRAPH_H
#define WEIR_RULES_READGRAPH_H
#include "base/arena.h"
#include <stdbool.h>

struct readgraph;

/* text: as the lexer wants it, with a NUL behind it. */
struct readgraph *readgraph_new(const char *text, size_t n, struct arena *a);
bool readgraph_has(const struct readgraph *g, const char *rule);
/* "b -> c -> a", if b reads, through others, a. NULL: it does not. */
const char *readgraph_path(const struct readgraph *g, const char *from, const char *to,
                           struct arena *a);

#endif
