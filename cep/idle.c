/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/idle.h"
#include "base/mem.h"

void idle_init(struct idle *s, const struct schema *schema, unsigned n, evtime now)
{
    *s = (struct idle){.time = schema->time, .timeout_ms = schema->idle_timeout_ms, .n = n};
    s->partitions = mem_array(n, sizeof *s->partitions);
    for (unsigned i = 0; i < n; i++)
        s->partitions[i] = (struct idle_partition){.w = EVTIME_MIN, .since = now};
}

void idle_fini(struct idle *s)
{
    mem_free(s->partitions);
    s->partitions = NULL;
    s->n = 0;
}

void idle_event(struct idle *s, unsigned partition, evtime w, evtime now)
{
    struct idle_partition *p = &s->partitions[partition];
    p->w = w;
    p->since = now > p->since ? now : p->since; /* a clock that was set back makes nothing idle */
}

void idle_end(struct idle *s, unsigned partition)
{
    s->partitions[partition].ended = true;
}

bool idle_is(const struct idle *s, unsigned partition, evtime now)
{
    const struct idle_partition *p = &s->partitions[partition];
    return s->timeout_ms > 0 && !p->ended && now - p->since >= s->timeout_ms;
}

bool idle_all(const struct idle *s, evtime now)
{
    bool any = false;
    for (unsigned i = 0; i < s->n; i++) {
        if (s->partitions[i].ended)
            continue;
        if (!idle_is(s, i, now))
            return false;
        any = true;
    }
    return any;
}

/* Of the active ones; EVTIME_MAX: there is none. */
static evtime least_active(const struct idle *s, evtime now)
{
    evtime w = EVTIME_MAX;
    for (unsigned i = 0; i < s->n; i++)
        if (!s->partitions[i].ended && !idle_is(s, i, now) && s->partitions[i].w < w)
            w = s->partitions[i].w;
    return w;
}

/* All are idle: the furthest watermark, and what has passed since the last event. */
static evtime by_clock(const struct idle *s, evtime now)
{
    evtime w = EVTIME_MIN, since = EVTIME_MIN, sum;
    for (unsigned i = 0; i < s->n; i++) {
        const struct idle_partition *p = &s->partitions[i];
        if (p->ended)
            continue;
        w = p->w > w ? p->w : w;
        since = p->since > since ? p->since : since;
    }
    if (w == EVTIME_MIN || __builtin_add_overflow(w, now - since, &sum))
        return w;
    return sum < EVTIME_LAST ? sum : EVTIME_LAST;
}

evtime idle_w(const struct idle *s, unsigned partition, evtime now)
{
    if (s->partitions[partition].ended)
        return EVTIME_MIN;
    if (s->time == TIME_PROCESSING)
        return now;
    if (!idle_is(s, partition, now))
        return EVTIME_MIN;
    evtime w = least_active(s, now);
    return w == EVTIME_MAX ? by_clock(s, now) : w;
}
