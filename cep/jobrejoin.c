/* SPDX-License-Identifier: Apache-2.0
 *
 * From one version of a join to the next. Versions that join other streams have nothing in common, not even time: the new
 * one begins as a new rule does, where its own time has come. */
#include "base/mem.h"
#include "cep/jobdef.h"
#include "cep/join/joinmap.h"

static bool same_streams(const struct jobdef_rule *a, const struct jobdef_rule *b)
{
    return a->side[JOIN_LEFT].stream == b->side[JOIN_LEFT].stream &&
           a->side[JOIN_RIGHT].stream == b->side[JOIN_RIGHT].stream;
}

static bool same_rows(const struct jobdef_rule *a, const struct jobdef_rule *b)
{
    const struct join_side *x = a->pub.plan->join.side, *y = b->pub.plan->join.side;
    return schema_same_rows(x[JOIN_LEFT].schema, y[JOIN_LEFT].schema) &&
           schema_same_rows(x[JOIN_RIGHT].schema, y[JOIN_RIGHT].schema);
}

void jobrejoin_add(struct job *j, const struct jobdef_rule *from, const struct jobdef_rule *to,
                   const struct job_cut *begin)
{
    if (from->join == NULL || to->join == NULL || !same_rows(from, to))
        return;
    j->rejoins = mem_resize_array(j->rejoins, j->nrejoins + 1, sizeof *j->rejoins);
    j->rejoins[j->nrejoins++] =
        (struct jobdef_rejoin){.from = from->slot,
                               .to = to->slot,
                               .at = begin->w,
                               .lane = !same_streams(from, to),
                               .copies = begin->handover == JOB_HANDOVER_COPY,
                               .why = begin->handover == JOB_HANDOVER_RESET
                                          ? "it was to begin anew"
                                          : joinmap_reset(from->pub.plan, to->pub.plan)};
}
