/* SPDX-License-Identifier: Apache-2.0 */
/* snapfuzz.h - entries and records of a snapshot as hostile bytes, into tasks of a fixed job. What is taken can be gone on
 * with, to the end of the input, and what is saved of it is taken again. What is not leaves a task that can be freed.
 *
 * A model task is run over some rows and saved once. The input: which of its entries and records is meant; then, if the
 * first byte is odd, patches of it (place in two bytes, value), else the bytes that stand in its place. The first byte's
 * next bit: what goes from a version to the next goes key by key. Its other bits: 0, or one more than the rule that is loaded
 * alone, into a lane (cep/task/tasklane.h).
 *
 * Owns: script, job and model, as long as the process.  Thread: one. */
#ifndef WEIR_TESTS_LIB_SNAPFUZZ_H
#define WEIR_TESTS_LIB_SNAPFUZZ_H
#include "cep/job.h"
#include "rules/compile.h"

/* What each script begins with; rows of it are saved up to SNAPFUZZ_TIME, and gone on with behind it. */
#define SNAPFUZZ_STREAM                                                                            \
    "CREATE STREAM t (k STRING, kind STRING, v BIGINT, ts TIMESTAMP(3) NOT NULL, "                 \
    "WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('connector'='inline');\n"
#define SNAPFUZZ_MATCH(name, clauses)                                                              \
    "CREATE RULE " name " AS SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts " clauses \
    ");\n"

enum { SNAPFUZZ_TIME = 8050, SNAPFUZZ_OFFSET = 100 };

/* The rules of the job, out of statements 1 to n - 1; the number of them. */
typedef unsigned snapfuzz_rules(const struct script *s, struct job_rule *rules);
void snapfuzz_one(const char *sql, snapfuzz_rules *rules_of, const uint8_t *data, size_t size);

#endif
