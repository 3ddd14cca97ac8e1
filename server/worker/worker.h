/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h - a worker process: polls its sockets and sources, steps the task, performs its effects.
 *
 * Room:   coordinator, other workers, files -> [worker: task] -> results to the coordinator, frames to other workers
 * Thread: one; no locks on the path of an event.
 *
 * Started by the supervisor as `weir worker --workers N --worker I`: descriptor WORKER_FD is the coordinator, WORKER_FD + 1 + i the
 * worker i (this one's own is not open). All else comes with the first message. It ends when the coordinator's socket
 * closes. */
#ifndef WEIR_SERVER_WORKER_H
#define WEIR_SERVER_WORKER_H

enum { WORKER_FD = 3 };

int worker_main(int argc, char **argv); /* exit code, see args.h */

#endif
