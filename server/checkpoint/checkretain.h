/* SPDX-License-Identifier: Apache-2.0 */
/* checkretain.h - what of the intake log may go, now that a checkpoint is complete.
 *
 * Room:   checkpointer -> [checkretain] -> state/intakelogtrim
 * Owns:   nothing.  Thread: the runtime's.  Time: arrival by the wall clock.
 *
 * Nothing goes that a kept checkpoint or a rule which it does not have would be read from. While a rule reads files that end, nothing
 * goes at all: the next such rule has all read again from where the rules began. */
#ifndef WEIR_SERVER_CHECKRETAIN_H
#define WEIR_SERVER_CHECKRETAIN_H
#include "server/checkpoint/checkstart.h"
#include "state/intakelog.h"

void checkretain(const struct checkstart *s, struct registry *r, struct intakelog *log,
                 int64_t retention_ms);

#endif
