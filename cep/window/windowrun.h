/* SPDX-License-Identifier: Apache-2.0 */
/* windowrun.h - inside of running windows. For window.c, windowgive.c, windowpanes.c, windowkey.c, windowlist*.c.
 *
 * Room:   [window: windowpanes | windowlist -> windowgive] -> results
 * Owns:   see window.h.  Thread: one worker.  Time: evtime.
 *
 * State of a key is plain data beside its links (keystate, vectors, timers), which are made again when it is loaded. */
#ifndef WEIR_CEP_WINDOWRUN_H
#define WEIR_CEP_WINDOWRUN_H
#include "base/bug.h"
#include "cep/timers.h"
#include "cep/window/window.h"

/* What has been told of a window. */
struct windowrun_told {
    uint32_t results; /* 0: nothing; the next one's revision */
    uint32_t retracted;
};

struct windowrun_cell;
struct windowlist_cell;
struct windowlist_one;

struct windowrun_bucket { /* of keys to be looked at */
    struct windowpanes_cell **cells;
    size_t n, cap;
};

struct window {
    struct keyed *k;
    struct keyed_rule rule;
    const struct windowprog *p;
    bool ready;
    struct slab cells;
    struct slabs memory; /* of panes; of vectors */
    evtime now; /* every window that ends up to here has fired */
    evtime next; /* panes: end of the window that fires next */
    bool restored; /* `now` is that of a snapshot */
    evtime *ahead; /* of keys from tasks that were further than this one: what has fired there */
    unsigned nahead;
    struct value *slots;
    void (*each)(void *ctx, const struct window_asked *a); /* window_watch */
    void *each_ctx;
    uint64_t sum[WINDOWPROG_WORDS_MAX];

    /* windowpanes: keys that the next window visits; those that are looked at when a window closes */
    struct windowpanes_cell **active;
    size_t nactive, active_cap;
    struct windowrun_bucket *wheel;
    unsigned nbuckets;
    int64_t grain, swept; /* windows of a bucket; the last group of windows that was looked at */
    bool has_swept;

    /* windowlist */
    struct slab ones;
    struct timers timers, clocks;
    struct windowlist_one *fresh; /* punctuated: windows with rows since they fired */
};

/* A result of a window: a match, an update, or none if HAVING does not hold (an update that retracts, if it did). */
struct windowrun_result {
    const struct key *key;
    const uint8_t
        *split; /* the group within it (windowsplit.c), canonical; NULL: the key is the group */
    uint32_t split_n;
    evtime start, end; /* EVTIME_MIN: it has none */
    evtime time; /* of the result */
    const uint64_t *acc;
    struct windowrun_told *told; /* NULL: every result is one of its own */
    const struct place *origin; /* what its id is made of, if not its bounds; or NULL */
    evtime origin_ts;
    unsigned nreplaces;
    const uint8_t (*replaces)[RESULT_ID_BYTES];
};
/* What came of it: `holds`: HAVING, whether or not the rule is paused. */
struct windowrun_given {
    bool told, holds;
};
struct windowrun_given windowgive(struct window *w, const struct windowrun_result *v);
/* A row with its window. */
void windowgive_row(struct window *w, const struct windowrun_result *v, const struct kept *row);

/* windowpanes.c */
void windowpanes_bind(struct window *w, bool first);
void windowpanes_fini(struct window *w);
void windowpanes_drop(struct window *w, struct keystate *state);
void windowpanes_expire(struct window *w, struct keystate *state);
void windowpanes_row(struct window *w, struct keystate *state, struct key *key,
                     const struct keyed_row *r);
void windowpanes_part(struct window *w, struct keystate *state, struct key *key, evtime ts,
                      const uint64_t *acc);
void windowpanes_advance(struct window *w, evtime to);
void windowpanes_prefetch(const struct keystate *state);

/* A key's state that is read from a snapshot: made empty, to be filled, then settled (false: it is over, and is to be
 * unmade). */
struct windowpanes_cell *windowpanes_make(struct window *w, struct key *key);
bool windowpanes_settle(struct window *w, struct windowpanes_cell *c);
void windowpanes_unmake(struct window *w, struct windowpanes_cell *c);

/* windowsave.c */
void windowsave_put_acc(const struct window *w, const uint64_t *acc, struct bytes *out);
/* Into an empty one. ERR_CORRUPT: it stays empty. */
enum err windowsave_load_acc(const struct window *w, const struct windowmap *map, uint64_t *acc,
                             struct bytes_reader *in); /* map: keyload.windows */

/* windowlistsave.c */
void windowlistsave_put(const struct window *w, const struct keystate *state, struct keysave *rows,
                        struct bytes *out);
enum err windowlistsave_load(struct window *w, const struct keyload *l, struct bytes_reader *in);
evtime windowlistsave_when(const struct window *w, const struct keystate *state);

/* windowlist.c */
void windowlist_bind(struct window *w, bool first);
void windowlist_fini(struct window *w);
void windowlist_drop(struct window *w, struct keystate *state);
void windowlist_row(struct window *w, struct keystate *state, struct key *key, struct keyed_row *r);
void windowlist_advance(struct window *w, const struct window_time *t);
void windowlist_punctuated(struct window *w);
void windowlist_clock(struct window *w, evtime now);
void windowlist_prefetch(const struct keystate *state);

#endif
