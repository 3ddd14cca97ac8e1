/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows that leave the ordering heap are given to the operators one by one. What each will touch is a chain of pointers:
 * slot of the table, key, the rule's state for it, what that state points to. Each link is prefetched some rows after the
 * one before it, so that state larger than the caches costs little.
 *
 * Most rows end at two tests: none of their conditions begins anything, and no state of their key waits for one. */
#include "base/mem.h"
#include "cep/task/taskdef.h"

enum {
    AHEAD_SLOT = 18,
    AHEAD_KEY = 13,
    AHEAD_STATE = 9,
    AHEAD_FIRST = 6,
    AHEAD_SECOND = 4,
    AHEAD_THIRD = 2
};

static void release(struct task_key *k, const struct order_entry *e, struct keyed_row *r)
{
    if (r->kept != NULL)
        keyed_unref(&k->keyed, r->kept);
    if (k->words > 1)
        slab_free(&k->bits, (void *)(uintptr_t)e->bits);
    if (e->b->refs > 1)
        e->b->refs--;
    else
        batch_unref(e->b);
}

static bool sees(const struct task_op *op, const struct keyed_row *r)
{
    const struct cut *c = &op->rule->cut;
    if (c->n > 0 && (!cut_sees(c, r->b, r->i) || cut_mode_at(c, r->ts) == RULE_PAUSED))
        return false;
    if ((c->n == 0 && c->mode == RULE_PAUSED) || !jobdef_has_columns(op->rule, r->b))
        return false;
    if (r->late)
        return op->window != NULL &&
               !windowprog_is_closed(op->rule->window, r->ts, r->b->late_w[r->i]);
    return true;
}

static void note_step(struct task_key *k, const struct match *m)
{
    if (match_has_steps(m) && match_next(m) < k->next_step)
        k->next_step = match_next(m);
}

void taskstep_advance(struct task_key *k, struct task_op *op, evtime to, bool rows_at)
{
    const struct window_time t = {to, k->mark < to ? k->mark : to, rows_at};
    if (op->window != NULL)
        window_advance(op->window, &t);
    else if (op->match != NULL)
        match_advance(op->match, to);
    else
        over_advance(op->over, to);
}

/* What was due before a key's time was over has come; then its state is dropped. */
static void expire(struct task_key *k, struct task_op *op, evtime to)
{
    evtime at;
    for (const struct key *of; (of = ttl_take(op->ttl, to, &at)) != NULL;) {
        taskstep_advance(k, op, at, false);
        struct key *key = keytable_find(&k->keyed.table, of->hash, of->bytes, of->len);
        struct keystate *c = key == NULL ? NULL : key->cells;
        while (c != NULL && &k->ops[c->rule] != op)
            c = c->next;
        if (c == NULL)
            continue;
        keyed_touch(&k->keyed, key);
        if (op->window != NULL)
            window_expire(op->window, c);
        else
            taskjob_drop(op, c);
        keyed_drop_if_idle(&k->keyed, key);
        k->keyed.expired++;
    }
    k->next_fire = ttl_next(op->ttl) < k->next_fire ? ttl_next(op->ttl) : k->next_fire;
}

/* A row has touched a state, if there is one. */
static void touch(struct task_key *k, struct task_op *op, const struct key *key, evtime ts)
{
    const struct keystate *c = key->cells;
    while (c != NULL && &k->ops[c->rule] != op)
        c = c->next;
    if (c == NULL)
        return;
    ttl_touch(op->ttl, key, ts);
    k->next_fire = ttl_next(op->ttl) < k->next_fire ? ttl_next(op->ttl) : k->next_fire;
}

