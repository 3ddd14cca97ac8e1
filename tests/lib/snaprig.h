/* SPDX-License-Identifier: Apache-2.0 */
/* snaprig.h - snapshots of tasks: kept as pieces, loaded again; states that go out of memory and come back. */
#ifndef WEIR_TESTS_LIB_SNAPRIG_H
#define WEIR_TESTS_LIB_SNAPRIG_H
#include "cep/task/taskdef.h"
#include "tests/lib/taskrig.h"

struct snap_piece {
    char *op; /* NULL: a record of the flow */
    unsigned group;
    struct bytes key, value;
};

struct snap {
    struct snap_piece *v;
    size_t n, cap;
};

static inline struct snap_piece *snap_add(struct snap *s)
{
    s->v = mem_grow(s->v, s->n, 1, &s->cap, sizeof *s->v);
    s->v[s->n] = (struct snap_piece){0};
    return &s->v[s->n++];
}

static inline void snap_take_entry(void *ctx, const char *op, unsigned group, const void *key,
                                   size_t key_n, const void *value, size_t value_n)
{
    if (value == NULL)
        return;
    struct snap_piece *p = snap_add(ctx);
    p->op = mem_str(op);
    p->group = group;
    bytes_put(&p->key, key, key_n);
    bytes_put(&p->value, value, value_n);
}

static inline void snap_take_flow(void *ctx, const void *bytes, size_t n)
{
    bytes_put(&snap_add(ctx)->value, bytes, n);
}

static inline void snap_fini(struct snap *s)
{
    for (size_t i = 0; i < s->n; i++) {
        mem_free(s->v[i].op);
        bytes_fini(&s->v[i].key);
        bytes_fini(&s->v[i].value);
    }
    mem_free(s->v);
    *s = (struct snap){0};
}

/* All that the task knows; it must be tracked. */
static inline void snap_save(struct snap *s, struct task *t)
{
    const struct tasksnap_out out = {snap_take_entry, snap_take_flow, s};
    tasksnap_forget(t);
    tasksnap_begin(t, &out);
    while (tasksnap_slice(t, 7))
        ;
}

/* Into a new task. What was refused, said why. */
static inline enum err snap_load(const struct snap *s, struct task *t)
{
    struct diag d;
    enum err e = ERR_OK;
    diag_init(&d, NULL, 0);
    for (int flow = 1; flow >= 0; flow--)
        for (size_t i = 0; i < s->n && e == ERR_OK; i++) {
            const struct snap_piece *p = &s->v[i];
            if ((p->op == NULL) != flow)
                continue;
            e = flow ? taskload_flow(t, p->value.p, p->value.n, &d)
                     : taskload_entry(t, p->op, p->group, p->key.p, p->key.n, p->value.p,
                                      p->value.n, &d);
        }
    assert_int_equal(e != ERR_OK, d.errors > 0);
    diag_fini(&d);
    if (e == ERR_OK)
        taskload_done(t);
    return e;
}

static inline struct task *snap_task(const struct task_options *o, struct job *j)
{
    struct task *t = task_new(o);
    tasksnap_track(t);
    task_set_job(t, j);
    return t;
}

/* The rig's one task is made anew from what it knows. */
static inline void snap_rig(struct rig *r, const struct task_options *o)
{
    struct snap s = {0};
    snap_save(&s, r->tasks[0]);
    task_free(r->tasks[0]);
    r->tasks[0] = snap_task(o, r->job);
    assert_ok(snap_load(&s, r->tasks[0]));
    task_source_open(r->tasks[0], r->schema->id, 0, EVTIME_MIN);
    snap_fini(&s);
}

/* A pattern's state for a key goes out of memory and comes back, alone. */
static inline void snap_out_and_in(struct task_key *k, struct key *key, struct keystate *c)
{
    struct match *m = k->ops[c->rule].match;
    struct keysave rows = {0};
    struct bytes bytes = {0};
    keysave_begin(&rows, &k->keyed);
    matchsave_put(m, c, &rows, &bytes);
    struct keyload l = {.k = &k->keyed, .key = key, .n = rows.n};
    l.rows = mem_array(rows.n + 1, sizeof(struct kept *));
    for (size_t i = 0; i < rows.n; i++)
        l.rows[i] = keyed_ref(rows.rows[i]);
    evtime next = match_next(m);
    match_drop(m, c);
    struct bytes_reader in = bytes_read(bytes.p, bytes.n);
    assert_ok(matchsave_load(m, &l, &in));
    assert_true(!in.bad && in.p == in.end);
    assert_true(match_next(m) == next);
    keyload_end(&l);
    keyload_fini(&l);
    keysave_fini(&rows);
    bytes_fini(&bytes);
}

static inline void snap_each_out_and_in(struct task *t)
{
    for (unsigned i = 0; i < t->nkeys; i++)
        for (size_t s = 0; s < t->keys[i]->keyed.table.nslots; s++) {
            struct key *key = t->keys[i]->keyed.table.slots[s].key;
            if (key != NULL && key->cells != NULL)
                snap_out_and_in(t->keys[i], key, key->cells);
        }
}

#endif
