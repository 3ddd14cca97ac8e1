/* SPDX-License-Identifier: Apache-2.0 */
/* backtestparam.h - one text with :names in it, and the values that each is to have: the texts of all variants.
 *
 * Room:   request -> [backtestparam] -> compiler
 * Owns:   nothing.  Thread: any.  Time: none.
 *
 * {"limit": [100, 200], "grace": ["5", "10"]} makes four variants: the last name's values change first. A number and a
 * boolean stand in the text as they are, a text as a literal of SQL. A name in a text, a quoted name or a comment of the
 * statement is left alone. */
#ifndef WEIR_SERVER_BACKTESTPARAM_H
#define WEIR_SERVER_BACKTESTPARAM_H
#include "base/bytes.h"
#include "base/diag.h"
#include <jansson.h>

enum { BACKTESTPARAM_NAMES_MAX = 8, BACKTESTPARAM_VARIANTS_MAX = 64 };

/* parameters: an object of lists, or NULL. How many variants it makes: 1 without any. ERR_INVALID, ERR_LIMIT: d says why. */
enum err backtestparam_count(const json_t *parameters, struct diag *d, unsigned *n);
/* The text of that variant, with a NUL behind it. ERR_INVALID: a name has no values, or values have no name in the text. */
enum err backtestparam_text(const char *sql, const json_t *parameters, unsigned variant,
                            struct diag *d, struct bytes *out);
/* {"limit":100,"grace":"10"}: what the names are in that variant. */
void backtestparam_values(const json_t *parameters, unsigned variant, struct bytes *out);

#endif
