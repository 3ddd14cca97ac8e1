/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cep/match/nfa.h"
#include "tests/lib/planbuild.h"

enum { MANY = UINT32_MAX };
#define STRICT CONTIGUITY_NEXT
#define LATER CONTIGUITY_FOLLOWED
#define ANY CONTIGUITY_ANY

static const struct match_var vars[] = {{"A", NULL, NULL}, {"B", NULL, NULL}, {"C", NULL, NULL},
                                        {"D", NULL, NULL}, {"E", NULL, NULL}, {"F", NULL, NULL},
                                        {"N", NULL, NULL}, {"S", NULL, NULL}};

static char *printed(const struct pattern *p, enum skip_kind skip, enum nfa_format f)
{
    struct rule_plan *plan = match_new_plan("r", pay_stream(1, 0), p, 1000, skip, 8, vars);
    struct nfa *n;
    struct bytes out = {0};
    assert_ok(nfa_build(&plan->match, NULL, &n));
    nfa_print(n, plan, f, &out);
    char *text = mem_dup(out.p, out.n);
    bytes_fini(&out);
    nfa_free(n);
    return text;
}

static void prints(const struct pattern *p, enum skip_kind skip, const char *text)
{
    char *got = printed(p, skip, NFA_TEXT);
    assert_string_equal(got, text);
    mem_free(got);
}

static void elements_follow_as_written(void **state)
{
    (void)state;
    prints(GROUP(SEQ, NEXT, var(STRICT, 0), var(STRICT, 1), var(LATER, 2), var(ANY, 3)), SKIP_NONE,
           "start\n"
           "  1: A\n"
           "A\n"
           "  1: B  next\n"
           "B\n"
           "  1: C  ->\n"
           "C\n"
           "  1: D  ->>\n"
           "D\n"
           "  1: match\n");
}

static void greedy_goes_round_first_and_reluctant_leaves_first(void **state)
{
    (void)state;
    prints(GROUP(SEQ, NEXT, times(var(STRICT, 0), 1, MANY, STRICT, false), var(STRICT, 1)),
           SKIP_PAST_LAST,
           "start\n"
           "  1: A\n"
           "A\n"
           "  1: A  next\n"
           "  2: B  next\n"
           "B\n"
           "  1: match\n");
    prints(GROUP(SEQ, NEXT, times(var(STRICT, 0), 1, MANY, LATER, true), var(ANY, 1)),
           SKIP_PAST_LAST,
           "start\n"
           "  1: A\n"
           "A\n"
           "  1: B  ->>\n"
           "  2: A  ->\n"
           "B\n"
           "  1: match\n");
}

static void counts_are_counters(void **state)
{
    (void)state;
    prints(GROUP(SEQ, NEXT, times(var(STRICT, 0), 3, 1000, LATER, false), var(LATER, 1)),
           SKIP_PAST_LAST,
           "start\n"
           "  1: A   n0 = 1\n"
           "A\n"
           "  1: A  -> if n0 < 1000 n0 += 1\n"
           "  2: B  -> if n0 >= 3\n"
           "B\n"
           "  1: match\n");
}

/* Without SKIP a greedy loop gives nothing back: what leaves it waits until it takes no more. */
static void what_leaves_a_greedy_loop_waits_for_it_under_no_skip(void **state)
{
    (void)state;
    prints(GROUP(SEQ, NEXT, var(STRICT, 0), times(var(LATER, 1), 0, MANY, LATER, false)), SKIP_NONE,
           "start\n"
           "  1: A\n"
           "A\n"
           "  1: B  ->\n"
           "  2: match   once the loop takes no more\n"
           "B\n"
           "  1: B  ->\n"
           "  2: match   once the loop takes no more\n");
}

static void nots_stay_in_force_up_to_the_next_row(void **state)
{
    (void)state;
    prints(GROUP(SEQ, NEXT, times(var(STRICT, 0), 1, MANY, LATER, true), not_var(LATER, 6),
                 times(var(LATER, 1), 0, 1, STRICT, false), var(STRICT, 2), not_var(STRICT, 6)),
           SKIP_NONE,
           "start\n"
           "  1: A\n"
           "A\n"
           "  1: B  -> no N\n"
           "  2: C  next no N once the loop takes no more\n"
           "  3: A  -> no N\n"
           "B\n"
           "  1: C  next\n"
           "C\n"
           "  1: match   next is no N\n");
}

