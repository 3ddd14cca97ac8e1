/* SPDX-License-Identifier: Apache-2.0
 *
 * A change of rules. Key definitions and rules that stay keep their state: a definition is known by its stream, columns and
 * order; a rule by its uid, if its text is the same. Conditions are numbered anew, so the bits of rows that wait are made
 * again from their batches, and what states wait for is unknown until their next row (all bits: it costs one look). */
#include "base/bug.h"
#include "base/mem.h"
#include "cep/task/taskdef.h"
#include <stdlib.h>
#include <string.h>

bool taskjob_same_rule(const struct jobdef_rule *a, const struct jobdef_rule *b)
{
    return a->pub.uid == b->pub.uid && a->pub.version == b->pub.version &&
           a->pub.plan->shape == b->pub.plan->shape &&
           (a->pub.plan == b->pub.plan || strcmp(a->pub.plan->sql, b->pub.plan->sql) == 0);
}

/* --- streams and key definitions --- */

static void add_stream(struct task *t, const struct schema *s)
{
    if (task_stream_of(t, s->id) != NULL)
        return;
    t->streams = mem_grow(t->streams, t->nstreams, 1, &t->streams_cap, sizeof *t->streams);
    struct task_stream *n = &t->streams[t->nstreams++];
    *n = (struct task_stream){.id = s->id,
                              .stage = s->stage,
                              .npartitions =
                                  s->derived != DERIVED_NOT ? t->o.workers : s->partitions,
                              .least = EVTIME_MIN,
                              .furthest = EVTIME_MIN};
    n->w = mem_array(n->npartitions, sizeof *n->w);
    for (unsigned i = 0; i < n->npartitions; i++)
        n->w[i] = EVTIME_MIN;
    for (size_t i = 0; i < t->nsources; i++) /* opened before any rule read the stream */
        if (t->sources[i].stream == s->id && t->sources[i].w.w > EVTIME_MIN)
            task_raise(t, s->id, t->sources[i].partition, t->sources[i].w.w);
}

static void mark_streams(struct task *t, const struct job *j)
{
    for (size_t i = 0; i < t->nstreams; i++) {
        int at = job_stream_of(j, t->streams[i].id);
        bool marked = at >= 0 && j->streams[at].marks;
        if (!marked || !t->streams[i].marked)
            t->streams[i].nmarks = 0;
        if (!t->streams[i].marked)
            t->streams[i].stepped = t->streams[i].least;
        t->streams[i].marked = marked;
    }
}

static void free_bits(struct task_key *k, struct order_entry *e)
{
    if (k->words > 1)
        slab_free(&k->bits, (void *)(uintptr_t)e->bits);
}

static struct task_key *key_new(struct task *t, const struct job *j, const struct jobdef_key *def)
{
    const struct schema *s = j->streams[def->stream].schema;
    struct task_key *k = mem_new(sizeof *k);
    k->def = def;
    k->stream = s->id;
    k->next_fire = k->next_step = EVTIME_MAX;
    k->mark = EVTIME_MIN;
    k->hold = EVTIME_MAX;
    order_init(&k->order, def->order);
    keyed_init(&k->keyed, s, &t->emit);
    k->keyed.by_arrival = def->by_arrival;
    k->keyed.pass_late = taskstage_pass_late;
    k->keyed.pass_ctx = t;
    k->keyed.max_partials = t->o.max_partials_per_key;
    k->keyed.max_rows = t->o.max_rows_per_key;
    return k;
}

/* --- rules --- */

static void op_free(struct task_op *op)
{
    match_free(op->match);
    window_free(op->window);
    over_free(op->over);
    ttl_free(op->ttl);
}

size_t taskjob_cells(const struct task_op *op)
{
    if (op->match != NULL)
        return match_cells(op->match);
    return op->over != NULL ? over_keys(op->over) : window_cells(op->window);
}

void taskjob_drop(struct task_op *op, struct keystate *c)
{
    if (op->match != NULL)
        match_drop(op->match, c);
    else if (op->over != NULL)
        over_drop(op->over, c);
    else
        window_drop(op->window, c);
}

