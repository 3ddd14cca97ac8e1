/* SPDX-License-Identifier: Apache-2.0 */
/* changemessage.h - what workers are told of a change of streams and rules.
 *
 * Room:   change -> [changemessage] -> CONTROL_CHANGE, CONTROL_INIT
 * Owns:   nothing.  Thread: the runtime's.  Time: evtime in cuts. */
#ifndef WEIR_SERVER_CHANGEMESSAGE_H
#define WEIR_SERVER_CHANGEMESSAGE_H
#include "server/deploy/change.h"

/* The message to one worker; streams: those from after_stream on are new to it. Into `a`. */
void changemessage_changed(const struct change_delta *delta, const struct change_env *env,
                           unsigned worker, uint32_t after_stream, struct arena *a,
                           struct control_change *out);
/* All there is: of the first message of an attempt. */
void changemessage_all(const struct change_env *env, unsigned worker, struct arena *a,
                       struct control_change *out);

#endif
