/* SPDX-License-Identifier: Apache-2.0 */
/* matchcond.h - conditions of DEFINE taken apart, for people: which part holds for a row, and the values on its sides.
 *
 * Room:   plan -> [matchcond] -> matchtrace
 * Owns:   machines of its own.  Thread: one.  Time: none. */
#ifndef WEIR_CEP_MATCHCOND_H
#define WEIR_CEP_MATCHCOND_H
#include "cep/match/matchrun.h"

struct matchcond; /* of one variable, or of WHERE */

/* a AND b, of which either may be NULL (true). */
struct matchcond *matchcond_new(const struct expr *a, const struct expr *b,
                                const struct rule_plan *p);
void matchcond_free(struct matchcond *c); /* NULL is fine */

struct
    matchcond_at { /* where it is asked: the row in hand, as `var`, after node n (NULL: it would be the first) */
    struct match *m;
    const struct match_cell *cell;
    int var;
    struct match_node *n;
    const struct keyed_row *r;
};
struct matchcond_said {
    unsigned parts, hold;
    const struct bytes *failed; /* text of the first part that does not hold; NULL: all do */
};
/* Asks each part. json: if not NULL, [{"text":"amount > 500","true":false,"values":[{"of":"amount","value":9.98}]}] is
 * appended; "true" is null where it is unknown. */
struct matchcond_said matchcond_ask(struct matchcond *c, const struct matchcond_at *at,
                                    struct bytes *json);
static inline bool matchcond_holds(struct matchcond_said s)
{
    return s.hold == s.parts;
}

#endif