/* Takes every cell: those of slot s go to slot to[s], or are dropped if that is UINT_MAX. */
static void move_cells(struct task_key *k, const unsigned *to)
{
    struct keytable *table = &k->keyed.table;
    for (size_t i = 0; i < table->nslots;) {
        keytable_look_ahead(table, i);
        struct key *key = table->slots[i].key;
        bool dropped = key != NULL && key->cells != NULL;
        for (struct keystate *c = key == NULL ? NULL : key->cells, *next; c != NULL; c = next) {
            struct task_op *op = &k->ops[c->rule];
            next = c->next;
            if (to[c->rule] == UINT32_MAX)
                keyed_touch(&k->keyed, key);
            if (to[c->rule] != UINT32_MAX) {
                c->rule = to[c->rule];
                c->waiting = op->match != NULL ? ~UINT64_C(0) : 0;
                key->waiting |= c->waiting;
            } else {
                taskjob_drop(op, c);
            }
        }
        if (key != NULL && key->cells == NULL && dropped && keytrack_drop(&k->keyed.track, key))
            keytable_remove(table, key); /* shifts others to this slot or past it */
        else
            i++;
    }
}

/* Windows and OVER wait for no condition by its number: if they stay in their slots, their cells are as they are to be. */
static bool cells_stay(const struct task_key *k, const unsigned *to)
{
    bool stay = true;
    for (unsigned s = 0; s < k->nops && stay; s++) {
        const struct task_op *op = &k->ops[s];
        stay = taskjob_cells(op) == 0 || (to[s] == s && op->match == NULL);
    }
    return stay;
}

static void bind_ops(struct task *t, struct task_key *k, struct job *j,
                     const struct jobdef_key *def)
{
    struct task_op *ops = mem_array(def->nrules, sizeof *ops);
    unsigned *to = mem_array(k->nops, sizeof *to);
    for (unsigned s = 0; s < k->nops; s++)
        to[s] = UINT32_MAX;
    for (unsigned n = 0; n < def->nrules; n++) {
        const struct jobdef_rule *r = &j->rules[def->rules[n]];
        for (unsigned s = 0; s < k->nops; s++)
            if (to[s] == UINT32_MAX && taskjob_same_rule(k->ops[s].rule, r)) {
                to[s] = n;
                ops[n] = k->ops[s];
                break;
            }
    }
    if (!cells_stay(k, to))
        move_cells(k, to);
    for (unsigned s = 0; s < k->nops; s++)
        if (to[s] == UINT32_MAX)
            op_free(&k->ops[s]);
    mem_free(k->ops);
    mem_free(to);
    k->ops = ops;
    k->nops = def->nrules;
    k->next_fire = k->next_step = EVTIME_MIN; /* asked anew with the next row */
    for (unsigned n = 0; n < def->nrules; n++) {
        const struct jobdef_rule *r = &j->rules[def->rules[n]];
        ops[n].rule = r;
        if (ops[n].ttl == NULL && r->pub.plan->state_ttl_ms > 0)
            ops[n].ttl = ttl_new(r->pub.plan->state_ttl_ms);
        if (r->match != NULL) {
            if (ops[n].match == NULL)
                ops[n].match = match_new(&k->keyed);
            match_bind(ops[n].match, r->match, &r->keyed);
        } else if (r->over != NULL) {
            if (ops[n].over == NULL)
                ops[n].over = over_new(&k->keyed);
            over_bind(ops[n].over, r->over, &r->keyed);
        } else {
            if (ops[n].window == NULL)
                ops[n].window = window_new(&k->keyed);
            window_bind(ops[n].window, r->window, &r->keyed);
        }
    }
    keyed_keep(&k->keyed, &def->keeps);
    (void)t;
}

/* --- rows that wait --- */

static int by_batch(const void *a, const void *b)
{
    const struct order_entry *const *x = a, *const *y = b;
    return ((*x)->b > (*y)->b) - ((*x)->b < (*y)->b);
}

