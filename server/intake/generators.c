/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "generators"
#include "server/intake/generators.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/codec_json.h"
#include "io/source_gen.h"
#include <string.h>

enum { LINE_BYTES = PAYGEN_LINE_MAX + CODEC_PADDING, EVENTS_A_TURN = 1024, TURNS = 16 };

struct generator {
    const struct schema *schema;
    struct source_gen *gen; /* NULL: its options are no good, or it has ended */
    unsigned partition; /* the next one to get a block */
};
struct generators {
    struct registry *registry;
    struct intake *intake;
    struct generator *all;
    size_t n, cap;
    unsigned seen; /* streams looked at */
    char (*lines)[LINE_BYTES]; /* of one generator's turn */
    struct runtime_row *rows;
    struct runtime_row_answer *answers;
};

struct generators *generators_new(struct registry *reg, struct intake *intake)
{
    struct generators *g = mem_new(sizeof *g);
    g->registry = reg;
    g->intake = intake;
    return g;
}

void generators_free(struct generators *g)
{
    if (g == NULL)
        return;
    for (size_t i = 0; i < g->n; i++)
        source_gen_free(g->all[i].gen);
    mem_free(g->all);
    mem_free(g->lines);
    mem_free(g->rows);
    mem_free(g->answers);
    mem_free(g);
}

static void add(struct generators *g, const struct schema *s)
{
    struct job_mark marks[SCHEMA_PARTITIONS_MAX];
    struct diag d;
    uint64_t already = 0;
    bool finished = true;
    intake_marks(g->intake, s, marks);
    for (unsigned i = 0; i < s->partitions; i++) {
        already += marks[i].offset;
        finished = finished && marks[i].w == EVTIME_MAX;
    }
    g->all = mem_grow(g->all, g->n, 1, &g->cap, sizeof *g->all);
    struct generator *k = &g->all[g->n++];
    *k = (struct generator){.schema = s};
    diag_init(&d, NULL, 0);
    if (!finished &&
        source_gen_new(s, timebase_now_ms(), timebase_mono_ns(), already, &d, &k->gen) != ERR_OK)
        LOG_ERROR("a generator cannot run", "stream=%s reason=\"%s\"", s->name, d.items[0].message);
    diag_fini(&d);
    if (g->lines == NULL) {
        g->lines = mem_array(EVENTS_A_TURN, sizeof *g->lines);
        g->rows = mem_array(EVENTS_A_TURN, sizeof *g->rows);
        g->answers = mem_array(EVENTS_A_TURN, sizeof *g->answers);
    }
}

static void look_for_new(struct generators *g)
{
    unsigned n = registry_streams(g->registry, NULL, 0);
    if (n == g->seen)
        return;
    const struct schema **streams = mem_array(n, sizeof(const struct schema *));
    n = registry_streams(g->registry, streams, n);
    for (; g->seen < n; g->seen++) /* ids only grow, so new ones stand at the end */
        if (strcmp(streams[g->seen]->connector, "generator") == 0)
            add(g, streams[g->seen]);
    mem_free(streams);
}

static void end(struct generators *g, struct generator *k)
{
    for (unsigned p = 0; p < k->schema->partitions; p++) {
        enum err e = intake_finish(g->intake, k->schema, p);
        if (e != ERR_OK && e != ERR_CONFLICT)
            LOG_ERROR("a generated stream could not be ended", "stream=%s partition=%u",
                      k->schema->name, p);
    }
    source_gen_free(k->gen);
    k->gen = NULL;
}

/* True: more may be due. */
static bool run_one(struct generators *g, struct generator *k, montime now)
{
    unsigned n = 0;
    while (n < EVENTS_A_TURN) {
        size_t len = source_gen_next(k->gen, now, g->lines[n]);
        if (len == 0)
            break;
        memset(g->lines[n] + len, 0, CODEC_PADDING);
        g->rows[n] = (struct runtime_row){g->lines[n], len};
        n++;
    }
    if (n > 0) {
        /* Under backpressure these are let go: a generator has no one who waits for an answer. */
        enum err e = intake_rows(g->intake, k->schema, k->partition, g->rows, n, false, g->answers);
        if (e != ERR_OK && e != ERR_AGAIN)
            LOG_ERROR("generated events could not be stored", "stream=%s events=%u",
                      k->schema->name, n);
        k->partition = (k->partition + 1) % k->schema->partitions;
    }
    if (source_gen_ended(k->gen)) {
        end(g, k);
        return false;
    }
    return n == EVENTS_A_TURN;
}

bool generators_run(struct generators *g)
{
    bool any = false;
    look_for_new(g);
    montime now = timebase_mono_ns();
    for (size_t i = 0; i < g->n; i++) {
        if (g->all[i].gen == NULL)
            continue;
        for (unsigned turn = 0; turn < TURNS && run_one(g, &g->all[i], now); turn++)
            ;
        any = true;
    }
    return any;
}
