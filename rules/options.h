/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - WITH ('name'='value', …) of streams and rules: which there are, what they may be.
 *
 * Room:   ast -> [options] -> schemas, plans.  Thread: one. */
#ifndef WEIR_RULES_OPTIONS_H
#define WEIR_RULES_OPTIONS_H
#include "cep/plan.h"
#include "cep/sink.h"
#include "cep/table.h"
#include "rules/ast.h"
#include "rules/cc.h"

/* All options as written, in the arena of the context; fills what the schema has fields for. */
void options_stream(struct cc *cc, const struct ast_option *list, struct schema *s);
/* Of CREATE TABLE: fills all of t but its key, and connector and options of `s`. `at`: where it is named. */
void options_table(struct cc *cc, const struct ast_option *list, struct span at, struct schema *s,
                   struct table *t);
/* Of CREATE SINK: fills all of s but its name and text. `at`: where it is named. */
void options_sink(struct cc *cc, const struct ast_option *list, struct span at, struct sink *s);
/* is_window: options of windows are allowed; *lateness_ms is theirs. */
void options_rule(struct cc *cc, const struct ast_option *list, struct rule_plan *p, bool is_window,
                  int64_t *lateness_ms);
/* Limits of what the rule keeps, against its shape. */
void options_check_limits(struct cc *cc, const struct ast_option *list, const struct rule_plan *p);
/* {column} in a title must be a column of the result. `at`: the list that has the title. */
void options_check_title(struct cc *cc, const struct ast_option *list, const struct rule_plan *p);

#endif