static void renumber_bits(struct task_key *k, const struct jobdef_key *def,
                          struct predindex *conditions)
{
    size_t n = 0, waiting = order_waiting(&k->order);
    struct order_entry **all = mem_array(waiting, sizeof(struct order_entry *));
    struct order_cursor at = {0};
    for (struct order_entry *e; (e = order_next(&k->order, &at)) != NULL;) {
        free_bits(k, e);
        all[n++] = e;
    }
    if (k->words > 1)
        slab_fini(&k->bits);
    k->def = def;
    k->words = def->words;
    k->order.by = def->order;
    if (k->words > 1)
        slab_init(&k->bits, (k->words + 1) * sizeof(uint64_t));
    if (n > 1)
        qsort(all, n, sizeof(struct order_entry *), by_batch);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || all[i]->b != all[i - 1]->b)
            predindex_eval(conditions, all[i]->b);
        all[i]->bits = scatter_bits(k, conditions, order_row(all[i]));
    }
    mem_free(all);
}

static void key_free(struct task_key *k)
{
    unsigned *none = mem_array(k->nops, sizeof *none);
    for (unsigned s = 0; s < k->nops; s++)
        none[s] = UINT32_MAX;
    k->keyed.track.on = false;
    taskupgrade_stop(k);
    taskcopy_free(k->copy);
    taskcopy_free(k->copied);
    move_cells(k, none);
    for (unsigned s = 0; s < k->nops; s++)
        op_free(&k->ops[s]);
    mem_free(none);
    mem_free(k->ops);
    order_fini(&k->order);
    if (k->words > 1)
        slab_fini(&k->bits);
    keyed_fini(&k->keyed);
    tasksnap_op_fini(&k->snap);
    taskout_key_fini(k);
    mem_free(k);
}

/* --- the swap --- */

static void carry_counts(struct task *t, const struct job *j)
{
    struct task_counts *counts = mem_array(j->nrules, sizeof *counts);
    for (unsigned i = 0; i < j->nrules; i++) {
        counts[i].uid = j->rules[i].pub.uid;
        counts[i].version = j->rules[i].pub.version;
        for (unsigned o = 0; t->job != NULL && o < t->job->nrules; o++)
            if (t->counts[o].uid == counts[i].uid && t->counts[o].version == counts[i].version)
                counts[i].results = t->counts[o].results;
    }
    mem_free(t->counts);
    t->counts = counts;
}

void taskjob_swap(struct task *t, struct job *j)
{
    struct task_key **keys = mem_array(j->nkeys, sizeof(struct task_key *));
    BUG_IF(t->npending > 0, "a change of rules while %zu batches are being looked up", t->npending);
    gather_reset(&t->gather);
    for (unsigned i = 0; i < j->nstreams; i++)
        add_stream(t, j->streams[i]
                          .schema); /* derived ones of rules that are gone stay: they cost little */
    mark_streams(t, j);
    for (unsigned n = 0; n < j->nkeys; n++) {
        const struct jobdef_key *def = &j->keys[n];
        for (unsigned i = 0; i < t->nkeys && keys[n] == NULL; i++) {
            struct task_key *k = t->keys[i];
            if (k == NULL || k->stream != j->streams[def->stream].schema->id ||
                k->def->by_arrival != def->by_arrival || k->def->by_mark != def->by_mark ||
                !plan_key_same(&k->def->key, &def->key) ||
                !plan_order_same(k->def->order, def->order))
                continue;
            keys[n] = k;
            t->keys[i] = NULL;
        }
        if (keys[n] == NULL)
            keys[n] = key_new(t, j, def);
        taskupgrade_stop(keys[n]);
        keyed_set_key(&keys[n]->keyed, &def->key);
        bind_ops(t, keys[n], j, def);
        if (keys[n]->snap.id == NULL)
            tasksnap_key(t, keys[n]);
        taskout_bind(t, keys[n]);
        renumber_bits(keys[n], def, j->streams[def->stream].conditions);
        taskupgrade_bind(keys[n]);
    }
    for (unsigned i = 0; i < t->nkeys; i++)
        if (t->keys[i] != NULL)
            key_free(t->keys[i]);
    taskjoin_swap(t, j);
    carry_counts(t, j);
    mem_free(t->keys);
    t->keys = keys;
    t->nkeys = j->nkeys;
    job_unref(t->job);
    t->job = j;
    tasklane_bind(t);
}

void taskjob_fini(struct task *t)
{
    for (unsigned i = 0; i < t->nkeys; i++)
        key_free(t->keys[i]);
    mem_free(t->keys);
    t->keys = NULL;
    t->nkeys = 0;
    taskjoin_fini(t);
    job_unref(t->job);
    t->job = NULL;
}
