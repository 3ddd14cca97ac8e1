/* SPDX-License-Identifier: Apache-2.0 */
/* MATCH_RECOGNIZE: which row each name means, how DEFINE is cut, what comes out, what is refused. */
#include "base/bytes.h"
#include "base/mem.h"
#include "tests/lib/check.h"
#include "tests/lib/compiled.h"

struct example {
    const char *clauses, *becomes;
};

static void hold(const struct example *e, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *got = compiled_match(e[i].clauses);
        if (strcmp(got, e[i].becomes) != 0)
            fail_msg("%s\n  became\n%s\n  and not\n%s", e[i].clauses, got, e[i].becomes);
        mem_free(got);
    }
}
#define HOLD(list) hold(list, sizeof(list) / sizeof *(list))

static void define_is_cut_into_what_one_row_says_and_the_rest(void **state)
{
    (void)state;
    static const struct example list[] = {
        {"PARTITION BY s ORDER BY ts MEASURES A.b AS x PATTERN (A B)\n"
         "DEFINE A AS b > 1, B AS B.b > A.b AND s = 'x' AND PREV(b) < 3 AND b > LAST(B.b, 1)",
         "  key        s\n"
         "  pattern    (A B)\n"
         "  define A\n"
         "    row      b > 1\n"
         "  define B\n"
         "    row      s = 'x'\n"
         "    path     b > LAST(A: b) AND PREV(b, 1) < 3 AND b > LAST(B: b, 1)\n"
         "  keeps      s, b\n"
         "  output     s STRING = s\n"
         "  output     x BIGINT = LAST(A: b)\n"},
        {"ORDER BY ts PATTERN ((A | B)+ C) SUBSET U = (A, B)\n"
         "DEFINE A AS CLASSIFIER() = 'A' AND U.b = 3, B AS LAST(b) > 1 AND FIRST(U.b) = 1,\n"
         "  C AS AVG(A.m) * 10 < m AND COUNT(*) > 2 AND COUNT(U.*) > 1 AND U.b = 1",
         "  pattern    ((A | B)+ C)\n"
         "  define A\n"
         "    row      b = 3\n"
         "  define B\n"
         "    row      b > 1\n"
         "    path     FIRST((A, B): b) = 1\n"
         "  define C\n"
         "    path     AVG(A: m) * 10 < m AND COUNT(*) > 2 AND COUNT((A, "
         "B): "
         "*) > 1 AND LAST((A, B): b) = 1\n"
         "  keeps      b, m\n"},
        {"ORDER BY ts PATTERN (A B) DEFINE A AS TRUE, B AS FALSE OR b > 1 AND NULL IS NULL",
         "  pattern    (A B)\n"
         "  define A: every row\n"
         "  define B\n"
         "    row      b > 1\n"
         "  keeps      nothing\n"},
    };
    HOLD(list);
}

