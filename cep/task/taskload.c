/* SPDX-License-Identifier: Apache-2.0
 *
 * A snapshot into a task that starts. All bytes come from a file and are held against what they say. What is not of this
 * task (key groups of other workers, operators and rules that are not there) is left out without a word. */
#include "base/mem.h"
#include "cep/task/taskdef.h"
#include "cep/task/tasksnap.h"
#include <inttypes.h>
#include <string.h>

static enum err damaged(struct diag *d, const char *op, const char *what)
{
    diag_say(d, "damaged", "take an older checkpoint, or start without one", "%s of %s", what, op);
    return ERR_CORRUPT;
}

void taskload_key_groups(unsigned worker, unsigned workers, unsigned key_groups, unsigned *from,
                         unsigned *to)
{
    unsigned g = 0;
    while (g < key_groups && (uint64_t)g * workers / key_groups < worker)
        g++;
    *from = g;
    while (g < key_groups && (uint64_t)g * workers / key_groups == worker)
        g++;
    *to = g;
}

/* --- how far time had come --- */

/* An operator has come as far as in the worker that is furthest behind; keys of others remember that they were further. */
static bool join_nows(struct tasksnap_op *op, evtime now)
{
    const struct tasksnap *s = &op->t->snap;
    bool first = op->nows == NULL;
    if (s->workers == 0) /* the flow has no head */
        return false;
    if (first) {
        op->nows = mem_array(TASK_WORKERS_MAX, sizeof *op->nows);
        for (unsigned i = 0; i < TASK_WORKERS_MAX; i++)
            op->nows[i] = EVTIME_MIN;
    }
    op->nows[s->worker] = now;
    op->now = first || now < op->now ? now : op->now;
    return true;
}

evtime taskload_now(const struct tasksnap_op *op, unsigned key_group)
{
    const struct tasksnap *s = &op->t->snap;
    if (op->nows == NULL || key_group >= s->key_groups)
        return EVTIME_MIN;
    return op->nows[(uint64_t)key_group * s->workers / s->key_groups];
}

/* --- entries --- */

struct saved_state { /* of a key and rule */
    uint64_t uid, text;
    uint8_t shape, has_ttl;
    evtime last;
    struct bytes_reader bytes;
};

static bool read_cell(struct bytes_reader *in, struct saved_state *c)
{
    c->uid = bytes_get_u64(in);
    c->text = bytes_get_u64(in);
    c->shape = bytes_get_u8(in);
    c->has_ttl = bytes_get_u8(in);
    c->last = c->has_ttl ? (evtime)bytes_get_u64(in) : 0;
    uint32_t n = bytes_get_u32(in);
    const uint8_t *p = bytes_get(in, n);
    if (in->bad)
        return false;
    c->bytes = bytes_read(p, n);
    return true;
}

static struct task_op *op_of(const struct task_key *k, const struct saved_state *c)
{
    for (unsigned i = 0; i < k->nops; i++) {
        const struct jobdef_rule *r = k->ops[i].rule;
        if (r->pub.uid == c->uid && (uint8_t)r->pub.plan->shape == c->shape &&
            tasksnap_text(r) == c->text)
            return &k->ops[i];
    }
    return NULL;
}

static bool has_state(const struct task_key *k, const struct key *key, const struct task_op *op)
{
    for (const struct keystate *c = key->cells; c != NULL; c = c->next)
        if (&k->ops[c->rule] == op)
            return true;
    return false;
}

static enum err load_cell(struct task_key *k, struct keyload *l, const struct taskload_one *one,
                          struct saved_state *c)
{
    struct task_op *op = one == NULL                                  ? op_of(k, c)
                         : c->uid == one->uid && c->text == one->text ? one->op
                                                                      : NULL;
    enum err e;
    if (op == NULL)
        return ERR_OK;
    if (has_state(k, l->key, op))
        return ERR_CORRUPT;
    if (op->match != NULL)
        e = matchsave_load(op->match, l, &c->bytes);
    else if (op->over != NULL)
        e = oversave_load(op->over, l, &c->bytes);
    else
        e = windowsave_load(op->window, l, &c->bytes);
    if (e == ERR_OK && (c->bytes.bad || c->bytes.p != c->bytes.end))
        e = ERR_CORRUPT;
    if (e == ERR_OK && c->has_ttl && op->ttl != NULL && has_state(k, l->key, op))
        ttl_touch(op->ttl, l->key, c->last);
    return e;
}

