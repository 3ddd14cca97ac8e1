/* SPDX-License-Identifier: Apache-2.0
 *
 * Joins from one version to the next, at one event time (jobrejoin.c). The old version's operator, with all its rows, becomes
 * the new version's in one step, however many they are: both lie in the same order, and what is over when follows from each
 * row (joinchange.c). Pairs that were told had their later row before that time, so none is told twice; a left row that
 * waits for its partner goes on to wait.
 *
 * Rows are copied key by key, with the stream standing still, only where the old version goes on beside the new one, or where
 * a task was restored from several of which some had come to that time. */
#include "base/bug.h"
#include "cep/task/taskdef.h"

static bool is_pending(const struct task *t, const struct jobdef_rejoin *r)
{
    return t->joins[r->to]->snap.now < r->at;
}

/* Does the old version wait itself for what it is given? */
static bool has_to_wait(const struct task *t, const struct jobdef_rejoin *of)
{
    for (unsigned i = 0; i < t->job->nrejoins; i++) {
        const struct jobdef_rejoin *r = &t->job->rejoins[i];
        if (r->to == of->from && r->at <= of->at && is_pending(t, r))
            return true;
    }
    return false;
}

/* Has time come to it on both sides? Even of the same streams: while a lane is loaded (tasklane.h) it stands. */
static bool is_there(struct task *t, const struct jobdef_rejoin *r)
{
    return taskjoin_watermark(t, t->joins[r->to]) >= r->at &&
           taskjoin_watermark(t, t->joins[r->from]) >= r->at;
}

const struct jobdef_rejoin *taskrejoin_next(struct task *t, unsigned stage)
{
    const struct jobdef_rejoin *next = NULL;
    for (unsigned i = 0; t->job != NULL && i < t->job->nrejoins; i++) {
        const struct jobdef_rejoin *r = &t->job->rejoins[i];
        const struct task_join *to = t->joins[r->to];
        if (taskjoin_stage(to) == stage && is_pending(t, r) && is_there(t, r) &&
            !has_to_wait(t, r) && (next == NULL || r->at < next->at))
            next = r;
    }
    return next;
}

evtime taskrejoin_end(const struct task *t, unsigned join)
{
    evtime end = EVTIME_MAX;
    for (unsigned i = 0; i < t->job->nrejoins; i++) {
        const struct jobdef_rejoin *r = &t->job->rejoins[i];
        if (r->from == join && !r->copies && r->at < end)
            end = r->at;
    }
    return end;
}

/* For a lane, or for a version that does. */
static bool is_held(const struct task *t, const struct jobdef_rejoin *r)
{
    return is_pending(t, r) && (r->lane || has_to_wait(t, r));
}

evtime taskrejoin_hold(const struct task *t, unsigned join)
{
    for (unsigned i = 0; i < t->job->nrejoins; i++) {
        const struct jobdef_rejoin *r = &t->job->rejoins[i];
        if (r->to == join && is_held(t, r))
            return r->at - 1; /* it has none of the rows before that time */
    }
    return EVTIME_MAX;
}

/* A lane and whom it gives its state to wait for one another's streams. */
evtime taskrejoin_due(const struct task *t, unsigned join, evtime due)
{
    evtime now = t->joins[join]->snap.now;
    for (unsigned i = 0; i < t->job->nrejoins; i++) {
        const struct jobdef_rejoin *r = &t->job->rejoins[i];
        if ((r->to != join && r->from != join) || !is_held(t, r))
            continue;
        if (r->to == join)
            return now < r->at - 1 ? r->at : EVTIME_MAX;
        if (r->from == join && now < r->at && r->at < due)
            due = r->at;
    }
    return due;
}

/* A key may come from another worker, which had got further: what was to be copied of it was. (What was to be moved is not
 * there.) */
static bool has_gone(const struct task *t, const struct task_join *to, evtime at,
                     const struct key *key)
{
    unsigned group = (unsigned)(keytable_hash(key->bytes, key->len) & (t->o.key_groups - 1));
    return taskload_now(&to->snap, group) >= at;
}

static void copy_keys(struct task *t, struct task_join *from, struct task_join *to, evtime at,
                      bool copies)
{
    const struct keytable *keys = &join_side(from->op, JOIN_LEFT)->table;
    join_advance(to->op, at); /* what it has is of before, too */
    for (size_t i = 0; i < keys->nslots;) {
        keytable_look_ahead(keys, i);
        struct key *key = keys->slots[i].key;
        size_t before = keys->count;
        if (key != NULL && key->cells != NULL && !(copies && has_gone(t, to, at, key))) {
            enum err e = tasksnap_copy_join(t, from, to, at, key);
            BUG_IF(e != ERR_OK, "the rows of a key cannot be taken over: %s", err_name(e));
            if (!copies)
                join_forget(from->op, key); /* shifts others to this slot or past it */
        }
        i += keys->count == before;
    }
    joinsave_loaded(to->op);
}

void taskrejoin_take(struct task *t, const struct jobdef_rejoin *r)
{
    struct task_join *from = t->joins[r->from], *to = t->joins[r->to];
    struct join_stats had = join_stats(from->op);
    const struct rule_plan *plan = from->rule->pub.plan;
    if (r->why != NULL) {
        to->took_over.partials_lost += had.kept;
        return;
    }
    if (r->copies || r->lane || join_stats(to->op).keys > 0) {
        copy_keys(t, from, to, r->at, r->copies);
    } else {
        join_free(to->op);
        to->op = from->op;
        from->op = join_new(plan, &t->emit, keyed_limit(plan->limits.rows, t->o.max_rows_per_key));
        tasksnap_rejoin(t, from, to);
        join_bind(from->op, from->rule->join, &from->rule->keyed);
        plan = to->rule->pub.plan;
        joinchange(to->op, to->rule->join, &to->rule->keyed,
                   keyed_limit(plan->limits.rows, t->o.max_rows_per_key));
    }
    struct join_stats has = join_stats(to->op);
    to->took_over = (struct task_kept){.keys = has.keys, .partials = has.kept};
}
