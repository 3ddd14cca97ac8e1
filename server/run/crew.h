/* SPDX-License-Identifier: Apache-2.0 */
/* crew.h - the workers of the present attempt: processes, channels, what each has said of itself.
 *
 * Room:   runtime <-> [crew] <-> worker processes
 * Owns:   the supervisor, the channels, the last status of each worker
 * Thread: the runtime's; the snapshots any.  Time: evtime of the wall clock for `started`. */
#ifndef WEIR_SERVER_CREW_H
#define WEIR_SERVER_CREW_H
#include "server/run/runtime.h"
#include "server/run/supervisor.h"
#include "server/wire/control.h"
#include "server/wire/loadwire.h"
#include <poll.h>

/* What workers say; on the runtime's thread, out of crew_read. None of them may end the crew. */
struct crew_events {
    void (*running)(void *ctx, unsigned worker, uint32_t epoch);
    void (*status)(void *ctx, unsigned worker, const struct control_status *s);
    void (*load)(void *ctx, unsigned worker, const struct loadwire *m);
    /* CONTROL_BEGUN, WRITTEN, UNUSABLE: snapwire.h */
    enum err (*snapshot)(void *ctx, unsigned worker, const struct channel_frame *f);
    void (*prepared)(void *ctx, unsigned worker, uint32_t epoch);
    void (*results)(void *ctx, unsigned worker, const void *frame, size_t n);
    void (*bad_row)(void *ctx, unsigned worker, const struct control_bad_row *row);
    enum err (*inspected)(void *ctx, unsigned worker, const struct channel_frame *f);
    enum err (*laned)(void *ctx, unsigned worker, const struct channel_frame *f); /* lanewire.h */
    void *ctx;
};

struct crew;

/* results_window: of what workers may send of results before they are stored. */
struct crew *crew_new(unsigned workers, size_t results_window, const struct crew_events *events);
/* Between two attempts: there are that many from now on. */
void crew_scale(struct crew *c, unsigned workers, size_t results_window);
void crew_free(struct crew *c); /* NULL is fine; kills what runs */

enum err crew_start(
    struct crew *c); /* the next attempt: processes and channels; nothing is said to them yet */
uint32_t crew_attempt(const struct crew *c); /* from 1 */
bool crew_up(const struct crew *c);
struct channel *crew_channel(struct crew *c, unsigned worker);
void crew_send(struct crew *c, unsigned worker, enum control_kind kind, uint32_t epoch,
               const struct bytes *b);
void crew_set_running(struct crew *c, unsigned worker);

/* What poll is to wait for: fds[i] is worker i's. */
void crew_polls(const struct crew *c, struct pollfd *fds);
/* No credit is given for results while they are held: workers stop when theirs is used up. */
void crew_hold_results(struct crew *c, bool held);
/* Reads and hands on what has come; writes what waits. ERR_CLOSED, ERR_CORRUPT: the attempt has failed, crew_why says
 * how; *worker: which one. */
enum err crew_turn(struct crew *c, const struct pollfd *fds, unsigned *worker);
/* Kills all. why: a sentence on how worker `failed` ended, into text[CONTROL_TEXT_MAX]. */
void crew_kill(struct crew *c, unsigned failed, char *why);
/* After crew_kill: it died at work on these events. *crashed: by a signal, or killed because it was silent. False: not known,
 * or it gave up by itself. */
bool crew_died_at(const struct crew *c, unsigned failed, struct lastplace *at, bool *crashed);
void crew_join(struct crew *c, int wait_ms); /* closes the channels, lets them end by themselves */
montime crew_began(const struct crew *c); /* the present attempt, or the last */
/* A worker that has said nothing for so long (they speak at least once a second); why is among its last words. */
bool crew_silent(struct crew *c, int64_t timeout_ms, unsigned *worker);

/* Results that were taken from the workers and whose credit is kept back: somebody else holds those bytes now. */
uint64_t crew_resident(struct crew *c); /* bytes, all workers, as they said last */
uint64_t crew_owed(struct crew *c);
unsigned crew_channels(struct crew *c, struct runtime_channel *out, unsigned cap);
/* Without the tables' names. */
unsigned crew_lookups(struct crew *c, struct runtime_lookups *out, unsigned cap);
unsigned crew_workers(struct crew *c, struct runtime_worker *out, unsigned cap);
/* Has every worker said that this version of the rule has taken over? What, in all. */
bool crew_took(struct crew *c, uint64_t uid, uint32_t version, struct task_kept *kept);
evtime crew_watermark(struct crew *c); /* the least of all workers' */
/* Sums over the workers; *n: how many rules. Into the caller's array. */
unsigned crew_rules(struct crew *c, struct runtime_rule_stats *out, unsigned cap);

#endif
