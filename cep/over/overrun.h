/* SPDX-License-Identifier: Apache-2.0 */
/* overrun.h - inside of running OVER rules: a key's ring of rows, the frames and sums over it. For over.c and oversave.c.
 *
 * Room:   keyed rows -> [over] -> results; [oversave] -> snapshots
 * Owns:   see over.h.  Thread: one worker.  Time: evtime. */
#ifndef WEIR_CEP_OVERRUN_H
#define WEIR_CEP_OVERRUN_H
#include "cep/over/over.h"
#include "cep/over/overacc.h"

enum { OVER_LAZY = 8, OVER_NONE = -1 };

struct over_cell {
    struct keystate state;
    struct overacc_ring ring;
    uint64_t done; /* rows that have given their results */
    struct over_cell *older, *newer; /* by `listed` */
    evtime listed;
    int first, last; /* of the rows that wait; OVER_NONE */
    uint64_t words[]; /* starts of frames, accumulators */
};

struct over_waiting {
    struct over_cell *cell;
    struct batch *b;
    unsigned i;
    int next; /* of the same key */
};

struct over {
    struct keyed *k;
    struct keyed_rule rule;
    const struct overprog *p;
    size_t max_rows; /* of one key */
    uint64_t dropped; /* for it */
    bool ready;
    struct slab cells;
    struct slabs memory; /* of rings, texts, queues, sets */
    struct over_cell *oldest, *newest;
    struct over_waiting *waiting; /* all of one time */
    size_t nwaiting, waiting_cap;
    evtime waiting_ts;
    struct value *slots;
    struct arena *scratch; /* emptied after each row */
    void (*each)(void *ctx, const struct over_given *g); /* over_watch */
    void *each_ctx;
};

/* A key's state without rows, the last in the list of keys. */
struct over_cell *over_make(struct over *o, struct key *key, evtime listed);
struct overacc over_acc(struct over *o, struct over_cell *c, unsigned call);
/* The next entry of the ring, its inputs all NULL. */
uint64_t *over_extend(struct over *o, struct over_cell *c);
void over_sort(struct over *o); /* the list of keys */
void over_trim(struct over *o, struct over_cell *c); /* rows that no frame has any more go */
/* overmapload.c: oversave_load of another version's state (keyload.overs). */
enum err overmapload(struct over *o, const struct keyload *k, struct bytes_reader *in);

#endif
