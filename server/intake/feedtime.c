/* SPDX-License-Identifier: Apache-2.0 */
#include "server/intake/feedtime.h"
#include "base/mem.h"
#include "server/intake/feeddef.h"

/* --- who waits for whom ------------------------------------------------------------------------------------------ */

static bool has_unread(const struct feed *f, const struct feed_part *p)
{
    if (p->log)
        return p->at.offset < intakelog_end(f->log, p->source, p->partition);
    return p->at.w != EVTIME_MAX && (!p->follows || p->at.offset < p->at.end);
}

/* Is p further ahead of a partition of its stream that has something left to read than it may be? One that has nothing
 * would not come nearer by waiting for it. */
static bool is_too_far_ahead(const struct feed *f, const struct feed_part *p)
{
    evtime w = p->log ? p->sent_w : p->at.w, bound;
    if (p->schema->alignment_ms == 0 || w == EVTIME_MAX)
        return false;
    for (size_t i = 0; i < f->n; i++) {
        const struct feed_part *q = &f->parts[i];
        if (q == p || q->schema != p->schema || !q->read || !has_unread(f, q))
            continue;
        if (q->at.w == EVTIME_MIN
                ? w > EVTIME_MIN
                : !__builtin_add_overflow(q->at.w, p->schema->alignment_ms, &bound) && w > bound)
            return true;
    }
    return false;
}

bool feedtime_paused(struct feed *f, struct feed_part *p)
{
    bool paused = is_too_far_ahead(f, p);
    if (paused == (p->paused_since != EVTIME_MIN))
        return paused;
    pthread_mutex_lock(&f->lock);
    p->paused_since = paused ? timebase_now_ms() : EVTIME_MIN;
    pthread_mutex_unlock(&f->lock);
    return paused;
}

/* --- the clock --------------------------------------------------------------------------------------------------- */

static struct idle *file_time(struct feed *f, const struct feed_part *p, evtime now)
{
    for (size_t i = 0; i < f->nfile_times; i++)
        if (f->file_times[i].stream == p->schema->id)
            return &f->file_times[i].idle;
    f->file_times =
        mem_grow(f->file_times, f->nfile_times, 1, &f->file_times_cap, sizeof *f->file_times);
    struct feed_file_time *t = &f->file_times[f->nfile_times++];
    t->stream = p->schema->id;
    idle_init(&t->idle, p->schema, p->schema->partitions, now);
    return &t->idle;
}

/* A file has no arrivals: it is silent while its worker has read all that is in it. */
static void watch_file(struct feed *f, struct feed_part *p, evtime now)
{
    struct idle *t = file_time(f, p, now);
    struct idle_partition *of = &t->partitions[p->partition];
    if (has_unread(f, p) || p->at.offset != p->seen) {
        p->seen = p->at.offset;
        idle_event(t, p->partition, p->at.w, now);
    } else if (of->w == EVTIME_MIN) {
        of->w = p->at.w;
    }
    evtime to = idle_w(t, p->partition, now);
    p->raise_w = to > p->raise_w ? to : p->raise_w;
}

void feedtime_look(struct feed *f, const struct schema *s, bool log, evtime now,
                   struct runtime_partition *p)
{
    p->arrival = p->silent_since = EVTIME_MIN;
    if (log) {
        struct intake_look of;
        intake_look(f->intake, s, p->partition, now, &of);
        p->arrival = of.arrival;
        p->silent_since = of.since;
        p->idle = of.idle;
    }
    for (size_t i = 0; !log && i < f->nfile_times; i++)
        if (f->file_times[i].stream == s->id) {
            p->silent_since = f->file_times[i].idle.partitions[p->partition].since;
            p->idle = idle_is(&f->file_times[i].idle, p->partition, now);
        }
}

static bool is_idle(struct feed *f, const struct feed_part *p, evtime now)
{
    struct runtime_partition of = {.partition = p->partition};
    if (p->schema->idle_timeout_ms == 0)
        return false;
    feedtime_look(f, p->schema, p->log, now, &of);
    return of.idle;
}

/* Of the stream's partitions that are not idle the first that is furthest behind holds time back, if another is further. */
static void watch_holder(struct feed *f, const struct schema *s, evtime now)
{
    struct feed_part *least = NULL;
    evtime most = EVTIME_MIN;
    for (size_t i = 0; i < f->n; i++) {
        struct feed_part *p = &f->parts[i];
        if (p->schema != s || !p->read)
            continue;
        most = p->at.w > most ? p->at.w : most;
        if ((least == NULL || p->at.w < least->at.w) && !is_idle(f, p, now))
            least = p;
    }
    for (size_t i = 0; i < f->n; i++) {
        struct feed_part *p = &f->parts[i];
        bool holds = least != NULL && p == least && least->at.w < most;
        if (p->schema == s && holds != (p->holds_since != EVTIME_MIN))
            p->holds_since = holds ? now : EVTIME_MIN;
    }
}

bool feedtime_tick(struct feed *f, evtime now)
{
    bool by_clock = false;
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->n; i++)
        if (f->parts[i].read && f->parts[i].follows && f->parts[i].schema->idle_timeout_ms > 0) {
            by_clock = true;
            watch_file(f, &f->parts[i], now);
        }
    for (size_t i = 0; i < f->n; i++)
        if (f->parts[i].partition == 0 && !f->parts[i].fork)
            watch_holder(f, f->parts[i].schema, now);
    pthread_mutex_unlock(&f->lock);
    return by_clock;
}

void feedtime_fini(struct feed *f)
{
    for (size_t i = 0; i < f->nfile_times; i++)
        idle_fini(&f->file_times[i].idle);
    mem_free(f->file_times);
}
