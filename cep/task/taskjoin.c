/* SPDX-License-Identifier: Apache-2.0
 *
 * Joins in a task. Each has a heap of its own, in which the rows of both sides wait until the least watermark of both
 * streams has passed them; so pairs come in the same order however the streams interleave. A row's bits there are its
 * side, and whether it may find a partner: they do not depend on the job's numbering, so a change of rules leaves them. */
#include "base/mem.h"
#include "cep/task/taskdef.h"

enum { BIT_PARTNER = 1, BIT_RIGHT = 2 };
enum { AHEAD_SLOT = 12, AHEAD_KEY = 9, AHEAD_STATE = 6, AHEAD_ROWS = 3 };

/* --- the source side --- */

bool taskjoin_wants(const struct task *t, const struct jobdef_stream *s,
                    const struct jobdef_input *in, const struct batch *b, uint64_t *rows)
{
    const struct jobdef_side *side = &t->job->rules[in->rule].side[in->side];
    const uint64_t *see = predindex_bits(s->conditions, side->see);
    uint64_t any = 0;
    if (!jobdef_has_all(&side->needs, b)) /* of before a change of rules */
        return false;
    for (unsigned w = 0; w < (b->n + 63) / 64; w++)
        any |= rows[w] = b->has_late ? see[w] & ~b->late[w] : see[w];
    return any != 0;
}

void taskjoin_take(struct task *t, const struct jobdef_stream *s, const struct jobdef_input *in,
                   const struct batch *b, const uint64_t *rows, struct batch *kept,
                   const uint16_t *at, uint64_t (*remote)[BATCH_WORDS])
{
    const struct jobdef_rule *r = &t->job->rules[in->rule];
    const uint64_t *partner = predindex_bits(s->conditions, r->side[in->side].partner);
    struct task_join *j = t->joins[r->slot];
    for (unsigned w = 0; w < (b->n + 63) / 64; w++)
        for (uint64_t left = rows[w]; left != 0; left &= left - 1) {
            unsigned i = w * 64 + (unsigned)__builtin_ctzll(left);
            joinprog_key(r->join, in->side, b, i, t->emit.arena, &t->scratch);
            uint64_t hash = keytable_hash(t->scratch.p, t->scratch.n);
            unsigned owner = t->owner[hash & (t->o.key_groups - 1)];
            if (owner != t->o.worker) {
                if (remote != NULL)
                    remote[owner][w] |= left & -left;
                continue;
            }
            struct order_entry e = {
                .ts = b->ts[i],
                .b = kept,
                .bits = (partner[w] >> (i % 64) & 1 ? BIT_PARTNER : 0) |
                        (in->side == JOIN_RIGHT ? BIT_RIGHT : 0),
                .tag = (hash & ~UINT64_C(0xffff)) | (at == NULL ? i : at[i]),
            };
            order_push(&j->order, &e);
            kept->refs++;
            if (t->snap.noting)
                taskflow_note(t, &e, &j->snap);
            t->stats.rows_ordered++;
        }
}

void taskjoin_restore(struct task *t, struct task_join *j, struct batch *b,
                      struct order_entry *entries)
{
    for (unsigned i = 0; i < b->n; i++) {
        struct order_entry *e = &entries[i];
        unsigned side = e->bits & BIT_RIGHT ? JOIN_RIGHT : JOIN_LEFT;
        if (j->rule->pub.plan->join.side[side].schema != b->schema ||
            !jobdef_has_all(&j->rule->side[side].needs, b) || e->ts != b->ts[i])
            continue; /* of a join every row waits for its own time */
        joinprog_key(j->rule->join, side, b, i, t->emit.arena, &t->scratch);
        uint64_t hash = keytable_hash(t->scratch.p, t->scratch.n);
        if (t->owner[hash & (t->o.key_groups - 1)] != t->o.worker)
            continue;
        e->bits &= BIT_PARTNER | BIT_RIGHT;
        e->b = batch_ref(b);
        e->tag = (hash & ~UINT64_C(0xffff)) | i;
        order_push(&j->order, e);
    }
}

