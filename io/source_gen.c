/* SPDX-License-Identifier: Apache-2.0 */
#include "io/source_gen.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

enum {
    RATE_DEFAULT = 100,
    RATE_MAX = 1000000,
    CARDS_DEFAULT = 20000,
    SEED_DEFAULT = 7,
    LATE_DEFAULT = 500
};
enum { DISORDER_DEFAULT_MS = 2000, CATCH_UP_NS = 1000000000 };

struct source_gen {
    struct paygen *gen;
    uint64_t rate, made; /* since `began` */
    uint64_t left; /* of 'events'; UINT64_MAX: without end */
    montime began;
};

static enum err number(const struct schema *s, const char *name, uint64_t fallback, uint64_t least,
                       uint64_t most, struct diag *d, uint64_t *out)
{
    const char *text = schema_option(s, name);
    *out = fallback;
    if (text == NULL)
        return ERR_OK;
    char *end = NULL;
    unsigned long long v = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || v < least || v > most) {
        diag_say(d, "option", NULL,
                 "'%s' of stream %s is to be a number from %llu to %llu, not '%s'", name, s->name,
                 (unsigned long long)least, (unsigned long long)most, text);
        return ERR_INVALID;
    }
    *out = v;
    return ERR_OK;
}

static enum err span(const struct schema *s, const char *name, struct diag *d, uint32_t *ms)
{
    const char *text = schema_option(s, name);
    int64_t v = DISORDER_DEFAULT_MS;
    if (text != NULL &&
        (!timebase_parse_duration(text, strlen(text), &v) || v < 0 || v > PAYGEN_DISORDER_MAX_MS)) {
        diag_say(d, "option", NULL,
                 "'%s' of stream %s is to be a time of at most an hour, not '%s'", name, s->name,
                 text);
        return ERR_INVALID;
    }
    *ms = (uint32_t)v;
    return ERR_OK;
}

enum err source_gen_new(const struct schema *s, evtime start, montime now, uint64_t already,
                        struct diag *d, struct source_gen **out)
{
    uint64_t rate = 0, cards = 0, seed = 0, late = 0, events = 0;
    struct paygen_options o = PAYGEN_DEFAULTS;
    enum err e = number(s, "rate", RATE_DEFAULT, 1, RATE_MAX, d, &rate);
    if (e == ERR_OK)
        e = number(s, "cards", CARDS_DEFAULT, 1, PAYGEN_CARDS_MAX, d, &cards);
    if (e == ERR_OK)
        e = number(s, "seed", SEED_DEFAULT, 0, UINT32_MAX, d, &seed);
    if (e == ERR_OK)
        e = number(s, "late-ppm", LATE_DEFAULT, 0, 1000000, d, &late);
    if (e == ERR_OK)
        e = number(s, "events", 0, 0, UINT64_MAX / 2, d, &events);
    if (e == ERR_OK)
        e = span(s, "disorder", d, &o.disorder_ms);
    if (e != ERR_OK)
        return e;
    o.events = 0;
    o.cards = (uint32_t)cards;
    o.seed = seed + already; /* a run that goes on makes other events, at today's time */
    o.late_ppm = (uint32_t)late;
    o.start = start;
    o.step_us = (uint32_t)(1000000 / rate);
    struct source_gen *g = mem_new(sizeof *g);
    g->gen = paygen_new(&o);
    g->rate = rate;
    g->began = now;
    g->left = events == 0 ? UINT64_MAX : events > already ? events - already : 0;
    *out = g;
    return ERR_OK;
}

void source_gen_free(struct source_gen *g)
{
    if (g == NULL)
        return;
    paygen_free(g->gen);
    mem_free(g);
}

size_t source_gen_next(struct source_gen *g, montime now, char out[PAYGEN_LINE_MAX])
{
    if (g->left == 0 || now < g->began)
        return 0;
    /* Who could not keep the pace (the log was full) goes on from here and does not make up for all of it at once. */
    uint64_t ns_an_event = 1000000000 / g->rate;
    uint64_t due = (uint64_t)(now - g->began) / ns_an_event;
    if (due > g->made && (due - g->made) * ns_an_event > CATCH_UP_NS) {
        g->began = now;
        g->made = 0;
        return 0;
    }
    if (due <= g->made)
        return 0;
    size_t n = paygen_next(g->gen, out, NULL);
    g->made++;
    if (g->left != UINT64_MAX)
        g->left--;
    return n > 0 && out[n - 1] == '\n' ? n - 1 : n;
}

bool source_gen_ended(const struct source_gen *g)
{
    return g->left == 0;
}