static void measures_read_the_match(void **state)
{
    (void)state;
    static const struct example list[] = {
        {"ORDER BY ts MEASURES b AS y, PREV(b) AS p, PREV(A.b, 2) AS q, FINAL LAST(B.m, 2) AS f,\n"
         " PREV(FIRST(b, 1), 3) AS g, CLASSIFIER() AS c, LAST(CLASSIFIER(), 1) AS c1,\n"
         " MATCH_NUMBER() AS n, MATCH_ROWTIME() AS t PATTERN (A B)",
         "  pattern    (A B)\n"
         "  define A: every row\n"
         "  define B: every row\n"
         "  keeps      b, m\n"
         "  output     y BIGINT = LAST(b)\n"
         "  output     p BIGINT = PREV(LAST(b), 1)\n"
         "  output     q BIGINT = PREV(LAST(A: b), 2)\n"
         "  output     f DECIMAL(12,2) = FINAL LAST(B: m, 2)\n"
         "  output     g BIGINT = PREV(FIRST(b, 1), 3)\n"
         "  output     c STRING = LAST(CLASSIFIER())\n"
         "  output     c1 STRING = LAST(CLASSIFIER(), 1)\n"
         "  output     n BIGINT = MATCH_NUMBER()\n"
         "  output     t TIMESTAMP(3) = MATCH_ROWTIME()\n"},
        /* What holds a CLASSIFIER is moved to the other row part by part, if there is such a row. */
        {"ORDER BY ts MEASURES LAST(LOWER(CLASSIFIER(A)), 1) AS x PATTERN (A B)",
         "  pattern    (A B)\n"
         "  define A: every row\n"
         "  define B: every row\n"
         "  keeps      ts\n"
         "  output     x STRING = CASE WHEN LAST(A: ts, 1) IS NOT NULL THEN LOWER(LAST(A: "
         "CLASSIFIER(), 1)) ELSE NULL END\n"},
        {"ORDER BY ts MEASURES SUM(A.b) AS sb, SUM(m) AS sm, AVG(b) AS ab, AVG(A.m) AS am,\n"
         " COUNT(DISTINCT A.s) AS cd, MAX(s || CLASSIFIER()) AS mc, COUNT(1) AS n,\n"
         " FINAL COUNT(*) FILTER (WHERE b > 1) AS f, MIN(ts) AS mt PATTERN (A B)",
         "  pattern    (A B)\n"
         "  define A: every row\n"
         "  define B: every row\n"
         "  keeps      s, b, m, ts\n"
         "  output     sb BIGINT = SUM(A: b)\n"
         "  output     sm DECIMAL(18,2) = SUM(m)\n"
         "  output     ab DOUBLE = AVG(b)\n"
         "  output     am DECIMAL(16,6) = AVG(A: m)\n"
         "  output     cd BIGINT = COUNT(DISTINCT A: s)\n"
         "  output     mc STRING = MAX(s || CLASSIFIER())\n"
         "  output     n BIGINT = COUNT(*)\n"
         "  output     f BIGINT = FINAL COUNT(*) FILTER (WHERE b > 1)\n"
         "  output     mt TIMESTAMP(3) = MIN(ts)\n"},
    };
    HOLD(list);
}

static void all_rows_give_the_row_beside_the_measures(void **state)
{
    (void)state;
    static const struct example list[] = {
        {"PARTITION BY s ORDER BY ts, b DESC MEASURES A.b AS x ALL ROWS PER MATCH OMIT EMPTY "
         "MATCHES\n"
         "AFTER MATCH SKIP TO NEXT ROW PATTERN (A B)",
         "  key        s\n"
         "  pattern    (A B)\n"
         "  skip       to the next row\n"
         "  rows       all, empty matches omitted\n"
         "  order      equal times by b descending\n"
         "  define A: every row\n"
         "  define B: every row\n"
         "  keeps      s, b, d, m, k, o, ts\n"
         "  output     s STRING = s\n"
         "  output     ts TIMESTAMP(3) = ts\n"
         "  output     b BIGINT = b\n"
         "  output     x BIGINT = LAST(A: b)\n"
         "  output     d DOUBLE = d\n"
         "  output     m DECIMAL(12,2) = m\n"
         "  output     k DECIMAL(6,4) = k\n"
         "  output     o BOOLEAN = o\n"},
        {"ORDER BY ts MEASURES A.b AS b ALL ROWS PER MATCH PATTERN (A)",
         "INVALID line 4, column 29: MATCH_RECOGNIZE gives two columns b (give the measure another "
         "name)"},
    };
    HOLD(list);
}

static void patterns_keep_their_shape(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *becomes;
    } list[] = {
        {"A B C", "(A B C)"},
        {"A -> B ->> C", "(A -> B ->> C)"},
        {"A (B C) ((D))", "(A B C D)"},
        {"A -> (B C)", "(A -> B C)"},
        {"A -> (!N C)", "(A -> !N C)"},
        {"(A B){2,3}? C", "((A B){2,3}? C)"},
        {"((A+))? (((A?))B)", "((A+)? A? B)"},
        {"((A B){2}) C ((A+))", "((A B){2} C A+)"},
        {"(A){2} (A+)*", "(A{2} (A+)*)"},
        {"A | B C | D", "(A | (B C) | D)"},
        {"A ->{3,} -> B->>+? C -> *", "(A->{3,} -> B->>+? C->*)"},
        {"A?? B*? C{,2} D{2,} E{,}", "(A?? B*? C{0,2} D{2,} E*)"},
        {"PERMUTE(A, B C) D", "(PERMUTE(A, (B C)) D)"},
        {"A {- B -}+ {-C-}", "(A {- B -}+ {- C -})"},
        {"^ () A $", "(^ () A $)"},
        {"A ->+? UNTIL S -> !N WITHIN INTERVAL '3' SECOND", "(A->+? UNTIL S -> !N WITHIN 3 s)"},
        {"permute B", "(PERMUTE B)"},
        {"\"a b\" a", "(a b A)"},
        {"A /* as one */ -> -- and more\n + B", "(A->+ B)"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char *clauses = mem_printf("ORDER BY ts PATTERN (%s)", list[i].pattern);
        char *line = mem_printf("  pattern    %s\n", list[i].becomes),
             *got = compiled_match(clauses);
        if (strstr(got, line) == NULL)
            fail_msg("%s\n  became\n%s\n  and not\n%s", list[i].pattern, got, line);
        mem_free(got);
        mem_free(line);
        mem_free(clauses);
    }
}

