/* SPDX-License-Identifier: Apache-2.0
 *
 * An entry is a key of an operator of the state: the rows that its rules hold, then a cell for each rule. Operators are
 * named by what they are of, so that a snapshot can be read by a task whose rules have other numbers. */
#define XXH_INLINE_ALL
#include "cep/task/tasksnap.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/task/taskdef.h"
#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

uint64_t tasksnap_text_of(const char *sql, const struct job_rule *r)
{
    uint64_t h = XXH3_64bits_withSeed(sql, strlen(sql), r->version);
    for (unsigned i = 0; r->ncuts > 0 && i < r->cuts[0].nmarks; i++) {
        const struct job_mark *m = &r->cuts[0].marks[i];
        uint64_t of[] = {m->stream, m->partition, m->offset, (uint64_t)m->w};
        h = XXH3_64bits_withSeed(of, sizeof of, h);
    }
    return h;
}

uint64_t tasksnap_text(const struct jobdef_rule *r)
{
    return tasksnap_text_of(r->pub.plan->sql, &r->pub);
}

/* --- operators of the state --- */

/* "key|payments|card,country|-seq,id|": stream, columns, order of equal times; "arrival" behind it if rows do not wait. */
char *tasksnap_key_id(const struct task_key *k, const char *stream)
{
    const struct schema *s = k->keyed.schema;
    struct bytes b = {0};
    bytes_printf(&b, "key|%s|", stream);
    plan_key_id(&k->keyed.key, s, &b);
    bytes_printf(&b, "|");
    const struct match_plan *by = k->def->order;
    for (unsigned i = 0; by != NULL && i < by->norder; i++)
        bytes_printf(&b, "%s%s%s", i > 0 ? "," : "", by->order_desc >> i & 1 ? "-" : "",
                     s->columns[by->order_columns[i]].name);
    bytes_printf(&b, "|%s", k->keyed.by_arrival ? "arrival" : k->def->by_mark ? "mark" : "");
    bytes_u8(&b, 0);
    return (char *)b.p;
}

static unsigned group_of(const struct task *t, const struct key *key)
{
    return (unsigned)(keytable_hash(key->bytes, key->len) & (t->o.key_groups - 1));
}

static void put_cell(const struct task_key *k, const struct key *key, const struct keystate *c,
                     struct tasksnap *s)
{
    const struct task_op *op = &k->ops[c->rule];
    evtime last;
    bool has_ttl = op->ttl != NULL && ttl_last(op->ttl, key, &last);
    bytes_u64(&s->cells, op->rule->pub.uid);
    bytes_u64(&s->cells, tasksnap_text(op->rule));
    bytes_u8(&s->cells, (uint8_t)op->rule->pub.plan->shape);
    bytes_u8(&s->cells, has_ttl);
    if (has_ttl)
        bytes_u64(&s->cells, (uint64_t)last);
    bytes_u32(&s->cells, 0);
    size_t at = s->cells.n;
    if (op->match != NULL)
        matchsave_put(op->match, c, &s->saved[0], &s->cells);
    else if (op->over != NULL)
        oversave_put(op->over, c, &s->saved[0], &s->cells);
    else
        windowsave_put(op->window, c, &s->saved[0], &s->cells);
    size_t n = s->cells.n - at;
    BUG_IF(n > UINT32_MAX, "a state of %zu bytes", n);
    uint32_t len = (uint32_t)n;
    memcpy(s->cells.p + at - sizeof len, &len,
           sizeof len); /* little-endian, as all machines weir runs on */
}

/* When the state of all its rules is over, if each has a 'state-ttl'. */
static evtime over_at(const struct task_key *k, const struct key *key)
{
    evtime over = EVTIME_MIN, last;
    for (const struct keystate *c = key->cells; c != NULL; c = c->next) {
        const struct task_op *op = &k->ops[c->rule];
        if (op->ttl == NULL || !ttl_last(op->ttl, key, &last) ||
            __builtin_add_overflow(last, op->rule->pub.plan->state_ttl_ms, &last))
            return EVTIME_MAX;
        over = last > over ? last : over;
    }
    return over;
}