static void drop_key(struct task_key *k, struct key *key)
{
    for (struct keystate *c = key->cells, *next; c != NULL; c = next) {
        next = c->next;
        taskjob_drop(&k->ops[c->rule], c);
    }
    keyed_touch(&k->keyed, key);
    keyed_drop_if_idle(&k->keyed, key);
}

/* Rules that are not there any more have left it without a state: the next snapshot says that it is gone. */
static void forget_key(struct task_key *k, struct key *key, bool foreign)
{
    if (!foreign)
        keytrack_loaded(&k->keyed.track, key);
    keyed_touch(&k->keyed, key);
    keyed_drop_if_idle(&k->keyed, key);
}

static enum err load_key(struct task *t, struct task_key *k, const struct taskload_one *one,
                         uint64_t hash, evtime now, bool bulk, const void *key, size_t key_n,
                         struct bytes_reader *in)
{
    struct keyload *l = &t->snap.loaded[0];
    bool foreign = t->snap.foreign || one != NULL;
    if (keytable_find(&k->keyed.table, hash, key, key_n) != NULL)
        return ERR_CORRUPT;
    l->k = &k->keyed;
    l->now = now;
    l->bulk = bulk;
    l->changed = false;
    enum err e = keyload_rows(l, one == NULL ? &t->snap.layouts : &one->layouts, in);
    if (e != ERR_OK)
        return e;
    l->key = keyed_add(&k->keyed, hash, key, key_n);
    uint64_t n = bytes_get_varint(in);
    for (uint64_t i = 0; i < n && e == ERR_OK; i++) {
        struct saved_state c;
        e = read_cell(in, &c) ? load_cell(k, l, one, &c) : ERR_CORRUPT;
    }
    keyload_end(l);
    if (e == ERR_OK && (in->bad || in->p != in->end))
        e = ERR_CORRUPT;
    if (e != ERR_OK) {
        drop_key(k, l->key);
        return e;
    }
    if (l->key->cells == NULL) {
        forget_key(k, l->key, foreign);
        return ERR_OK;
    }
    for (const struct keystate *c = l->key->cells; c != NULL; c = c->next)
        l->key->waiting |= c->waiting;
    if (!foreign)
        keytrack_loaded(&k->keyed.track, l->key);
    if (l->changed)
        keyed_touch(&k->keyed, l->key);
    return ERR_OK;
}

enum err taskload_join(struct task *t, struct join *j, const struct keylayouts *layouts,
                       bool foreign, evtime now, const void *key, size_t key_n,
                       struct bytes_reader *in)
{
    struct keyload *l = t->snap.loaded;
    enum err e = ERR_OK;
    for (unsigned side = 0; side < 2; side++) {
        l[side].k = join_side(j, side);
        l[side].now = now;
        l[side].bulk = true;
        l[side].changed = false;
        l[side].n = 0;
    }
    for (unsigned side = 0; side < 2 && e == ERR_OK; side++)
        e = keyload_rows(&l[side], layouts, in);
    if (e == ERR_OK)
        e = joinsave_load(j, key, key_n, l, in);
    struct keyed *k = join_side(j, JOIN_LEFT);
    struct key *there = e == ERR_OK && foreign
                            ? keytable_find(&k->table, keytable_hash(key, key_n), key, key_n)
                            : NULL;
    if (there != NULL) /* the task's own store does not have it */
        keyed_touch(k, there);
    for (unsigned side = 0; side < 2; side++)
        keyload_end(&l[side]);
    return e == ERR_OK && (in->bad || in->p != in->end) ? ERR_CORRUPT : e;
}

/* Do the bytes hold values of the key's columns, and nothing else? */
static bool is_key(const struct keyed *k, const void *p, size_t n)
{
    struct bytes_reader r = bytes_read(p, n);
    struct value v;
    for (unsigned c = 0; c < k->key.n; c++)
        if (!value_from_key(&r, plan_key_part_type(&k->key, k->schema, c), &v))
            return false;
    return r.p == r.end;
}

