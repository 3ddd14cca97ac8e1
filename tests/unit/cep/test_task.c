/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/taskrig.h"

enum { ROWS = 4000, PARTITIONS = 4, CARDS = 37, RULES = 6, SECOND = 1000 };

/* A, then B: a small declined payment, later a large approved one. */
static struct rule_plan *probe(const struct schema *s, const char *name, enum skip_kind skip,
                               struct pattern *p)
{
    const struct expr *small = IS(AND, IS(EQ, column(PAY_STATUS), str("declined")),
                                  IS(LT, column(PAY_AMOUNT), dec(4000, 2)));
    const struct expr *large = IS(GT, column(PAY_AMOUNT), dec(8000, 2));
    const struct match_var vars[] = {{"A", small, NULL}, {"B", large, NULL}};
    struct rule_plan *plan = match_new_plan(name, s, p, 60 * SECOND, skip, 2, vars);
    plan_by(plan, PAY_CARD);
    PLAN_GIVES(plan, nav_of(0, true, PAY_ID), nav_of(1, false, PAY_ID),
               agg_of(AGG_COUNT_STAR, BIGINT, 1, NULL));
    return plan;
}

static struct rule_plan *seq(const struct schema *s)
{
    return probe(s, "seq", SKIP_NONE,
                 GROUP(SEQ, NEXT, var(CONTIGUITY_NEXT, 0), var(CONTIGUITY_FOLLOWED, 1)));
}

static struct rule_plan *kleene(const struct schema *s)
{
    return probe(s, "kleene", SKIP_PAST_LAST,
                 GROUP(SEQ, NEXT,
                       times(var(CONTIGUITY_NEXT, 0), 2, UINT32_MAX, CONTIGUITY_FOLLOWED, false),
                       var(CONTIGUITY_FOLLOWED, 1)));
}

/* Two rows in a row of which the second has another status. */
static struct rule_plan *strict(const struct schema *s)
{
    const struct match_var vars[] = {{"A", NULL, NULL},
                                     {"B", NULL,
                                      IS(NE, column(PAY_STATUS), nav_of(0, false, PAY_STATUS))}};
    struct rule_plan *plan =
        match_new_plan("strict", s,
                       GROUP(SEQ, NEXT, var(CONTIGUITY_NEXT, 0), var(CONTIGUITY_NEXT, 1)),
                       20 * SECOND, SKIP_NONE, 2, vars);
    plan_by(plan, PAY_CARD);
    PLAN_GIVES(plan, nav_of(0, false, PAY_STATUS), nav_of(1, false, PAY_STATUS));
    return plan;
}

static struct rule_plan *window(const struct schema *s, const char *name, unsigned key,
                                int64_t size, int64_t slide, int64_t least)
{
    struct rule_plan *plan =
        plan_new(RULE_WINDOW, name, s, IS(EQ, column(PAY_STATUS), str("approved")));
    struct agg_call *aggs = arena_zero(trees, 2 * sizeof *aggs);
    aggs[0] = (struct agg_call){.kind = AGG_COUNT_STAR, .type = BIGINT};
    aggs[1] = (struct agg_call){.kind = AGG_SUM, .type = DECIMAL(18, 2), .arg = column(PAY_AMOUNT)};
    plan_by(plan, key);
    plan->window = (struct window_plan){.kind = size == slide ? WINDOW_TUMBLE : WINDOW_HOP,
                                        .size_ms = size,
                                        .slide_ms = slide,
                                        .naggs = 2,
                                        .aggs = aggs,
                                        .having = IS(GE, slot(BIGINT, 4), num(least))};
    PLAN_GIVES(plan, slot(STRING, 0), slot(BIGINT, 4), slot(DECIMAL(18, 2), 5));
    return plan;
}

static struct rule_plan *filter(const struct schema *s)
{
    struct rule_plan *plan =
        plan_new(RULE_FILTER, "filter", s, IS(GT, column(PAY_AMOUNT), dec(9900, 2)));
    PLAN_GIVES(plan, column(PAY_ID), column(PAY_CARD));
    return plan;
}

static unsigned make_rules(const struct schema *s, struct job_rule *rules)
{
    struct rule_plan *const plans[RULES] = {
        seq(s),
        kleene(s),
        strict(s),
        window(s, "tumble", PAY_ACCOUNT, 10 * SECOND, 10 * SECOND, 2),
        window(s, "hop", PAY_CARD, 9 * SECOND, 4 * SECOND, 3),
        filter(s),
    };
    for (unsigned i = 0; i < RULES; i++)
        rules[i] = (struct job_rule){.plan = plans[i], .uid = 100 + i, .version = 1};
    return RULES;
}

/* Rows of four partitions, each with disorder beyond the watermark's delay, so that some are late. */
static void make_rows(struct pay *rows, uint64_t seed)
{
    static const char *const statuses[] = {"approved", "approved", "declined", "confirm"};
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
        p->ts = 1700000000000 + (int64_t)i * 50 -
                (rig_random(&dice, 20) == 0 ? (int64_t)rig_random(&dice, 9000) : 0) -
                (int64_t)rig_random(&dice, 1500);
        p->card = rig_random(&dice, 50) == 0
                      ? NULL
                      : names[rig_random(&dice, 1 + rig_random(&dice, CARDS))];
        p->account = names[rig_random(&dice, CARDS)];
        p->amount = rig_random(&dice, 10000);
        p->status = statuses[rig_random(&dice, 4)];
    }
}

/* The rows through that many workers, interleaved by the seed: batches of all sizes, frames and steps at any time. */
static char *run(unsigned workers, const struct pay *rows, uint64_t seed, struct rig *r)
{
    const struct schema *s = pay_stream(PARTITIONS, 2 * SECOND);
    struct job_rule rules[RULES];
    unsigned next[PARTITIONS] = {0}, left = ROWS;
    rig_start(r, workers, s, rules, make_rules(s, rules));
    r->random = seed;
    while (left > 0) {
        unsigned p = rig_random(r, PARTITIONS), want = 1 + rig_random(r, 60), n = 0;
        struct pay chunk[60];
        while (n < want && next[p] < ROWS) {
            if (rows[next[p]].partition == p)
                chunk[n++] = rows[next[p]];
            next[p]++;
        }
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

static void one_two_or_three_workers_and_any_interleaving_give_the_same_results(void **state)
{
    (void)state;
    struct pay *rows = mem_array(ROWS, sizeof *rows);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct rig r;
        make_rows(rows, seed);
        char *one = run(1, rows, 1, &r);
        for (unsigned i = 0; i < RULES; i++) /* the stream has something for every rule */
            assert_true(rig_count(&r, (const char *[]){"seq match", "kleene match", "strict match",
                                                       "tumble match", "hop match",
                                                       "filter match"}[i]) > 5);
        assert_true(rig_count(&r, "seq late") > 5);
        assert_true(rig_count(&r, "hop late") < rig_count(&r, "seq late"));
        rig_stop(&r);
        for (unsigned again = 0; again < 6; again++) {
            char *other = run(1 + again % 3, rows, 17 * seed + again, &r);
            assert_string_equal(one, other);
            mem_free(other);
            rig_stop(&r);
        }
        mem_free(one);
    }
    mem_free(rows);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(one_two_or_three_workers_and_any_interleaving_give_the_same_results));
}
