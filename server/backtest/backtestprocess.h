/* SPDX-License-Identifier: Apache-2.0 */
/* backtestprocess.h - the process of a backtest: `weir backtest` with a pipe on which it says how it comes on.
 *
 * Room:   backtests -> [backtestprocess] -> fork, exec
 * Owns:   nothing.  Thread: one, which must outlive the process: its death signal is bound to it. */
#ifndef WEIR_SERVER_BACKTESTPROCESS_H
#define WEIR_SERVER_BACKTESTPROCESS_H
#include "base/err.h"
#include <sys/types.h>

/* *fd: the reading end of its standard output, which does not block. */
enum err backtestprocess_start(const char *folder, const char *catalogue, pid_t *pid, int *fd);
/* Waits for it. NULL: it ended well; else how it ended, freed by the caller. */
char *backtestprocess_reap(pid_t pid);

#endif
