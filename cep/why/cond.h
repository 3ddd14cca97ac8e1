/* SPDX-License-Identifier: Apache-2.0 */
/* cond.h - conditions taken apart, for people: which part holds, the values on its sides, by how much it was missed.
 *
 * Room:   plan -> [cond] -> matchcond, why*
 * Owns:   machines of its own.  Thread: one.  Time: none. */
#ifndef WEIR_CEP_COND_H
#define WEIR_CEP_COND_H
#include "cep/expr/expr.h"
#include "cep/row/row.h"

struct cond; /* a conjunction */

/* How its expressions are evaluated, and what they are called. */
struct cond_way {
    void *(*make)(const void *ctx, const struct expr *e);
    void (*free)(void *machine);
    bool (*value)(void *machine, const void *at, union cell *out); /* false: NULL */
    void (*print)(const void *ctx, const struct expr *e, struct bytes *out);
};

/* a AND b, of which either may be NULL (true). ctx outlives it. */
struct cond *cond_new(const struct cond_way *way, const void *ctx, const struct expr *a,
                      const struct expr *b);
void cond_add(struct cond *c, const struct expr *e); /* AND e; NULL: nothing */
void cond_free(struct cond *c); /* NULL is fine */

struct cond_said {
    unsigned parts, hold;
    const struct bytes *failed; /* text of the first part that does not hold; NULL: all do */
    /* Of a comparison of numbers that does not hold: how far its sides are apart, as a share of the larger one; else 1. */
    double apart;
};
/* Asks each part of what `way` knows as `at`. json: if not NULL, [{"text":"amount > 500","true":false,
 * "values":[{"of":"amount","value":9.98}],"missed_by":490.02}] is appended; "true" is null where it is unknown, missed_by
 * is there where two numbers were compared, and the comparison does not hold. */
struct cond_said cond_ask(struct cond *c, const void *at, struct bytes *json);
/* "amount > 500 does not hold: amount was 9.98, 490.02 short of it"; nothing if all hold. Ends without a stop. */
void cond_say(struct cond *c, const void *at, struct bytes *out);
static inline bool cond_holds(struct cond_said s)
{
    return s.hold == s.parts;
}
/* Fewer parts that do not hold, then the one that came nearer, then the later: a, asked after `best`. */
static inline bool cond_is_nearer(struct cond_said a, struct cond_said best)
{
    unsigned x = a.parts - a.hold, y = best.parts - best.hold;
    return x != y ? x < y : a.apart <= best.apart;
}

/* --- the way of a row, and slots --- */

struct cond_names {
    const struct schema *schema; /* of the row */
    void (*slot)(const void *ctx, unsigned index, struct bytes *out); /* NULL: there are none */
    const void *ctx;
};
struct cond_row {
    struct rowref row;
    const struct row_layout *layout; /* of kept rows */
    const struct value *slots;
    struct arena *scratch;
};
extern const struct cond_way cond_of_row; /* ctx: cond_names; at: cond_row */

#endif
