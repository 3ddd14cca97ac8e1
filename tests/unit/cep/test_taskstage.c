/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/derived.h"
#include "tests/lib/taskrig.h"

enum { ROWS = 3000, PARTITIONS = 4, CARDS = 11, SECOND = 1000 };

/* A chain: filter -> window -> pattern -> window; a filter over the window; late rows of the window, counted. */
enum { BIG, COUNTS, RISING, PER_MIN, MANY, LATE_PER_MIN, PAIRS, AFTER_PAIRS, RULES };

static const struct schema *results_of(struct job_rule *rules, unsigned i, enum derived_kind k)
{
    const struct schema *s = derived_schema(rules[i].plan, k, derived_id(k, rules[i].uid), trees);
    assert_non_null(s);
    return s;
}

static const struct expr *time_of(const struct schema *s)
{
    struct expr *e = (struct expr *)(uintptr_t)column(0);
    e->index = (unsigned)s->time_column;
    e->type = TIMESTAMP;
    return e;
}

static const struct expr *cell(const struct schema *s, unsigned c)
{
    struct expr *e = (struct expr *)(uintptr_t)column(0);
    e->index = c;
    e->type = s->columns[c].type;
    return e;
}

static struct rule_plan *count_by(const char *name, const struct schema *s, int key, int64_t size)
{
    struct rule_plan *plan = plan_new(RULE_WINDOW, name, s, NULL);
    struct agg_call *aggs = arena_zero(trees, sizeof *aggs);
    aggs[0] = (struct agg_call){.kind = AGG_COUNT_STAR, .type = BIGINT};
    if (key >= 0)
        plan_by(plan, (unsigned)key);
    unsigned n = key >= 0 ? 1 : 0;
    plan->window = (struct window_plan){
        .kind = WINDOW_TUMBLE, .size_ms = size, .slide_ms = size, .naggs = 1, .aggs = aggs};
    if (key >= 0)
        PLAN_GIVES(plan, slot(STRING, 0), slot(BIGINT, n + 3));
    else
        PLAN_GIVES(plan, slot(BIGINT, n + 3));
    return plan;
}

/* Two results one after the other, the second with more; matched without overlap, so that matches are held. */
static struct rule_plan *rising(const struct schema *s)
{
    const struct expr *n = cell(s, 1);
    struct expr *before = (struct expr *)(uintptr_t)nav_of(0, false, 0);
    before->type = n->type;
    ((struct expr *)(uintptr_t)before->args[0])->index = 1;
    ((struct expr *)(uintptr_t)before->args[0])->type = n->type;
    const struct match_var vars[] = {{"A", NULL, NULL}, {"B", NULL, IS(GE, n, before)}};
    struct rule_plan *plan =
        match_new_plan("rising", s,
                       GROUP(SEQ, NEXT, var(CONTIGUITY_NEXT, 0),
                             times(var(CONTIGUITY_NEXT, 1), 1, UINT32_MAX, CONTIGUITY_NEXT, false)),
                       60 * SECOND, SKIP_PAST_LAST, 2, vars);
    plan_by(plan, 0);
    PLAN_GIVES(plan, agg_of(AGG_COUNT_STAR, BIGINT, 1, NULL));
    return plan;
}

/* A NOT at the end: matches and timeouts are told when the watermark has passed. */
static struct rule_plan *pairs(const struct schema *s)
{
    const struct expr *small = IS(LT, column(PAY_AMOUNT), dec(3000, 2));
    const struct expr *large = IS(GT, column(PAY_AMOUNT), dec(6000, 2));
    const struct match_var vars[] = {{"A", small, NULL}, {"B", large, NULL}};
    struct rule_plan *plan =
        match_new_plan("pairs", s,
                       GROUP(SEQ, NEXT, var(CONTIGUITY_NEXT, 0), var(CONTIGUITY_FOLLOWED, 1)),
                       2 * SECOND, SKIP_PAST_LAST, 2, vars);
    plan_by(plan, PAY_CARD);
    PLAN_GIVES(plan, nav_of(0, true, PAY_ID));
    return plan;
}

static void put(struct job_rule *rules, unsigned i, struct rule_plan *p)
{
    rules[i] = (struct job_rule){.plan = p, .uid = 100 + i, .version = 1};
}

