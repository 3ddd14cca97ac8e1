/* SPDX-License-Identifier: Apache-2.0 */
#include "server/eval/evalplaces.h"
#include "base/map.h"
#include "cep/derived.h"

struct known {
    struct place at;
    uint64_t number;
    MAP_LINK;
};

struct counter {
    uint32_t stream;
    uint64_t n;
};

struct evalplaces {
    const struct job *job;
    struct known *known;
    struct counter *counters;
    size_t ncounters, counters_cap;
    struct result_row *rows;
    size_t rows_cap;
};

static bool reads_another(const struct job *j)
{
    for (unsigned i = 0; i < job_nrules(j); i++)
        if (schema_rows(job_rule(j, i)->plan->input)->derived != DERIVED_NOT)
            return true;
    return false;
}

struct evalplaces *evalplaces_new(const struct job *j)
{
    if (!reads_another(j))
        return NULL;
    struct evalplaces *e = mem_new(sizeof *e);
    e->job = j;
    return e;
}

void evalplaces_free(struct evalplaces *e)
{
    struct known *k, *next;
    if (e == NULL)
        return;
    MAP_EACH(e->known, k, next) {
        MAP_DEL(e->known, k);
        mem_free(k);
    }
    mem_free(e->counters);
    mem_free(e->rows);
    mem_free(e);
}

static uint64_t next_number(struct evalplaces *e, uint32_t stream)
{
    size_t i = 0;
    while (i < e->ncounters && e->counters[i].stream != stream)
        i++;
    if (i == e->ncounters) {
        e->counters = mem_grow(e->counters, i, 1, &e->counters_cap, sizeof *e->counters);
        e->counters[e->ncounters++] = (struct counter){stream, 0};
    }
    return e->counters[i].n++;
}

void evalplaces_note(struct evalplaces *e, const struct result *r)
{
    static const enum derived_kind kinds[] = {[RESULT_MATCH] = DERIVED_RESULTS,
                                              [RESULT_UPDATE] = DERIVED_RESULTS,
                                              [RESULT_TIMEOUT] = DERIVED_TIMEOUTS,
                                              [RESULT_ERROR] = DERIVED_ERRORS};
    uint32_t stream = 0;
    if (r->kind == RESULT_LATE || derived_keeps_place(r->rule) ||
        !job_derived(e->job, r->rule_index, kinds[r->kind], &stream))
        return;
    struct known *k = mem_new(sizeof *k);
    k->at = derived_place(stream, r);
    k->number = next_number(e, stream);
    MAP_PUT(e->known, k, &k->at, sizeof k->at);
}

const struct result_row *evalplaces_rows(struct evalplaces *e, const struct result *r)
{
    if (schema_rows(r->rule->input)->derived == DERIVED_NOT || r->nrows == 0)
        return r->rows;
    e->rows = mem_grow(e->rows, 0, r->nrows, &e->rows_cap, sizeof *e->rows);
    for (unsigned i = 0; i < r->nrows; i++) {
        e->rows[i] = r->rows[i];
        struct place at = r->rows[i].place;
        at.stream = job_place_stream(e->job, at.stream);
        const struct known *k = MAP_GET(e->known, &at, sizeof at);
        if (k != NULL)
            e->rows[i].place.offset = k->number;
    }
    return e->rows;
}
