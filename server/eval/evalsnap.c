/* SPDX-License-Identifier: Apache-2.0 */
#include "server/eval/evalsnap.h"
#include "base/bug.h"
#include "base/bytes.h"
#include "base/map.h"
#include "base/mem.h"

struct entry {
    MAP_LINK;
    size_t id_n; /* of `id`: operator, zero, key */
    size_t value_n;
    uint8_t *value; /* NULL: gone */
    unsigned group;
    char id[];
};

struct record {
    uint8_t *p;
    size_t n;
};

struct evalsnap {
    struct entry *entries;
    struct record *flow;
    size_t nflow, flow_cap;
    bool leaves; /* keys leave memory, for it: some are said to be gone twice */
    struct bytes id;
};

struct evalsnap *evalsnap_new(void)
{
    return mem_new(sizeof(struct evalsnap));
}

static void drop_entry(struct evalsnap *s, struct entry *e)
{
    MAP_DEL(s->entries, e);
    mem_free(e->value);
    mem_free(e);
}

static void drop_flow(struct evalsnap *s)
{
    for (size_t i = 0; i < s->nflow; i++)
        mem_free(s->flow[i].p);
    s->nflow = 0;
}

void evalsnap_free(struct evalsnap *s)
{
    struct entry *e, *next;
    if (s == NULL)
        return;
    MAP_EACH(s->entries, e, next)
        drop_entry(s, e);
    drop_flow(s);
    mem_free(s->flow);
    bytes_fini(&s->id);
    mem_free(s);
}

static uint8_t *copy(const void *p, size_t n)
{
    uint8_t *c = mem_alloc(n + 1);
    if (n > 0)
        memcpy(c, p, n);
    return c;
}

static struct entry *find(struct evalsnap *s, const char *op, const void *key, size_t n)
{
    bytes_reset(&s->id);
    bytes_put(&s->id, op, strlen(op) + 1);
    bytes_put(&s->id, key, n);
    return MAP_GET(s->entries, s->id.p, s->id.n);
}

static void take_entry(void *ctx, const char *op, unsigned group, const void *key, size_t key_n,
                       const void *value, size_t value_n)
{
    struct evalsnap *s = ctx;
    struct entry *e = find(s, op, key, key_n);
    if (value == NULL) {
        BUG_IF(e == NULL && !s->leaves, "a key of %s is gone that was not there", op);
        if (e != NULL)
            drop_entry(s, e);
        return;
    }
    if (e == NULL) {
        e = mem_alloc(sizeof *e + s->id.n);
        *e = (struct entry){.id_n = s->id.n, .group = group};
        memcpy(e->id, s->id.p, s->id.n);
        MAP_PUT(s->entries, e, e->id, e->id_n);
    }
    mem_free(e->value);
    e->value = copy(value, value_n);
    e->value_n = value_n;
}

static void take_flow(void *ctx, const void *p, size_t n)
{
    struct evalsnap *s = ctx;
    s->flow = mem_grow(s->flow, s->nflow, 1, &s->flow_cap, sizeof *s->flow);
    s->flow[s->nflow++] = (struct record){copy(p, n), n};
}

enum err evalsnap_get(struct evalsnap *s, const char *op, const void *key, size_t n,
                      struct bytes *value)
{
    const struct entry *e = find(s, op, key, n);
    if (e == NULL || e->value == NULL)
        return ERR_NOT_FOUND;
    bytes_reset(value);
    bytes_put(value, e->value, e->value_n);
    return ERR_OK;
}

void evalsnap_leaves(struct evalsnap *s)
{
    s->leaves = true;
}

void evalsnap_put(struct evalsnap *s, const char *op, unsigned group, const void *key, size_t n,
                  const void *value, size_t value_n)
{
    struct entry *e = value == NULL ? find(s, op, key, n) : NULL;
    if (value != NULL) {
        take_entry(s, op, group, key, n, value, value_n);
    } else if (e != NULL) { /* it stays in the map, which somebody may be going through */
        mem_free(e->value);
        e->value = NULL;
    }
}

void evalsnap_keys(struct evalsnap *s, const char *op, unsigned group, keystore_take *take,
                   void *ctx)
{
    size_t op_n = strlen(op) + 1;
    struct entry *e, *next;
    MAP_EACH(s->entries, e, next)
        if (e->group == group && e->value != NULL && memcmp(e->id, op, op_n) == 0)
            take(ctx, group, e->id + op_n, e->id_n - op_n);
}

void evalsnap_begin(struct evalsnap *s, struct task *const *tasks, unsigned n)
{
    const struct tasksnap_out out = {take_entry, take_flow, s};
    drop_flow(s);
    for (unsigned i = 0; i < n; i++)
        tasksnap_begin(tasks[i], &out);
}

void evalsnap_some(struct task *const *tasks, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        (void)tasksnap_slice(tasks[i], 2);
}

void evalsnap_take(struct task *const *tasks, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        bool more = true;
        while (more)
            more = tasksnap_slice(tasks[i], 16);
    }
}

static void must(enum err e, const struct diag *d)
{
    char *why = e == ERR_OK ? NULL : diag_text(d);
    BUG_IF(e != ERR_OK, "a snapshot of this run cannot be read: %s", why);
}

void evalsnap_load(struct evalsnap *s, struct task *const *tasks, unsigned n)
{
    struct diag d;
    struct entry *e, *next;
    diag_init(&d, NULL, 0);
    for (unsigned i = 0; i < n; i++) {
        for (size_t f = 0; f < s->nflow; f++)
            must(taskload_flow(tasks[i], s->flow[f].p, s->flow[f].n, &d), &d);
        MAP_EACH(s->entries, e, next) {
            size_t op_n = strlen(e->id) + 1;
            if (e->value == NULL)
                continue;
            must(taskload_entry(tasks[i], e->id, e->group, e->id + op_n, e->id_n - op_n, e->value,
                                e->value_n, &d),
                 &d);
        }
        taskload_done(tasks[i]);
    }
    diag_fini(&d);
}
