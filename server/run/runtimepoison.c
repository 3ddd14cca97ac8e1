/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "poison"
#include "server/run/runtimepoison.h"
#include "base/log.h"
#include <inttypes.h>
#include <stdio.h>

static const struct schema *stream_of(struct runtimeloop *l, const struct lastplace *at)
{
    return registry_stream_by_id(l->env.registry, at->stream);
}

static void tell(struct runtimeloop *l, const struct schema *s, const struct lastplace *at,
                 const char *why)
{
    char reason[CONTROL_TEXT_MAX];
    snprintf(reason, sizeof reason, "it killed the workers %d times: %.300s", POISON_TIMES, why);
    const struct catalog_dead_letter d = {.kind = "error",
                                          .stream = at->stream,
                                          .partition = at->partition,
                                          .offset = at->first,
                                          .code = "poison",
                                          .reason = reason,
                                          .at = timebase_now_ms()};
    LOG_ERROR("an event that kills the workers is set aside",
              "stream=%s partition=%u offset=%" PRIu64 " times=%d last=\"%s\"", s->name,
              at->partition, at->first, POISON_TIMES, why);
    alertwriter_alarm(l->env.alerts, &d);
}

static bool set_aside(struct runtimeloop *l, const struct lastplace *at, const char *why,
                      char *text)
{
    const struct schema *s = stream_of(l, at);
    pthread_mutex_lock(&l->lock);
    enum err e = poison_skip(l->poison, at);
    pthread_mutex_unlock(&l->lock);
    if (e == ERR_OK) {
        tell(l, s, at, why);
        return true;
    }
    snprintf(text, CONTROL_TEXT_MAX,
             "the event of stream %s, partition %u, offset %" PRIu64
             " kills the workers and cannot be set aside: %s",
             s->name, at->partition, at->first, err_text(e));
    return false;
}

bool runtimepoison_died(struct runtimeloop *l, unsigned worker, const char *why, char *text)
{
    struct lastplace at;
    bool crashed = false, known = crew_died_at(l->crew, worker, &at, &crashed);
    const struct schema *s = known ? stream_of(l, &at) : NULL;
    if (!crashed)
        return false;
    if (s != NULL)
        LOG_WARN("a worker died at an event",
                 "stream=%s partition=%u offset=%" PRIu64 " to=%" PRIu64, s->name, at.partition,
                 at.first, at.last);
    pthread_mutex_lock(&l->lock);
    bool found =
        poison_died(l->poison, s != NULL ? &at : NULL, crew_began(l->crew), timebase_mono_ns());
    pthread_mutex_unlock(&l->lock);
    if (!found || s == NULL)
        return false;
    if (s->poison_skip)
        return !set_aside(l, &at, why, text);
    l->poisoned = at;
    l->is_poisoned = true;
    snprintf(
        text, CONTROL_TEXT_MAX,
        "the event of stream %s, partition %u, offset %" PRIu64
        " kills the workers (%d times and more). POST /api/v1/workers:restart?poison=skip sets "
        "it aside; with 'poison'='skip' in WITH the stream does so by itself",
        s->name, at.partition, at.first, POISON_TIMES);
    return true;
}

void runtimepoison_skip(struct runtimeloop *l)
{
    char text[CONTROL_TEXT_MAX];
    if (!l->is_poisoned || stream_of(l, &l->poisoned) == NULL)
        return;
    l->is_poisoned = false;
    if (!set_aside(l, &l->poisoned, "it was asked for", text))
        LOG_ERROR("an event cannot be set aside", "reason=\"%s\"", text);
}

void runtimepoison_tell(struct runtimeloop *l)
{
    bytes_reset(&l->out);
    poison_put(l->poison, &l->out);
    for (unsigned i = 0; i < l->task.workers; i++)
        crew_send(l->crew, i, CONTROL_WATCH, l->epoch, &l->out);
}

unsigned runtimepoison_list(struct runtimeloop *l, struct runtime_poison *out, unsigned cap)
{
    struct poison_place places[POISON_PLACES];
    pthread_mutex_lock(&l->lock);
    unsigned n = poison_places(l->poison, places, POISON_PLACES);
    pthread_mutex_unlock(&l->lock);
    for (unsigned i = 0; i < n && i < cap; i++) {
        const struct schema *s = stream_of(l, &places[i].at);
        out[i] = (struct runtime_poison){.stream = s != NULL ? s->name : NULL,
                                         .partition = places[i].at.partition,
                                         .offset = places[i].at.first,
                                         .times = places[i].times,
                                         .set_aside = places[i].skipped};
    }
    return n;
}