void taskjoin_late(struct task *t, const struct jobdef_stream *s, struct batch *b)
{
    for (unsigned i = 0; i < b->n; i++) {
        const struct jobdef_rule *told = NULL; /* both sides of a join may read one stream */
        if (!batch_is_late(b, i))
            continue;
        for (unsigned k = 0; k < s->ninputs; k++) {
            const struct jobdef_rule *r = &t->job->rules[s->inputs[k].rule];
            const struct jobdef_side *side = &r->side[s->inputs[k].side];
            if (r == told || !(predindex_bits(s->conditions, side->see)[i / 64] >> (i % 64) & 1) ||
                !jobdef_has_all(&side->needs, b) || !cut_sees(&side->cut, b, i))
                continue;
            told = r;
            joinprog_key(r->join, s->inputs[k].side, b, i, t->emit.arena, &t->scratch);
            scatter_late_row(t, r, &side->needs, b, i);
        }
    }
}

/* --- the keyed side --- */

evtime taskjoin_watermark(struct task *t, const struct task_join *j)
{
    evtime w = EVTIME_MAX;
    for (unsigned s = 0; s < 2; s++) {
        const struct schema *schema = j->rule->pub.plan->join.side[s].schema;
        evtime least = task_stream_of(t, schema->id)->least;
        w = least < w ? least : w;
    }
    return w < j->hold ? w : j->hold;
}

static void take_row(struct task_join *j, const struct order_entry *e)
{
    unsigned side = e->bits & BIT_RIGHT ? JOIN_RIGHT : JOIN_LEFT, i = order_row(e);
    const struct cut *c = &j->rule->side[side].cut;
    bool sees = c->n > 0 ? cut_sees(c, e->b, i) && cut_mode_at(c, e->ts) != RULE_PAUSED
                         : c->mode != RULE_PAUSED;
    if (sees && jobdef_has_all(&j->rule->side[side].needs, e->b))
        join_row(j->op, side, e->bits & BIT_PARTNER, e->tag, e->b, i);
    batch_unref(e->b);
}

static inline void look_ahead(const struct task_join *j, const struct order_entry *e, size_t n)
{
    static const unsigned ahead[] = {AHEAD_SLOT, AHEAD_KEY, AHEAD_STATE, AHEAD_ROWS};
    for (unsigned link = 0; link < sizeof ahead / sizeof *ahead; link++)
        if (n > ahead[link])
            join_prefetch(j->op, e[ahead[link]].bits & BIT_RIGHT ? JOIN_RIGHT : JOIN_LEFT,
                          e[ahead[link]].tag, link);
}

unsigned taskjoin_stage(const struct task_join *j)
{
    const struct join_side *side = j->rule->pub.plan->join.side;
    unsigned left = side[JOIN_LEFT].schema->stage, right = side[JOIN_RIGHT].schema->stage;
    return left > right ? left : right;
}

/* Up to `upto`, if time has come further. */
static void step(struct task *t, unsigned i, evtime upto)
{
    struct task_join *j = t->joins[i];
    evtime w = taskjoin_watermark(t, j), end = taskrejoin_end(t, i);
    struct order_entry *e;
    w = w < upto ? w : upto;
    if (j->hold == EVTIME_MIN) /* its state is being loaded */
        return;
    join_begin(j->op, taskjoin_stage(j) == 0 ? w : task_root_w(t, j->rule->stream));
    for (size_t n; (n = order_take(&j->order, w, &e)) > 0;)
        for (size_t k = 0; k < n; k++) {
            look_ahead(j, e + k, n - k);
            if (taskdef_watch(t->watch, e[k].b, order_row(&e[k]), order_row(&e[k])))
                batch_unref(e[k].b);
            else
                take_row(j, &e[k]);
        }
    (void)taskdef_watch(t->watch, NULL, 0, 0);
    join_advance(j->op, w < end ? w : end);
    j->snap.now = w;
}

void taskjoin_step(struct task *t, unsigned stage)
{
    for (const struct jobdef_rejoin *r; (r = taskrejoin_next(t, stage)) != NULL;) {
        step(t, r->from, r->at);
        taskrejoin_take(t, r);
        step(t, r->to, r->at);
    }
    for (unsigned i = 0; i < t->njoins; i++)
        if (taskjoin_stage(t->joins[i]) == stage)
            step(t, i, taskrejoin_hold(t, i));
}

