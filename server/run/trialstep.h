/* SPDX-License-Identifier: Apache-2.0 */
/* trialstep.h - versions that have run beside the active one: when they go.
 *
 * Room:   runtimeloop, now and then -> [trialstep: trials, changetrial] -> changes
 * Owns:   nothing.  Thread: the runtime's.  Time: event time of the workers. */
#ifndef WEIR_SERVER_TRIALSTEP_H
#define WEIR_SERVER_TRIALSTEP_H

struct runtimeloop;
void trialstep(struct runtimeloop *l); /* while no other change is under way */

#endif
