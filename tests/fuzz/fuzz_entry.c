/* SPDX-License-Identifier: Apache-2.0
 *
 * Hostile state of rules of all kinds (tests/lib/snapfuzz.h says how).
 *
 * New rules go to the end, so that what is saved of the others stays the same. TUMBLE and its kin are not among them: their
 * windows are visited one after the other, so that a pane which is far away in time takes long. */
#include "tests/lib/snapfuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TIME "OVER (PARTITION BY k ORDER BY ts RANGE INTERVAL '3' SECOND PRECEDING)"
#define TWO "OVER (PARTITION BY k ORDER BY ts ROWS 2 PRECEDING)"
#define ALL "OVER (PARTITION BY k ORDER BY ts ROWS UNBOUNDED PRECEDING)"
static const char sql[] = SNAPFUZZ_STREAM
    /* clang-format off */
    SNAPFUZZ_MATCH("every", "MEASURES A.v AS a AFTER MATCH NO SKIP PATTERN (A -> B ->> C) WITHIN INTERVAL '1' MINUTE "
          "DEFINE A AS kind = 'a', B AS kind = 'b', C AS kind = 'c'")
    SNAPFUZZ_MATCH("carries", "MEASURES COUNT(*) AS n AFTER MATCH NO SKIP PATTERN (A->+? -> B) "
          "DEFINE A AS kind = 'a' AND v >= FIRST(A.v), B AS kind = 'b' AND v > AVG(A.v) AND v > LAST(A.v)")
    SNAPFUZZ_MATCH("counts", "MEASURES COUNT(*) AS n PATTERN ((A->{2,3} -> B){2,}) WITHIN INTERVAL '9' SECOND EACH STEP "
          "DEFINE A AS kind = 'a', B AS kind = 'b'")
    SNAPFUZZ_MATCH("tangled", "MEASURES COUNT(*) AS n PATTERN (A -> B->+? -> C*) WITHIN INTERVAL '20' SECOND "
          "DEFINE A AS kind = 'a', B AS kind = 'b', C AS kind = 'b' AND v > A.v")
    SNAPFUZZ_MATCH("ways", "MEASURES COUNT(*) AS n AFTER MATCH NO SKIP PATTERN (A ->> (B | C) ->> (B | A)) WITHIN INTERVAL '20' SECOND "
          "DEFINE A AS kind = 'a', B AS kind = 'b' OR v > A.v, C AS kind = 'b'")
    SNAPFUZZ_MATCH("ends", "MEASURES COUNT(*) AS n PATTERN (A -> B->* !C) WITHIN INTERVAL '20' SECOND "
          "DEFINE A AS kind = 'a', B AS kind = 'b', C AS kind = 'c'")
    SNAPFUZZ_MATCH("unmatched", "MEASURES CLASSIFIER() AS c, MATCH_NUMBER() AS m ALL ROWS PER MATCH WITH UNMATCHED ROWS "
          "PATTERN (A B?) DEFINE A AS kind = 'a', B AS v > PREV(v, 2)")
    SNAPFUZZ_MATCH("numbers", "MEASURES MATCH_NUMBER() AS m PATTERN (A B*) DEFINE A AS v > MATCH_NUMBER(), B AS kind = 'b' AND v < NEXT(v)")
    /* clang-format on */
    "CREATE RULE session WITH ('allowed-lateness'='5 s') AS SELECT k, COUNT(DISTINCT v) AS n FROM "
    "TABLE(SESSION(TABLE t "
    "PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY k, window_start, window_end;\n"
    "CREATE RULE counted AS SELECT k, LIST_AGG(kind) AS l, AVG(v) AS a FROM TABLE(COUNT_HOP(TABLE "
    "t "
    "PARTITION BY k, 2, 3)) GROUP BY k;\n"
    "CREATE RULE evicts WITH ('trigger'='continuous 700 ms', 'evictor'='time 2 s', "
    "'allowed-lateness'='5 s') AS SELECT k, MIN(kind) AS a, MAX(v) AS b FROM TABLE(TUMBLE(TABLE t, "
    "DESCRIPTOR(ts), INTERVAL '6' SECOND)) GROUP BY k, window_start, window_end;\n"
    "CREATE RULE all_of_it WITH ('trigger'='punctuated') AS SELECT k, TOP(kind, 2) AS a, "
    "STDDEV(v) AS b FROM TABLE(GLOBAL(TABLE t)) GROUP BY k;\n"
    /* clang-format off */
    "CREATE RULE frames AS SELECT SUM(v) " TIME " AS a, MIN(kind) " TIME " AS b, COUNT(DISTINCT kind) " TIME " AS c, STDDEV(v) " TIME
    " AS d, LAST(kind) FILTER (WHERE v > 1) " TIME " AS e, APPROX_PERCENTILE(v, 0.5) " TIME " AS f FROM t;\n"
    "CREATE RULE rows_of AS SELECT MAX(kind) " TWO " AS a, SUM(DISTINCT v) " TWO " AS b, LAG(kind, 2) OVER (PARTITION BY k ORDER BY ts) "
    "AS c, COUNT(DISTINCT kind) " ALL " AS d, MAX(kind) " ALL " AS e, LIST_AGG(kind) " ALL " AS f, ROW_NUMBER() OVER (PARTITION BY k "
    "ORDER BY ts) AS g FROM t;\n"
    /* clang-format on */
    "CREATE RULE pairs WITH ('state-ttl'='9 s') AS SELECT a.v AS a, b.kind AS b FROM t AS a LEFT "
    "JOIN t AS b ON a.k = b.k AND a.v < b.v AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '3' SECOND;\n"
    "CREATE RULE windowed AS SELECT a.v AS a, b.kind AS b FROM TABLE(CUMULATE(TABLE t, "
    "DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '6' SECOND)) AS a LEFT JOIN (SELECT * FROM "
    "TABLE(CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '6' SECOND))) AS b ON "
    "a.k = b.k AND a.window_start = b.window_start AND a.window_end = b.window_end;\n";

static unsigned rules_of(const struct script *s, struct job_rule *rules)
{
    for (unsigned i = 1; i < s->n; i++)
        rules[i - 1] = (struct job_rule){.plan = s->statements[i].rule, .uid = i, .version = 1};
    return s->n - 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    snapfuzz_one(sql, rules_of, data, size);
    return 0;
}