static void give(struct task_key *k, struct task_op *op, struct keystate *state, struct key *key,
                 struct keyed_row *r)
{
    op->mark = r->seq;
    if (!sees(op, r))
        return;
    op->rows++;
    if (op->match != NULL) {
        match_row(op->match, state, key, r);
        note_step(k, op->match);
    } else if (op->over != NULL) {
        if (keyed_bit(r, op->rule->see_bit))
            over_row(op->over, state, key, r);
    } else if (keyed_bit(r, op->rule->see_bit)) {
        window_row(op->window, state, key, r);
        evtime next = window_next(op->window);
        k->next_fire = next < k->next_fire ? next : k->next_fire;
    }
    if (op->ttl != NULL)
        touch(k, op, key, r->late ? r->b->late_w[r->i] : r->ts);
}

static void fire_windows(struct task_key *k, evtime to, bool rows_at)
{
    const struct window_time t = {to, k->mark < to ? k->mark : to, rows_at};
    k->next_fire = EVTIME_MAX;
    if (k->giving != NULL)
        taskupgrade_due(k, to);
    for (unsigned i = 0; i < k->nops; i++) {
        struct window *w = k->ops[i].window;
        if (k->ops[i].ttl != NULL && !taskupgrade_gives(k, &k->ops[i]))
            expire(k, &k->ops[i], to);
        if (w == NULL)
            continue;
        if (!taskupgrade_gives(k, &k->ops[i]))
            window_advance(w, &t);
        k->next_fire = window_next(w) < k->next_fire ? window_next(w) : k->next_fire;
    }
    if (taskupgrade_next(k) < k->next_fire)
        k->next_fire = taskupgrade_next(k);
}

/* Patterns with steps: what is over before a row at `to`. */
static void end_steps(struct task_key *k, evtime to)
{
    k->next_step = EVTIME_MAX;
    if (k->giving != NULL)
        taskupgrade_due(k, to);
    for (unsigned i = 0; i < k->nops; i++) {
        struct match *m = k->ops[i].match;
        if (m == NULL || !match_has_steps(m))
            continue;
        if (!taskupgrade_gives(k, &k->ops[i]))
            match_advance(m, to);
        note_step(k, m);
    }
}

static bool begins(const struct jobdef_key *def, const uint64_t *bits)
{
    for (unsigned w = 0; w < def->words; w++)
        if (bits[w] & def->starts[w])
            return true;
    return false;
}

static void give_all(struct task_key *k, struct key *key, struct keyed_row *r, bool starts)
{
    const struct jobdef_key *def = k->def;
    keyed_touch(&k->keyed, key);
    for (struct keystate *c = key->cells, *next; c != NULL; c = next) {
        struct task_op *op = &k->ops[c->rule];
        next = c->next;
        if (r->fold & (c->waiting | op->rule->start_fold))
            give(k, op, c, key, r);
        else
            op->mark = r->seq;
    }
    for (unsigned w = 0; starts && w < def->words; w++)
        for (uint64_t left = r->bits[w] & def->starts[w]; left != 0; left &= left - 1) {
            const struct jobdef_starters *s =
                &def->starters[w * 64 + (unsigned)__builtin_ctzll(left)];
            for (unsigned i = 0; i < s->n; i++)
                if (k->ops[s->slots[i]].mark != r->seq)
                    give(k, &k->ops[s->slots[i]], NULL, key, r);
        }
    uint64_t waiting = 0;
    for (const struct keystate *c = key->cells; c != NULL; c = c->next)
        waiting |= c->waiting;
    key->waiting = waiting;
    keyed_drop_if_idle(&k->keyed, key);
}

/* The key may be out of memory; its time may be over. NULL: it is not there, or waits for nothing of this row. */
static struct key *come_back(struct task_key *k, const struct order_entry *e,
                             const struct keyed_row *r, struct key *key, bool starts)
{
    evtime now = k->keyed.by_arrival ? k->snap.now : e->ts + (r->late && !k->def->by_mark);
    k->out.time = now > k->out.time ? now : k->out.time;
    if (key == NULL && (key = taskout_find(k, e->tag, now)) != NULL && !k->keyed.by_arrival) {
        evtime late_w = k->keyed.late_w;
        k->keyed.late_w = EVTIME_MIN;
        fire_windows(k, now, !r->late);
        end_steps(k, r->ts);
        k->keyed.late_w = late_w;
        key = keytable_find(&k->keyed.table, e->tag, k->keyed.key_bytes.p, k->keyed.key_bytes.n);
    }
    if (key == NULL || (!starts && (key->waiting & r->fold) == 0))
        return NULL;
    key->track |= KEYTRACK_USED;
    return key;
}

