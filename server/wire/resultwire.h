/* SPDX-License-Identifier: Apache-2.0 */
/* resultwire.h - a result on its way from the worker that found it to the coordinator that stores it.
 *
 * Room:   worker -> [resultwire] -> runtime -> alert writer
 * Owns:   nothing; what is decoded lies in the caller's arena.  Thread: any.  Time: evtime. */
#ifndef WEIR_SERVER_RESULTWIRE_H
#define WEIR_SERVER_RESULTWIRE_H
#include "base/arena.h"
#include "cep/result.h"

void resultwire_put(const struct result *r, struct bytes *out);
/* The next of a frame of results. ERR_END: there is none; ERR_CORRUPT: it is not one. `rule` and `rule_index` are left
 * NULL and 0: the plan is another process's, the caller finds its own by rule_uid. */
enum err resultwire_get(struct bytes_reader *in, struct arena *a, struct result *out);

#endif
