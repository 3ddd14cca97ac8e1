/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/why/why.h"
#include "tests/lib/taskrig.h"

enum { S = 1000, ROWS_MAX = 1000 };

/* Rows of card c at those times, with those amounts; late_w: the watermark that the last one came behind, EVTIME_MIN: it is on time. */
struct given {
    const evtime *at;
    const int64_t *amount;
    unsigned n;
    evtime late_w, now;
    int focus; /* -1: none */
};

static char *asked(struct rule_plan *plan, const struct given *g)
{
    static struct why_row rows[ROWS_MAX];
    struct colset all = {{(1u << PAY_COLUMNS) - 1}};
    struct batch *b = batch_new(plan->input, &all);
    struct bytes key = {0}, out = {0};
    for (unsigned i = 0; i < g->n; i++) {
        bool late = g->late_w != EVTIME_MIN && i + 1 == g->n;
        rig_add(b, &(struct pay){.offset = i, .ts = g->at[i], .card = "c", .amount = g->amount[i]});
        if (late) {
            b->has_late = true;
            b->late[i / 64] |= UINT64_C(1) << (i % 64);
            b->late_w[i] = g->late_w;
        }
        rows[i] = (struct why_row){.b = b, .i = i, .late = late, .arrival = i};
    }
    const struct value card = {.type = STRING, .c.s = {"c", 1, 0}};
    value_key(&card, &key);
    const struct why_ask ask = {.plan = plan,
                                .key = key.p,
                                .key_n = key.n,
                                .now = g->now,
                                .steps = 50,
                                .has_focus = g->focus >= 0,
                                .offset = (uint64_t)g->focus};
    assert_null(why_cannot(plan));
    why_run(&ask, rows, g->n, &out);
    bytes_u8(&out, 0);
    bytes_fini(&key);
    batch_unref(b);
    return (char *)out.p;
}