/* The key is owned here. */
static enum err load_entry(struct task *t, const struct tasksnap_op *of,
                           const struct taskload_one *one, evtime now, const void *key,
                           size_t key_n, const void *value, size_t value_n, struct diag *d)
{
    struct bytes_reader in = bytes_read(value, value_n);
    uint8_t version = bytes_get_u8(&in);
    if (version != TASKSNAP_VERSION) {
        diag_say(d, "version", "start the release that wrote it", "state of %s has format %u",
                 of->id, version);
        return ERR_VERSION;
    }
    (void)bytes_get_u64(&in); /* when it is over: the rules know better */
    enum err e = ERR_OK;
    if (of->join != NULL)
        e = taskload_join(t, of->join->op, one == NULL ? &t->snap.layouts : &one->layouts,
                          t->snap.foreign || one != NULL, now, key, key_n, &in);
    else if (!is_key(&of->key->keyed, key, key_n))
        e = ERR_CORRUPT;
    else
        e = load_key(t, of->key, one, keytable_hash(key, key_n), now, !t->out.full, key, key_n,
                     &in);
    if (t->out.on)
        taskout_row(t);
    return e == ERR_OK ? ERR_OK : damaged(d, of->id, "the state of a key");
}

static bool is_mine(const struct task *t, const void *key, size_t key_n)
{
    return t->owner[keytable_hash(key, key_n) & (t->o.key_groups - 1)] == t->o.worker;
}

enum err taskload_entry(struct task *t, const char *op, unsigned key_group, const void *key,
                        size_t key_n, const void *value, size_t value_n, struct diag *d)
{
    const struct tasksnap_op *of = is_mine(t, key, key_n) ? tasksnap_find(t, op, strlen(op)) : NULL;
    if (of == NULL)
        return ERR_OK;
    return load_entry(t, of, NULL, taskload_now(of, key_group), key, key_n, value, value_n, d);
}

enum err taskload_one_entry(struct task *t, const struct taskload_one *one, evtime now,
                            const void *key, size_t key_n, const void *value, size_t value_n,
                            struct diag *d)
{
    if (!is_mine(t, key, key_n))
        return ERR_OK;
    return load_entry(t, one->snap, one, now, key, key_n, value, value_n, d);
}

enum err taskload_key(struct task *t, struct task_key *k, uint64_t hash, const void *key,
                      size_t key_n, const void *value, size_t value_n)
{
    struct bytes_reader in = bytes_read(value, value_n);
    unsigned group = (unsigned)(hash & (t->o.key_groups - 1));
    uint8_t version = bytes_get_u8(&in);
    (void)bytes_get_u64(&in);
    if (version != TASKSNAP_VERSION)
        return ERR_VERSION;
    bool foreign = t->snap.foreign;
    t->snap.foreign = false; /* it comes from the task's own store */
    enum err e = load_key(t, k, NULL, hash, taskload_now(&k->snap, group), false, key, key_n, &in);
    t->snap.foreign = foreign;
    return e;
}

/* --- the flow --- */

static struct task_stream *stream_named(struct task *t, const char *name, size_t n)
{
    for (unsigned i = 0; i < t->job->nstreams; i++) {
        const struct schema *s = t->job->schemas[i];
        if (strlen(s->name) == n && memcmp(s->name, name, n) == 0)
            return task_stream_of(t, s->id);
    }
    return NULL;
}

/* Time has come as far as in the worker that is furthest behind. */
static void join_time(struct task *t, struct task_stream *s, unsigned partition, evtime w)
{
    bool derived = s->npartitions != 0 &&
                   t->job->schemas[job_stream_of(t->job, s->id)]->derived != DERIVED_NOT;
    for (unsigned p = 0; p < s->npartitions; p++)
        if (derived || p == partition)
            s->w[p] = s->restored && s->w[p] < w ? s->w[p] : w;
    s->restored = s->restored || derived;
}