static void row(struct task_key *k, const struct order_entry *e)
{
    unsigned i = order_row(e);
    bool late = e->b->has_late && batch_is_late(e->b, i);
    struct keyed_row r = {.b = e->b,
                          .i = i,
                          .ts = late || k->keyed.by_arrival ? e->b->ts[i] : e->ts,
                          .late = late,
                          .bits = taskdef_bits(k, e),
                          .fold = taskdef_fold(k, e),
                          .seq = ++k->keyed.seq};
    evtime now = e->ts + (late && !k->def->by_mark);
    if (k->out.by_row && now >= k->out.next_due)
        taskout_due(k, now);
    if (now >= k->next_handover && !k->keyed.by_arrival)
        taskupgrade_hand_over(k, now);
    if (now >= k->next_fire && !k->keyed.by_arrival)
        fire_windows(k, now, !late);
    if (r.ts >= k->next_step && !k->keyed.by_arrival)
        end_steps(k, r.ts);
    k->keyed.late_w = late ? e->b->late_w[i] : EVTIME_MIN;
    bool starts = begins(k->def, r.bits);
    if (starts || k->giving != NULL || !keytable_quiet(&k->keyed.table, e->tag, r.fold) ||
        (k->out.on && keyfilter_has(&k->out.filter, e->tag & ~KEYTABLE_LOW_BITS))) {
        struct key *key = keyed_find(&k->keyed, r.b, r.i, e->tag);
        if (k->out.on || k->giving != NULL || (key == NULL && starts))
            keyed_key_of(&k->keyed, r.b, r.i);
        if (k->out.on)
            key = come_back(k, e, &r, key, starts);
        if (k->giving != NULL)
            key = taskupgrade_key(k, e->tag, key);
        if (key == NULL && starts)
            key = keyed_add(&k->keyed, e->tag, k->keyed.key_bytes.p, k->keyed.key_bytes.n);
        if (key != NULL)
            give_all(k, key, &r, starts);
        if (arena_bytes(k->keyed.scratch) > 0)
            arena_reset(k->keyed.scratch);
    }
    k->keyed.late_w = EVTIME_MIN;
    release(k, e, &r);
    if (k->out.on)
        taskout_row(k->snap.t);
}

static void prefetch_text(const struct task_key *k, const struct order_entry *e, bool text)
{
    const struct plan_key *key = &k->keyed.key;
    if (plan_key_ncolumns(key) == 0)
        return;
    const struct batch_column *c = &e->b->columns[key->columns[0]];
    if (e->b->schema->columns[key->columns[0]].type.kind != TYPE_STRING)
        return;
    if (text)
        __builtin_prefetch(c->s[order_row(e)].p);
    else
        __builtin_prefetch(&c->s[order_row(e)]);
}

void taskstep_prefetch(const struct task_key *k, const struct keystate *c, unsigned link)
{
    const struct task_op *op = &k->ops[c->rule];
    if (op->match != NULL)
        match_prefetch(c, link);
    else if (op->over != NULL)
        over_prefetch(op->over, c, link);
    else if (link == 1)
        window_prefetch(op->window, c);
}

/* The key's first state, and a link behind it the second. */
static void prefetch_state(const struct task_key *k, const struct order_entry *e, unsigned link)
{
    const struct key *key = keytable_guess(&k->keyed.table, e->tag);
    const struct keystate *c = key == NULL ? NULL : key->cells;
    if (c == NULL)
        return;
    if (link == 0) { /* the cell itself is not here yet */
        __builtin_prefetch(c);
        return;
    }
    taskstep_prefetch(k, c, link);
    c = c->next;
    if (c == NULL || k->nops == 1)
        return;
    if (link == 1)
        __builtin_prefetch(c);
    else
        taskstep_prefetch(k, c, link - 1);
}

