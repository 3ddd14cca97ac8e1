/* SPDX-License-Identifier: Apache-2.0
 *
 * Entries are copied into chunks, one after the other; a chunk that is full, and the last one, goes to the thread. */
#define LOG_MODULE "snapshot"
#include "server/worker/snapthread.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "state/flowfile.h"
#include "state/store.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    CHUNK_BYTES = 256 << 10,
    SOFT_BYTES = 8 << 20,
    HARD_BYTES = 32 << 20,
    BLOCK_BYTES = 128 << 20,
};

enum item_kind { ITEM_ENTRY, ITEM_GONE, ITEM_FLOW, ITEM_BEGIN, ITEM_END };

struct chunk {
    struct chunk *next;
    struct bytes b;
};

struct snapthread {
    pthread_t thread;
    char *name;
    struct chunk *filling; /* the worker's */

    /* the thread's */
    struct store *store;
    struct flowfile_writer flow;
    struct snapwire_done now;
    char *folder;
    montime began;
    enum err e; /* what has gone wrong since the beginning */
    bool lost; /* an entry could not be put */
    bool asked; /* the worker asks the store for keys */
    struct diag d;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake, room;
    struct chunk *first, **last;
    size_t queued; /* bytes, of chunks that the thread has not worked off */
    bool stop, has_done, was_lost;
    struct snapwire_done done;
};

/* --- the worker's side ------------------------------------------------------------------------------------------- */

