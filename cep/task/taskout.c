/* SPDX-License-Identifier: Apache-2.0
 *
 * State larger than memory. A key that has not been used for a while leaves: its bytes go to the keystore if they have
 * changed, with a note of when something of it is due. It comes back with a row of its own, or when that time comes.
 *
 * Which one leaves: a hand goes round the key table (second chance). While a snapshot is being written, only keys that
 * have not changed since before it may leave: what is written then would be in it. */
#include "cep/task/taskout.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/task/taskdef.h"

enum {
    LOOK_ROWS = 256, /* rows between two looks at memory */
    LEAVE_AT_ONCE = 64, /* keys between two of them while some leave */
    NOTES = 1024, /* that are taken at once */
    REST_SLOTS = 64
};

static void fail(struct task *t, enum err e)
{
    if (t->out.error == ERR_OK)
        t->out.error = e;
}

static struct task *task_of(const struct task_key *k)
{
    return k->snap.t;
}

static unsigned group_of(const struct task *t, uint64_t hash)
{
    return (unsigned)(hash & (t->o.key_groups - 1));
}

/* Opened when it is first needed: a store may be filled from a checkpoint before that. */
static void *op_of(struct task_key *k)
{
    struct taskout *o = &task_of(k)->out;
    if (k->out.op == NULL) {
        enum err e = o->store.open(o->store.ctx, k->snap.id, &k->out.op);
        if (e != ERR_OK)
            fail(task_of(k), e);
    }
    return k->out.op;
}

/* --- life --- */

static bool has_steps(const struct task_key *k)
{
    for (unsigned i = 0; i < k->nops; i++)
        if (k->ops[i].window != NULL ||
            (k->ops[i].match != NULL && match_has_steps(k->ops[i].match)))
            return true;
    return false;
}

void taskout_bind(struct task *t, struct task_key *k)
{
    if (!t->out.on)
        return;
    k->out.by_row = has_steps(k) && !k->keyed.by_arrival;
    if (k->out.on)
        return;
    k->out.on = true;
    k->keyed.track.keeps_gone = true;
    k->out.next_due = EVTIME_MAX;
    k->out.time = EVTIME_MIN;
}

void taskout_attach(struct task *t, const struct keystore *s, size_t bytes)
{
    if (!t->snap.tracking)
        tasksnap_track(t);
    t->out = (struct taskout){
        .on = true, .store = *s, .budget = bytes, .began = EVTIME_MIN, .kept = EVTIME_MIN};
    for (unsigned i = 0; i < t->nkeys; i++)
        taskout_bind(t, t->keys[i]);
}

void taskout_key_fini(struct task_key *k)
{
    keyfilter_fini(&k->out.filter);
}

void taskout_fini(struct task *t)
{
    bytes_fini(&t->out.value);
    bytes_fini(&t->out.found);
}

enum err taskout_error(const struct task *t)
{
    return t->out.error;
}

static evtime time_of(const struct task *t)
{
    evtime least = EVTIME_MAX;
    for (unsigned i = 0; i < t->nkeys; i++)
        least = t->keys[i]->snap.now < least ? t->keys[i]->snap.now : least;
    return least;
}

void taskout_hold(struct task *t)
{
    t->out.held = true;
    t->out.began = time_of(t);
}

void taskout_kept(struct task *t)
{
    t->out.held = false;
    t->out.kept = t->out.began;
    t->out.rest = 0;
    taskout_trim(t);
}

evtime taskout_time(const struct task *t)
{
    return t->out.kept;
}

/* --- coming back --- */

static struct key *find_key(const struct task_key *k, uint64_t hash, const void *p, size_t n)
{
    return keytable_find(&k->keyed.table, hash, p, n);
}

/* Its state, from the store. Its time may be over: then it is as if it were not there. */
static struct key *come_back(struct task_key *k, uint64_t hash, const void *p, size_t n, evtime now)
{
    struct task *t = task_of(k);
    struct taskout *o = &t->out;
    if (op_of(k) == NULL)
        return NULL;
    o->asked++;
    enum err e = o->store.get(o->store.ctx, k->out.op, group_of(t, hash), p, n, &o->value);
    if (e == ERR_NOT_FOUND)
        return NULL;
    if (e == ERR_OK && tasksnap_is_over(o->value.p, o->value.n, now))
        return NULL;
    if (e == ERR_OK)
        e = taskload_key(t, k, hash, p, n, o->value.p, o->value.n);
    if (e != ERR_OK) {
        fail(t, e);
        return NULL;
    }
    o->loaded++;
    k->next_fire = k->next_step = EVTIME_MIN; /* asked anew */
    return find_key(k, hash, p, n);
}

