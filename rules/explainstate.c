/* SPDX-License-Identifier: Apache-2.0
 *
 * Without WITHIN, three things bound what a key keeps: rows that must directly follow each other, times of single steps,
 * and upper bounds of loops. The first element for which none holds is the one that is told. */
#include "rules/explainstate.h"
#include <stddef.h>

static uint32_t times(uint32_t a, uint32_t b)
{
    uint32_t product;
    if (a == 0 || b == 0)
        return 0;
    return a == UINT32_MAX || b == UINT32_MAX || __builtin_mul_overflow(a, b, &product) ? UINT32_MAX
                                                                                        : product;
}

static uint32_t plus(uint32_t a, uint32_t b)
{
    uint32_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT32_MAX : sum;
}

/* Rows that an element can take at most. */
static uint32_t rows_of(const struct pattern *p)
{
    uint32_t n = p->kind == PATTERN_VAR && !p->negated;
    for (unsigned i = 0; i < p->nchildren; i++) {
        uint32_t c = rows_of(p->children[i]);
        n = p->kind == PATTERN_ALT ? (c > n ? c : n) : plus(n, c);
    }
    return times(n, p->max);
}

static const struct pattern *endless_loop(const struct pattern *p)
{
    if (p->quantified && p->max == UINT32_MAX)
        return p;
    const struct pattern *found = NULL;
    for (unsigned i = 0; i < p->nchildren && found == NULL; i++)
        found = endless_loop(p->children[i]);
    return found;
}

/* The first element that may wait for its row, other rows going by. `first`: it is the pattern's first, before which
 * nothing waits. */
static const struct pattern *waiting(const struct pattern *p, bool first)
{
    bool before = !first && p->before != CONTIGUITY_NEXT;
    bool inside = p->quantified && p->max > 1 && p->inner != CONTIGUITY_NEXT;
    if ((before || inside) && p->within_ms < 0)
        return p;
    const struct pattern *found = NULL;
    for (unsigned i = 0; i < p->nchildren && found == NULL; i++)
        found = waiting(p->children[i], i == 0 || p->kind != PATTERN_SEQ);
    return found;
}

static bool any_relaxed(const struct pattern *p, bool first)
{
    bool relaxed = (!first && p->before != CONTIGUITY_NEXT) ||
                   (p->quantified && p->max > 1 && p->inner != CONTIGUITY_NEXT);
    for (unsigned i = 0; i < p->nchildren && !relaxed; i++)
        relaxed = any_relaxed(p->children[i], i == 0 || p->kind != PATTERN_SEQ);
    return relaxed;
}

static int64_t longest_step(const struct pattern *p)
{
    int64_t ms = p->within_ms;
    for (unsigned i = 0; i < p->nchildren; i++) {
        int64_t c = longest_step(p->children[i]);
        ms = c > ms ? c : ms;
    }
    return ms;
}

static const struct pattern *combinations(const struct pattern *p)
{
    if (p->quantified && p->max == UINT32_MAX && p->inner == CONTIGUITY_ANY)
        return p;
    const struct pattern *found = NULL;
    for (unsigned i = 0; i < p->nchildren && found == NULL; i++)
        found = combinations(p->children[i]);
    return found;
}

struct explainstate explainstate_of(const struct match_plan *m)
{
    const struct pattern *p = m->pattern;
    struct explainstate s = {.kind = EXPLAINSTATE_TIME, .rows = rows_of(p), .ms = m->within_ms};
    if (m->skip == SKIP_NONE)
        s.combinations = combinations(p);
    if (m->within_ms >= 0 && !m->within_each_step)
        return s;
    s.culprit = m->within_ms >= 0 ? NULL : waiting(p, true);
    s.kind = EXPLAINSTATE_WAIT;
    if (s.culprit != NULL)
        return s;
    s.kind = EXPLAINSTATE_LOOP;
    s.culprit = endless_loop(p);
    if (s.culprit != NULL)
        return s;
    int64_t step = m->within_ms >= 0 ? m->within_ms : longest_step(p);
    s.kind = any_relaxed(p, true) && step >= 0 ? EXPLAINSTATE_STEPS : EXPLAINSTATE_ROWS;
    if (s.kind == EXPLAINSTATE_STEPS && __builtin_mul_overflow(step, (int64_t)s.rows, &s.ms))
        s.ms = INT64_MAX;
    return s;
}
