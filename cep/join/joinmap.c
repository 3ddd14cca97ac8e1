/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/join/joinmap.h"

static bool same_keys(const struct join_plan *a, const struct join_plan *b)
{
    bool same = a->nkeys == b->nkeys;
    for (unsigned i = 0; same && i < a->nkeys; i++)
        same = schema_type_same(a->keys[i].type, b->keys[i].type) &&
               expr_same(a->keys[i].e[JOIN_LEFT], b->keys[i].e[JOIN_LEFT]) &&
               expr_same(a->keys[i].e[JOIN_RIGHT], b->keys[i].e[JOIN_RIGHT]);
    return same;
}

static bool same_windows(const struct window_plan *a, const struct window_plan *b)
{
    return a->kind == b->kind && a->size_ms == b->size_ms && a->slide_ms == b->slide_ms &&
           a->offset_ms == b->offset_ms;
}

const char *joinmap_reset(const struct rule_plan *from, const struct rule_plan *to)
{
    const struct join_plan *a = &from->join, *b = &to->join;
    for (unsigned s = 0; s < 2; s++)
        if (!schema_same_rows(a->side[s].schema, b->side[s].schema))
            return "it joins other streams, or the same in another order";
    if (!same_keys(a, b))
        return "the columns that are equal in its pairs are others";
    if (a->windowed != b->windowed || (a->windowed && !same_windows(&a->window, &b->window)))
        return "its windows are others";
    return NULL;
}

int64_t joinmap_keeps_ms(const struct join_plan *p, enum join_which side)
{
    if (p->least_ms > p->most_ms)
        return -1;
    return side == JOIN_LEFT ? p->most_ms : -p->least_ms;
}
