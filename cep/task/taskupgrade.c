/* SPDX-License-Identifier: Apache-2.0
 *
 * From one version of a rule to the next, at one event time for all keys and workers. Up to it rows are the old version's;
 * then the new one takes over its state: as it is, if it can be read by the new program, else key by key as a snapshot
 * would save and load it, through a map of what corresponds to what (statemap.h). What has no counterpart is dropped, and
 * counted. It comes between two rows of the key definition, so a row sees the one version or the other.
 *
 * A version that is to run beside another begins with a copy of that one's state in the same way; that one goes on. The
 * old version may be a lane's (tasklane.h): a rule with keys of its own, which come to be keys of this definition.
 *
 * Much state is not handed over in one stop: a key's state goes to the new version before that one is given a row of the
 * key, or has something to tell of it; all others follow piece by piece between batches (taskupgrade_go_on). Which key has
 * gone already makes no difference to results, so it may be another one in a replay, and after a snapshot, which has the
 * key's state under the version that has it. What is copied is still there, so which keys were is noted (taskcopy.h); after
 * a snapshot in the middle of it the rest goes at once. */
#include "base/bug.h"
#include "base/mem.h"
#include "cep/key/statemap.h"
#include "cep/task/taskdef.h"

struct taskupgrade { /* what is on its way from one version to the next */
    struct task_key *k, *of; /* of: whose keys they are now; a lane's, or k */
    const struct jobdef_handover *h;
    struct task_op *from, *to;
    struct keysave save;
    struct keyload load;
    struct bytes bytes;
    size_t at; /* the next slot of the table that is looked at */
    struct taskcopy *copy; /* which keys have been copied; NULL: the state moves, or goes at once */
};

void taskupgrade_bind(struct task_key *k)
{
    k->next_handover = EVTIME_MAX;
    for (unsigned i = 0; i < k->def->nhandovers; i++) {
        const struct jobdef_handover *h = &k->def->handovers[i];
        if (!h->lane && !k->ops[h->to].took && h->at < k->next_handover &&
            (k->giving == NULL || k->giving->h != h))
            k->next_handover = h->at;
    }
    taskcopy_bind(k);
}

static uint64_t partials_of(const struct task_op *op)
{
    return op->match == NULL ? 0 : match_partials(op->match);
}

/* An empty operator of its rule. */
static void make_anew(struct task_key *k, struct task_op *op)
{
    const struct jobdef_rule *r = op->rule;
    op->match = NULL;
    op->window = NULL;
    op->over = NULL;
    op->ttl = r->pub.plan->state_ttl_ms > 0 ? ttl_new(r->pub.plan->state_ttl_ms) : NULL;
    if (r->match != NULL)
        match_bind(op->match = match_new(&k->keyed), r->match, &r->keyed);
    else if (r->over != NULL)
        over_bind(op->over = over_new(&k->keyed), r->over, &r->keyed);
    else
        window_bind(op->window = window_new(&k->keyed), r->window, &r->keyed);
}

static struct keystate *cell_of(const struct key *key, unsigned slot)
{
    struct keystate *c = key->cells;
    while (c != NULL && c->rule != slot)
        c = c->next;
    return c;
}

/* --- as it is --- */

static void take_in_place(struct task_key *k, unsigned from, unsigned to)
{
    struct task_op *a = &k->ops[from], *b = &k->ops[to];
    const struct keytable *table = &k->keyed.table;
    match_free(b->match);
    window_free(b->window);
    over_free(b->over);
    ttl_free(b->ttl);
    b->match = a->match;
    b->window = a->window;
    b->over = a->over;
    b->ttl = a->ttl;
    make_anew(k, a);
    for (size_t i = 0; i < table->nslots; i++) {
        keytable_look_ahead(table, i);
        struct key *key = table->slots[i].key;
        struct keystate *c = key == NULL ? NULL : cell_of(key, from);
        if (c == NULL)
            continue;
        keyed_touch(&k->keyed, key);
        c->rule = to;
        /* Conditions have other numbers: asked anew with its next row. */
        c->waiting = b->match != NULL ? ~UINT64_C(0) : 0;
        key->waiting = ~UINT64_C(0);
        b->took_over.keys++;
    }
    const struct jobdef_rule *r = b->rule;
    if (b->match != NULL)
        match_bind(b->match, r->match, &r->keyed);
    else if (b->over != NULL)
        over_bind(b->over, r->over, &r->keyed);
    else
        window_bind(b->window, r->window, &r->keyed);
    int64_t ttl = r->pub.plan->state_ttl_ms;
    if (ttl == 0) {
        ttl_free(b->ttl);
        b->ttl = NULL;
    } else if (b->ttl != NULL) {
        ttl_change(b->ttl, ttl);
    } else {
        b->ttl = ttl_new(ttl);
    }
}

