/* SPDX-License-Identifier: Apache-2.0 */
/* runtimebacktest.h - what backtests need of the running server: the catalogue to write to, a copy of the log.
 *
 * Room:   backtests -> [runtimebacktest] -> runtime's parts.  Owns: nothing.  Thread: any. */
#ifndef WEIR_SERVER_RUNTIMEBACKTEST_H
#define WEIR_SERVER_RUNTIMEBACKTEST_H
#include "server/run/runtime.h"

struct catalog *runtimebacktest_catalog(struct runtime *r);
enum err runtimebacktest_copy_log(struct runtime *r, const char *path, struct diag *d);

#endif