static void hand_over(struct snapthread *s)
{
    struct chunk *c = s->filling;
    if (c == NULL)
        return;
    s->filling = NULL;
    pthread_mutex_lock(&s->lock);
    *s->last = c;
    s->last = &c->next;
    s->queued += c->b.n;
    pthread_cond_signal(&s->wake);
    while (s->queued >= BLOCK_BYTES && !s->stop)
        pthread_cond_wait(&s->room, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

static struct bytes *item(struct snapthread *s, enum item_kind kind)
{
    if (s->filling == NULL)
        s->filling = mem_new(sizeof *s->filling);
    bytes_u8(&s->filling->b, (uint8_t)kind);
    return &s->filling->b;
}

static void full(struct snapthread *s)
{
    if (s->filling->b.n >= CHUNK_BYTES)
        hand_over(s);
}

static void on_entry(void *ctx, const char *op, unsigned key_group, const void *key, size_t key_n,
                     const void *value, size_t value_n)
{
    struct snapthread *s = ctx;
    struct bytes *out = item(s, value == NULL ? ITEM_GONE : ITEM_ENTRY);
    bytes_u32(out, key_group);
    bytes_u64(out, value_n);
    bytes_str(out, op, strlen(op) + 1);
    bytes_str(out, key, key_n);
    bytes_put(out, value, value == NULL ? 0 : value_n);
    full(s);
}

static void on_flow(void *ctx, const void *p, size_t n)
{
    struct snapthread *s = ctx;
    bytes_str(item(s, ITEM_FLOW), p, n);
    full(s);
}

void snapthread_begin(struct snapthread *s, uint64_t id, const char *folder,
                      struct tasksnap_out *out)
{
    struct bytes *b = item(s, ITEM_BEGIN);
    bytes_u64(b, id);
    bytes_str(b, folder, strlen(folder) + 1);
    *out = (struct tasksnap_out){on_entry, on_flow, s};
}

void snapthread_end(struct snapthread *s)
{
    (void)item(s, ITEM_END);
    hand_over(s);
}

enum snapthread_room snapthread_room(struct snapthread *s)
{
    pthread_mutex_lock(&s->lock);
    size_t n = s->queued;
    pthread_mutex_unlock(&s->lock);
    return n < SOFT_BYTES ? SNAPTHREAD_ROOM : n < HARD_BYTES ? SNAPTHREAD_SOFT : SNAPTHREAD_HARD;
}

bool snapthread_done(struct snapthread *s, struct snapwire_done *report, bool *lost)
{
    pthread_mutex_lock(&s->lock);
    bool done = s->has_done;
    if (done) {
        *report = s->done;
        *lost = s->was_lost;
    }
    s->has_done = false;
    pthread_mutex_unlock(&s->lock);
    return done;
}

/* --- the thread -------------------------------------------------------------------------------------------------- */

static void failed(struct snapthread *s, enum err e)
{
    if (s->e == ERR_OK)
        s->e = e;
}

static void begin(struct snapthread *s, struct bytes_reader *in)
{
    size_t n = 0;
    uint64_t id = bytes_get_u64(in);
    const char *folder = bytes_get_str(in, &n);
    s->now = (struct snapwire_done){.id = id};
    s->began = timebase_mono_ns();
    s->e = ERR_OK;
    s->lost = false;
    diag_fini(&s->d);
    diag_init(&s->d, NULL, 0);
    mem_free(s->folder);
    s->folder = mem_str(folder);
    char *path = mem_printf("%s/%s.flow", folder, s->name);
    enum err e = flowfile_create(&s->flow, path);
    if (e != ERR_OK)
        diag_say(&s->d, "state", NULL, "%s: %s", path, err_text(e));
    failed(s, e);
    mem_free(path);
}

static void put_entry(struct snapthread *s, struct bytes_reader *in, bool gone)
{
    struct snapfile_entry e = {0};
    unsigned group = bytes_get_u32(in);
    uint64_t value_n = bytes_get_u64(in);
    size_t op_n = 0;
    const char *op = bytes_get_str(in, &op_n);
    e.key = bytes_get_str(in, &e.key_n);
    e.value_n = gone ? 0 : value_n;
    e.value = gone ? NULL : bytes_get(in, e.value_n);
    if (s->lost)
        return;
    enum err bad = store_put(s->store, op, group, &e);
    if (bad != ERR_OK)
        diag_say(&s->d, "state", NULL, "an entry of %zu bytes of state cannot be written: %s",
                 e.value_n, err_text(bad));
    s->lost = bad != ERR_OK;
    failed(s, bad);
}

static void put_flow(struct snapthread *s, struct bytes_reader *in)
{
    size_t n = 0;
    const char *p = bytes_get_str(in, &n);
    if (s->e == ERR_OK)
        flowfile_put(&s->flow, p, n);
}

static void write_all(struct snapthread *s)
{
    struct store_report r = {0};
    uint64_t bytes = 0, records = s->flow.records;
    enum err e = flowfile_finish(&s->flow, &bytes);
    if (e != ERR_OK)
        diag_say(&s->d, "state", NULL, "%s/%s.flow: %s", s->folder, s->name, err_text(e));
    else
        e = store_checkpoint(s->store, s->folder, s->name, &r, &s->d);
    failed(s, e);
    s->now.entries = r.changes;
    s->now.bytes = r.bytes + bytes;
    s->now.new_bytes = r.written_bytes + bytes;
    s->now.flow_bytes = bytes;
    s->now.records = records;
    s->now.files = r.files;
}

static void end(struct snapthread *s)
{
    if (s->e == ERR_OK)
        write_all(s);
    else
        flowfile_abandon(&s->flow);
    s->now.ok = s->e == ERR_OK;
    if (!s->now.ok) {
        char *text = diag_text(&s->d);
        snprintf(s->now.why, sizeof s->now.why, "%.200s", text[0] != '\0' ? text : err_text(s->e));
        s->now.why[strcspn(s->now.why, "\n")] = '\0';
        mem_free(text);
        s->lost |= !store_is_whole(s->store);
        if (s->lost && !s->asked) /* else the worker ends, and may be asking it just now */
            store_reset(s->store);
    }
    s->now.async_ns = (uint64_t)(timebase_mono_ns() - s->began);
    pthread_mutex_lock(&s->lock);
    s->done = s->now;
    s->was_lost = s->lost;
    s->has_done = true;
    pthread_mutex_unlock(&s->lock);
}

static void work_off(struct snapthread *s, const struct bytes *b)
{
    struct bytes_reader in = bytes_read(b->p, b->n);
    while (in.p < in.end && !in.bad) {
        enum item_kind kind = (enum item_kind)bytes_get_u8(&in);
        switch (kind) {
        case ITEM_BEGIN:
            begin(s, &in);
            break;
        case ITEM_ENTRY:
        case ITEM_GONE:
            put_entry(s, &in, kind == ITEM_GONE);
            break;
        case ITEM_FLOW:
            put_flow(s, &in);
            break;
        case ITEM_END:
            end(s);
            break;
        }
    }
    CHECK(!in.bad);
}

static void *run(void *arg)
{
    struct snapthread *s = arg;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (s->first == NULL && !s->stop)
            pthread_cond_wait(&s->wake, &s->lock);
        if (s->stop)
            break;
        struct chunk *c = s->first;
        if ((s->first = c->next) == NULL)
            s->last = &s->first;
        pthread_mutex_unlock(&s->lock);
        work_off(s, &c->b);
        pthread_mutex_lock(&s->lock);
        s->queued -= c->b.n;
        pthread_cond_signal(&s->room);
        bytes_fini(&c->b);
        mem_free(c);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

struct store *snapthread_store(struct snapthread *s)
{
    return s->store;
}

enum err snapthread_start(const char *dir, const struct store_options *o, const char *name,
                          struct diag *d, struct snapthread **out)
{
    struct store *store = NULL;
    enum err e = store_open_as(dir, o, d, &store);
    if (e != ERR_OK)
        return e;
    struct snapthread *s = mem_new(sizeof *s);
    s->store = store;
    s->asked = o->backend == STORE_ROCKSDB;
    s->name = mem_str(name);
    s->last = &s->first;
    s->flow.file.fd = -1;
    diag_init(&s->d, NULL, 0);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    pthread_cond_init(&s->room, NULL);
    BUG_IF(pthread_create(&s->thread, NULL, run, s) != 0, "no thread for snapshots");
    *out = s;
    return ERR_OK;
}

static void free_chunk(struct chunk *c)
{
    if (c != NULL)
        bytes_fini(&c->b);
    mem_free(c);
}

void snapthread_stop(struct snapthread *s)
{
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    free_chunk(s->filling);
    for (struct chunk *c = s->first, *next = NULL; c != NULL; c = next) {
        next = c->next;
        free_chunk(c);
    }
    flowfile_abandon(&s->flow);
    store_close(s->store);
    diag_fini(&s->d);
    mem_free(s->folder);
    mem_free(s->name);
    pthread_cond_destroy(&s->wake);
    pthread_cond_destroy(&s->room);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}
