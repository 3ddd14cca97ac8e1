/* SPDX-License-Identifier: Apache-2.0 */
/* workerpause.h - for how long rows stand still in a worker: while rules change, and in one turn of its loop.
 *
 * Room:   worker's loop -> [workerpause] -> CONTROL_STATUS
 * Owns:   nothing but its figures
 * Thread: the worker's.  Time: montime, by the clock and of the thread. */
#ifndef WEIR_SERVER_WORKERPAUSE_H
#define WEIR_SERVER_WORKERPAUSE_H
#include "server/wire/control.h"

struct workerpause {
    montime began, began_cpu; /* of the change that is under way; 0: none is */
    montime turn, turn_cpu; /* the present one */
    struct control_pause of; /* since it was last taken */
};

void workerpause_change(struct workerpause *p); /* sources stop */
void workerpause_changed(struct workerpause *p); /* ... and go on */
void workerpause_turn(struct workerpause *p); /* it has slept, and works now */
void workerpause_turned(struct workerpause *p);
struct control_pause workerpause_take(struct workerpause *p);

#endif
