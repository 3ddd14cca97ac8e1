/* SPDX-License-Identifier: Apache-2.0 */
/* workerinspect.h - a worker is asked what a rule knows of its keys.
 *
 * Room:   worker (CONTROL_INSPECT) -> [workerinspect] -> taskinspect -> CONTROL_INSPECTED
 * Owns:   nothing.  Thread: the worker's only one, between two steps.
 *
 * What is said of an ask that counts, of a slice of the keys: {"version":3,"keys":9,"partials":4,"dropped":1,"older":0,"rows":0,"sides":[0,0],
 * "vars":[[keys,partials,dropped],…]}: variables as the pattern has them. */
#ifndef WEIR_SERVER_WORKERINSPECT_H
#define WEIR_SERVER_WORKERINSPECT_H
#include "base/channel.h"

struct worker;
/* The rule's index in the job, of the version that has its keys. */
bool workerinspect_rule(const struct worker *w, uint64_t uid, unsigned *out);
enum err workerinspect_take(struct worker *w, const struct channel_frame *f);

#endif
