/* SPDX-License-Identifier: Apache-2.0 */
/* workertrace.h - a worker goes through recorded rows of one key, step by step, to say why a rule has not fired.
 *
 * Room:   worker (CONTROL_TRACE) -> [workertrace] -> keyrows, why -> CONTROL_INSPECTED
 * Owns:   nothing; the rule's own state is not touched.  Thread: the worker's only one, between two steps. */
#ifndef WEIR_SERVER_WORKERTRACE_H
#define WEIR_SERVER_WORKERTRACE_H
#include "base/channel.h"

struct worker;
enum err workertrace_take(struct worker *w, const struct channel_frame *f);

#endif
