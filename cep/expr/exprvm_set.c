/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/expr/exprvm_code.h"
#include "cep/list.h"
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    return value_compare(a, b);
}

static void init_strings(struct exprvm_set *s, const struct dict *dict, struct arena *arena)
{
    s->strings = dict_new();
    for (unsigned i = 0; i < s->n; i++)
        dict_add(s->strings, s->sorted[i].c.s.p, s->sorted[i].c.s.n);
    if (dict == NULL)
        return;
    s->nids = dict_count(dict) + 1;
    s->ids = arena_zero(arena, (s->nids + 63) / 64 * sizeof *s->ids);
    for (unsigned i = 0; i < s->n; i++) {
        uint32_t id = dict_find(dict, s->sorted[i].c.s.p, s->sorted[i].c.s.n);
        if (id == 0) { /* not all of the set has ids: they cannot decide */
            s->ids = NULL;
            return;
        }
        s->ids[id / 64] |= UINT64_C(1) << (id % 64);
    }
}

void exprvm_set_init(struct exprvm_set *s, const struct expr *in, const struct dict *dict,
                     struct arena *arena)
{
    *s = (struct exprvm_set){.type = in->args[0]->type};
    if (in->kind == EXPR_IN_LIST || in->kind == EXPR_LOOKUP) {
        s->list = in->list;
        s->since = in->list_since;
        return;
    }
    s->sorted = arena_alloc(arena, in->nargs * sizeof *s->sorted);
    for (unsigned i = 1; i < in->nargs; i++) {
        const struct value *v = &in->args[i]->constant;
        if (v->null)
            s->has_null = true;
        else
            s->sorted[s->n++] = *v;
    }
    if (s->type.kind == TYPE_STRING)
        init_strings(s, dict, arena);
    else
        qsort(s->sorted, s->n, sizeof *s->sorted, compare);
}

void exprvm_set_fini(struct exprvm_set *s)
{
    dict_free(s->strings);
}

enum truth exprvm_set_has(const struct exprvm_set *s, union cell c, const struct list_at *at)
{
    bool has = false;
    if (s->list != NULL) {
        has = at == NULL ? list_has(s->list, c) : list_has_at(s->list, c, at, s->since);
        return has ? TRUTH_TRUE : TRUTH_FALSE;
    }
    if (s->strings != NULL) {
        has = dict_find(s->strings, c.s.p, c.s.n) != 0;
    } else {
        struct value v = {.type = s->type, .c = c};
        has = bsearch(&v, s->sorted, s->n, sizeof v, compare) != NULL;
    }
    return has ? TRUTH_TRUE : s->has_null ? TRUTH_NULL : TRUTH_FALSE;
}