/* The answer has all of these, each after the one before. */
static void says(struct rule_plan *plan, const struct given *g, const char *const *texts,
                 unsigned n)
{
    char *json = asked(plan, g);
    const char *at = json;
    for (unsigned i = 0; i < n; i++) {
        const char *found = strstr(at, texts[i]);
        if (found == NULL)
            fail_msg("no %s in %s", texts[i], at);
        at = found;
    }
    mem_free(json);
}
#define SAYS(plan, g, ...)                                                                         \
    says(plan, g, (const char *const[]){__VA_ARGS__},                                              \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static const evtime when_s[] = {1 * S, 2 * S, 12 * S, 3 * S};
static const int64_t amounts[] = {100, 250, 900, 400};

static void a_filter_names_the_part_that_does_not_hold_and_by_how_much(void **state)
{
    (void)state;
    const struct expr *where =
        IS(AND, IS(GT, column(PAY_AMOUNT), dec(300, 2)), IS(EQ, column(PAY_CARD), str("c")));
    struct rule_plan *p = plan_new(RULE_FILTER, "f", pay_stream(1, 0), where);
    PLAN_GIVES(p, column(PAY_ID));
    const struct given g = {when_s, amounts, 2, EVTIME_MIN, 100 * S, -1};
    SAYS(p, &g, "\"kind\":\"condition\"", "amount was 2.50, off by 0.50", "\"offset\":1",
         "\"true\":false", "\"missed_by\":0.50", "\"true\":true");
    const struct given all = {when_s, amounts, 3, EVTIME_MIN, 100 * S, -1};
    SAYS(p, &all, "\"kind\":\"matched\"", "\"offset\":2");
    const struct given one = {when_s, amounts, 3, EVTIME_MIN, 100 * S, 0};
    SAYS(p, &one, "\"kind\":\"condition\"", "\"matches\":true", "\"offset\":0");
    const struct given gone = {when_s, amounts, 3, EVTIME_MIN, 100 * S, 77};
    SAYS(p, &gone, "\"kind\":\"unknown-event\"");
    const struct given none = {when_s, amounts, 0, EVTIME_MIN, 100 * S, -1};
    SAYS(p, &none, "\"kind\":\"no-events\"", "\"steps\":[]");
}

static struct rule_plan *window(int64_t size, int64_t slide, const struct expr *having)
{
    struct rule_plan *p = plan_new(RULE_WINDOW, "w", pay_stream(1, 0), NULL);
    struct agg_call *aggs = arena_zero(trees, 2 * sizeof *aggs);
    aggs[0] = (struct agg_call){.kind = AGG_COUNT_STAR, .type = BIGINT};
    aggs[1] = (struct agg_call){.kind = AGG_SUM, .type = DECIMAL(18, 2), .arg = column(PAY_AMOUNT)};
    plan_by(p, PAY_CARD);
    p->window = (struct window_plan){.kind = size == slide ? WINDOW_TUMBLE : WINDOW_HOP,
                                     .size_ms = size,
                                     .slide_ms = slide,
                                     .naggs = 2,
                                     .aggs = aggs,
                                     .having = having};
    PLAN_GIVES(p, slot(STRING, 0), slot(BIGINT, 4), slot(DECIMAL(18, 2), 5));
    return p;
}

static void a_window_tells_its_sums_what_was_left_out_and_what_is_not_over(void **state)
{
    (void)state;
    struct rule_plan *p = window(10 * S, 10 * S, IS(GE, slot(DECIMAL(18, 2), 5), dec(1000, 2)));
    const struct given g = {when_s, amounts, 4, 12 * S, 30 * S, 0};
    SAYS(p, &g, "\"kind\":\"condition\"", "SUM(amount) was 3.50, off by 6.50; 1 event came late",
         "\"rows\":2,\"left_out\":{\"late\":1", "\"windows\":[{");
    const struct given open = {when_s, amounts, 3, EVTIME_MIN, 13 * S, 2};
    SAYS(p, &open, "\"kind\":\"waiting\"", "is not over yet", "\"open\":true");
    const struct given waits = {when_s, amounts, 3, EVTIME_MIN, 12 * S, 2};
    SAYS(p, &waits, "\"kind\":\"pending\"");
    const struct given late = {when_s, amounts, 4, 12 * S, 30 * S, 3};
    SAYS(p, &late, "\"kind\":\"late\"");
    struct rule_plan *few = window(10 * S, 10 * S, IS(GE, slot(BIGINT, 4), num(2)));
    const struct given two = {when_s, amounts, 3, EVTIME_MIN, 30 * S, -1};
    SAYS(few, &two, "\"kind\":\"matched\"", "\"matches\":true");
}

static void windows_that_overlap_much_end_in_time(void **state)
{
    (void)state;
    static evtime at[ROWS_MAX];
    static int64_t amount[ROWS_MAX];
    for (unsigned i = 0; i < ROWS_MAX; i++) {
        at[i] = (evtime)i * 10 * S;
        amount[i] = i;
    }
    struct rule_plan *p = window(86400 * S, S, IS(GT, slot(BIGINT, 4), num(5000)));
    const struct given g = {at, amount, ROWS_MAX, EVTIME_MIN, EVTIME_MAX / 4, -1};
    SAYS(p, &g, "\"kind\":\"condition\"", "\"earlier_windows\":");
}

static void over_tells_the_frame_of_each_row(void **state)
{
    (void)state;
    struct rule_plan *p = plan_new(RULE_OVER, "o", pay_stream(1, 0), NULL);
    struct over_call *c = arena_zero(trees, 2 * sizeof *c);
    c[0] = (struct over_call){.type = BIGINT,
                              .agg = {.kind = AGG_COUNT_STAR, .type = BIGINT},
                              .frame = {.preceding = 5 * S}};
    c[1] = (struct over_call){.kind = OVER_ROW_NUMBER, .type = BIGINT};
    plan_by(p, PAY_CARD);
    p->over =
        (struct over_plan){.ncalls = 2, .calls = c, .having = IS(GE, slot(BIGINT, 0), num(3))};
    PLAN_GIVES(p, column(PAY_ID), slot(BIGINT, 0), slot(BIGINT, 1));
    const struct given g = {when_s, amounts, 3, EVTIME_MIN, 100 * S, -1};
    SAYS(p, &g, "\"kind\":\"condition\"", "it was 2, off by 1", "\"rows\":2,\"value\":2",
         "\"call\":\"ROW_NUMBER()\",\"rows\":null,\"value\":2", "\"found\":false");
    const struct given more = {when_s, amounts, 4, EVTIME_MIN, 100 * S, -1};
    SAYS(p, &more, "\"kind\":\"matched\"", "\"found\":true");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filter_names_the_part_that_does_not_hold_and_by_how_much),
        cmocka_unit_test(a_window_tells_its_sums_what_was_left_out_and_what_is_not_over),
        cmocka_unit_test(windows_that_overlap_much_end_in_time),
        cmocka_unit_test(over_tells_the_frame_of_each_row),
    };
    return cmocka_run_group_tests(tests, exprtree_start, exprtree_stop);
}