/* --- changes of rules --- */

static struct task_join *join_of(struct task *t, const struct jobdef_rule *r)
{
    for (unsigned i = 0; i < t->njoins; i++) {
        struct task_join *j = t->joins[i];
        if (j != NULL && taskjob_same_rule(j->rule, r)) {
            t->joins[i] = NULL;
            return j;
        }
    }
    struct task_join *j = mem_new(sizeof *j);
    j->hold = EVTIME_MAX;
    order_init(&j->order, NULL);
    j->op = join_new(r->pub.plan, &t->emit,
                     keyed_limit(r->pub.plan->limits.rows, t->o.max_rows_per_key));
    return j;
}

static void join_end(struct task_join *j)
{
    if (j == NULL)
        return;
    order_fini(&j->order);
    join_free(j->op);
    tasksnap_op_fini(&j->snap);
    mem_free(j);
}

void taskjoin_swap(struct task *t, const struct job *j)
{
    struct task_join **joins = mem_array(j->njoins, sizeof(struct task_join *));
    for (unsigned i = 0; i < j->njoins; i++) {
        const struct jobdef_rule *r = &j->rules[j->joins[i]];
        joins[i] = join_of(t, r);
        joins[i]->rule = r;
        join_bind(joins[i]->op, r->join, &r->keyed);
        if (joins[i]->snap.id == NULL)
            tasksnap_join(t, joins[i]);
    }
    taskjoin_fini(t);
    t->joins = joins;
    t->njoins = j->njoins;
}

void taskjoin_fini(struct task *t)
{
    for (unsigned i = 0; i < t->njoins; i++)
        join_end(t->joins[i]);
    mem_free(t->joins);
    t->joins = NULL;
    t->njoins = 0;
}

/* --- counters --- */

void taskjoin_stats(const struct task *t, struct task_stats *out)
{
    for (unsigned i = 0; i < t->njoins; i++) {
        struct join_stats s = join_stats(t->joins[i]->op);
        out->rows_waiting += order_waiting(&t->joins[i]->order);
        out->rows_released += s.rows;
        out->keys += s.keys;
        out->rows_kept += s.kept;
        out->rows_dropped += s.dropped;
        out->expired += s.expired;
        out->state_bytes += s.bytes;
    }
}

evtime taskjoin_due(const struct task *t)
{
    evtime due = EVTIME_MAX;
    for (unsigned i = 0; i < t->njoins; i++) {
        const struct task_join *j = t->joins[i];
        bool clock = false;
        for (unsigned s = 0; s < 2; s++) {
            const struct schema *schema = j->rule->pub.plan->join.side[s].schema;
            clock = clock || schema->idle_timeout_ms > 0 || schema->time == TIME_PROCESSING;
        }
        if (!clock)
            continue;
        evtime rows = order_least(&j->order), alone = join_next(j->op);
        rows = rows < EVTIME_MAX ? rows + 1 : rows;
        rows = alone < rows ? alone : rows;
        rows = taskrejoin_due(t, i, rows);
        due = rows < due ? rows : due;
    }
    return due;
}

size_t taskjoin_waiting(const struct task *t)
{
    size_t n = 0;
    for (unsigned i = 0; i < t->njoins; i++)
        n += order_waiting(&t->joins[i]->order);
    return n;
}

/* Streams that are joined, and those joined with them, wait for one another. */
evtime taskjoin_least(struct task *t, const struct task_stream *s)
{
    evtime least = s->least;
    for (unsigned i = 0; i < t->njoins; i++) {
        const struct join_plan *p = &t->joins[i]->rule->pub.plan->join;
        if (p->side[JOIN_LEFT].schema->id != s->id && p->side[JOIN_RIGHT].schema->id != s->id)
            continue;
        evtime w = taskjoin_watermark(t, t->joins[i]), held = taskrejoin_hold(t, i);
        w = held < w ? held : w;
        least = w < least ? w : least;
    }
    return least;
}
