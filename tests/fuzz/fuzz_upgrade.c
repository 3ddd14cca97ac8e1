/* SPDX-License-Identifier: Apache-2.0
 *
 * Hostile state that is gone on with by the next version of its rule: what is loaded of a savepoint can be mapped, too
 * (tests/lib/snapfuzz.h says how). Rules stand in pairs, the old version before the new one. */
#include "tests/lib/snapfuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define A_B "A AS kind = 'a', B AS kind = 'b'"
#define NO_SKIP "AFTER MATCH NO SKIP PATTERN "
#define MINUTE "WITHIN INTERVAL '1' MINUTE "
#define GROUPED "GROUP BY k, window_start, window_end;\n"
#define TIME "OVER (PARTITION BY k ORDER BY ts RANGE INTERVAL '3' SECOND PRECEDING)"
#define TWO "OVER (PARTITION BY k ORDER BY ts ROWS 2 PRECEDING)"
static const char sql[] = SNAPFUZZ_STREAM
    /* clang-format off */
    SNAPFUZZ_MATCH("sooner", "MEASURES A.v AS a " NO_SKIP "(A -> B ->> C) WITHIN INTERVAL '1' MINUTE DEFINE " A_B ", C AS kind = 'c'")
    SNAPFUZZ_MATCH("sooner2", "MEASURES A.v AS a " NO_SKIP "(A -> B ->> C) WITHIN INTERVAL '5' SECOND DEFINE " A_B ", C AS v > 7")
    SNAPFUZZ_MATCH("steps", "MEASURES A.v AS a " NO_SKIP "(A -> B) " MINUTE "DEFINE " A_B)
    SNAPFUZZ_MATCH("steps2", "MEASURES X.v AS a, B.v AS b " NO_SKIP "(X -> O? -> B -> C) " MINUTE
          "DEFINE X AS kind = 'a', O AS v = 3, B AS kind = 'b', C AS kind = 'c'")
    SNAPFUZZ_MATCH("carries", "MEASURES COUNT(*) AS n " NO_SKIP "(A->+? -> B) DEFINE A AS kind = 'a' AND v >= FIRST(A.v), "
          "B AS kind = 'b' AND v > AVG(A.v)")
    SNAPFUZZ_MATCH("carries2", "MEASURES SUM(A.v) AS n " NO_SKIP "(A->+? -> B) DEFINE A AS kind = 'a' AND v >= FIRST(A.v), "
          "B AS kind = 'b' AND v > AVG(A.v) AND v > LAST(A.v)")
    SNAPFUZZ_MATCH("counts", "MEASURES COUNT(*) AS n PATTERN ((A->{2,3} -> B){2,}) WITHIN INTERVAL '9' SECOND EACH STEP DEFINE " A_B)
    SNAPFUZZ_MATCH("counts2", "MEASURES COUNT(*) AS n PATTERN ((A->{2,4} -> B){1,}) WITHIN INTERVAL '8' SECOND EACH STEP DEFINE " A_B)
    SNAPFUZZ_MATCH("ends", "MEASURES COUNT(*) AS n PATTERN (A -> B->* !C) WITHIN INTERVAL '20' SECOND DEFINE " A_B ", C AS kind = 'c'")
    SNAPFUZZ_MATCH("ends2", "MEASURES COUNT(*) AS n PATTERN (A -> B->* !C) WITHIN INTERVAL '30' SECOND DEFINE " A_B ", C AS v = 8")
    SNAPFUZZ_MATCH("unmatched", "MEASURES CLASSIFIER() AS c ALL ROWS PER MATCH WITH UNMATCHED ROWS PATTERN (A B?) "
          "DEFINE A AS kind = 'a', B AS v > PREV(v, 2)")
    SNAPFUZZ_MATCH("unmatched2", "MEASURES CLASSIFIER() AS c ALL ROWS PER MATCH WITH UNMATCHED ROWS PATTERN (A B?) "
          "DEFINE A AS kind = 'a', B AS v > PREV(v, 1)")
    "CREATE RULE session AS SELECT k, COUNT(DISTINCT v) AS n FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), "
    "INTERVAL '3' SECOND)) " GROUPED
    "CREATE RULE session2 AS SELECT k, COUNT(DISTINCT v) AS n, MIN(kind) AS m FROM TABLE(SESSION(TABLE t PARTITION BY k, "
    "DESCRIPTOR(ts), INTERVAL '4' SECOND)) " GROUPED
    "CREATE RULE counted AS SELECT k, LIST_AGG(kind) AS l, AVG(v) AS a FROM TABLE(COUNT_HOP(TABLE t PARTITION BY k, 2, 3)) GROUP BY k;\n"
    "CREATE RULE counted2 AS SELECT k, AVG(v) AS a, MAX(v) AS m, LIST_AGG(kind) AS l FROM TABLE(COUNT_HOP(TABLE t PARTITION BY k, 2, 3)) "
    "GROUP BY k;\n"
    "CREATE RULE all_of_it WITH ('trigger'='punctuated') AS SELECT k, TOP(kind, 2) AS a, STDDEV(v) AS b FROM TABLE(GLOBAL(TABLE t)) "
    "GROUP BY k;\n"
    "CREATE RULE all_of_it2 WITH ('trigger'='punctuated') AS SELECT k, TOP(kind, 3) AS a, STDDEV(v) AS b, COUNT(*) AS c "
    "FROM TABLE(GLOBAL(TABLE t)) GROUP BY k;\n"
    "CREATE RULE frames AS SELECT SUM(v) " TIME " AS a, MIN(kind) " TIME " AS b, COUNT(DISTINCT kind) " TIME " AS c FROM t;\n"
    "CREATE RULE frames2 AS SELECT MIN(kind) " TIME " AS b, SUM(v) " TIME " AS a, STDDEV(v) " TIME " AS d FROM t WHERE v > 0;\n"
    "CREATE RULE rows_of AS SELECT MAX(kind) " TWO " AS a, SUM(DISTINCT v) " TWO " AS b FROM t;\n"
    "CREATE RULE rows_of2 AS SELECT MAX(kind) " TWO " AS a, SUM(v) " TIME " AS c FROM t;\n"
    "CREATE RULE pairs WITH ('state-ttl'='9 s') AS SELECT a.v AS a, b.kind AS b FROM t AS a LEFT JOIN t AS b ON a.k = b.k AND a.v < b.v "
    "AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '3' SECOND;\n"
    "CREATE RULE pairs2 WITH ('state-ttl'='9 s') AS SELECT a.v AS a, b.kind AS b FROM t AS a LEFT JOIN t AS b ON a.k = b.k AND a.v <= b.v "
    "AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '5' SECOND;\n";
/* clang-format on */

static unsigned rules_of(const struct script *s, struct job_rule *rules)
{
    static struct job_mark mark;
    static struct job_cut cuts[3];
    mark = (struct job_mark){.offset = SNAPFUZZ_OFFSET,
                             .w = SNAPFUZZ_TIME,
                             .stream = s->statements[0].schema->id};
    cuts[0] = (struct job_cut){.deployed = true, .w = EVTIME_MIN};
    cuts[1] = (struct job_cut){.w = SNAPFUZZ_TIME,
                               .nmarks = 1,
                               .marks = &mark,
                               .handover = JOB_HANDOVER_KEEP};
    cuts[2] = cuts[1];
    cuts[2].deployed = true;
    for (unsigned i = 1; i < s->n; i++) {
        bool old = i % 2 == 1;
        rules[i - 1] = (struct job_rule){.plan = s->statements[i].rule,
                                         .uid = (i + 1) / 2,
                                         .version = old ? 1 : 2,
                                         .ncuts = old ? 2 : 1,
                                         .cuts = old ? cuts : cuts + 2};
    }
    return s->n - 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    snapfuzz_one(sql, rules_of, data, size);
    return 0;
}
