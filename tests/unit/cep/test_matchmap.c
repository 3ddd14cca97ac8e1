/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/match/matchmap.h"
#include "tests/lib/planbuild.h"

enum { MANY = UINT32_MAX };
#define STRICT CONTIGUITY_NEXT
#define LATER CONTIGUITY_FOLLOWED

/* Conditions differ, so that a name alone can be told from a condition. */
static struct match_var vars_of[8];

static const struct match_var *named(const char *names)
{
    static const char *const texts[] = {"A", "B", "C", "D", "E", "F", "X", "Y"};
    static struct match_var v[2][8];
    static unsigned turn;
    struct match_var *out = v[turn++ % 2];
    for (unsigned i = 0; names[i] != 0; i++) {
        for (unsigned t = 0; t < 8; t++)
            if (texts[t][0] == names[i])
                out[i].name = texts[t];
        out[i].row = vars_of[i].row;
    }
    return out;
}

static struct match_prog *prog(const char *names, const struct pattern *p, enum skip_kind skip)
{
    for (unsigned i = 0; i < 8; i++) {
        const struct expr *args[] = {column(PAY_ID), num(i)};
        vars_of[i].row = node(EXPR_GT, BOOLEAN, 2, args);
    }
    return match_prog_new(match_new_plan("r", pay_stream(1, 0), p, 1000, skip,
                                         (unsigned)strlen(names), named(names)));
}

static uint64_t live(const struct pattern *from, const char *from_names, const struct pattern *to,
                     const char *to_names, unsigned state, uint64_t edges, unsigned *went)
{
    struct match_prog *a = prog(from_names, from, SKIP_NONE), *b = prog(to_names, to, SKIP_NONE);
    struct matchmap *m = matchmap_new(a, b);
    uint64_t out = matchmap_live(m, state, edges);
    *went = m->states[state].to;
    matchmap_free(m);
    match_prog_free(a);
    match_prog_free(b);
    return out;
}

static void the_same_pattern_keeps_every_edge(void **state)
{
    (void)state;
    unsigned to;
    const struct pattern *p = GROUP(SEQ, NEXT, var(STRICT, 0),
                                    times(var(LATER, 1), 1, MANY, LATER, false), var(LATER, 2));
    assert_int_equal(live(p, "ABC", p, "ABC", 1, 1, &to), 1);
    assert_int_equal(to, 1);
    assert_int_equal(live(p, "ABC", p, "ABC", 2, 3, &to), 3);
    assert_int_equal(live(p, "ABC", p, "ABC", 2, 2, &to), 2);
}

static void a_partial_match_may_take_an_optional_step_that_was_added(void **state)
{
    (void)state;
    unsigned to;
    const struct pattern *p = GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1));
    const struct pattern *q =
        GROUP(SEQ, NEXT, var(STRICT, 0), times(var(LATER, 2), 0, 1, STRICT, false), var(LATER, 1));
    assert_int_equal(live(p, "AB", q, "ABX", 1, 1, &to), 3);
    assert_int_equal(to, 1);
}

static void a_final_step_that_was_added_leaves_what_comes_before_it(void **state)
{
    (void)state;
    unsigned to;
    const struct pattern *p = GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1));
    const struct pattern *q = GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1), var(LATER, 2));
    assert_int_equal(live(p, "AB", q, "ABC", 1, 1, &to), 1);
    assert_int_equal(live(p, "AB", q, "ABC", 2, 1, &to), 1); /* its match was told; it may go on */
    assert_int_equal(to, 2);
}

static void what_was_complete_already_is_not_told_again(void **state)
{
    (void)state;
    unsigned to;
    const struct pattern *p = GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1), var(LATER, 2));
    const struct pattern *q = GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1));
    assert_int_equal(live(p, "ABC", q, "AB", 1, 1, &to), 1);
    assert_int_equal(live(p, "ABC", q, "AB", 2, 1, &to), 0);
}

static void a_renamed_variable_is_known_by_its_condition(void **state)
{
    (void)state;
    unsigned to;
    const struct pattern *p = GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1), var(LATER, 2));
    assert_int_equal(live(p, "ABC", p, "AXC", 2, 1, &to), 1);
    assert_int_equal(to, 2);
    /* Another condition under another name is another variable. */
    const struct pattern *q = GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 3), var(LATER, 2));
    assert_int_equal(live(p, "ABC", q, "AYCX", 2, 1, &to), 0);
    assert_int_equal(to, MATCHMAP_NONE);
}

static void a_strict_step_that_was_added_is_open_only_where_no_row_can_have_passed(void **state)
{
    (void)state;
    unsigned to;
    const struct pattern *p = GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1));
    const struct pattern *q =
        GROUP(SEQ, NEXT, var(STRICT, 0), times(var(STRICT, 2), 0, 1, STRICT, false), var(LATER, 1));
    assert_int_equal(live(p, "AB", q, "ABX", 1, 1, &to), 2); /* B alone */
    const struct pattern *r = GROUP(SEQ, NEXT, var(STRICT, 0), var(STRICT, 1));
    const struct pattern *s = GROUP(SEQ, NEXT, var(STRICT, 0),
                                    times(var(STRICT, 2), 0, 1, STRICT, false), var(STRICT, 1));
    assert_int_equal(live(r, "AB", s, "ABX", 1, 1, &to), 3);
    assert_int_equal(live(r, "AB", s, "ABX", 1, 0, &to), 0);
}

static void another_contiguity_or_skip_mode_keeps_nothing_that_cannot_be_known(void **state)
{
    (void)state;
    unsigned to;
    const struct pattern *p = GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1));
    const struct pattern *q = GROUP(SEQ, NEXT, var(STRICT, 0), var(STRICT, 1));
    assert_int_equal(live(p, "AB", q, "AB", 1, 1, &to), 0);
    struct match_prog *a = prog("AB", p, SKIP_NONE), *b = prog("AB", p, SKIP_PAST_LAST);
    struct matchmap *m = matchmap_new(a, b);
    assert_non_null(m->reset);
    assert_int_equal(matchmap_live(m, 1, 1), 0);
    matchmap_free(m);
    match_prog_free(a);
    match_prog_free(b);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(the_same_pattern_keeps_every_edge),
              EXPRTREE_TEST(a_partial_match_may_take_an_optional_step_that_was_added),
              EXPRTREE_TEST(a_final_step_that_was_added_leaves_what_comes_before_it),
              EXPRTREE_TEST(what_was_complete_already_is_not_told_again),
              EXPRTREE_TEST(a_renamed_variable_is_known_by_its_condition),
              EXPRTREE_TEST(a_strict_step_that_was_added_is_open_only_where_no_row_can_have_passed),
              EXPRTREE_TEST(another_contiguity_or_skip_mode_keeps_nothing_that_cannot_be_known));
}
