/* SPDX-License-Identifier: Apache-2.0 */
/* types.h - makes typed expressions: checks the arguments, inserts the casts, says what does not fit.
 *
 * Room:   bind -> [types] -> simplify
 * Owns:   nothing; expressions live in the arena of the context
 * Thread: one.
 *
 * All of these give NULL once an error has been said, and take NULL arguments (of which one has been said already) to
 * mean NULL. Constants are folded on the way. */
#ifndef WEIR_RULES_TYPES_H
#define WEIR_RULES_TYPES_H
#include "cep/expr/expr.h"
#include "rules/cc.h"

static inline struct type types_of(enum type_kind k)
{
    return (struct type){.kind = (uint8_t)k};
}
/* At most 18 digits: digits after the point give way, down to six, when those before it need the room. */
struct type types_decimal(int before, int after);
bool types_is_number(struct type t);

/* Room for n expressions. */
static inline const struct expr **types_list(struct arena *a, size_t n)
{
    return arena_alloc(a, n * sizeof(const struct expr *));
}
struct expr *types_node(struct cc *cc, enum expr_kind kind, struct type t, struct span at,
                        unsigned nargs, const struct expr *const *args);
/* e with other arguments, as many. */
struct expr *types_again(struct cc *cc, const struct expr *e, const struct expr *const *args);
const struct expr *types_const(struct cc *cc, struct type t, union cell c, struct span at);
const struct expr *types_null(struct cc *cc, struct type t, struct span at);
const struct expr *types_boolean(struct cc *cc, bool v, struct span at);
const struct expr *types_string(struct cc *cc, const char *p, size_t n, struct span at);
const struct expr *types_bigint(struct cc *cc, int64_t v, struct span at);
const struct expr *types_number(struct cc *cc, const char *text, size_t n, struct span at);

/* To a type that e can be brought to without a word in the text. */
const struct expr *types_to(struct cc *cc, const struct expr *e, struct type t);
const struct expr *types_cast(struct cc *cc, const struct expr *e, struct type t, bool is_try,
                              struct span at);
const struct expr *types_neg(struct cc *cc, const struct expr *e, struct span at);
const struct expr *types_arith(struct cc *cc, enum expr_kind k, const struct expr *l,
                               const struct expr *r, struct span at);
const struct expr *types_concat(struct cc *cc, const struct expr *l, const struct expr *r,
                                struct span at);
/* The type that all of them can be brought to; says "what: …" if there is none. */
bool types_common(struct cc *cc, unsigned n, const struct expr *const *args, const char *what,
                  struct span at, struct type *out);
/* A piece of the text for a message, shortened; valid until the arena goes. */
const char *types_quote(struct cc *cc, struct span at);

#endif
