/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "checkpoint"
#include "server/checkpoint/checkretain.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/source_file.h"
#include "state/intakelogtrim.h"
#include <inttypes.h>
#include <string.h>

static bool ends(const struct schema *s)
{
    return strcmp(s->connector, "file") == 0 && !source_file_follows(s);
}

/* Does a rule read s? *all: one reads files that end. */
static bool is_read(struct registry *r, const struct schema *s, bool *all)
{
    const struct registry_rule *of;
    bool yes = false;
    for (unsigned i = 0; (of = registry_rule_at(r, i)) != NULL; i++) {
        const struct schema *streams[PLAN_ROOTS_MAX];
        for (unsigned k = 0, n = plan_roots(of->plan, streams); k < n; k++)
            *all = *all || ends(streams[k]);
        yes = yes || plan_reads_stream(of->plan, s);
    }
    return yes;
}

static void trim(struct intakelog *log, const struct schema *s, unsigned partition, uint64_t offset,
                 evtime arrived_before)
{
    uint64_t blocks = 0;
    enum err e = intakelogtrim(log, s->id, partition, offset, arrived_before, &blocks);
    if (e != ERR_OK)
        LOG_WARN("old events could not be deleted from the log",
                 "stream=%s partition=%u reason=\"%s\"", s->name, partition, err_text(e));
    else if (blocks > 0)
        LOG_INFO("old events were deleted from the log",
                 "stream=%s partition=%u blocks=%" PRIu64 " first=%" PRIu64, s->name, partition,
                 blocks, intakelogtrim_first(log, s->id, partition));
}

/* A checkpoint without a fork would make its lane begin again. */
static uint64_t least_of_forks(const struct checkstart *s, struct registry *r,
                               const struct schema *of, unsigned partition, uint64_t offset)
{
    unsigned n = registryfork_all(r, NULL, 0);
    struct registry_fork *forks = mem_array(n + 1, sizeof *forks);
    unsigned got = registryfork_all(r, forks, n);
    for (unsigned i = 0; i < got && i < n; i++) {
        const struct registry_rule *lane = registry_rule(r, forks[i].lane);
        uint64_t needs = UINT64_MAX;
        if (forks[i].stream != of->id || lane == NULL || lane->ncuts == 0)
            continue;
        for (unsigned m = 0;
             !checkstart_needs(s, forks[i].id, partition, &needs) && m < lane->cuts[0].nmarks; m++)
            if (lane->cuts[0].marks[m].stream == forks[i].id &&
                lane->cuts[0].marks[m].partition == partition)
                needs = lane->cuts[0].marks[m].offset;
        offset = needs < offset ? needs : offset;
    }
    mem_free(forks);
    return offset;
}

void checkretain(const struct checkstart *s, struct registry *r, struct intakelog *log,
                 int64_t retention_ms)
{
    unsigned n = registry_streams(r, NULL, 0);
    const struct schema **streams = mem_array(n + 1, sizeof(const struct schema *));
    evtime arrived_before = timebase_now_ms() - retention_ms;
    n = registry_streams(r, streams, n);
    for (unsigned i = 0; i < n; i++) {
        bool all = false, read = is_read(r, streams[i], &all);
        if (all)
            break;
        for (unsigned p = 0; p < streams[i]->partitions; p++) {
            uint64_t offset = UINT64_MAX;
            if (!read || checkstart_needs(s, streams[i]->id, p, &offset))
                trim(log, streams[i], p, least_of_forks(s, r, streams[i], p, offset),
                     arrived_before);
        }
    }
    mem_free(streams);
}
