/* SPDX-License-Identifier: Apache-2.0 */
/* compiled.h - what the rule compiler makes of a text, as text: for tests that compare the two.
 *
 * What no operator does yet is let through: a program that uses this sees plans, not refusals of cep/.
 * All results are the caller's, to be freed with mem_free. */
#ifndef WEIR_TESTS_LIB_COMPILED_H
#define WEIR_TESTS_LIB_COMPILED_H
#include "base/err.h"
#include "rules/scope.h"
#include <stddef.h>

/* EXPLAIN of every rule of the script, or "INVALID line 1, column 2: …" with all that was said. */
char *compiled_script(const char *sql, size_t n);
/* Only what was said, errors and warnings, after the outcome's name. */
char *compiled_said(const char *sql, size_t n, enum err *out);
/* `e` over a row of the stream t below, as "TYPE text", or what was said. */
char *compiled_expression(const char *e);
/* MATCH_RECOGNIZE (clauses) over t: EXPLAIN without its first lines, or what was said. */
char *compiled_match(const char *clauses);

/* s STRING, b BIGINT, d DOUBLE, m DECIMAL(12,2), k DECIMAL(6,4), o BOOLEAN, ts TIMESTAMP(3): its text. */
extern const char compiled_stream[];

#endif