static void what_a_pattern_cannot_be_is_said_at_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *said;
    } list[] = {
        {"!A B", "column 22: ! cannot be the first element"},
        {"A (!B C)+", "column 25: ! cannot be the first element"},
        {"A | !B", "column 26: ! needs an element before it in the same sequence"},
        {"A ->> !B C", "column 28: ->> cannot stand before !"},
        {"A -> !B", "column 27: a pattern that ends with -> ! needs WITHIN"},
        {"A -> (C -> !B)", "column 33: a pattern that ends with -> ! needs WITHIN"},
        {"A !B+ C", "column 26: an element with ! takes no quantifier"},
        {"A (!B)+ C", "column 28: an element with ! takes no quantifier"},
        {"A{2} UNTIL S", "column 33: UNTIL needs a loop without an upper bound"},
        {"A UNTIL S", "column 30: UNTIL needs a loop without an upper bound"},
        {"A+ UNTIL S UNTIL S", "UNTIL and WITHIN may each stand once after an element"},
        {"A{3,2}", "column 23: the least, 3, is more than the most, 2"},
        {"A{0}", "column 23: a quantifier whose most is 0 takes no row"},
        {"A{3000000000,}", "column 24: a bound is at most 2147483647, not 3000000000"},
        {"A{-1}", "column 24: unexpected - after {; expected one of ',', a whole number"},
        {"A+*", "(a quantifier on a quantifier needs a group: (A+)*)"},
        {"A ->", "column 26: unexpected ) after ->; expected a pattern element"},
        {"A WITHIN INTERVAL '0' SECOND", "column 31: WITHIN needs an interval longer than nothing"},
        {"A) WITHIN INTERVAL '0' SECOND DEFINE (A AS TRUE", "unexpected ( after DEFINE"},
        {"A WITHIN INTERVAL '9' SECOND B) WITHIN INTERVAL '3' SECOND SUBSET U = (A",
         "the time of one step is longer than that of the whole pattern"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char *clauses = mem_printf("ORDER BY ts PATTERN (%s)", list[i].pattern);
        char *got = compiled_match(clauses);
        if (strncmp(got, "INVALID", 7) != 0 || strstr(got, list[i].said) == NULL)
            fail_msg("%s\n  said %s\n  and not %s", list[i].pattern, got, list[i].said);
        mem_free(got);
        mem_free(clauses);
    }
}

