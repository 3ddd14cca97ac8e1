/* SPDX-License-Identifier: Apache-2.0 */
/* testcmdrun.h - one file of tests: its rules compiled once, each test run over its own events by the feed of `weir eval`.
 *
 * Room:   testcmdfile -> [testcmdrun: testcmdbind, evalfeed, evalrun, testcmddiff] -> TAP
 * Owns:   all of the file while it runs.  Thread: one. Tests share the compiled rules and no state. */
#ifndef WEIR_SERVER_TESTCMDRUN_H
#define WEIR_SERVER_TESTCMDRUN_H
#include "base/bytes.h"
#include <stdbool.h>

struct testcmdrun_options {
    const char *name; /* run only tests whose name has this; NULL: all */
    unsigned workers;
};
struct testcmdrun_counts {
    unsigned tests, failed;
    bool broken; /* a file could not be read */
};

/* Prints TAP lines on standard output, and counts. */
void testcmdrun_file(const char *path, const struct testcmdrun_options *o,
                     struct testcmdrun_counts *counts);

#endif