/* --- key by key --- */

static struct taskupgrade *moving_new(struct task_key *k, const struct jobdef_handover *h,
                                      bool bulk)
{
    struct taskupgrade *u = mem_new(sizeof *u);
    *u = (struct taskupgrade){.k = k, .of = taskslow_giver(k, h), .h = h, .to = &k->ops[h->to]};
    u->from = &u->of->ops[h->from];
    u->load = (struct keyload){.k = &k->keyed,
                               .now = h->at,
                               .map = h->map->match,
                               .windows = h->map->window,
                               .overs = h->map->over,
                               .bulk = bulk};
    return u;
}

static void moving_free(struct taskupgrade *u)
{
    if (u == NULL)
        return;
    keysave_fini(&u->save);
    keyload_fini(&u->load);
    bytes_fini(&u->bytes);
    mem_free(u);
}

static void save_cell(struct taskupgrade *u, const struct keystate *c)
{
    const struct task_op *op = u->from;
    if (op->match != NULL)
        matchsave_put(op->match, c, &u->save, &u->bytes);
    else if (op->over != NULL)
        oversave_put(op->over, c, &u->save, &u->bytes);
    else
        windowsave_put(op->window, c, &u->save, &u->bytes);
}

static enum err load_cell(struct taskupgrade *u, struct bytes_reader *in)
{
    struct task_op *op = u->to;
    if (op->match != NULL)
        return matchsave_load(op->match, &u->load, in);
    if (op->over != NULL)
        return oversave_load(op->over, &u->load, in);
    return windowsave_load(op->window, &u->load, in);
}

/* Rows of a lane are copied. */
static void take_rows(struct taskupgrade *u)
{
    struct keyload *l = &u->load;
    l->n = 0;
    if (u->of == u->k)
        l->rows = mem_grow(l->rows, 0, u->save.n, &l->cap, sizeof(struct kept *));
    for (size_t i = 0; i < u->save.n; i++)
        if (u->of == u->k)
            l->rows[l->n++] = keyed_ref(u->save.rows[i]);
        else
            keyload_copy(l, &u->of->keyed, u->save.rows[i]);
}

/* The key to which a key's state goes. */
static struct key *key_for(struct taskupgrade *u, struct key *key)
{
    if (u->of == u->k)
        return key;
    struct key *to = keytable_find(&u->k->keyed.table, key->hash, key->bytes, key->len);
    return to != NULL ? to : keyed_add(&u->k->keyed, key->hash, key->bytes, key->len);
}

/* The new version gets what it can keep of it. Answers the key that has it. */
static struct key *copy_cell(struct taskupgrade *u, struct key *key, const struct keystate *old)
{
    struct task_key *k = u->k;
    keyed_touch(&u->of->keyed, key);
    keysave_begin(&u->save, &u->of->keyed);
    bytes_reset(&u->bytes);
    save_cell(u, old);
    take_rows(u);
    struct keyload *l = &u->load;
    l->key = key_for(u, key);
    keyed_touch(&k->keyed, l->key);
    struct bytes_reader in = bytes_read(u->bytes.p, u->bytes.n);
    enum err e = load_cell(u, &in);
    BUG_IF(e != ERR_OK, "the state of a key cannot be taken over: %s", err_name(e));
    keyload_end(l);
    evtime last;
    if (u->from->ttl != NULL && u->to->ttl != NULL && ttl_last(u->from->ttl, key, &last))
        ttl_touch(u->to->ttl, l->key, last);
    l->key->waiting = ~UINT64_C(0);
    return l->key;
}

