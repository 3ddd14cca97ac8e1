/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor.h - the worker processes of one attempt: started together, ended together.
 *
 * Room:   runtime -> [supervisor] -> fork, exec `weir worker`
 * Owns:   the processes, the pages in which they say where they are; not the sockets that it hands out
 * Thread: one, and it must outlive the workers: their death signal is bound to the thread that started them.
 * Time:   montime. */
#ifndef WEIR_SERVER_SUPERVISOR_H
#define WEIR_SERVER_SUPERVISOR_H
#include "base/err.h"
#include "base/timebase.h"
#include "server/worker/lastplace.h"
#include <stddef.h>
#include <sys/types.h>

struct supervisor;

struct supervisor *supervisor_new(unsigned workers);
/* None runs: that many are started from now on. */
void supervisor_scale(struct supervisor *s, unsigned workers);
void supervisor_free(struct supervisor *s); /* NULL is fine; kills what still runs */

/* Starts all workers; fds[i] is the socket to worker i, the caller's to close. On an error none is left running. */
enum err supervisor_start(struct supervisor *s, int *fds);
pid_t supervisor_pid(const struct supervisor *s, unsigned i); /* 0: not running */
/* Kills and reaps all. failed: a worker that is about to end by itself, which is waited for a moment so that
 * supervisor_ended can tell how; -1: none. */
void supervisor_kill(struct supervisor *s, int failed);
/* After their sockets were closed: waits for all to end by themselves, kills those that have not within wait_ms. */
void supervisor_join(struct supervisor *s, int wait_ms);
/* "ended by signal 9 (Killed)", "ended with code 1", or "" if it was still running when it was reaped. */
const char *supervisor_ended(const struct supervisor *s, unsigned i);
bool supervisor_crashed(const struct supervisor *s,
                        unsigned i); /* … by a signal that nobody here sent */
/* Which events it was at when it died. False: none. Until the next start. */
bool supervisor_place(const struct supervisor *s, unsigned i, struct lastplace *out);

#endif