static void skipping_must_lead_somewhere(void **state)
{
    (void)state;
    static const struct {
        const char *clauses, *said;
    } list[] = {
        {"SKIP TO FIRST A PATTERN (A B)", "A is always the first row of the match"},
        {"SKIP TO A PATTERN (A B)", "A is always the first row of the match"},
        {"SKIP TO A PATTERN ((A | B) C)", ""},
        {"SKIP TO U PATTERN ((A | B) C) SUBSET U = (A, B)", "U is always the first row"},
        {"SKIP TO LAST A PATTERN (A+ B)", ""},
        {"SKIP TO FIRST A PATTERN (A+ B)", "A is always the first row of the match"},
        {"SKIP TO B PATTERN (A B? C)", ""},
        {"SKIP TO N PATTERN (A !N C)", "N takes no row, so there is none to skip to"},
        {"SKIP TO X PATTERN (A B)", "no variable X in the pattern"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char *clauses = mem_printf("ORDER BY ts AFTER MATCH %s", list[i].clauses);
        char *got = compiled_match(clauses);
        bool wrong = strncmp(got, "INVALID", 7) == 0;
        if (wrong != (list[i].said[0] != '\0') || (wrong && strstr(got, list[i].said) == NULL))
            fail_msg("%s\n  said %s\n  and not %s", list[i].clauses, got, list[i].said);
        mem_free(got);
        mem_free(clauses);
    }
}

static void a_pattern_that_may_wait_for_ever_is_warned_of(void **state)
{
    (void)state;
    static const struct {
        const char *clauses, *said; /* NULL: nothing */
    } list[] = {
        {"PATTERN (A -> B)",
         "column 77: warning: without WITHIN a partial match waits for ever for B, and holds back"},
        {"PATTERN (A ->+ B)",
         "column 72: warning: without WITHIN a partial match waits for ever for A->+"},
        {"PATTERN (A B)", NULL},
        {"PATTERN (A B{1,9} C)", NULL},
        {"PATTERN (A -> B) WITHIN INTERVAL '1' MINUTE", NULL},
        {"PATTERN (A -> B WITHIN INTERVAL '1' MINUTE)", NULL},
        {"PATTERN (A+ B) WITHIN INTERVAL '1' MINUTE", NULL},
        {"PATTERN (A B+ C)", "column 74: warning: the loop B+ has no bound"},
        {"PATTERN (A+ B) WITHIN INTERVAL '1' MINUTE EACH STEP",
         "column 72: warning: the loop A+ has no bound"},
        {"AFTER MATCH NO SKIP PATTERN (A -> B)",
         "column 97: warning: without WITHIN a partial match waits for ever for B ("},
        {"AFTER MATCH NO SKIP PATTERN (A+ B)",
         "column 92: warning: NO SKIP over a loop: from each row on, the loop A+ has no bound"},
        {"AFTER MATCH NO SKIP PATTERN (A->>+ B) WITHIN INTERVAL '1' MINUTE",
         "column 92: warning: A->>+ with NO SKIP makes a partial match of every combination"},
        {"AFTER MATCH NO SKIP PATTERN (A->>{1,3} B) WITHIN INTERVAL '1' MINUTE", NULL},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char *sql =
            mem_printf("%sCREATE RULE r AS SELECT * FROM t MATCH_RECOGNIZE (ORDER BY ts %s);",
                       compiled_stream, list[i].clauses);
        char *got = compiled_said(sql, strlen(sql), NULL);
        const char *warned = strstr(got, "warning:");
        if (list[i].said ? !strstr(got, list[i].said) : warned != NULL)
            fail_msg("%s\n  said %s", list[i].clauses, got);
        mem_free(got);
        mem_free(sql);
    }
}

static void variables_are_counted(void **state)
{
    (void)state;
    struct bytes b = {0};
    bytes_printf(&b, "ORDER BY ts PATTERN (");
    for (int i = 0; i < 65; i++)
        bytes_printf(&b, "V%d ", i);
    bytes_printf(&b, ")");
    bytes_u8(&b, 0);
    char *got = compiled_match((const char *)b.p);
    assert_non_null(strstr(got, "LIMIT line 4, column 268: a pattern has at most 64 variables"));
    mem_free(got);
    bytes_reset(&b);
    bytes_printf(&b, "ORDER BY ts PATTERN (");
    for (int i = 0; i < 1200; i++)
        bytes_printf(&b, "A ");
    bytes_printf(&b, ")");
    bytes_u8(&b, 0);
    got = compiled_match((const char *)b.p);
    assert_non_null(strstr(got, "a pattern has at most 1000 elements"));
    mem_free(got);
    bytes_fini(&b);
}

int main(void)
{
    CHECK_RUN(TEST(define_is_cut_into_what_one_row_says_and_the_rest),
              TEST(measures_read_the_match), TEST(all_rows_give_the_row_beside_the_measures),
              TEST(patterns_keep_their_shape), TEST(what_a_pattern_cannot_be_is_said_at_its_place),
              TEST(skipping_must_lead_somewhere),
              TEST(a_pattern_that_may_wait_for_ever_is_warned_of), TEST(variables_are_counted));
}