/* The key that has it now: it is there still, perhaps without state. */
static struct key *move_cell(struct taskupgrade *u, struct key *key, struct keystate *old)
{
    if (u->h->map->way == STATEMAP_RESET) {
        keyed_touch(&u->of->keyed, key);
        taskjob_drop(u->from, old);
        return key;
    }
    struct task_kept *kept = &u->to->took_over;
    uint64_t had = partials_of(u->from), has = partials_of(u->to);
    struct key *to = copy_cell(u, key, old);
    has = partials_of(u->to) - has;
    kept->keys += cell_of(to, u->h->to) != NULL;
    kept->partials += has;
    if (u->h->copies) { /* all that were there counted as lost when it began */
        kept->partials_lost -= has < kept->partials_lost ? has : kept->partials_lost;
        return to;
    }
    if (u->from->ttl != NULL)
        ttl_forget(u->from->ttl, key);
    taskjob_drop(u->from, old);
    had -= partials_of(u->from);
    kept->partials_lost += had > has ? had - has : 0;
    return to;
}

static void drop_if_idle(struct taskupgrade *u, struct key *from, struct key *to)
{
    keyed_drop_if_idle(&u->of->keyed, from);
    if (to != from)
        keyed_drop_if_idle(&u->k->keyed, to);
}

/* The state that is to go over, if the key has some. A key may come from another worker, which had got further: what was to
 * be copied of it was. (What was to be moved is not there.) */
static struct keystate *waiting_cell(const struct taskupgrade *u, const struct key *key)
{
    struct keystate *c = key == NULL ? NULL : cell_of(key, u->h->from);
    bool was = c != NULL && u->h->copies &&
               (u->copy != NULL ? taskcopy_has(u->copy, key->hash, key->bytes, key->len)
                                : taskcopy_was(u->k, u->h, key));
    return was ? NULL : c;
}

/* Keys that had their place at u->copy->at when the walk began. A table that has grown has them in several. */
static void copy_home(struct taskupgrade *u)
{
    const struct keytable *table = &u->of->keyed.table;
    struct taskcopy *copy = u->copy;
    size_t mask = table->nslots - 1;
    for (size_t home = copy->at; home < table->nslots; home += copy->homes) {
        keytable_look_ahead(table, home);
        for (size_t i = home; table->slots[i].key != NULL; i = (i + 1) & mask) {
            struct key *key = table->slots[i].key;
            struct keystate *c =
                taskcopy_home(copy, table->slots[i].hash) == copy->at ? waiting_cell(u, key) : NULL;
            if (c != NULL)
                (void)move_cell(u, key, c);
        }
    }
    copy->at++;
}

static bool is_left(const struct taskupgrade *u)
{
    return u->copy != NULL ? u->copy->at < u->copy->homes : taskjob_cells(u->from) > 0;
}

/* Of slot u->at; the next one is another. */
static void move_slot(struct taskupgrade *u)
{
    struct keytable *table = &u->of->keyed.table;
    u->at &= table->nslots - 1; /* it may have grown */
    keytable_look_ahead(table, u->at);
    struct key *key = table->slots[u->at].key;
    struct keystate *c = waiting_cell(u, key);
    size_t before = table->count;
    if (c != NULL) /* what it leaves shifts others to this slot or past it */
        drop_if_idle(u, key, move_cell(u, key, c));
    u->at += table->count == before;
}

static void move_all(struct task_key *k, const struct jobdef_handover *h)
{
    struct taskupgrade *u = moving_new(k, h, true);
    while (u->at < u->of->keyed.table.nslots)
        move_slot(u);
    if (u->to->match != NULL)
        matchsave_loaded(u->to->match);
    else if (u->to->over != NULL)
        oversave_loaded(u->to->over);
    else
        windowsave_loaded(u->to->window);
    moving_free(u);
}

/* --- both --- */

static void reset(struct task_key *k, unsigned slot)
{
    struct keytable *table = &k->keyed.table;
    for (size_t i = 0; i < table->nslots;) {
        keytable_look_ahead(table, i);
        struct key *key = table->slots[i].key;
        struct keystate *c = key == NULL ? NULL : cell_of(key, slot);
        size_t before = table->count;
        if (c != NULL) {
            keyed_touch(&k->keyed, key);
            taskjob_drop(&k->ops[slot], c);
            keyed_drop_if_idle(&k->keyed, key);
        }
        i += table->count == before;
    }
}

static void has_taken(struct task_key *k, struct task_op *to)
{
    to->took = true;
    if (to->window != NULL)
        to->took_over.windows = window_open(to->window);
    k->next_fire = k->next_step = EVTIME_MIN; /* asked anew with the next row */
}

