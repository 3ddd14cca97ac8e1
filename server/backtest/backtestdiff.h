/* SPDX-License-Identifier: Apache-2.0 */
/* backtestdiff.h - what a backtest comes to: each variant beside the old side, by alert id; counts, quality, files of alerts.
 *
 * Room:   backtesttold -> [backtestdiff] -> result (JSON), alerts-VARIANT-SIDE.jsonl
 * Owns:   nothing.  Thread: one.  Time: evtime. */
#ifndef WEIR_SERVER_BACKTESTDIFF_H
#define WEIR_SERVER_BACKTESTDIFF_H
#include "server/backtest/backtesttold.h"

/* Sides of a comparison; the names are those of the API and of the files. */
#define BACKTESTDIFF_SIDES(X) X(ONLY_NEW, "only_new") X(BOTH, "both") X(ONLY_OLD, "only_old")
enum backtestdiff_side {
#define BACKTESTDIFF_ENUM(name, text) BACKTESTDIFF_##name,
    BACKTESTDIFF_SIDES(BACKTESTDIFF_ENUM)
#undef BACKTESTDIFF_ENUM
        BACKTESTDIFF_NSIDES
};
const char *backtestdiff_side_name(enum backtestdiff_side s);

/* The members "old", "labels" and "variants" of the result, into an open object. old: the set that is compared with is the
 * last one. ERR_IO: a file of `folder` cannot be written. */
enum err backtestdiff_write(struct backtesttold *t, bool old, const char *folder, struct diag *d,
                            struct bytes *out);

#endif