static enum err restore_stream(struct task *t, struct bytes_reader *in)
{
    size_t len = 0;
    const char *name = bytes_get_str(in, &len);
    evtime furthest = (evtime)bytes_get_u64(in);
    uint64_t n = bytes_get_varint(in);
    if (in->bad || n > SCHEMA_PARTITIONS_MAX)
        return ERR_CORRUPT;
    struct task_stream *s = stream_named(t, name, len);
    for (uint64_t p = 0; p < n; p++) {
        evtime w = (evtime)bytes_get_u64(in);
        if (s != NULL && !in->bad)
            join_time(t, s, (unsigned)p, w);
    }
    for (uint64_t marks = bytes_get_varint(in); marks > 0 && !in->bad; marks--) {
        evtime w = (evtime)bytes_get_u64(in);
        if (s != NULL && s->marked && !in->bad)
            taskmark_add(s, w);
    }
    if (s == NULL || in->bad)
        return in->bad ? ERR_CORRUPT : ERR_OK;
    s->restored = true;
    s->furthest = furthest > s->furthest ? furthest : s->furthest;
    s->least = EVTIME_MAX;
    for (unsigned p = 0; p < s->npartitions; p++)
        s->least = s->w[p] < s->least ? s->w[p] : s->least;
    s->stepped = s->nmarks > 0 && s->marks[0] <= s->least ? s->marks[0] - 1 : s->least;
    return ERR_OK;
}

static enum err restore_source(struct task *t, struct bytes_reader *in)
{
    struct tasksnap *s = &t->snap;
    size_t len = 0;
    const char *name = bytes_get_str(in, &len);
    struct tasksnap_source of = {.partition = bytes_get_u32(in), .w = (evtime)bytes_get_u64(in)};
    if (in->bad)
        return ERR_CORRUPT;
    of.stream = mem_alloc(len + 1);
    memcpy(of.stream, name, len);
    of.stream[len] = 0;
    s->sources = mem_grow(s->sources, s->nsources, 1, &s->sources_cap, sizeof *s->sources);
    s->sources[s->nsources++] = of;
    return ERR_OK;
}

evtime taskload_source_w(const struct task *t, const char *stream, uint32_t partition)
{
    for (size_t i = 0; i < t->snap.nsources; i++)
        if (t->snap.sources[i].partition == partition &&
            strcmp(t->snap.sources[i].stream, stream) == 0)
            return t->snap.sources[i].w;
    return EVTIME_MIN;
}

static enum err load_op_head(struct task_op *op, struct bytes_reader *in)
{
    enum err e = op->match != NULL  ? matchsave_load_head(op->match, in)
                 : op->over != NULL ? oversave_load_head(op->over, in)
                                    : windowsave_load_head(op->window, in);
    return e != ERR_OK || in->bad ? ERR_CORRUPT : ERR_OK;
}

/* Of one rule, or of each that is there. */
static enum err load_head(struct task_key *k, const struct taskload_one *one, bool first,
                          struct saved_state *c, uint8_t took)
{
    if (one != NULL)
        return c->uid == one->uid && c->text == one->text ? load_op_head(one->op, &c->bytes)
                                                          : ERR_OK;
    for (unsigned o = 0; o < k->nops; o++) {
        struct task_op *op = &k->ops[o];
        if (op->rule->pub.uid != c->uid || tasksnap_text(op->rule) != c->text)
            continue;
        op->begun |= took != 0;
        op->took = took == 1 && (first || op->took); /* in all of them */
        if (load_op_head(op, &c->bytes) != ERR_OK)
            return ERR_CORRUPT;
    }
    return ERR_OK;
}

static enum err restore_key_op(struct task_key *k, const struct taskload_one *one, bool first,
                               struct bytes_reader *in)
{
    uint64_t seq = bytes_get_varint(in), arrived = bytes_get_varint(in);
    evtime mark = (evtime)bytes_get_u64(in);
    uint64_t n = bytes_get_varint(in);
    k->keyed.seq = seq > k->keyed.seq ? seq : k->keyed.seq;
    k->arrived = arrived > k->arrived ? arrived : k->arrived;
    k->mark = first || mark < k->mark ? mark : k->mark;
    for (uint64_t i = 0; i < n && !in->bad; i++) {
        struct saved_state c = {.uid = bytes_get_u64(in), .text = bytes_get_u64(in)};
        uint8_t took = bytes_get_u8(in);
        uint32_t len = bytes_get_u32(in);
        const uint8_t *p = bytes_get(in, len);
        if (in->bad)
            break;
        c.bytes = bytes_read(p, len);
        if (load_head(k, one, first, &c, took) != ERR_OK)
            return ERR_CORRUPT;
    }
    if (!in->bad && one == NULL && !taskcopy_load(k, in))
        return ERR_CORRUPT;
    return in->bad ? ERR_CORRUPT : ERR_OK;
}