static void until_counts_from_the_first_row_of_its_loop(void **state)
{
    (void)state;
    struct pattern *loop = times(var(LATER, 1), 1, MANY, LATER, true);
    loop->until = 7;
    prints(GROUP(SEQ, NEXT, var(STRICT, 0), loop, var(LATER, 2)), SKIP_NONE,
           "start\n"
           "  1: A\n"
           "A\n"
           "  1: B  -> not on S\n"
           "B\n"
           "  1: C  ->\n"
           "  2: B  -> until S\n"
           "C\n"
           "  1: match\n");
}

/* The same loop comes twice in one walk, since an empty round may come before it: it holds fast both times. */
static void a_greedy_loop_after_an_empty_round_gives_nothing_back_either(void **state)
{
    (void)state;
    struct pattern *first =
        GROUP(SEQ, NEXT, times(var(STRICT, 0), 0, MANY, LATER, false), var(STRICT, 1));
    struct pattern *both = GROUP(ALT, NEXT, first, times(var(STRICT, 2), 0, 1, STRICT, true));
    char *got = printed(times(both, 1, MANY, STRICT, false), SKIP_NONE, NFA_TEXT);
    assert_non_null(strstr(got, "start\n  1: A\n  2: B   once the loop takes no more\n  3: C\n"));
    mem_free(got);
}

static void nested_loops_that_differ_in_nothing_are_one(void **state)
{
    (void)state;
    struct pattern *inner = GROUP(SEQ, NEXT, times(var(STRICT, 0), 1, MANY, STRICT, false));
    prints(GROUP(SEQ, NEXT, times(inner, 1, MANY, STRICT, false), var(STRICT, 1)), SKIP_PAST_LAST,
           "start\n"
           "  1: A\n"
           "A\n"
           "  1: A  next\n"
           "  2: B  next\n"
           "B\n"
           "  1: match\n");
}

static void alternatives_and_permutations_in_the_order_written(void **state)
{
    (void)state;
    prints(GROUP(SEQ, NEXT,
                 GROUP(ALT, NEXT, var(STRICT, 0), pattern_new(PATTERN_EMPTY, STRICT),
                       var(STRICT, 1)),
                 GROUP(PERMUTE, NEXT, var(STRICT, 2), var(STRICT, 3))),
           SKIP_PAST_LAST,
           "start\n"
           "  1: A\n"
           "  2: C/1\n"
           "  3: D/2\n"
           "  4: B\n"
           "A\n"
           "  1: C/1  next\n"
           "  2: D/2  next\n"
           "B\n"
           "  1: C/1  next\n"
           "  2: D/2  next\n"
           "C/1\n"
           "  1: D/1  next\n"
           "D/1\n"
           "  1: match\n"
           "D/2\n"
           "  1: C/2  next\n"
           "C/2\n"
           "  1: match\n");
}

/* (A??){2,3}: the minimum is filled with empty rounds first, then greed asks for another. */
/* PERMUTE(A?, B, C): A B C in all its ways, so B C too, is preferred to A C B; what follows B is chosen after it. */
static void an_element_with_several_ways_begins_one_order_at_a_time(void **state)
{
    (void)state;
    char *got = printed(GROUP(PERMUTE, NEXT, times(var(STRICT, 0), 0, 1, STRICT, false),
                              var(STRICT, 1), var(STRICT, 2)),
                        SKIP_PAST_LAST, NFA_TEXT);
    const char *start = "start\n"
                        "  1: A/1\n"
                        "  2: B/1\n"
                        "  3: A/2\n"
                        "  4: C/2\n"
                        "  5: B/3\n";
    assert_memory_equal(got, start, strlen(start));
    mem_free(got);
}

static void empty_rounds_fill_the_minimum(void **state)
{
    (void)state;
    struct pattern *item = GROUP(SEQ, NEXT, times(var(STRICT, 0), 0, 1, STRICT, true));
    prints(GROUP(SEQ, NEXT, times(item, 2, 3, STRICT, false)), SKIP_PAST_LAST,
           "start\n"
           "  1: A   n0 = 3\n"
           "  2: match\n"
           "  3: A   n0 = 2\n"
           "  4: A   n0 = 1\n"
           "A\n"
           "  1: A  next if n0 < 2 n0 += 2\n"
           "  2: match   if n0 < 2\n"
           "  3: A  next if n0 < 3 n0 += 1\n"
           "  4: match   if n0 >= 2\n");
}