/* e[0] is being handled, and n follow it, itself included. */
static inline void look_ahead(const struct task_key *k, const struct order_entry *e, size_t n)
{
    if (n > AHEAD_SLOT) {
        keytable_prefetch(&k->keyed.table, e[AHEAD_SLOT].tag);
        prefetch_text(k, &e[AHEAD_SLOT], false);
    }
    if (n > AHEAD_KEY) {
        const struct key *key = keytable_guess(&k->keyed.table, e[AHEAD_KEY].tag);
        if (key != NULL)
            __builtin_prefetch(key);
        prefetch_text(k, &e[AHEAD_KEY], true);
    }
    if (n > AHEAD_STATE)
        prefetch_state(k, &e[AHEAD_STATE], 0);
    if (n > AHEAD_FIRST)
        prefetch_state(k, &e[AHEAD_FIRST], 1);
    if (n > AHEAD_SECOND)
        prefetch_state(k, &e[AHEAD_SECOND], 2);
    if (n > AHEAD_THIRD)
        prefetch_state(k, &e[AHEAD_THIRD], 3);
}

/* Is a session due at this very watermark while rows that touch it wait? Where a lane gives its state away they may be
 * in another order. */
static bool session_waits(const struct task_key *k, evtime w)
{
    bool due = false;
    if (w == k->hold)
        return k->def->has_sessions;
    for (unsigned i = 0; k->def->has_sessions && i < k->nops && !due; i++)
        due = k->ops[i].window != NULL && window_next(k->ops[i].window) <= w;
    return due && order_has(&k->order, w);
}

/* Windows whose triggers ask for no more than that time goes on. */
static void fire_at_mark(struct task_key *k, bool risen)
{
    for (unsigned i = 0; i < k->nops; i++) {
        if (k->ops[i].window == NULL || taskupgrade_gives(k, &k->ops[i]))
            continue;
        if (risen)
            window_punctuated(k->ops[i].window);
        window_clock(k->ops[i].window, k->keyed.clock);
    }
}

static void pass_time(struct task_key *k, evtime w, bool risen)
{
    fire_windows(k, w, session_waits(k, w));
    fire_at_mark(k, risen);
    if (k->giving != NULL)
        taskupgrade_due(k, w);
    for (unsigned i = 0; i < k->nops; i++) {
        if (k->ops[i].match != NULL && !taskupgrade_gives(k, &k->ops[i]))
            match_advance(k->ops[i].match, w);
        if (k->ops[i].over != NULL && !taskupgrade_gives(k, &k->ops[i]))
            over_advance(k->ops[i].over, taskupgrade_forgets(k, &k->ops[i], w));
    }
}

void taskstep_key(struct task_key *k, evtime w, evtime mark, evtime step)
{
    struct order_entry *e;
    bool risen = mark > k->mark;
    k->keyed.step = step;
    k->keyed.of_row = true;
    k->mark = mark;
    k->snap.now = w;
    for (size_t n; (n = order_take(&k->order, k->keyed.by_arrival ? EVTIME_MAX : w, &e)) > 0;)
        for (size_t i = 0; i < n; i++) {
            look_ahead(k, e + i, n - i);
            if (taskdef_watch(k->watch, e[i].b, order_row(&e[i]), order_row(&e[i])))
                release(k, &e[i], &(struct keyed_row){0});
            else
                row(k, &e[i]);
        }
    (void)taskdef_watch(k->watch, NULL, 0, 0);
    k->keyed.of_row = false;
    if (w >= k->next_handover)
        taskupgrade_hand_over(k, w);
    for (bool more = true; more;) {
        more = k->out.on && taskout_due(k, w);
        pass_time(k, w, risen);
        if (k->out.on)
            taskout_trim(k->snap.t);
    }
}