enum err taskload_one_op(const struct taskload_one *one, bool first, struct bytes_reader *in)
{
    struct tasksnap_op *op = one->snap;
    evtime now = (evtime)bytes_get_u64(in);
    if (in->bad)
        return ERR_CORRUPT;
    op->now = first || now < op->now ? now : op->now;
    return op->join != NULL ? joinsave_load_head(op->join->op, in)
                            : restore_key_op(op->key, one, first, in);
}

static enum err restore_op(struct task *t, struct bytes_reader *in)
{
    size_t len = 0;
    const char *id = bytes_get_str(in, &len);
    evtime now = (evtime)bytes_get_u64(in);
    if (in->bad)
        return ERR_CORRUPT;
    struct tasksnap_op *op = tasksnap_find(t, id, len);
    if (op == NULL)
        return ERR_OK;
    bool first = op->nows == NULL;
    if (!join_nows(op, now))
        return ERR_CORRUPT;
    return op->join != NULL ? joinsave_load_head(op->join->op, in)
                            : restore_key_op(op->key, NULL, first, in);
}

static enum err restore_head(struct task *t, struct bytes_reader *in, struct diag *d)
{
    uint8_t version = bytes_get_u8(in);
    if (in->bad)
        return ERR_CORRUPT;
    if (version != TASKSNAP_VERSION) {
        diag_say(d, "version", "start the release that wrote it", "the flow has format %u",
                 version);
        return ERR_VERSION;
    }
    struct tasksnap *s = &t->snap;
    uint32_t worker = bytes_get_u32(in), workers = bytes_get_u32(in), groups = bytes_get_u32(in);
    evtime clock = (evtime)bytes_get_u64(in);
    if (in->bad || worker >= workers || workers > TASK_WORKERS_MAX || groups < workers)
        return ERR_CORRUPT;
    s->worker = worker;
    s->workers = workers;
    s->key_groups = groups;
    task_clock(t, clock);
    return ERR_OK;
}

enum err taskload_flow(struct task *t, const void *p, size_t n, struct diag *d)
{
    struct bytes_reader in = bytes_read(p, n);
    uint8_t kind = bytes_get_u8(&in);
    enum err e = ERR_CORRUPT;
    if (in.bad)
        return damaged(d, "the flow", "an empty record");
    switch (kind) {
    case TASKSNAP_HEAD:
        e = restore_head(t, &in, d);
        if (e == ERR_VERSION)
            return e;
        break;
    case TASKSNAP_LAYOUT:
        e = keylayouts_load(&t->snap.layouts, in.p, n - 1);
        break;
    case TASKSNAP_STREAM:
        e = restore_stream(t, &in);
        break;
    case TASKSNAP_SOURCE:
        e = restore_source(t, &in);
        break;
    case TASKSNAP_OP:
        e = restore_op(t, &in);
        break;
    case TASKSNAP_ROWS:
        e = taskflowload_rows(t, NULL, &in);
        break;
    case TASKSNAP_PART:
        e = taskpresum_load(t, &in);
        break;
    default:
        break;
    }
    return e == ERR_OK ? ERR_OK : damaged(d, "the flow", "a record");
}

void taskload_foreign(struct task *t, bool foreign)
{
    t->snap.foreign = foreign;
}

void taskload_settle_op(struct task_op *op)
{
    if (op->match != NULL)
        matchsave_loaded(op->match);
    else if (op->over != NULL)
        oversave_loaded(op->over);
    else
        windowsave_loaded(op->window);
}

void taskload_settle(struct task *t)
{
    for (unsigned i = 0; i < t->nkeys; i++) {
        struct task_key *k = t->keys[i];
        for (unsigned o = 0; o < k->nops; o++)
            taskload_settle_op(&k->ops[o]);
        k->next_fire = k->next_step = EVTIME_MIN; /* asked anew with the next row */
    }
}

void taskload_done(struct task *t)
{
    taskload_settle(t);
    for (unsigned i = 0; i < t->njoins; i++)
        joinsave_loaded(t->joins[i]->op);
    taskpresum_loaded(t);
    tasklane_bind(t); /* who has taken over is known only now */
}
