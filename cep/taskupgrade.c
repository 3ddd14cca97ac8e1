/* SPDX-License-Identifier: Apache-2.0
 *
 * From one version of a rule to the next, at one event time for all keys and workers. Up to it rows are the old version's;
 * then the new one takes over its state: as it is, if it can be read by the new program, else key by key as a snapshot
 * would save and load it, through a map of what corresponds to what (statemap.h). What has no counterpart is dropped, and
 * counted. It comes between two rows of the key definition, so a row sees the one version or the other. */
#include "base/bug.h"
#include "base/mem.h"
#include "cep/statemap.h"
#include "cep/taskdef.h"

void taskupgrade_bind(struct task_key *k)
{
    k->next_handover = EVTIME_MAX;
    for (unsigned i = 0; i < k->def->nhandovers; i++) {
        const struct jobdef_handover *h = &k->def->handovers[i];
        if (!k->ops[h->to].took && h->at < k->next_handover)
            k->next_handover = h->at;
    }
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
        struct key *key = table->slots[i].key;
        struct keystate *c = key == NULL ? NULL : cell_of(key, from);
        if (c == NULL)
            continue;
        keyed_touch(&k->keyed, key);
        c->rule = to;
        c->waiting = ~UINT64_C(0); /* conditions have other numbers; asked anew with its next row */
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

struct moving {
    struct task_key *k;
    struct task_op *from, *to;
    const struct statemap *map;
    struct keysave save;
    struct keyload load;
    struct bytes bytes;
    evtime at;
};

static void move_key(struct moving *m, struct key *key, struct keystate *old)
{
    struct task_key *k = m->k;
    keyed_touch(&k->keyed, key);
    keysave_begin(&m->save, &k->keyed);
    bytes_reset(&m->bytes);
    matchsave_put(m->from->match, old, &m->save, &m->bytes);
    struct keyload *l = &m->load;
    l->key = key;
    l->rows = mem_grow(l->rows, 0, m->save.n, &l->cap, sizeof(struct kept *));
    l->n = m->save.n;
    for (size_t i = 0; i < l->n; i++)
        l->rows[i] = keyed_ref(m->save.rows[i]);
    struct bytes_reader in = bytes_read(m->bytes.p, m->bytes.n);
    enum err e = matchsave_load(m->to->match, l, &in);
    BUG_IF(e != ERR_OK, "the state of a key cannot be taken over: %s", err_name(e));
    keyload_end(l);
    evtime last;
    if (m->from->ttl != NULL && m->to->ttl != NULL && ttl_last(m->from->ttl, key, &last))
        ttl_touch(m->to->ttl, key, last);
    taskjob_drop(m->from, old);
    key->waiting = ~UINT64_C(0);
    m->to->took_over.keys += key->cells != NULL;
}

static void take_moved(struct task_key *k, const struct jobdef_handover *h)
{
    struct moving m = {.k = k,
                       .from = &k->ops[h->from],
                       .to = &k->ops[h->to],
                       .map = h->map,
                       .load = {.k = &k->keyed, .now = h->at, .map = h->map->match, .bulk = true}};
    struct keytable *table = &k->keyed.table;
    for (size_t i = 0; i < table->nslots;) {
        struct key *key = table->slots[i].key;
        struct keystate *c = key == NULL ? NULL : cell_of(key, h->from);
        if (c != NULL)
            move_key(&m, key, c);
        size_t before = table->count;
        if (c != NULL)
            keyed_drop_if_idle(&k->keyed, key); /* shifts others to this slot or past it */
        i += table->count == before;
    }
    matchsave_loaded(m.to->match);
    keysave_fini(&m.save);
    keyload_fini(&m.load);
    bytes_fini(&m.bytes);
}

/* --- both --- */

static void reset(struct task_key *k, unsigned slot)
{
    struct keytable *table = &k->keyed.table;
    for (size_t i = 0; i < table->nslots;) {
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

static void hand_over(struct task_key *k, const struct jobdef_handover *h)
{
    struct task_op *from = &k->ops[h->from], *to = &k->ops[h->to];
    taskout_recall(k);
    taskstep_advance(k, from, h->at, true);
    uint64_t partials = partials_of(from);
    if (h->map->way == STATEMAP_IN_PLACE)
        take_in_place(k, h->from, h->to);
    else if (h->map->way == STATEMAP_MOVED)
        take_moved(k, h);
    else
        reset(k, h->from);
    to->took = true;
    to->took_over.partials = partials_of(to);
    to->took_over.partials_lost =
        partials > to->took_over.partials ? partials - to->took_over.partials : 0;
    to->took_over.windows = to->window == NULL ? 0 : window_open(to->window);
    k->next_fire = k->next_step = EVTIME_MIN; /* asked anew with the next row */
}

void taskupgrade_hand_over(struct task_key *k, evtime to)
{
    for (unsigned i = 0; i < k->def->nhandovers; i++) {
        const struct jobdef_handover *h = &k->def->handovers[i];
        if (h->at <= to && !k->ops[h->to].took)
            hand_over(k, h);
    }
    taskupgrade_bind(k);
}