/* What was due by then has come. Rows of that very time may follow. */
static void come_to(struct task_key *k, const struct jobdef_handover *h)
{
    struct task_key *of = taskslow_giver(k, h);
    struct task_op *to = &k->ops[h->to];
    taskout_recall(k);
    if (of != k) {
        taskout_recall(of);
        k->keyed.seq = of->keyed.seq > k->keyed.seq ? of->keyed.seq : k->keyed.seq;
    }
    taskstep_advance(of, &of->ops[h->from], h->at, true);
    if (h->drops != JOBDEF_NONE)
        taskstep_advance(k, &k->ops[h->drops], h->at, true);
    if (to->window != NULL)
        taskstep_advance(k, to, h->at, true); /* it has fired what the old one has */
}

static void hand_over(struct task_key *k, const struct jobdef_handover *h)
{
    struct task_key *of = taskslow_giver(k, h);
    struct task_op *from = &of->ops[h->from], *to = &k->ops[h->to];
    bool begun = to->begun; /* before a change of rules, or a crash: it has some keys already */
    come_to(k, h);
    if (h->drops != JOBDEF_NONE)
        reset(k, h->drops);
    to->begun = true;
    bool goes_on = h->copies && taskcopy_of(k, to->rule, false) != NULL;
    if (h->copies && !goes_on)
        to->took_over.partials_lost = partials_of(from);
    if (h->map->way == STATEMAP_RESET && !h->copies && !begun)
        to->took_over.partials_lost += partials_of(from);
    if (goes_on || taskslow_may(k, h)) {
        k->giving = moving_new(k, h, false);
        k->giving->copy = h->copies ? taskcopy_of(k, to->rule, true) : NULL;
        return;
    }
    if (h->map->way == STATEMAP_IN_PLACE && !begun && !h->copies && of == k) {
        take_in_place(k, h->from, h->to);
        to->took_over.partials = partials_of(to);
    } else if (h->map->way != STATEMAP_RESET) {
        move_all(k, h);
    } else if (!h->copies) {
        reset(of, h->from);
    }
    has_taken(k, to);
}

static void hand_over_next(struct task_key *k, const struct jobdef_handover *h)
{
    while (k->giving != NULL) /* to the version that now gives way itself */
        (void)taskupgrade_slice(k, SIZE_MAX);
    hand_over(k, h);
}

/* Does who gives wait for that state itself, at the same time, of a lane? */
static bool has_to_wait(const struct task_key *k, const struct jobdef_handover *h)
{
    for (unsigned i = 0; i < k->def->nhandovers; i++) {
        const struct jobdef_handover *of = &k->def->handovers[i];
        if (of->to == h->from && of->at <= h->at && !k->ops[of->to].took &&
            !(k->giving != NULL && k->giving->h == of))
            return true;
    }
    return false;
}

void taskupgrade_hand_over(struct task_key *k, evtime to)
{
    for (unsigned i = 0; i < k->def->nhandovers; i++) {
        const struct jobdef_handover *h = &k->def->handovers[i];
        if (h->lane || h->at > to || k->ops[h->to].took ||
            (k->giving != NULL && k->giving->h == h) || has_to_wait(k, h))
            continue;
        hand_over_next(k, h);
    }
    taskupgrade_bind(k);
}

bool taskupgrade_from_lane(struct task_key *k)
{
    bool any = false;
    for (unsigned i = 0; i < k->def->nhandovers; i++) {
        const struct jobdef_handover *h = &k->def->handovers[i];
        if (!taskupgrade_waits(k, h) || k->snap.now < h->at ||
            taskslow_giver(k, h)->snap.now < h->at)
            continue;
        hand_over_next(k, h);
        any = true;
    }
    return any;
}

bool taskupgrade_waits(const struct task_key *k, const struct jobdef_handover *h)
{
    return h->lane && !k->ops[h->to].took && (k->giving == NULL || k->giving->h != h);
}

/* --- piece by piece --- */

bool taskupgrade_slice(struct task_key *k, size_t n)
{
    struct taskupgrade *u = k->giving;
    if (u == NULL)
        return false;
    for (; n > 0 && is_left(u); n--)
        if (u->copy != NULL)
            copy_home(u);
        else
            move_slot(u);
    if (is_left(u))
        return true;
    has_taken(k, u->to);
    taskupgrade_stop(k);
    taskcopy_bind(k);
    tasklane_bind(k->snap.t);
    return false;
}

void taskupgrade_stop(struct task_key *k)
{
    moving_free(k->giving);
    k->giving = NULL;
}

