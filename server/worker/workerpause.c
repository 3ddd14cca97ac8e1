/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker/workerpause.h"

void workerpause_change(struct workerpause *p)
{
    p->began = timebase_mono_ns();
    p->began_cpu = timebase_thread_ns();
}

void workerpause_changed(struct workerpause *p)
{
    if (p->began == 0) /* the first rules of an attempt */
        return;
    p->of.change_ns = (uint64_t)(timebase_mono_ns() - p->began);
    p->of.change_cpu_ns = (uint64_t)(timebase_thread_ns() - p->began_cpu);
    p->began = 0;
}

void workerpause_turn(struct workerpause *p)
{
    p->turn = timebase_mono_ns();
    p->turn_cpu = timebase_thread_ns();
}

void workerpause_turned(struct workerpause *p)
{
    uint64_t took = (uint64_t)(timebase_mono_ns() - p->turn);
    uint64_t cpu = (uint64_t)(timebase_thread_ns() - p->turn_cpu);
    p->of.turn_ns = took > p->of.turn_ns ? took : p->of.turn_ns;
    p->of.turn_cpu_ns = cpu > p->of.turn_cpu_ns ? cpu : p->of.turn_cpu_ns;
}

struct control_pause workerpause_take(struct workerpause *p)
{
    const struct control_pause of = p->of;
    p->of = (struct control_pause){0};
    return of;
}
