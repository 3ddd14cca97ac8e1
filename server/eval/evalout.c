/* SPDX-License-Identifier: Apache-2.0 */
#include "server/eval/evalout.h"
#include "base/durable.h"
#include "base/mem.h"
#include "server/worker/statestore.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct noted {
    evtime due;
    char *op;
    unsigned group;
    void *key;
    size_t n;
};

struct memory { /* a task's, as a keystore sees it */
    struct evalsnap *entries;
    struct noted *notes;
    size_t n, cap;
};

struct evalout {
    size_t bytes;
    struct evalsnap *entries;
    struct memory memories[TASK_WORKERS_MAX];
    char dir[64]; /* "": none */
    struct store *stores[TASK_WORKERS_MAX];
};

/* --- other memory --- */

static enum err open_op(void *ctx, const char *op, void **out)
{
    (void)ctx;
    *out = (void *)(uintptr_t)op; /* lives as long as the task's operator */
    return ERR_OK;
}

static enum err get(void *ctx, void *op, unsigned group, const void *key, size_t n,
                    struct bytes *value)
{
    const struct memory *m = ctx;
    (void)group;
    return evalsnap_get(m->entries, op, key, n, value);
}

static enum err put(void *ctx, void *op, unsigned group, const void *key, size_t n,
                    const void *value, size_t value_n)
{
    const struct memory *m = ctx;
    evalsnap_put(m->entries, op, group, key, n, value, value_n);
    return ERR_OK;
}

static enum err note(void *ctx, void *op, unsigned group, const void *key, size_t n, evtime due)
{
    struct memory *m = ctx;
    m->notes = mem_grow(m->notes, m->n, 1, &m->cap, sizeof *m->notes);
    m->notes[m->n++] = (struct noted){due, mem_str(op), group, mem_dup(key, n), n};
    return ERR_OK;
}

static void drop_note(struct memory *m, size_t i)
{
    mem_free(m->notes[i].op);
    mem_free(m->notes[i].key);
    m->notes[i] = m->notes[--m->n];
}

static enum err due(void *ctx, void *op, evtime to, unsigned n, keystore_take *take, void *take_ctx,
                    evtime *next)
{
    struct memory *m = ctx;
    for (;; n--) {
        size_t least = SIZE_MAX;
        for (size_t i = 0; i < m->n; i++)
            if (strcmp(m->notes[i].op, op) == 0 &&
                (least == SIZE_MAX || m->notes[i].due < m->notes[least].due))
                least = i;
        *next = least == SIZE_MAX ? EVTIME_MAX : m->notes[least].due;
        if (least == SIZE_MAX || n == 0 || *next > to)
            return ERR_OK;
        take(take_ctx, m->notes[least].group, m->notes[least].key, m->notes[least].n);
        drop_note(m, least);
    }
}

static enum err keys(void *ctx, void *op, unsigned group, keystore_take *take, void *take_ctx)
{
    const struct memory *m = ctx;
    evalsnap_keys(m->entries, op, group, take, take_ctx);
    return ERR_OK;
}

static void forget_notes(struct memory *m)
{
    while (m->n > 0)
        drop_note(m, m->n - 1);
}

/* --- either --- */

enum err evalout_new(size_t bytes, struct evalsnap *entries, struct diag *d, struct evalout **out)
{
    const char *tmp = getenv("TMPDIR");
    struct evalout *o = mem_new(sizeof *o);
    o->bytes = bytes;
    o->entries = entries;
    if (bytes > 0) {
        int n = snprintf(o->dir, sizeof o->dir, "%s/weir-state-XXXXXX", tmp == NULL ? "/tmp" : tmp);
        if (n >= (int)sizeof o->dir || mkdtemp(o->dir) == NULL) {
            diag_say(d, "state", "set TMPDIR to a folder that can be written to",
                     "%s: cannot be made: %s", o->dir, strerror(errno));
            mem_free(o);
            return ERR_IO;
        }
    }
    *out = o;
    return ERR_OK;
}

void evalout_free(struct evalout *o)
{
    if (o == NULL)
        return;
    for (unsigned i = 0; i < TASK_WORKERS_MAX; i++) {
        store_close(o->stores[i]);
        forget_notes(&o->memories[i]);
        mem_free(o->memories[i].notes);
    }
    if (o->dir[0] != 0)
        (void)durable_delete(o->dir);
    mem_free(o);
}

enum err evalout_attach(struct evalout *o, struct task *t, unsigned i, unsigned n, struct diag *d)
{
    struct memory *m = &o->memories[i];
    if (o->bytes == 0) {
        forget_notes(m);
        m->entries = o->entries;
        evalsnap_leaves(o->entries);
        const struct keystore k = {m, open_op, get, put, note, due, keys};
        taskout_attach(t, &k, 0);
        return ERR_OK;
    }
    const struct store_options options = statestore_options(STORE_ROCKSDB, o->bytes / n);
    char *dir = mem_printf("%s/%u", o->dir, i);
    enum err e = store_open_as(dir, &options, d, &o->stores[i]);
    mem_free(dir);
    if (e != ERR_OK)
        return e;
    const struct keystore k = statestore_of(o->stores[i]);
    taskout_attach(t, &k, statestore_keys_bytes(o->bytes / n));
    return ERR_OK;
}