struct key *taskupgrade_key(struct task_key *k, uint64_t hash, struct key *key)
{
    struct taskupgrade *u = k->giving;
    struct key *from = key;
    if (u->of != k)
        from = keytable_find(&u->of->keyed.table, hash, k->keyed.key_bytes.p, k->keyed.key_bytes.n);
    struct keystate *c = from == NULL ? NULL : cell_of(from, u->h->from);
    const struct bytes *name = &k->keyed.key_bytes;
    bool was = u->copy != NULL && !taskcopy_add(u->copy, hash, name->p, name->n);
    if (c == NULL || was)
        return key;
    key = move_cell(u, from, c);
    if (from != key)
        keyed_drop_if_idle(&u->of->keyed, from);
    return key;
}

bool taskupgrade_gives(const struct task_key *k, const struct task_op *op)
{
    return k->giving != NULL && k->giving->from == op && k->giving->copy == NULL;
}

evtime taskupgrade_forgets(const struct task_key *k, const struct task_op *op, evtime to)
{
    return k->giving != NULL && k->giving->from == op ? k->giving->h->at : to;
}

static struct keystate *due_of(const struct task_op *op, evtime to, bool *all)
{
    *all = to == EVTIME_MAX;
    if (*all || op->over != NULL) /* of OVER nothing is due but to be forgotten */
        return NULL;
    if (op->match != NULL)
        return match_due(op->match, to);
    return window_due(op->window, to, all);
}

/* Of 'state-ttl': keys whose time is over in the new version. Without the old one's last rows nobody knows. */
static void move_expired(struct taskupgrade *u, evtime to)
{
    evtime at;
    if (u->from->ttl == NULL || u->to->ttl == NULL || to == EVTIME_MAX)
        return;
    int64_t more = ttl_ms(u->to->ttl) - ttl_ms(u->from->ttl);
    for (const struct key *of; (of = ttl_take(u->from->ttl, to - more, &at)) != NULL;) {
        struct keytable *table = &u->k->keyed.table;
        struct key *key = keytable_find(table, of->hash, of->bytes, of->len);
        struct keystate *c = key == NULL ? NULL : cell_of(key, u->h->from);
        if (c == NULL)
            continue;
        drop_if_idle(u, key, move_cell(u, key, c));
    }
}

evtime taskupgrade_next(const struct task_key *k)
{
    const struct taskupgrade *u = k->giving;
    if (u == NULL || u->from->ttl == NULL || u->to->ttl == NULL ||
        ttl_next(u->from->ttl) == EVTIME_MAX)
        return EVTIME_MAX;
    return ttl_next(u->from->ttl) + ttl_ms(u->to->ttl) - ttl_ms(u->from->ttl);
}

static void copy_one(void *upgrade, struct keystate *c)
{
    struct taskupgrade *u = upgrade;
    struct key *key = c->key;
    if (taskcopy_add(u->copy, key->hash, key->bytes, key->len))
        (void)move_cell(u, key, c);
}

static void copy_due(struct taskupgrade *u, evtime to)
{
    bool all = false;
    (void)due_of(u->from, to, &all);
    if (u->from->match != NULL && !all)
        match_each_due(u->from->match, to, copy_one, u);
    if (u->from->window != NULL && !all)
        window_each_due(u->from->window, to, copy_one, u);
    while (taskupgrade_slice(u->k, all ? SIZE_MAX : 0) && all)
        ;
}

void taskupgrade_due(struct task_key *k, evtime to)
{
    struct taskupgrade *u = k->giving;
    bool all = false;
    if (u->copy != NULL) {
        copy_due(u, to);
        return;
    }
    if (u->h->map->way == STATEMAP_RESET) { /* nothing of it is told any more */
        while (to == EVTIME_MAX && taskupgrade_slice(k, SIZE_MAX))
            ;
        return;
    }
    move_expired(u, to);
    for (struct keystate *c; (c = due_of(u->from, to, &all)) != NULL;) {
        struct key *key = c->key;
        drop_if_idle(u, key, move_cell(u, key, c));
    }
    while (taskupgrade_slice(k, all ? SIZE_MAX : 0) && all) /* none, unless that was all */
        ;
}

bool taskupgrade_go_on(struct task *t, size_t n)
{
    bool more = false;
    for (unsigned i = 0; i < t->nkeys; i++)
        more = (t->keys[i]->giving != NULL && taskupgrade_slice(t->keys[i], n)) || more;
    return more;
}

void taskupgrade_slowly(struct task *t, size_t keys)
{
    t->at_once_keys = keys;
}
