/* SPDX-License-Identifier: Apache-2.0 */
/* poison.h - which events have killed workers, and how often; which of them are set aside.
 *
 * Room:   runtime (a worker has died, and where) -> [poison] -> what the next attempt is told
 * Owns:   its counts; a file with the places that are set aside
 * Thread: one at a time.  Time: montime, given by the caller.
 *
 * A worker knows of many events at once which batch it is at. So a death leaves a range of suspects; the next attempt takes
 * those one by one, and watches each row that operators see, so that the next death is at one event. The third death at
 * the same event finds it. Kills from outside hit another place each time. */
#ifndef WEIR_SERVER_POISON_H
#define WEIR_SERVER_POISON_H
#include "base/bytes.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/timebase.h"
#include "server/worker/lastplace.h"

enum {
    POISON_TIMES = 3,
    POISON_PLACES = 64, /* that many are counted; past it the one that came first is forgotten */
    POISON_SUSPECTS = 16, /* likewise */
    POISON_SKIPS = 10000, /* as many may be set aside */
};

struct poison_place {
    struct lastplace at; /* one event */
    unsigned times;
    bool skipped;
};

struct poison;

/* file: where the places that are set aside are kept. ERR_IO, ERR_CORRUPT: d says what to do. */
enum err poison_open(const char *file, struct diag *d, struct poison **out);
void poison_close(struct poison *p); /* NULL is fine */

/* A worker of an attempt that began at `began` has died at `at` (NULL: not known). True: for the third time, or more, at
 * that very event. */
bool poison_died(struct poison *p, const struct lastplace *at, montime began, montime now);
/* From now on no worker sees that event. Durable when it returns. ERR_LIMIT: too many; ERR_IO. */
enum err poison_skip(struct poison *p, const struct lastplace *at);

/* What workers are to be told: poisonwire_get's. */
void poison_put(const struct poison *p, struct bytes *out);
/* Places with deaths or set aside, the newest first; how many there are. */
unsigned poison_places(const struct poison *p, struct poison_place *out, unsigned cap);
unsigned poison_skipped(const struct poison *p); /* since ever */

/* As a worker is told. */
struct poison_watch {
    bool rows; /* each row that operators see is noted */
    unsigned nsuspects;
    struct lastplace suspects[POISON_SUSPECTS];
    size_t nskips;
    struct lastplace *skips; /* mem_free'd by the caller */
};
enum err poison_get(const void *p, size_t n, struct poison_watch *out);

#endif