static void make_rules(const struct schema *s, struct job_rule *rules)
{
    struct rule_plan *big =
        plan_new(RULE_FILTER, "big", s, IS(GT, column(PAY_AMOUNT), dec(2000, 2)));
    PLAN_GIVES(big, column(PAY_CARD), column(PAY_ID));
    put(rules, BIG, big);
    put(rules, COUNTS, count_by("counts", results_of(rules, BIG, DERIVED_RESULTS), 0, 5 * SECOND));
    const struct schema *counts = results_of(rules, COUNTS, DERIVED_RESULTS);
    put(rules, RISING, rising(counts));
    put(rules, PER_MIN,
        count_by("per_min", results_of(rules, RISING, DERIVED_RESULTS), -1, 60 * SECOND));
    struct rule_plan *many = plan_new(RULE_FILTER, "many", counts, IS(GE, cell(counts, 1), num(3)));
    PLAN_GIVES(many, cell(counts, 0), cell(counts, 1), time_of(counts));
    put(rules, MANY, many);
    put(rules, LATE_PER_MIN,
        count_by("late_per_min", results_of(rules, COUNTS, DERIVED_LATE), -1, 60 * SECOND));
    put(rules, PAIRS, pairs(s));
    put(rules, AFTER_PAIRS,
        count_by("after_pairs", results_of(rules, PAIRS, DERIVED_TIMEOUTS), -1, 10 * SECOND));
}

static void make_rows(struct pay *rows, uint64_t seed)
{
    static char names[CARDS][8];
    struct rig dice = {.random = seed};
    uint64_t offsets[PARTITIONS] = {0};
    for (unsigned i = 0; i < CARDS; i++)
        snprintf(names[i], sizeof names[i], "c%u", i);
    for (unsigned i = 0; i < ROWS; i++) {
        struct pay *p = &rows[i];
        p->partition = rig_random(&dice, PARTITIONS);
        p->offset = offsets[p->partition] += 1 + rig_random(&dice, 3);
        p->id = i;
        p->ts = 1700000000000 + (int64_t)i * 100 -
                (rig_random(&dice, 20) == 0 ? (int64_t)rig_random(&dice, 20000) : 0);
        p->card = names[rig_random(&dice, CARDS)];
        p->account = names[rig_random(&dice, CARDS)];
        p->amount = rig_random(&dice, 10000);
        p->status = "ok";
    }
}

/* The rows through that many workers, interleaved by the seed. */
static char *run(unsigned workers, const struct pay *rows, uint64_t seed, struct rig *r)
{
    const struct schema *s = pay_stream(PARTITIONS, 2 * SECOND);
    struct job_rule rules[RULES];
    unsigned next[PARTITIONS] = {0}, left = ROWS;
    make_rules(s, rules);
    rig_start(r, workers, s, rules, RULES);
    r->random = seed;
    while (left > 0) {
        unsigned p = rig_random(r, PARTITIONS), want = 1 + rig_random(r, 60), n = 0;
        struct pay chunk[60];
        for (; n < want && next[p] < ROWS; next[p]++)
            if (rows[next[p]].partition == p)
                chunk[n++] = rows[next[p]];
        if (n > 0)
            assert_ok(rig_feed(r, chunk, n));
        left -= n;
        unsigned w = rig_random(r, workers);
        if (rig_random(r, 3) == 0)
            rig_collect(r, w);
        if (rig_random(r, 3) == 0)
            rig_deliver(r, rig_random(r, workers), w);
        if (rig_random(r, 3) == 0)
            task_step(r->tasks[w]);
    }
    rig_end(r);
    return rig_text(r);
}

static void a_chain_of_rules_finds_the_same_on_any_workers_and_in_any_interleaving(void **state)
{
    (void)state;
    static const char *const some[] = {"big match",          "counts match", "rising match",
                                       "per_min match",      "many match",   "counts late",
                                       "late_per_min match", "pairs match",  "after_pairs match"};
    struct pay *rows = mem_array(ROWS, sizeof *rows);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct rig r;
        make_rows(rows, seed);
        char *one = run(1, rows, 1, &r);
        for (unsigned i = 0; i < sizeof some / sizeof *some; i++)
            assert_true(rig_count(&r, some[i]) > 3);
        assert_int_equal(rig_count(&r, "rising late"), 0); /* no result is behind what was said */
        assert_int_equal(rig_count(&r, "per_min late"), 0);
        assert_int_equal(rig_count(&r, "late_per_min late"), 0);
        assert_int_equal(rig_count(&r, "after_pairs late"), 0);
        rig_stop(&r);
        for (unsigned again = 0; again < 9; again++) {
            char *other = run(1 + again % 3, rows, 17 * seed + again, &r);
            assert_string_equal(one, other);
            mem_free(other);
            rig_stop(&r);
        }
        mem_free(one);
    }
    mem_free(rows);
}

static void a_streams_number_tells_what_it_is_made_of(void **state)
{
    (void)state;
    uint32_t id = derived_id(DERIVED_TIMEOUTS, 77);
    assert_int_equal(derived_kind(id), DERIVED_TIMEOUTS);
    assert_int_equal(derived_uid(id), 77);
    assert_int_equal(derived_kind(77), DERIVED_NOT);
    assert_int_not_equal(id, derived_id(DERIVED_LATE, 77));
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(a_chain_of_rules_finds_the_same_on_any_workers_and_in_any_interleaving),
              EXPRTREE_TEST(a_streams_number_tells_what_it_is_made_of));
}
