/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/plan.h"
#include "base/bug.h"
#include "cep/list.h"

struct rule_plan *plan_ref(struct rule_plan *p)
{
    __atomic_fetch_add(&p->refs, 1, __ATOMIC_RELAXED);
    return p;
}

void plan_unref(struct rule_plan *p)
{
    if (p == NULL)
        return;
    int before = __atomic_fetch_sub(&p->refs, 1, __ATOMIC_ACQ_REL);
    BUG_IF(before <= 0, "rule %s was let go once too often", p->name);
    if (before > 1)
        return;
    for (unsigned i = 0; i < p->nlists; i++)
        list_unref(p->lists[i]);
    arena_free(p->arena); /* p lives in it */
}
