/* SPDX-License-Identifier: Apache-2.0 */
#include "server/eval/evalclock.h"
#include "base/mem.h"
#include "cep/idle.h"

struct evalclock {
    struct evalrun *run;
    const struct schema *const *streams;
    struct idle *idles; /* by stream */
    unsigned nstreams;
    evtime now;
    bool told; /* by a line */
};

struct evalclock *evalclock_new(struct evalrun *run, const struct schema *const *streams,
                                unsigned nstreams)
{
    struct evalclock *c = mem_new(sizeof *c);
    c->run = run;
    c->streams = streams;
    c->nstreams = nstreams;
    c->idles = mem_array(nstreams, sizeof *c->idles);
    return c;
}

void evalclock_free(struct evalclock *c)
{
    if (c == NULL)
        return;
    for (unsigned s = 0; s < c->nstreams; s++)
        idle_fini(&c->idles[s]);
    mem_free(c->idles);
    mem_free(c);
}

void evalclock_open(struct evalclock *c, unsigned stream, unsigned partitions)
{
    idle_init(&c->idles[stream], c->streams[stream], partitions, c->now);
}

static void raise(struct evalclock *c, unsigned stream)
{
    const struct idle *s = &c->idles[stream];
    uint32_t id = c->streams[stream]->id;
    for (unsigned p = 0; idle_goes_by_clock(s) && p < s->n; p++) {
        evtime w = idle_w(s, p, c->now);
        if (w > evalrun_w(c->run, id, p))
            evalrun_watermark(c->run, id, p, w);
    }
}

void evalclock_set(struct evalclock *c, evtime now)
{
    if (c->told && now < c->now)
        return;
    /* The clock begins with the first line: what came before has arrived just then. */
    for (unsigned s = 0; s < c->nstreams && !c->told; s++)
        for (unsigned p = 0; p < c->idles[s].n; p++)
            c->idles[s].partitions[p].since = now;
    c->told = true;
    c->now = now;
    evalrun_clock(c->run, now);
    for (unsigned s = 0; s < c->nstreams; s++)
        raise(c, s);
}

void evalclock_stamp(struct evalclock *c, unsigned stream, struct batch *b)
{
    const struct schema *s = c->streams[stream];
    if (s->time == TIME_EVENT)
        return;
    evtime w = evalrun_w(c->run, s->id, b->partition), t = c->now > w ? c->now : w;
    for (unsigned i = 0; i < b->n; i++)
        batch_set_time(b, i, t);
}

void evalclock_moved(struct evalclock *c, unsigned stream, unsigned partition)
{
    struct idle *s = &c->idles[stream];
    if (!idle_goes_by_clock(s))
        return;
    idle_event(s, partition, evalrun_w(c->run, c->streams[stream]->id, partition), c->now);
    raise(c, stream);
}

void evalclock_ended(struct evalclock *c, unsigned stream, unsigned partition)
{
    idle_end(&c->idles[stream], partition);
    raise(c, stream);
}
