/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/task/taskinspect.h"
#include "tests/lib/taskrig.h"

enum { SECOND = 1000 };

static struct pay at(int64_t second, int64_t id, const char *card, const char *status)
{
    return (struct pay){.offset = (uint64_t)id,
                        .id = id,
                        .ts = 1700000000000 + second * SECOND,
                        .card = card,
                        .account = "a",
                        .amount = 100 * id,
                        .status = status};
}

static void feed(struct rig *r, struct pay p)
{
    assert_ok(rig_feed(r, &p, 1));
    rig_settle(r);
}

static struct rule_plan *pair(const struct schema *s)
{
    const struct match_var vars[] = {{"A", IS(EQ, column(PAY_STATUS), str("a")), NULL},
                                     {"B", IS(EQ, column(PAY_STATUS), str("b")), NULL}};
    struct rule_plan *p =
        match_new_plan("seq", s,
                       GROUP(SEQ, NEXT, var(CONTIGUITY_NEXT, 0), var(CONTIGUITY_FOLLOWED, 1)),
                       60 * SECOND, SKIP_NONE, 2, vars);
    plan_by(p, PAY_CARD);
    PLAN_GIVES(p, nav_of(0, false, PAY_ID));
    p->keeps = (struct colset){{0}};
    colset_add(&p->keeps, PAY_ID);
    return p;
}

static struct rule_plan *count(const struct schema *s)
{
    struct rule_plan *p = plan_new(RULE_WINDOW, "count", s, NULL);
    struct agg_call *agg = arena_zero(trees, sizeof *agg);
    *agg = (struct agg_call){.kind = AGG_COUNT_STAR, .type = BIGINT};
    plan_by(p, PAY_CARD);
    p->window = (struct window_plan){.kind = WINDOW_TUMBLE,
                                     .size_ms = 10 * SECOND,
                                     .slide_ms = 10 * SECOND,
                                     .naggs = 1,
                                     .aggs = agg};
    PLAN_GIVES(p, slot(BIGINT, 4));
    return p;
}

/* What is said of a rule's keys; the asker frees it. */
static char *said(struct rig *r, struct taskinspect_ask ask, size_t *next)
{
    struct bytes out = {0};
    unsigned n = 0;
    *next = taskinspect_rule(r->tasks[0], &ask, &out, &n);
    bytes_u8(&out, 0);
    return (char *)out.p;
}

static void says(struct rig *r, struct taskinspect_ask ask, const char *text)
{
    size_t next;
    char *got = said(r, ask, &next);
    assert_string_equal(got, text);
    assert_int_equal(next, 0);
    mem_free(got);
}

static void partial_matches_and_windows_are_shown_and_left_as_they_are(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    const struct job_rule rules[] = {{.plan = pair(s), .uid = 1}, {.plan = count(s), .uid = 2}};
    struct rig r;
    rig_start(&r, 1, s, rules, 2);
    feed(&r, at(1, 1, "c1", "a"));
    feed(&r, at(3, 2, "c1", "x"));
    feed(&r, at(4, 3, "c1", "x"));
    for (unsigned turn = 0; turn < 2; turn++) {
        says(&r, (struct taskinspect_ask){.keys = 10, .items = 10},
             "{\"key\":{\"card\":\"c1\"},\"partials\":[{\"begun\":\"2023-11-14T22:13:21.000Z\","
             "\"ends\":\"2023-11-14T22:14:21.000Z\",\"age_ms\":3000,\"left_ms\":57000,\"at\":\"A\","
             "\"earlier\":0,\"rows\":[{\"variable\":\"A\",\"partition\":0,\"offset\":1,"
             "\"time\":\"2023-11-14T22:13:21.000Z\",\"values\":{\"id\":1}}],"
             "\"waits_for\":[\"B\"],\"complete\":false}],\"more\":0}");
        says(&r, (struct taskinspect_ask){.rule = 1, .keys = 10, .items = 10},
             "{\"key\":{\"card\":\"c1\"},\"windows\":[{\"start\":\"2023-11-14T22:13:20.000Z\","
             "\"end\":\"2023-11-14T22:13:30.000Z\",\"aggregates\":[{\"aggregate\":\"COUNT(*)\","
             "\"value\":2}],\"having\":true,\"told\":0}],\"more\":0}");
    }
    feed(&r, at(5, 4, "c1", "b"));
    rig_end(&r);
    assert_int_equal(rig_count(&r, "seq match"), 1);
    says(&r, (struct taskinspect_ask){.keys = 10, .items = 10}, "");
    rig_stop(&r);
}

static void many_keys_come_in_pages_and_one_can_be_asked_for(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    const struct job_rule rule = {.plan = pair(s), .uid = 1};
    struct rig r;
    char card[16];
    rig_start(&r, 1, s, &rule, 1);
    for (int i = 0; i < 100; i++) {
        snprintf(card, sizeof card, "k%d", i);
        feed(&r, at(1 + i / 10, 1 + i, card, "a"));
    }
    feed(&r, at(30, 200, "other", "x"));
    unsigned keys = 0, pages = 0;
    struct taskinspect_ask ask = {.keys = 7, .items = 1};
    do {
        char *got = said(&r, ask, &ask.from);
        for (const char *p = got; (p = strstr(p, "{\"key\"")) != NULL; p++)
            keys++;
        mem_free(got);
        pages++;
    } while (ask.from != 0 && pages < 100);
    assert_int_equal(keys, 100);
    assert_true(pages >= 15);
    struct bytes key = {0};
    const struct value v = {.type = STRING, .c.s = {"k42", 3, 0}};
    value_key(&v, &key);
    size_t next;
    char *got = said(&r, (struct taskinspect_ask){.key = key.p, .key_n = key.n, .items = 5}, &next);
    assert_non_null(strstr(got, "{\"key\":{\"card\":\"k42\"},\"partials\":[{"));
    assert_non_null(strstr(got, "\"offset\":43,"));
    mem_free(got);
    bytes_fini(&key);
    rig_stop(&r);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(partial_matches_and_windows_are_shown_and_left_as_they_are),
              EXPRTREE_TEST(many_keys_come_in_pages_and_one_can_be_asked_for));
}
