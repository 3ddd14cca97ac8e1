/* SPDX-License-Identifier: Apache-2.0 */
/* workerchange.h - a worker gets a set of rules, lets the exchange run dry for another one, swaps them.
 *
 * Room:   CONTROL_INIT, PREPARE, CHANGE -> [workerchange] -> registry, task, sources
 * Owns:   nothing.  Thread: the worker's.  Time: none. */
#ifndef WEIR_SERVER_WORKERCHANGE_H
#define WEIR_SERVER_WORKERCHANGE_H
#include "server/worker/workerdef.h"

enum err workerchange_init(struct worker *w, const struct channel_frame *f);
enum err workerchange_take(struct worker *w, const struct channel_frame *f);
/* Sources stop here; what they have made is sent, and behind it the barrier. */
void workerchange_prepare(struct worker *w);
/* With all barriers of a stage here, on to the next, or PREPARED. */
void workerchange_go_on(struct worker *w);
/* The barriers of all stages that are still to be sent. */
void workerchange_send_rest(struct worker *w);
unsigned workerchange_rounds(const struct worker *w); /* of barriers: one for each stage */
/* State that goes to the next version of a rule: a while of it. True: there is more. */
bool workerchange_hand_over(struct worker *w);

#endif
