/* SPDX-License-Identifier: Apache-2.0 */
/* sqlgrammar.h - random statements over the stream t of planuse.h, most of which the compiler accepts.
 *
 * `@name` in a text stands for one of the texts of `name`, taken at random. */
#ifndef WEIR_TESTS_LIB_SQLGRAMMAR_H
#define WEIR_TESTS_LIB_SQLGRAMMAR_H
#include "base/bytes.h"

/* Adds `text` to out with every @name replaced. */
void sqlgrammar_expand(const char *text, uint64_t *random, struct bytes *out);
/* The number drawn next, below n. */
uint32_t sqlgrammar_random(uint64_t *random, uint32_t n);

#endif
