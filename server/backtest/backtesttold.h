/* SPDX-License-Identifier: Apache-2.0 */
/* backtesttold.h - what the variants of a backtest found, as the alerts that they would be, and which events were fraud.
 *
 * Room:   results, rows -> [backtesttold] -> backtestdiff
 * Owns:   an entry for each alert; their texts are lines of a file
 * Thread: one.  Time: evtime.
 *
 * Alerts are kept as the alert writer would: a cooldown holds some back, an update changes one, a session that grows into
 * another takes its place. Each has the id that it would have as live's. */
#ifndef WEIR_SERVER_BACKTESTTOLD_H
#define WEIR_SERVER_BACKTESTTOLD_H
#include "base/map.h"
#include "server/backtest/backtestdrift.h"
#include "server/backtest/backtestplan.h"
#include "server/backtest/backtestsegment.h"
#include "server/deploy/registry.h"

enum backtesttold_label { BACKTESTTOLD_UNKNOWN, BACKTESTTOLD_FALSE, BACKTESTTOLD_TRUE };

struct backtesttold_key {
    char *json;
    uint64_t old, new; /* of the variant that is being counted */
    MAP_LINK;
};
struct backtesttold_alert {
    uint8_t raw[RESULT_ID_BYTES]; /* of this variant alone; updates name it */
    char id[RESULT_ID_TEXT];
    evtime time;
    uint64_t at; /* of its line in the file */
    uint32_t length, revision;
    uint32_t hits_at, nhits; /* labelled events that it stands for, in `hits` */
    bool gone; /* taken back, or replaced */
    enum backtesttold_label said; /* by people, of the alert of live that has this id */
    double sum;
    struct backtesttold_key *key;
    struct backtestsegment *segment; /* NULL: nobody asks */
    MAP_LINK; /* by raw */
};
struct backtesttold_set { /* of a variant, or of what is compared */
    const struct rule_plan *plan; /* NULL: of live, from the catalogue */
    int sum; /* output, or -1 */
    bool knows_labels; /* what its alerts stand for can be told */
    struct backtesttold_alert *alerts; /* map */
    struct backtesttold_windowkey *windows; /* NULL: its results name their events */
    uint64_t kinds[RESULT_ERROR + 1], held_back;
};
struct backtesttold_event { /* that is labelled as fraud */
    struct place at;
    uint32_t index;
    MAP_LINK;
};
struct cooldown;
struct backtesttold {
    const struct backtestplan *plan;
    struct registry *registry;
    unsigned nsets; /* the last is the old side, if there is one */
    struct backtesttold_set *sets;
    struct backtesttold_key *keys;
    struct backtestsegment *segments; /* map */
    struct backtestdrift drift;
    struct backtesttold_event *events;
    uint32_t nevents;
    uint32_t *hits;
    size_t nhits, hits_cap;
    uint64_t nalerts, written;
    uint64_t said[BACKTESTTOLD_TRUE + 1]; /* by people, of alerts of live */
    struct backtesttold_windowkey *windows; /* list */
    struct cooldown *cooldown;
    struct arena *arena; /* of one alert's texts */
    struct bytes line, one; /* lines not written yet; the one that is made */
    int fd;
    const char *broken; /* why it cannot go on; NULL: it can */
};

/* file: made anew, of lines that nobody else reads. ERR_IO. */
enum err backtesttold_new(const struct backtestplan *plan, struct registry *registry,
                          unsigned nsets, const char *file, struct diag *d,
                          struct backtesttold **out);
void backtesttold_free(struct backtesttold *t); /* NULL is fine */
/* Set i is what this plan finds. ERR_NOT_FOUND: it has no output of the name that is to be summed. */
enum err backtesttold_of(struct backtesttold *t, unsigned i, const struct rule_plan *plan,
                         struct diag *d);

void backtesttold_result(struct backtesttold *t, unsigned i, const struct result *r);
struct catalog_alert;
void backtesttold_stored(struct backtesttold *t, unsigned i, const struct catalog_alert *a);
/* Row i of a stream from outside is fraud. */
void backtesttold_label(struct backtesttold *t, const struct batch *b, unsigned i);
/* A line that was written; valid until the next. ERR_IO. */
enum err backtesttold_line(struct backtesttold *t, const struct backtesttold_alert *a,
                           struct bytes *out);

/* Without a column of labels: what people said of the alerts of live. Of others nobody knows. */
bool backtesttold_is_said(const struct backtesttold *t);
/* Of an alert of a set that knows labels, or for which people have said it. */
enum backtesttold_label backtesttold_is_right(const struct backtesttold *t,
                                              const struct backtesttold_alert *a);

#endif
