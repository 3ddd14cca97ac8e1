/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/task/taskcopy.h"
#include "base/mem.h"
#include "cep/task/taskdef.h"

static struct taskcopy *copy_new(uint64_t uid, uint64_t text, uint64_t homes)
{
    struct taskcopy *c = mem_new(sizeof *c);
    *c = (struct taskcopy){.uid = uid, .text = text, .homes = homes};
    keytable_init(&c->done);
    return c;
}

void taskcopy_free(struct taskcopy *all)
{
    for (struct taskcopy *c = all, *next; c != NULL; c = next) {
        next = c->next;
        keytable_fini(&c->done);
        mem_free(c);
    }
}

static bool is_to(const struct taskcopy *c, const struct jobdef_rule *to)
{
    return c->uid == to->pub.uid && c->text == tasksnap_text(to);
}

struct taskcopy *taskcopy_of(struct task_key *k, const struct jobdef_rule *to, bool begin)
{
    if (begin && (k->copy == NULL || !is_to(k->copy, to))) {
        taskcopy_free(k->copy);
        k->copy = copy_new(to->pub.uid, tasksnap_text(to), k->keyed.table.nslots);
        taskload_key_groups(k->snap.t->o.worker, k->snap.t->o.workers, k->snap.t->o.key_groups,
                            &k->copy->first, &k->copy->end);
    }
    return k->copy != NULL && is_to(k->copy, to) ? k->copy : NULL;
}

bool taskcopy_has(const struct taskcopy *c, uint64_t hash, const void *key, size_t n)
{
    return taskcopy_home(c, hash) < c->at || keytable_find(&c->done, hash, key, n) != NULL;
}

bool taskcopy_add(struct taskcopy *c, uint64_t hash, const void *key, size_t n)
{
    if (taskcopy_has(c, hash, key, n))
        return false;
    keytable_add(&c->done, hash, key, n);
    return true;
}

/* --- after a snapshot --- */

static const struct taskcopy *piece_of(const struct task_key *k, const struct jobdef_rule *to,
                                       unsigned group)
{
    const struct taskcopy *c = k->copied;
    while (c != NULL && !(group >= c->first && group < c->end && is_to(c, to)))
        c = c->next;
    return c;
}

bool taskcopy_was(const struct task_key *k, const struct jobdef_handover *h, const struct key *key)
{
    const struct tasksnap_op *op = &k->snap;
    uint64_t hash = keytable_hash(key->bytes, key->len);
    unsigned group = (unsigned)(hash & (op->t->o.key_groups - 1));
    const struct taskcopy *c = piece_of(k, k->ops[h->to].rule, group);
    if (c != NULL)
        return taskcopy_has(c, hash, key->bytes, key->len);
    return op->nows != NULL && taskload_now(op, group) >= h->at;
}

bool taskcopy_had_begun(const struct task_key *k, const struct jobdef_handover *h)
{
    bool begun = false;
    for (const struct taskcopy *c = k->copied; c != NULL && !begun; c = c->next)
        begun = is_to(c, k->ops[h->to].rule);
    for (unsigned i = 0; k->snap.nows != NULL && i < TASK_WORKERS_MAX && !begun; i++)
        begun = k->snap.nows[i] >= h->at;
    return begun;
}

static bool is_wanted(const struct task_key *k, const struct taskcopy *c)
{
    bool wanted = false;
    for (unsigned i = 0; i < k->def->nhandovers && !wanted; i++) {
        const struct jobdef_handover *h = &k->def->handovers[i];
        wanted = h->copies && !k->ops[h->to].took && is_to(c, k->ops[h->to].rule);
    }
    return wanted;
}

static void keep_wanted(const struct task_key *k, struct taskcopy **at)
{
    while (*at != NULL) {
        struct taskcopy *c = *at;
        if (is_wanted(k, c)) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        c->next = NULL;
        taskcopy_free(c);
    }
}

void taskcopy_bind(struct task_key *k)
{
    keep_wanted(k, &k->copy);
    keep_wanted(k, &k->copied);
}

