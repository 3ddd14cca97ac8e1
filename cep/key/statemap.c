/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/key/statemap.h"
#include "base/mem.h"
#include "cep/join/joinmap.h"

static const char *const other_key = "its keys are others, or in another order";

static void decide(struct statemap *m, const struct statemap_rule *from,
                   const struct statemap_rule *to)
{
    const struct rule_plan *a = from->plan, *b = to->plan;
    m->way = STATEMAP_RESET;
    if (a->shape != b->shape)
        m->why = "it is a rule of another kind";
    else if (a->shape == RULE_JOIN)
        m->why = joinmap_reset(a, b);
    else if (!schema_same_rows(a->input, b->input) || !plan_key_same(&a->key, &b->key))
        m->why = other_key;
    else if (a->shape == RULE_WINDOW)
        m->why = (m->window = windowmap_new(from->window, to->window))->reset;
    else if (a->shape == RULE_OVER)
        m->why = (m->over = overmap_new(from->over, to->over))->reset;
    else if (a->shape == RULE_MATCH)
        m->why = (m->match = matchmap_new(from->match, to->match))->reset;
    if (m->why == NULL)
        m->way = (m->match == NULL || m->match->in_place) &&
                         (m->window == NULL || m->window->in_place) &&
                         (m->over == NULL || m->over->in_place)
                     ? STATEMAP_IN_PLACE
                     : STATEMAP_MOVED;
}

struct statemap *statemap_new(const struct statemap_rule *from, const struct statemap_rule *to)
{
    struct statemap *m = mem_new(sizeof *m);
    decide(m, from, to);
    return m;
}

void statemap_refuse(struct statemap *m, const char *why)
{
    m->way = STATEMAP_RESET;
    m->why = why;
}

void statemap_free(struct statemap *m)
{
    if (m == NULL)
        return;
    matchmap_free(m->match);
    windowmap_free(m->window);
    overmap_free(m->over);
    mem_free(m);
}
