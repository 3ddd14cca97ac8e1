/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of all keys of a side in order of time: all wait equally long, so what is over next is the first. */
#include "base/mem.h"
#include "cep/join/joinrun.h"
#include <stdlib.h>

void joinqueue_push(struct join_queue *q, evtime ts, struct join_state *s, bool sorted)
{
    if (q->n == q->cap) {
        struct join_due *more = mem_array(2 * q->cap, sizeof *more);
        for (size_t i = 0; i < q->n; i++)
            more[i] = q->v[(q->first + i) & (q->cap - 1)];
        mem_free(q->v);
        q->v = more;
        q->first = 0;
        q->cap *= 2;
    }
    size_t at = q->n++;
    for (; at > 0 && sorted; at--) { /* rows of a partition that was left out may be behind */
        const struct join_due *before = &q->v[(q->first + at - 1) & (q->cap - 1)];
        if (before->ts <= ts)
            break;
        q->v[(q->first + at) & (q->cap - 1)] = *before;
    }
    q->v[(q->first + at) & (q->cap - 1)] = (struct join_due){ts, s};
}

void joinqueue_all(struct join *j, struct join_state *s, unsigned side, bool sorted)
{
    const struct join_pile *l = &s->rows[side];
    for (uint32_t i = 0; i < l->n; i++)
        joinqueue_push(&j->queues[side], l->v[l->first + i].ts, s, sorted);
}

static int by_time(const void *a, const void *b)
{
    const struct join_due *x = a, *y = b;
    return (x->ts > y->ts) - (x->ts < y->ts);
}

void joinqueue_sort(struct join *j)
{
    for (unsigned side = 0; side < 2; side++) {
        struct join_queue *q = &j->queues[side];
        if (q->first > 0) { /* they come to a join that runs already */
            struct join_due *v = mem_array(q->cap, sizeof *v);
            for (size_t i = 0; i < q->n; i++)
                v[i] = q->v[(q->first + i) & (q->cap - 1)];
            mem_free(q->v);
            q->v = v;
            q->first = 0;
        }
        qsort(q->v, q->n, sizeof *q->v, by_time);
    }
}
