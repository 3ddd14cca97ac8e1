/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/task/taskcount.h"
#include "cep/task/taskdef.h"

/* Rows wait for a slice: about a millisecond. */
enum { SLOTS_MAX = 1 << 13, LOOKED_ENOUGH = 1 << 14, AHEAD_RUN = 3 };

static void count_join(const struct key *key, struct taskcount *out)
{
    if (key->cells == NULL)
        return;
    out->keys++;
    for (unsigned s = JOIN_LEFT; s <= JOIN_RIGHT; s++) {
        out->sides[s] += join_waiting(key->cells, s);
        out->rows += join_waiting(key->cells, s);
    }
}

static void count_op(const struct task *t, const struct task_key *k, const struct task_op *op,
                     const struct key *key, const struct taskcount_ask *ask, struct taskcount *out)
{
    const struct keystate *c = key->cells;
    while (c != NULL && &k->ops[c->rule] != op)
        c = c->next;
    if (c == NULL)
        return;
    if (op->match != NULL) {
        matchcount_key(op->match, c, task_stream_watermark(t, k->stream), ask, out);
        return;
    }
    out->keys++;
    if (op->over != NULL)
        out->rows += over_kept(c);
}

size_t taskcount_rule(struct task *t, const struct taskcount_ask *ask, struct taskcount *out)
{
    struct taskinspect_place at;
    if (!taskinspect_place_of(t, ask->rule, &at))
        return 0;
    out->looked = 0;
    const struct keytable *table =
        at.join != NULL ? &join_side(at.join->op, JOIN_LEFT)->table : &at.key->keyed.table;
    for (size_t i = ask->from; i < table->nslots; i++) {
        if (i == ask->from + SLOTS_MAX || out->looked > LOOKED_ENOUGH)
            return i;
        keytable_look_ahead(table, i);
        const struct key *near = table->slots[(i + AHEAD_RUN) & (table->nslots - 1)].key;
        if (at.join == NULL && near != NULL && near->cells != NULL)
            taskstep_prefetch(at.key, near->cells, 1);
        if (table->slots[i].key != NULL && at.join != NULL)
            count_join(table->slots[i].key, out);
        else if (table->slots[i].key != NULL)
            count_op(t, at.key, at.op, table->slots[i].key, ask, out);
    }
    return 0;
}
