/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "memory"
#include "server/run/memwatch.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/run/runtimeloop.h"
#include <inttypes.h>

enum { LOOK_MS = 250, TRIM_MS = 5000, MS_NS = 1000000, BACK_PERCENT = 3 };

static const struct {
    const char *name;
    unsigned percent; /* of the total: from there on */
} steps[MEMWATCH_LEVELS] = {
    [MEMWATCH_OK] = {"ok", 0},
    [MEMWATCH_NEAR] = {"near", 90},
    [MEMWATCH_FULL] = {"full", 95},
    [MEMWATCH_OVER] = {"over", 100},
};

const char *memwatch_name(enum memwatch_level level)
{
    return steps[level].name;
}

enum memwatch_level memwatch_step(enum memwatch_level now, uint64_t resident, uint64_t total)
{
    enum memwatch_level to = MEMWATCH_OVER;
    if (total == 0)
        return MEMWATCH_OK;
    while (to > MEMWATCH_OK &&
           resident < total / 100 * (steps[to].percent - (to <= now ? BACK_PERCENT : 0)))
        to--;
    return to;
}

static void tell(enum memwatch_level from, enum memwatch_level to, uint64_t resident,
                 uint64_t total)
{
    static const char *const what[MEMWATCH_LEVELS] = {
        [MEMWATCH_OK] = "memory is below memory-total again",
        [MEMWATCH_NEAR] = "memory comes near memory-total: backtests wait",
        [MEMWATCH_FULL] = "memory is nearly at memory-total: no events are taken from clients",
        [MEMWATCH_OVER] = "memory is at memory-total: workers are given no more events",
    };
    if (to > from)
        LOG_WARN(what[to], "resident_mib=%" PRIu64 " total_mib=%" PRIu64, resident >> 20,
                 total >> 20);
    else
        LOG_INFO(what[to], "resident_mib=%" PRIu64 " total_mib=%" PRIu64, resident >> 20,
                 total >> 20);
}

static void trim(struct runtimeloop *l, montime now)
{
    if (l->memwatch.trimmed != 0 && (now - l->memwatch.trimmed) / MS_NS < TRIM_MS)
        return;
    l->memwatch.trimmed = now;
    mem_trim();
    for (unsigned i = 0; i < l->task.workers && l->phase >= PHASE_RUNNING; i++)
        crew_send(l->crew, i, CONTROL_TRIM, l->epoch, NULL);
}

void memwatch_turn(struct runtimeloop *l)
{
    struct memwatch *m = &l->memwatch;
    montime now = timebase_mono_ns();
    int64_t since_ms = (now - m->looked) / MS_NS;
    if (l->budget.total == 0 || since_ms < LOOK_MS)
        return;
    enum memwatch_level was = (enum memwatch_level)atomic_load(&m->level);
    uint64_t resident = mem_resident_bytes() + crew_resident(l->crew);
    enum memwatch_level is = memwatch_step(was, resident, l->budget.total);
    if (was >= MEMWATCH_FULL && m->looked != 0)
        atomic_fetch_add(&m->refusing_ms, (uint64_t)since_ms);
    m->looked = now;
    atomic_store(&m->resident, resident);
    atomic_store(&m->level, (int)is);
    if (is != was) {
        tell(was, is, resident, l->budget.total);
        intake_press(l->env.intake, is >= MEMWATCH_FULL);
        feed_press(l->env.feed, is >= MEMWATCH_OVER);
    }
    if (is >= MEMWATCH_NEAR)
        trim(l, now);
}