static void it_can_be_drawn(void **state)
{
    (void)state;
    const struct pattern *p = GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1));
    char *dot = printed(p, SKIP_NONE, NFA_DOT), *json = printed(p, SKIP_NONE, NFA_JSON);
    assert_non_null(strstr(dot, "s1 -> s2 [label=\"->\"];"));
    assert_non_null(strstr(dot, "s2 -> match [label=\"\"];"));
    assert_string_equal(
        json, "{\"states\":[{\"id\":0,\"name\":\"start\"},{\"id\":1,\"name\":\"A\",\"var\":\"A\"},"
              "{\"id\":2,\"name\":\"B\",\"var\":\"B\"},{\"id\":65535,\"name\":\"match\"}],"
              "\"edges\":[{\"from\":0,\"to\":1,\"rank\":1,\"how\":\"start\",\"label\":\"\"},"
              "{\"from\":1,\"to\":2,\"rank\":1,\"how\":\"followed\",\"label\":\"->\"},"
              "{\"from\":2,\"to\":65535,\"rank\":1,\"how\":\"accept\",\"label\":\"\"}]}");
    mem_free(dot);
    mem_free(json);
}

static void what_is_too_large_is_refused(void **state)
{
    (void)state;
    struct pattern *alternatives[70];
    for (unsigned i = 0; i < 70; i++)
        alternatives[i] = var(STRICT, 0);
    struct pattern *wide = of(PATTERN_ALT, STRICT, 70, alternatives);
    struct rule_plan *plan = match_new_plan("r", pay_stream(1, 0), wide, 1000, SKIP_NONE, 8, vars);
    struct nfa *n = NULL;
    struct diag d;
    diag_init(&d, "", 0);
    assert_err(nfa_build(&plan->match, &d, &n), ERR_LIMIT);
    assert_null(n);
    assert_int_equal(d.errors, 1);
    diag_fini(&d);
    struct pattern *eight[8];
    for (unsigned i = 0; i < 8; i++)
        eight[i] = var(STRICT, (int)i);
    plan->match.pattern = of(PATTERN_PERMUTE, STRICT, 8, eight); /* 8! ways */
    assert_err(nfa_build(&plan->match, NULL, &n), ERR_LIMIT);
    plan->match.pattern = of(PATTERN_PERMUTE, STRICT, 6, eight);
    assert_ok(nfa_build(&plan->match, NULL, &n));
    nfa_free(n);
}

/* Each such round is a call in a call, which ran off the stack. */
static void many_rounds_without_a_row_are_refused(void **state)
{
    (void)state;
    struct pattern *p = times(var(STRICT, 0), 0, MANY, STRICT, true);
    for (unsigned i = 0; i < 3; i++) {
        p = times(GROUP(SEQ, NEXT, p), 1000000, 1000000, STRICT, false);
        struct rule_plan *plan = match_new_plan("r", pay_stream(1, 0), p, 1000, SKIP_NONE, 8, vars);
        struct nfa *n = NULL;
        assert_err(nfa_build(&plan->match, NULL, &n), ERR_LIMIT);
        assert_null(n);
    }
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(elements_follow_as_written),
              EXPRTREE_TEST(greedy_goes_round_first_and_reluctant_leaves_first),
              EXPRTREE_TEST(counts_are_counters),
              EXPRTREE_TEST(what_leaves_a_greedy_loop_waits_for_it_under_no_skip),
              EXPRTREE_TEST(nots_stay_in_force_up_to_the_next_row),
              EXPRTREE_TEST(until_counts_from_the_first_row_of_its_loop),
              EXPRTREE_TEST(a_greedy_loop_after_an_empty_round_gives_nothing_back_either),
              EXPRTREE_TEST(nested_loops_that_differ_in_nothing_are_one),
              EXPRTREE_TEST(alternatives_and_permutations_in_the_order_written),
              EXPRTREE_TEST(an_element_with_several_ways_begins_one_order_at_a_time),
              EXPRTREE_TEST(empty_rounds_fill_the_minimum), EXPRTREE_TEST(it_can_be_drawn),
              EXPRTREE_TEST(what_is_too_large_is_refused),
              EXPRTREE_TEST(many_rounds_without_a_row_are_refused));
}