struct key *taskout_find(struct task_key *k, uint64_t hash, evtime now)
{
    const struct bytes *key = &k->keyed.key_bytes;
    if (!keyfilter_has(&k->out.filter, hash & ~KEYTABLE_LOW_BITS))
        return NULL;
    return come_back(k, keytable_hash(key->p, key->n), key->p, key->n, now);
}

static void note_key(void *ctx, unsigned group, const void *key, size_t n)
{
    struct task *t = ctx;
    (void)group;
    bytes_str(&t->out.found, key, n);
}

/* Those in `found`. */
static void bring(struct task_key *k, evtime now)
{
    struct task *t = task_of(k);
    struct bytes keys = t->out.found;
    struct bytes_reader r = bytes_read(keys.p, keys.n);
    t->out.found = (struct bytes){0};
    while (r.p < r.end) {
        size_t n = 0;
        const char *p = bytes_get_str(&r, &n);
        uint64_t hash = keytable_hash(p, n);
        if (t->owner[group_of(t, hash)] == t->o.worker && find_key(k, hash, p, n) == NULL)
            (void)come_back(k, hash, p, n, now);
    }
    bytes_reset(&keys);
    t->out.found = keys;
}

static void bring_group(struct task_key *k, unsigned group)
{
    struct taskout *o = &task_of(k)->out;
    enum err e = o->store.keys(o->store.ctx, k->out.op, group, note_key, task_of(k));
    if (e != ERR_OK)
        fail(task_of(k), e);
    bring(k, k->out.time);
}

void taskout_recall(struct task_key *k)
{
    if (!k->out.on || k->out.filter.nlayers == 0)
        return;
    for (unsigned g = 0; g < task_of(k)->o.key_groups; g++)
        bring_group(k, g);
    keyfilter_fini(&k->out.filter);
}

/* The input has ended: whatever waits for more is over, so all come back once more. */
static bool bring_all(struct task_key *k, bool some)
{
    const struct task *t = task_of(k);
    if (k->out.ended || k->out.filter.nlayers == 0)
        return false;
    do
        bring_group(k, k->out.group++);
    while (k->out.group < t->o.key_groups && (!some || k->keyed.table.count == 0));
    if (k->out.group < t->o.key_groups)
        return true;
    k->out.ended = true;
    return false;
}

/* Windows have fired up to a time, for all keys: those that are due must be there before it. Patterns ask each key. */
static bool takes_some(const struct task_key *k)
{
    for (unsigned i = 0; i < k->nops; i++)
        if (k->ops[i].match == NULL)
            return false;
    return true;
}

bool taskout_due(struct task_key *k, evtime to)
{
    struct taskout *o = &task_of(k)->out;
    bool some = takes_some(k);
    k->out.time = to > k->out.time ? to : k->out.time;
    if (to == EVTIME_MAX)
        return bring_all(k, some);
    while (k->out.next_due <= to && o->error == ERR_OK) {
        evtime next = EVTIME_MAX;
        enum err e = o->store.due(o->store.ctx, k->out.op, to, NOTES, note_key, task_of(k), &next);
        if (e != ERR_OK) {
            fail(task_of(k), e);
            return false;
        }
        k->out.next_due = next;
        bring(k, to);
        if (some)
            return next <= to;
    }
    return false;
}

/* --- leaving --- */

static size_t op_used(const struct task_op *op)
{
    size_t n = op->ttl == NULL ? 0 : ttl_used(op->ttl);
    if (op->match != NULL)
        return n + match_used(op->match);
    return n + (op->over != NULL ? over_used(op->over) : window_used(op->window));
}

static size_t key_used(const struct task_key *k)
{
    size_t n = keyed_used(&k->keyed) + keyfilter_bytes(&k->out.filter);
    for (unsigned i = 0; i < k->nops; i++)
        n += op_used(&k->ops[i]);
    return n;
}

static size_t used(const struct task *t)
{
    size_t n = 0;
    for (unsigned i = 0; i < t->nkeys; i++)
        n += key_used(t->keys[i]);
    return n;
}

/* When something of a key's state is due; EVTIME_MIN: it must stay. */
static evtime due_of(const struct task_key *k, const struct key *key)
{
    evtime due = EVTIME_MAX;
    for (const struct keystate *c = key->cells; c != NULL; c = c->next) {
        const struct task_op *op = &k->ops[c->rule];
        evtime when = op->match != NULL              ? matchsave_when(op->match, c)
                      : op->over != NULL             ? oversave_when(op->over, c)
                      : window_may_leave(op->window) ? windowsave_when(op->window, c)
                                                     : EVTIME_MIN;
        due = when < due ? when : due;
    }
    return due;
}

