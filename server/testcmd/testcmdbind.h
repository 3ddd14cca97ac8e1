/* SPDX-License-Identifier: Apache-2.0 */
/* testcmdbind.h - a test's names and values against the compiled rules: event lines for the feed, texts to compare with.
 *
 * Room:   testcmdfile, plans -> [testcmdbind] -> testcmdrun, testcmddiff
 * Owns:   what it makes lives in the given arena.  Thread: one. */
#ifndef WEIR_SERVER_TESTCMDBIND_H
#define WEIR_SERVER_TESTCMDBIND_H
#include "cep/job.h"
#include "server/testcmd/testcmdfile.h"

struct testcmdbind_rules {
    const struct schema *const *streams;
    unsigned nstreams;
    const struct job_rule *rules;
    unsigned nrules;
};

/* One cell that a result must have: its column and value, as the result's line has them. */
struct testcmdbind_cell {
    const char *name; /* of the column */
    const char *value; /* JSON */
};

struct testcmdbind_expect {
    const struct testcmdfile_expect *from;
    const struct rule_plan *rule; /* NULL: any */
    unsigned ncells;
    const struct testcmdbind_cell *cells;
};

struct testcmdbind_place { /* of an event: which stream's how manieth, and where in the test file */
    uint32_t stream;
    uint64_t place;
    struct span at;
};

struct testcmdbind {
    struct bytes lines; /* the input */
    struct testcmdbind_place *places; /* in the order of the file */
    size_t nplaces, places_cap;
    unsigned nexpects;
    struct testcmdbind_expect *expects;
};

/* False: said in d. To be ended with fini either way. */
bool testcmdbind_test(const struct testcmdbind_rules *r, const struct testcmdfile_test *t,
                      struct arena *arena, struct diag *d, struct testcmdbind *out);
void testcmdbind_fini(struct testcmdbind *b);

#endif
