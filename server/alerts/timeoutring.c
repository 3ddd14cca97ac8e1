/* SPDX-License-Identifier: Apache-2.0 */
#include "server/alerts/timeoutring.h"
#include "base/mem.h"
#include "server/alerts/alertbuild.h"
#include "server/wire/resultwire.h"
#include <stdlib.h>

enum { ROWS_AT_ONCE = 1000 };

struct held {
    evtime time;
    struct bytes result;
};
struct rule {
    uint64_t uid;
    struct held *held; /* at most twice as many as are kept */
    size_t n, cap;
};

struct timeoutring {
    uint64_t keep;
    struct rule *rules;
    size_t n, cap;
    struct arena *arena;
};

struct timeoutring *timeoutring_new(uint64_t keep)
{
    struct timeoutring *t = mem_new(sizeof *t);
    t->keep = keep;
    t->arena = arena_new(0, 0);
    return t;
}

static void clear(struct rule *r)
{
    for (size_t i = 0; i < r->n; i++)
        bytes_fini(&r->held[i].result);
    r->n = 0;
}

static int later_first(const void *a, const void *b)
{
    evtime x = ((const struct held *)a)->time, y = ((const struct held *)b)->time;
    return x > y ? -1 : x < y;
}

/* How many went, the earliest. */
static size_t cut_to(struct rule *r, size_t keep)
{
    if (r->n <= keep)
        return 0;
    size_t gone = r->n - keep;
    qsort(r->held, r->n, sizeof *r->held, later_first);
    for (size_t i = keep; i < r->n; i++)
        bytes_fini(&r->held[i].result);
    r->n = keep;
    return gone;
}

void timeoutring_free(struct timeoutring *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->n; i++) {
        clear(&t->rules[i]);
        mem_free(t->rules[i].held);
    }
    mem_free(t->rules);
    arena_free(t->arena);
    mem_free(t);
}

static struct rule *rule_of(struct timeoutring *t, uint64_t uid)
{
    size_t i = 0;
    while (i < t->n && t->rules[i].uid != uid)
        i++;
    if (i == t->n) {
        t->rules = mem_grow(t->rules, t->n, 1, &t->cap, sizeof *t->rules);
        t->rules[t->n++] = (struct rule){.uid = uid};
    }
    return &t->rules[i];
}

uint64_t timeoutring_add(struct timeoutring *t, const struct result *r, const void *wire, size_t n)
{
    if (t->keep == 0)
        return 1;
    struct rule *rule = rule_of(t, r->rule_uid);
    rule->held = mem_grow(rule->held, rule->n, 1, &rule->cap, sizeof *rule->held);
    struct held *to = &rule->held[rule->n++];
    *to = (struct held){.time = r->time};
    bytes_put(&to->result, wire, n);
    return rule->n < 2 * t->keep ? 0 : cut_to(rule, t->keep);
}

/* By the plan of the version that found it. False: there is no such rule any more. */
static bool build(struct timeoutring *t, const struct bytes *held, struct registry *registry,
                  evtime now, struct catalog_timeout *out)
{
    struct bytes_reader in = bytes_read(held->p, held->n);
    struct result res;
    if (resultwire_get(&in, t->arena, &res) != ERR_OK)
        return false;
    uint32_t version = res.rule_version;
    struct rule_plan *plan = registry_plan(registry, res.rule_uid, &version);
    if (plan == NULL)
        return false;
    res.rule = plan;
    alertbuild_timeout(&res, version, registry, now, t->arena, out);
    plan_unref(plan);
    return true;
}

static enum err store(struct timeoutring *t, struct rule *r, struct catalog *c,
                      struct registry *registry, evtime now)
{
    struct catalog_timeout *rows = mem_array(ROWS_AT_ONCE, sizeof *rows);
    enum err e = ERR_OK;
    for (size_t done = 0; e == ERR_OK && done < r->n; done += ROWS_AT_ONCE) {
        unsigned n = 0;
        for (size_t i = done; i < r->n && i < done + ROWS_AT_ONCE; i++)
            n += build(t, &r->held[r->n - 1 - i].result, registry, now, &rows[n]);
        e = catalog_timeouts_add(c, rows, n, t->keep);
        arena_reset(t->arena);
    }
    mem_free(rows);
    return e;
}

enum err timeoutring_flush(struct timeoutring *t, struct catalog *c, struct registry *registry,
                           evtime now, uint64_t *dropped)
{
    enum err e = ERR_OK;
    *dropped = 0;
    for (size_t i = 0; e == ERR_OK && i < t->n; i++) {
        struct rule *r = &t->rules[i];
        *dropped += cut_to(r, t->keep);
        if (r->n > 1) /* stored in order of time, so that pages show them so */
            qsort(r->held, r->n, sizeof *r->held, later_first);
        if (r->n > 0)
            e = store(t, r, c, registry, now);
        if (e == ERR_OK)
            clear(r);
    }
    return e;
}
