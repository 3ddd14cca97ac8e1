/* SPDX-License-Identifier: Apache-2.0 */
#include "server/checkpoint/checkhistory.h"
#include "base/mem.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct checkhistory {
    pthread_mutex_t lock;
    struct runtime_checkpoint ring[CHECKHISTORY_MAX];
    montime began[CHECKHISTORY_MAX]; /* of those in progress */
    uint64_t n;
    struct runtime_checkpoint_counts counts;
};

struct checkhistory *checkhistory_new(void)
{
    struct checkhistory *h = mem_new(sizeof *h);
    pthread_mutex_init(&h->lock, NULL);
    return h;
}

void checkhistory_free(struct checkhistory *h)
{
    if (h == NULL)
        return;
    pthread_mutex_destroy(&h->lock);
    mem_free(h);
}

static struct runtime_checkpoint *find(struct checkhistory *h, uint64_t id)
{
    for (uint64_t i = 0; i < h->n && i < CHECKHISTORY_MAX; i++)
        if (h->ring[i].id == id)
            return &h->ring[i];
    return NULL;
}

static void fill(struct runtime_checkpoint *x, const struct checkmeta *m)
{
    x->id = m->id;
    memcpy(x->trigger, m->trigger, sizeof x->trigger);
    x->started = m->started;
    x->duration_ms = m->duration_ms;
    x->workers = m->workers;
    for (unsigned i = 0; i < m->workers; i++) {
        const struct checkmeta_worker *w = &m->worker[i];
        x->part[i] = (struct runtime_checkpoint_part){.entries = w->done.entries,
                                                      .bytes = w->done.bytes,
                                                      .new_bytes = w->done.new_bytes,
                                                      .flow_bytes = w->done.flow_bytes,
                                                      .alignment_us = w->alignment_ns / 1000,
                                                      .sync_us = w->sync_ns / 1000,
                                                      .async_us = w->done.async_ns / 1000,
                                                      .unaligned = w->unaligned};
    }
}

static struct runtime_checkpoint *add(struct checkhistory *h, const struct checkmeta *m)
{
    uint64_t at = h->n++ % CHECKHISTORY_MAX;
    h->ring[at] = (struct runtime_checkpoint){.state = CHECKPOINT_IN_PROGRESS};
    h->began[at] = timebase_mono_ns();
    fill(&h->ring[at], m);
    return &h->ring[at];
}

void checkhistory_begun(struct checkhistory *h, const struct checkmeta *m)
{
    pthread_mutex_lock(&h->lock);
    (void)add(h, m);
    pthread_mutex_unlock(&h->lock);
}

void checkhistory_found(struct checkhistory *h, const struct checkmeta *m)
{
    pthread_mutex_lock(&h->lock);
    struct runtime_checkpoint *x = add(h, m);
    x->state = CHECKPOINT_COMPLETED;
    x->kept = true;
    pthread_mutex_unlock(&h->lock);
}

void checkhistory_progress(struct checkhistory *h, const struct checkmeta *m)
{
    pthread_mutex_lock(&h->lock);
    struct runtime_checkpoint *x = find(h, m->id);
    if (x != NULL)
        fill(x, m);
    pthread_mutex_unlock(&h->lock);
}

void checkhistory_completed(struct checkhistory *h, const struct checkmeta *m)
{
    checkhistory_progress(h, m);
    pthread_mutex_lock(&h->lock);
    struct runtime_checkpoint *x = find(h, m->id);
    if (x != NULL) {
        x->state = CHECKPOINT_COMPLETED;
        x->kept = true;
    }
    h->counts.completed++;
    h->counts.failed_in_a_row = 0;
    pthread_mutex_unlock(&h->lock);
}

void checkhistory_failed(struct checkhistory *h, const struct checkmeta *m, const char *why)
{
    checkhistory_progress(h, m);
    pthread_mutex_lock(&h->lock);
    struct runtime_checkpoint *x = find(h, m->id);
    if (x != NULL) {
        x->state = CHECKPOINT_FAILED;
        snprintf(x->why, sizeof x->why, "%s", why);
    }
    h->counts.failed++;
    h->counts.failed_in_a_row++;
    pthread_mutex_unlock(&h->lock);
}

void checkhistory_removed(struct checkhistory *h, uint64_t id)
{
    pthread_mutex_lock(&h->lock);
    struct runtime_checkpoint *x = find(h, id);
    if (x != NULL)
        x->kept = false;
    pthread_mutex_unlock(&h->lock);
}

void checkhistory_restored(struct checkhistory *h, uint64_t id)
{
    pthread_mutex_lock(&h->lock);
    for (uint64_t i = 0; i < h->n && i < CHECKHISTORY_MAX; i++)
        h->ring[i].restored = id != 0 && h->ring[i].id == id;
    h->counts.restored = id;
    pthread_mutex_unlock(&h->lock);
}

unsigned checkhistory_list(struct checkhistory *h, struct runtime_checkpoint *out, unsigned cap)
{
    pthread_mutex_lock(&h->lock);
    unsigned n = h->n < CHECKHISTORY_MAX ? (unsigned)h->n : CHECKHISTORY_MAX;
    for (unsigned i = 0; i < n && i < cap; i++) {
        uint64_t at = (h->n - 1 - i) % CHECKHISTORY_MAX;
        out[i] = h->ring[at];
        if (out[i].state == CHECKPOINT_IN_PROGRESS)
            out[i].duration_ms = (timebase_mono_ns() - h->began[at]) / 1000000;
    }
    pthread_mutex_unlock(&h->lock);
    return n;
}

void checkhistory_counts(struct checkhistory *h, struct runtime_checkpoint_counts *out)
{
    pthread_mutex_lock(&h->lock);
    *out = h->counts;
    pthread_mutex_unlock(&h->lock);
}
