/* SPDX-License-Identifier: Apache-2.0 */
/* backtestsegment.h - the alerts of a backtest by what stands in up to three columns of theirs: where does a change cost, where does it help?
 *
 * Room:   backtesttold (each alert's row) -> [backtestsegment] -> backtestdiff -> result.json
 * Owns:   its segments, at most one an alert.  Thread: one.  Time: none. */
#ifndef WEIR_SERVER_BACKTESTSEGMENT_H
#define WEIR_SERVER_BACKTESTSEGMENT_H
#include "base/bytes.h"
#include "base/map.h"
#include <jansson.h>

enum { BACKTESTSEGMENT_COLUMNS_MAX = 3, BACKTESTSEGMENT_SHOWN = 100 };

struct backtesttold;
struct backtesttold_alert;

struct backtestsegment {
    char *json; /* {"country":"DE","channel":null} */
    uint64_t old, new, true_alerts, false_alerts; /* of the variant that is being counted */
    double old_sum, new_sum;
    MAP_LINK;
};

/* The one of a row, an object; made if it is new. Columns that it lacks are null. */
struct backtestsegment *backtestsegment_of(struct backtestsegment **map, const json_t *columns,
                                           const char *row_json);
void backtestsegment_free(struct backtestsegment **map);

struct backtestsegment_side {
    struct backtesttold_alert *const *v;
    size_t n;
};
/* The members "segments" (those with most alerts first) and "segments_left_out"; null if nobody asked. judged: may it be told
 * which of the new alerts are right? */
void backtestsegment_write(struct backtesttold *t, const struct backtestsegment_side *new,
                           const struct backtestsegment_side *old, bool judged, struct bytes *out);

#endif