static void put_head(struct tasksnap *s, evtime over)
{
    bytes_reset(&s->value);
    bytes_u8(&s->value, TASKSNAP_VERSION);
    bytes_u64(&s->value, (uint64_t)over);
}

bool tasksnap_is_over(const void *value, size_t n, evtime now)
{
    struct bytes_reader r = bytes_read(value, n);
    uint8_t version = bytes_get_u8(&r);
    evtime over = (evtime)bytes_get_u64(&r);
    return version == TASKSNAP_VERSION && over < EVTIME_MAX && over <= now && !r.bad;
}

const struct bytes *tasksnap_encode(struct task_key *k, const struct key *key)
{
    struct tasksnap *s = &k->snap.t->snap;
    unsigned n = 0;
    keysave_begin(&s->saved[0], &k->keyed);
    bytes_reset(&s->cells);
    for (const struct keystate *c = key->cells; c != NULL; c = c->next, n++)
        put_cell(k, key, c, s);
    put_head(s, over_at(k, key));
    keysave_rows(&s->saved[0], &s->layouts, &s->value);
    bytes_varint(&s->value, n);
    bytes_put(&s->value, s->cells.p, s->cells.n);
    return &s->value;
}

static void give_key(void *ctx, const struct key *key)
{
    const struct tasksnap_op *op = ctx;
    const struct tasksnap *s = &op->t->snap;
    if (!s->open) /* what changed since an earlier one that was lost */
        return;
    const struct bytes *value = key->cells == NULL ? NULL : tasksnap_encode(op->key, key);
    s->out.entry(s->out.ctx, op->id, group_of(op->t, key), key->bytes, key->len,
                 value == NULL ? NULL : value->p, value == NULL ? 0 : value->n);
}

static void encode_join(struct tasksnap *s, struct join *j, const struct key *key)
{
    put_head(s, EVTIME_MAX);
    bytes_reset(&s->cells);
    for (unsigned side = 0; side < 2; side++)
        keysave_begin(&s->saved[side], join_side(j, side));
    joinsave_put(j, key, s->saved, &s->cells);
    for (unsigned side = 0; side < 2; side++)
        keysave_rows(&s->saved[side], &s->layouts, &s->value);
    bytes_put(&s->value, s->cells.p, s->cells.n);
}

static void give_join(void *ctx, const struct key *key)
{
    const struct tasksnap_op *op = ctx;
    struct tasksnap *s = &op->t->snap;
    bool gone = key->cells == NULL, as_before = op->was != NULL && !op->moved;
    bool moves = op->was != NULL && op->moved && (key->track & KEYTRACK_KNOWN);
    unsigned group = group_of(op->t, key);
    if (!s->open)
        return;
    if (!gone)
        encode_join(s, op->join->op, key);
    if (moves)
        s->out.entry(s->out.ctx, op->was, group, key->bytes, key->len, NULL, 0);
    if (!(moves && gone))
        s->out.entry(s->out.ctx, as_before ? op->was : op->id, group, key->bytes, key->len,
                     gone ? NULL : s->value.p, gone ? 0 : s->value.n);
}

void tasksnap_key(struct task *t, struct task_key *k)
{
    k->snap = (struct tasksnap_op){.t = t, .key = k, .now = EVTIME_MIN};
    k->snap.id = tasksnap_key_id(k, k->keyed.schema->name);
    if (t->snap.tracking)
        keytrack_start(&k->keyed.track, give_key, &k->snap);
}

char *tasksnap_join_id(uint64_t uid, uint64_t text)
{
    struct bytes b = {0};
    bytes_printf(&b, "join|%" PRIu64 "|%016" PRIx64, uid, text);
    bytes_u8(&b, 0);
    return (char *)b.p;
}

void tasksnap_join(struct task *t, struct task_join *j)
{
    j->snap = (struct tasksnap_op){.t = t, .join = j, .now = EVTIME_MIN};
    j->snap.id = tasksnap_join_id(j->rule->pub.uid, tasksnap_text(j->rule));
    if (t->snap.tracking)
        join_track(j->op, give_join, &j->snap);
}

