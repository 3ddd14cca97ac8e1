/* SPDX-License-Identifier: Apache-2.0
 *
 * A key may have so many partial matches and keep so many rows; the rule says what goes when there are more. It is counted,
 * and told to ERRORS once, until the key is well below its limits again.
 *
 * Rows are counted from the beginning of the oldest run, those that something took: an upper bound of what is kept, which
 * costs nothing for a row that is let go. */
#include "cep/match/matchrun.h"

static size_t rows_of(const struct match *m, const struct match_cell *c)
{
    if (c->first == NULL)
        return 0;
    size_t taken = (c->taken - c->first->taken) & MATCH_TAKEN_MASK;
    size_t seen = m->p->keeps_rows ? c->memory->n - c->memory->from : 0;
    return taken > seen ? taken : seen;
}

static bool has_more(const struct match *m, const struct match_cell *c, unsigned parts)
{
    if (c->nodes > m->max_partials / parts || rows_of(m, c) > m->max_rows / parts)
        return true;
    return m->p->one_by_one && c->first != NULL &&
           c->memory->next - matchrows_find(c->memory, c->first->start) > m->max_partials / parts;
}

static const char *drop(struct match *m, struct match_cell *c)
{
    switch (m->p->queued ? LIMIT_DROP_OLDEST : m->rule.plan->limits.drop) {
    case LIMIT_DROP_NEWEST:
        while (c->first != NULL && has_more(m, c, 1))
            matchsettle_remove(m, c, c->last);
        return "the newest partial matches are dropped";
    case LIMIT_DROP_KEY:
        while (c->first != NULL)
            matchsettle_remove(m, c, c->first);
        return "all partial matches of the key are dropped";
    case LIMIT_DROP_OLDEST:
        break;
    }
    while (c->first != NULL && has_more(m, c, 1))
        matchsettle_remove(m, c, c->first);
    return "the oldest partial matches are dropped";
}

void matchlimit_keep(struct match *m, struct match_cell *c, const struct keyed_row *r)
{
    c->taken += m->took;
    if (c->first == NULL || !has_more(m, c, 1)) {
        c->told = c->told && c->first != NULL && has_more(m, c, 2);
        return;
    }
    bool rows = c->nodes <= m->max_partials && rows_of(m, c) > m->max_rows;
    uint32_t before = c->nodes;
    const char *dropped = drop(m, c);
    m->dropped += before - c->nodes;
    m->k->partials_dropped += before - c->nodes;
    if (c->told)
        return;
    c->told = true;
    keyed_tell_limit(m->k, &m->rule, c->state.key, keyed_row_ref(r), r->ts,
                     rows ? "kept rows" : "partial matches", rows ? m->max_rows : m->max_partials,
                     dropped);
}
