/* SPDX-License-Identifier: Apache-2.0 */
/* testcmddiff.h - what a test has found against what it expects, and the difference for people.
 *
 * Room:   testcmdbind, result lines -> [testcmddiff] -> the YAML block of a TAP line
 * Owns:   nothing.  Thread: one. */
#ifndef WEIR_SERVER_TESTCMDDIFF_H
#define WEIR_SERVER_TESTCMDDIFF_H
#include "server/testcmd/testcmdbind.h"

/* lines: those of `weir eval`. text: of the test file, for the numbers of its lines. True: as expected. False: the
 * difference is appended, a line each, indented by two. */
bool testcmddiff_compare(const struct testcmdbind *b, const struct bytes *lines, const char *text,
                         size_t text_n, struct bytes *out);

#endif