void tasksnap_rejoin(struct task *t, struct task_join *from, struct task_join *to)
{
    if (!t->snap.tracking)
        return;
    if (from->snap.was != NULL && from->snap.moved)
        tasksnap_finish(t); /* two changes while one snapshot is written: it ends first */
    bool first = from->snap.was == NULL || from->snap.moved;
    mem_free(to->snap.was);
    to->snap.was = mem_str(first ? from->snap.id : from->snap.was);
    to->snap.moved = false;
    mem_free(from->snap.was);
    from->snap.was = NULL;
    join_track_as(to->op, &to->snap);
    join_track(from->op, give_join, &from->snap);
}

enum err tasksnap_copy_join(struct task *t, struct task_join *from, struct task_join *to, evtime at,
                            const struct key *key)
{
    encode_join(&t->snap, from->op, key);
    struct bytes_reader in = bytes_read(t->snap.value.p, t->snap.value.n);
    (void)bytes_get_u8(&in);
    (void)bytes_get_u64(&in);
    enum err e =
        taskload_join(t, to->op, &t->snap.layouts, t->snap.foreign, at, key->bytes, key->len, &in);
    struct keyed *k = join_side(to->op, JOIN_LEFT);
    struct key *copy = keytable_find(&k->table, key->hash, key->bytes, key->len);
    if (copy != NULL) /* no snapshot has it */
        keyed_touch(k, copy);
    return e;
}

bool tasksnap_knows(struct task *t, const char *op)
{
    return tasksnap_find(t, op, strlen(op)) != NULL;
}

/* A snapshot begins. What joins have taken over is given out anew, under their own names. */
static void rename_joins(struct task *t)
{
    for (unsigned i = 0; i < t->njoins; i++) {
        struct tasksnap_op *op = &t->joins[i]->snap;
        if (op->was == NULL)
            continue;
        if (!op->moved) {
            keytrack_again(join_tracking(t->joins[i]->op));
            op->moved = true;
            continue;
        }
        mem_free(op->was);
        op->was = NULL;
    }
}

void tasksnap_op_fini(struct tasksnap_op *op)
{
    if (op->t != NULL && op->t->snap.last == op)
        op->t->snap.last = NULL;
    mem_free(op->id);
    mem_free(op->was);
    mem_free(op->nows);
    *op = (struct tasksnap_op){0};
}

static bool is_named(const struct tasksnap_op *op, const char *id, size_t n)
{
    return strlen(op->id) == n && memcmp(op->id, id, n) == 0;
}

struct tasksnap_op *tasksnap_find(struct task *t, const char *id, size_t n)
{
    struct tasksnap *s = &t->snap;
    if (s->last != NULL && is_named(s->last, id, n))
        return s->last;
    for (unsigned i = 0; i < t->nkeys; i++)
        if (is_named(&t->keys[i]->snap, id, n))
            return s->last = &t->keys[i]->snap;
    for (unsigned i = 0; i < t->njoins; i++)
        if (is_named(&t->joins[i]->snap, id, n))
            return s->last = &t->joins[i]->snap;
    return NULL;
}

/* --- a snapshot --- */

static struct keytrack *tracking_of(const struct task *t, unsigned i)
{
    if (i < t->nkeys)
        return &t->keys[i]->keyed.track;
    return i - t->nkeys < t->njoins ? join_tracking(t->joins[i - t->nkeys]->op) : NULL;
}

void tasksnap_track(struct task *t)
{
    t->snap.tracking = true;
    for (unsigned i = 0; i < t->nkeys; i++)
        keytrack_start(&t->keys[i]->keyed.track, give_key, &t->keys[i]->snap);
    for (unsigned i = 0; i < t->njoins; i++)
        join_track(t->joins[i]->op, give_join, &t->joins[i]->snap);
}

void tasksnap_begin(struct task *t, const struct tasksnap_out *out)
{
    CHECK(t->snap.tracking);
    CHECK(t->npending == 0); /* rows that are being looked up are in no snapshot */
    tasksnap_finish(t);
    t->snap.out = *out;
    t->snap.open = true;
    if (t->out.on)
        taskout_hold(t);
    rename_joins(t);
    struct keytrack *k;
    for (unsigned i = 0; (k = tracking_of(t, i)) != NULL; i++)
        keytrack_begin(k);
    taskflow_begin(t);
}