static void drop_cells(struct task_key *k, struct key *key)
{
    for (struct keystate *c = key->cells, *next; c != NULL; c = next) {
        struct task_op *op = &k->ops[c->rule];
        next = c->next;
        if (op->ttl != NULL)
            ttl_forget(op->ttl, key);
        if (op->window != NULL)
            window_expire(op->window, c);
        else
            taskjob_drop(op, c);
    }
}

/* False: it must stay. */
static bool leave(struct task *t, struct task_key *k, struct key *key)
{
    struct taskout *o = &t->out;
    unsigned group = group_of(t, keytable_hash(key->bytes, key->len));
    if (!keytrack_may_leave(&k->keyed.track, key, o->held))
        return false;
    evtime due = due_of(k, key);
    if ((due < EVTIME_MAX && (due <= k->out.time || due == EVTIME_MIN)) || op_of(k) == NULL)
        return false;
    enum err e = ERR_OK;
    if (!keytrack_is_clean(key)) {
        const struct bytes *value = tasksnap_encode(k, key);
        e = o->store.put(o->store.ctx, k->out.op, group, key->bytes, key->len,
                         key->cells == NULL ? NULL : value->p, value->n);
        o->written++;
    }
    if (e == ERR_OK && due < EVTIME_MAX) {
        e = o->store.note(o->store.ctx, k->out.op, group, key->bytes, key->len, due);
        k->out.next_due = due < k->out.next_due ? due : k->out.next_due;
    }
    if (e != ERR_OK) {
        fail(t, e);
        return false;
    }
    if (key->cells != NULL)
        keyfilter_add(&k->out.filter, key->hash);
    drop_cells(k, key);
    keytrack_leave(&k->keyed.track, key);
    keytable_remove(&k->keyed.table, key);
    o->left++;
    return true;
}

/* The hand goes round at most twice: the first time it takes their second chance from all. */
static void sweep(struct task *t, struct task_key *k, size_t target)
{
    const struct keytable *table = &k->keyed.table;
    size_t left = 0;
    for (size_t n = 0; n < 2 * table->nslots && t->out.error == ERR_OK; n++) {
        struct key *key = table->slots[k->out.hand & (table->nslots - 1)].key;
        if (key == NULL || (key->track & KEYTRACK_USED)) {
            if (key != NULL)
                key->track &= ~(uint32_t)KEYTRACK_USED;
            k->out.hand++;
        } else if (!leave(t, k, key)) {
            k->out.hand++;
        } else if (++left % LEAVE_AT_ONCE == 0 && used(t) <= target) {
            return; /* one that left makes room for another in its slot */
        }
    }
}

void taskout_trim(struct task *t)
{
    struct taskout *o = &t->out;
    if (!o->on || o->error != ERR_OK || used(t) <= o->budget)
        return;
    if (o->rest > 0) {
        o->rest--;
        return;
    }
    size_t target = o->budget - o->budget / 16, slots = 0;
    uint64_t left = o->left;
    if (!o->full) /* lists that a bulk of loads left as it came */
        taskload_settle(t);
    o->full = true;
    for (unsigned n = 0; n < t->nkeys && used(t) > target; n++) {
        struct task_key *most = NULL;
        for (unsigned i = 0; i < t->nkeys; i++)
            if (!t->keys[i]->out.swept && (most == NULL || key_used(t->keys[i]) > key_used(most)))
                most = t->keys[i];
        if (most == NULL)
            break;
        most->out.swept = true;
        slots += most->keyed.table.nslots;
        sweep(t, most, target);
    }
    for (unsigned i = 0; i < t->nkeys; i++)
        t->keys[i]->out.swept = false;
    if (o->left == left) /* all must stay: looking again at once would find the same */
        o->rest = slots / REST_SLOTS;
}

void taskout_row(struct task *t)
{
    struct taskout *o = &t->out;
    if (++o->rows < LOOK_ROWS && o->budget > 0)
        return;
    o->rows = 0;
    taskout_trim(t);
}

void taskout_counts(const struct task *t, struct taskout_counts *out)
{
    const struct taskout *o = &t->out;
    *out = (struct taskout_counts){.used_bytes = used(t),
                                   .asked = o->asked,
                                   .loaded = o->loaded,
                                   .left = o->left,
                                   .written = o->written};
    for (unsigned i = 0; i < t->nkeys; i++)
        out->keys_out += keyfilter_keys(&t->keys[i]->out.filter);
}
