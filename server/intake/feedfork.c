/* SPDX-License-Identifier: Apache-2.0 */
#include "server/intake/feedfork.h"
#include "base/mem.h"

enum { PERCENT = 100 };

/* Is there something new for that worker which it has not taken? */
static bool is_behind(const struct feed *f, unsigned worker)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct feed_part *p = &f->parts[i];
        if (p->read && !p->fork && p->log && p->worker == worker &&
            p->at.offset < intakelog_end(f->log, p->source, p->partition))
            return true;
    }
    return false;
}

bool feedfork_may(const struct feed *f, const struct feed_part *p)
{
    return !p->waits &&
           (f->fork_credit[p->worker] > 0 || (p->count == 0 && !is_behind(f, p->worker)) ||
            (p->bytes < f->part_max / 4 && !is_behind(f, p->worker)));
}

void feedfork_sent(struct feed *f, const struct feed_part *p, size_t bytes)
{
    int64_t most = (int64_t)f->part_max, *credit = &f->fork_credit[p->worker];
    if (p->fork) {
        atomic_fetch_add(&f->fork_bytes, bytes);
        *credit -= *credit > 0 ? (int64_t)bytes : 0;
    } else if (f->fork_share >= PERCENT) {
        *credit = most;
    } else {
        *credit += (int64_t)bytes * f->fork_share / (PERCENT - f->fork_share);
        *credit = *credit < most ? *credit : most;
    }
}

void feedfork_hold(struct feed *f, uint64_t lane, bool held)
{
    unsigned forks = registryfork_all(f->registry, NULL, 0);
    struct registry_fork *of = mem_array(forks + 1, sizeof *of);
    unsigned got = registryfork_all(f->registry, of, forks);
    pthread_mutex_lock(&f->lock);
    for (unsigned k = 0; k < got && k < forks; k++)
        for (size_t i = 0; of[k].lane == lane && i < f->n; i++)
            if (f->parts[i].schema == of[k].schema)
                f->parts[i].waits = held;
    pthread_mutex_unlock(&f->lock);
    mem_free(of);
}

void feedfork_share(struct feed *f, unsigned percent)
{
    f->fork_share = percent;
}

const struct schema **feedfork_all(const struct feed *f, unsigned *n)
{
    unsigned streams = registry_sources(f->registry, NULL, 0);
    unsigned forks = registryfork_all(f->registry, NULL, 0);
    const struct schema **all = mem_array(streams + forks + 1, sizeof(const struct schema *));
    struct registry_fork *of = mem_array(forks + 1, sizeof *of);
    unsigned got = registry_sources(f->registry, all, streams);
    *n = got < streams ? got : streams;
    got = registryfork_all(f->registry, of, forks);
    for (unsigned i = 0; i < got && i < forks; i++)
        all[(*n)++] = of[i].schema;
    mem_free(of);
    return all;
}

/* --- how far they are -------------------------------------------------------------------------------------------- */

static const struct feed_part *live_of(const struct feed *f, const struct feed_part *fork)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct feed_part *p = &f->parts[i];
        if (p->read && p->schema->id == fork->source && p->partition == fork->partition)
            return p;
    }
    return NULL;
}

static uint64_t begun_at(const struct job_mark *begun, unsigned n, const struct feed_part *p)
{
    for (unsigned i = 0; i < n; i++)
        if (begun[i].stream == p->schema->id && begun[i].partition == p->partition)
            return begun[i].offset;
    return 0;
}

static void add(const struct feed *f, const struct feed_part *p, uint64_t from,
                struct feed_fork *out)
{
    const struct feed_part *live = live_of(f, p);
    uint64_t end = intakelog_end(f->log, p->source, p->partition);
    uint64_t to = live == NULL ? end : live->at.offset;
    uint64_t behind = to > p->at.offset ? to - p->at.offset : 0;
    out->is_read = true;
    out->skips = out->skips || p->skips;
    out->behind = behind > out->behind ? behind : out->behind;
    out->done += p->at.offset > from ? p->at.offset - from : 0;
    out->all += end > from ? end - from : 0;
    out->watermark = p->at.w < out->watermark ? p->at.w : out->watermark;
}

void feedfork_look(struct feed *f, uint64_t lane, const struct job_mark *begun, unsigned n,
                   struct feed_fork *out)
{
    unsigned forks = registryfork_all(f->registry, NULL, 0);
    struct registry_fork *of = mem_array(forks + 1, sizeof *of);
    unsigned got = registryfork_all(f->registry, of, forks);
    *out = (struct feed_fork){.watermark = EVTIME_MAX};
    pthread_mutex_lock(&f->lock);
    for (unsigned k = 0; k < got && k < forks; k++)
        for (size_t i = 0; of[k].lane == lane && i < f->n; i++)
            if (f->parts[i].read && f->parts[i].schema == of[k].schema)
                add(f, &f->parts[i], begun_at(begun, n, &f->parts[i]), out);
    pthread_mutex_unlock(&f->lock);
    mem_free(of);
}

uint64_t feedfork_bytes(struct feed *f)
{
    return atomic_load(&f->fork_bytes);
}
