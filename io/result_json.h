/* SPDX-License-Identifier: Apache-2.0 */
/* result_json.h - a result as the JSON object of `weir eval` and of side outputs.
 *
 * {"rule": …, "kind": …, "time": …, "vars": {"A": [0, 3]}, "row": {…}}; see docs/language.md, Evaluating a file. */
#ifndef WEIR_IO_RESULT_JSON_H
#define WEIR_IO_RESULT_JSON_H
#include "cep/result.h"

void result_json_line(const struct result *r,
                      struct bytes *out); /* appends one line with its newline */
/* The same with a row object that is text already. */
void result_json_line_with(const struct result *r, const struct bytes *row, struct bytes *out);
/* The "row" object alone: the rule's output columns. */
void result_json_row(const struct result *r, struct bytes *out);

#endif