/* --- in snapshots --- */

static void put_keys(const struct taskcopy *c, struct bytes *out)
{
    bytes_varint(out, c->done.count);
    for (size_t i = 0; i < c->done.nslots; i++) {
        const struct key *key = c->done.slots[i].key;
        if (key == NULL)
            continue;
        bytes_varint(out, key->len);
        bytes_put(out, key->bytes, key->len);
    }
}

static void put_piece(const struct taskcopy *c, unsigned first, unsigned end, struct bytes *out)
{
    bytes_u8(out, 1);
    bytes_u64(out, c->uid);
    bytes_u64(out, c->text);
    bytes_u32(out, first);
    bytes_u32(out, end);
    bytes_u64(out, c->homes);
    bytes_u64(out, c->at);
    put_keys(c, out);
}

/* The part of these key groups that is this worker's. */
static void put_own(const struct task_key *k, const struct taskcopy *c, struct bytes *out)
{
    const struct task_options *o = &k->snap.t->o;
    unsigned first, end;
    taskload_key_groups(o->worker, o->workers, o->key_groups, &first, &end);
    first = c->first > first ? c->first : first;
    end = c->end < end ? c->end : end;
    if (first < end)
        put_piece(c, first, end, out);
}

/* A worker of the snapshot before had copied all, and this one has not come to that time again. */
static void put_whole(const struct task_key *k, const struct jobdef_handover *h, struct bytes *out)
{
    const struct tasksnap *s = &k->snap.t->snap;
    const struct jobdef_rule *to = k->ops[h->to].rule;
    for (unsigned w = 0; w < s->workers; w++) {
        struct taskcopy all = {.uid = to->pub.uid, .text = tasksnap_text(to), .homes = 1, .at = 1};
        taskload_key_groups(w, s->workers, s->key_groups, &all.first, &all.end);
        if (k->snap.nows[w] >= h->at && piece_of(k, to, all.first) == NULL)
            put_own(k, &all, out);
    }
}

void taskcopy_put(const struct task_key *k, struct bytes *out)
{
    if (k->copy != NULL)
        put_own(k, k->copy, out);
    for (const struct taskcopy *c = k->copied; c != NULL; c = c->next)
        put_own(k, c, out);
    for (unsigned i = 0; k->snap.nows != NULL && i < k->def->nhandovers; i++) {
        const struct jobdef_handover *h = &k->def->handovers[i];
        if (h->copies && !k->ops[h->to].took && k->copy == NULL)
            put_whole(k, h, out);
    }
    bytes_u8(out, 0);
}

static bool load_piece(struct task_key *k, struct bytes_reader *in)
{
    uint64_t uid = bytes_get_u64(in), text = bytes_get_u64(in);
    unsigned first = bytes_get_u32(in), end = bytes_get_u32(in);
    uint64_t homes = bytes_get_u64(in), at = bytes_get_u64(in);
    if (in->bad || first >= end || homes == 0 || (homes & (homes - 1)) != 0 || at > homes)
        return false;
    struct taskcopy *c = copy_new(uid, text, homes);
    c->first = first;
    c->end = end;
    c->at = at;
    c->next = k->copied;
    k->copied = c;
    for (uint64_t n = bytes_get_varint(in); n > 0 && !in->bad; n--) {
        uint64_t len = bytes_get_varint(in);
        const uint8_t *key = in->bad || len > UINT32_MAX ? NULL : bytes_get(in, (uint32_t)len);
        if (key == NULL || in->bad)
            return false;
        (void)taskcopy_add(c, keytable_hash(key, len), key, len);
    }
    return !in->bad;
}

bool taskcopy_load(struct task_key *k, struct bytes_reader *in)
{
    if (in->p == in->end) /* of a release that copied all at once */
        return true;
    while (bytes_get_u8(in) == 1 && !in->bad)
        if (!load_piece(k, in))
            return false;
    return !in->bad;
}