enum { AHEAD_KEY = 12, AHEAD_CELL = 9, AHEAD_SECOND = 7, AHEAD_STATE = 5, AHEAD_LINKS = 3 };

/* Of those put aside, the one so many places behind the next; NULL: there is none. */
static const struct key *key_ahead(const struct keytrack *k, size_t by)
{
    const struct keytrack_list *l = &k->lists[!k->current];
    return by < l->n ? l->keys[l->n - 1 - by] : NULL;
}

static void look_into(const struct task_key *k, const struct key *key, unsigned link)
{
    for (const struct keystate *c = key == NULL ? NULL : key->cells; c != NULL; c = c->next)
        taskstep_prefetch(k, c, link);
}

/* What is given out next is a chain of pointers into memory that has long not been touched (taskstep.c). */
static void look_ahead(const struct task_key *k)
{
    const struct keytrack *t = &k->keyed.track;
    const struct key *key = key_ahead(t, AHEAD_KEY);
    if (key != NULL)
        __builtin_prefetch(key);
    key = key_ahead(t, AHEAD_CELL);
    if (key != NULL && key->cells != NULL)
        __builtin_prefetch(key->cells);
    key = key_ahead(t, AHEAD_SECOND);
    if (key != NULL && key->cells != NULL && key->cells->next != NULL)
        __builtin_prefetch(key->cells->next);
    look_into(k, key_ahead(t, AHEAD_STATE), 1);
    look_into(k, key_ahead(t, AHEAD_LINKS), 2);
    look_into(k, key_ahead(t, AHEAD_LINKS - 1), 3);
}

bool tasksnap_slice(struct task *t, unsigned n)
{
    struct keytrack *k;
    if (!t->snap.open)
        return false;
    for (unsigned i = 0; (k = tracking_of(t, i)) != NULL; i++)
        for (;; n--) {
            if (i < t->nkeys)
                look_ahead(t->keys[i]);
            if (!keytrack_next(k))
                break;
            if (n <= 1)
                return true;
        }
    if (taskflow_rows(t, n) || t->snap.held)
        return true;
    taskflow_end(t);
    t->snap.open = false;
    return false;
}

bool tasksnap_is_open(const struct task *t)
{
    return t->snap.open;
}

void tasksnap_hold(struct task *t, bool held)
{
    t->snap.held = held && t->snap.open;
}

enum err tasksnap_frame(struct task *t, unsigned from, const void *p, size_t n)
{
    t->snap.noting = t->snap.open;
    enum err e = task_frame(t, from, p, n);
    t->snap.noting = false;
    return e;
}

void tasksnap_finish(struct task *t)
{
    bool more = true;
    t->snap.held = false;
    while (more)
        more = tasksnap_slice(t, 1 << 20);
}

void tasksnap_forget(struct task *t)
{
    struct keytrack *k;
    if (!t->snap.tracking)
        return;
    CHECK(!t->out.on);
    t->snap.open = t->snap.held = false;
    taskflow_end(t);
    for (unsigned i = 0; (k = tracking_of(t, i)) != NULL; i++)
        keytrack_forget(k);
    for (unsigned i = 0; i < t->njoins; i++) {
        mem_free(t->joins[i]->snap.was);
        t->joins[i]->snap.was = NULL;
    }
}

void tasksnap_fini(struct task *t)
{
    struct tasksnap *s = &t->snap;
    s->open = false;
    taskflow_end(t);
    keylayouts_fini(&s->layouts);
    for (unsigned i = 0; i < 2; i++) {
        keysave_fini(&s->saved[i]);
        keyload_fini(&s->loaded[i]);
    }
    for (size_t i = 0; i < s->nsources; i++)
        mem_free(s->sources[i].stream);
    mem_free(s->sources);
    mem_free(s->rows);
    bytes_fini(&s->value);
    bytes_fini(&s->cells);
    bytes_fini(&s->record);
    bytes_fini(&s->parts);
}
