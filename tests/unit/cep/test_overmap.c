/* SPDX-License-Identifier: Apache-2.0
 *
 * Random pairs of versions of an OVER rule. What the map says of each call of the new one is held against the new version
 * over all rows (OVERMAP_WHOLE), and against the new version over the rows from the change on (OVERMAP_NEW). */
#include "cep/over/overmap.h"
#include "tests/lib/snaprig.h"

enum {
    SECOND = 1000,
    ROWS = 240,
    CUT = 60 * SECOND,
    CALLS = 4,
    CARDS = 7,
    PAIRS = 150,
    TEXT = 256
};

static const struct task_options limits = {.workers = 1,
                                           .key_groups = 16,
                                           .max_ordering_rows = SIZE_MAX / 2,
                                           .max_partials_per_key = SIZE_MAX / 2};
static uint64_t dice = 1;

static unsigned roll(unsigned below)
{
    dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(dice >> 33) % below;
}

static struct over_call random_call(void)
{
    static const struct over_frame frames[] = {
        {.preceding = 2 * SECOND},       {.preceding = 9 * SECOND},
        {.preceding = 20 * SECOND},      {.preceding = -1},
        {.rows = true, .preceding = 2},  {.rows = true, .preceding = 6},
        {.rows = true, .preceding = -1}, {.preceding = 0},
    };
    static const struct value between = {.type = {.kind = TYPE_STRING}, .c.s = {";", 1, 0}};
    const struct expr *status = column(PAY_STATUS), *id = column(PAY_ID);
    const struct agg_call aggs[] = {
        {.kind = AGG_COUNT_STAR, .type = BIGINT},
        {.kind = AGG_COUNT_STAR, .type = BIGINT, .filter = IS(EQ, column(PAY_STATUS), str("a"))},
        {.kind = AGG_COUNT, .type = BIGINT, .arg = status},
        {.kind = AGG_COUNT, .type = BIGINT, .arg = status, .distinct = true},
        {.kind = AGG_SUM, .type = DECIMAL(18, 2), .arg = column(PAY_AMOUNT)},
        {.kind = AGG_MIN, .type = STRING, .arg = status},
        {.kind = AGG_MAX, .type = BIGINT, .arg = id},
        {.kind = AGG_STDDEV, .type = DOUBLE, .arg = id},
        {.kind = AGG_FIRST, .type = STRING, .arg = status},
        {.kind = AGG_LAST, .type = BIGINT, .arg = id},
        {.kind = AGG_LIST_AGG, .type = STRING, .arg = status, .params = &between, .nparams = 1},
    };
    unsigned kind = roll(13);
    if (kind == 12)
        return (struct over_call){.kind = OVER_ROW_NUMBER, .type = BIGINT};
    if (kind == 11)
        return (struct over_call){.kind = OVER_LAG,
                                  .type = STRING,
                                  .agg = {.arg = status},
                                  .offset = 1 + roll(4),
                                  .fallback = str("none")};
    return (struct over_call){.type = aggs[kind].type,
                              .agg = aggs[kind],
                              .frame = frames[roll(sizeof frames / sizeof *frames)]};
}

static struct rule_plan *random_version(const struct schema *s, const char *name,
                                        const struct rule_plan *other)
{
    struct rule_plan *p = plan_new(RULE_OVER, name, s, NULL);
    struct over_call *c = arena_zero(trees, CALLS * sizeof *c);
    struct plan_output *out = arena_zero(trees, (CALLS + 1) * sizeof *out);
    out[0] = (struct plan_output){.name = "id", .type = BIGINT, .e = column(PAY_ID)};
    for (unsigned i = 0; i < CALLS; i++) {
        c[i] = other != NULL && roll(2) ? other->over.calls[roll(CALLS)] : random_call();
        out[i + 1] = (struct plan_output){.name = "c", .type = c[i].type, .e = slot(c[i].type, i)};
    }
    plan_by(p, PAY_CARD);
    p->over = (struct over_plan){.ncalls = CALLS, .calls = c};
    p->noutputs = CALLS + 1;
    p->outputs = out;
    return p;
}

/* Some cards come often, the last but now and then. */
static void feed_rows(struct rig *r, const struct pay *rows, size_t slots, unsigned snapshot_at,
                      unsigned swap_at, const struct job_rule *rules)
{
    for (unsigned i = 0; i < ROWS; i++) {
        assert_ok(rig_feed(r, &rows[i], 1));
        rig_settle(r);
        for (unsigned t = 0; t < r->workers; t++)
            (void)taskupgrade_go_on(r->tasks[t], slots);
        if (i == snapshot_at)
            snap_rig(r, &limits);
        if (i == swap_at)
            rig_job(r, rules, 2);
    }
    rig_end(r);
}

static struct pay *make_rows(unsigned partitions)
{
    static char cards[CARDS][4];
    static const char *const statuses[] = {"a", "b", "fig", NULL, "pear"};
    struct pay *rows = mem_array(ROWS, sizeof *rows);
    evtime ts = 0;
    for (unsigned i = 0; i < ROWS; i++) {
        unsigned card = roll(20) == 0 ? CARDS - 1 : roll(CARDS - 1);
        ts += roll(3) == 0 ? 0 : roll(800);
        snprintf(cards[card], sizeof cards[card], "c%u", card);
        rows[i] = (struct pay){.partition = card % partitions,
                               .offset = i,
                               .id = i,
                               .ts = ts,
                               .card = cards[card],
                               .amount = roll(10000),
                               .status = statuses[roll(5)]};
    }
    return rows;
}

/* The values of row `id`, of rule `name`, or NULL. */
static bool values_of(const struct rig *r, const char *name, unsigned id, char out[CALLS + 1][TEXT])
{
    for (size_t i = 0; i < r->n; i++) {
        const char *at = strstr(r->lines[i], " = ");
        if (strncmp(r->lines[i], name, strlen(name)) != 0 || at == NULL ||
            (unsigned)atoi(at + 3) != id)
            continue;
        at += 3;
        for (unsigned v = 0; v <= CALLS; v++) {
            size_t n = strcspn(at, v < CALLS ? "," : " ");
            snprintf(out[v], TEXT, "%.*s", (int)n, at);
            at += n + (v < CALLS ? 2 : 0);
        }
        return true;
    }
    return false;
}

struct case_of {
    struct job_cut first, second[2];
    struct job_rule rules[2];
};

static void versions_of(struct case_of *c, struct rule_plan *one, struct rule_plan *two)
{
    c->second[0] = (struct job_cut){.deployed = true, .w = EVTIME_MIN};
    c->second[1] = (struct job_cut){.w = CUT, .handover = JOB_HANDOVER_KEEP};
    c->first = (struct job_cut){.deployed = true, .w = CUT, .handover = JOB_HANDOVER_KEEP};
    c->rules[0] =
        (struct job_rule){.plan = one, .uid = 1, .version = 1, .ncuts = 2, .cuts = c->second};
    c->rules[1] =
        (struct job_rule){.plan = two, .uid = 1, .version = 2, .ncuts = 1, .cuts = &c->first};
}

static bool reads_rows(const struct over_call *c)
{
    return c->kind == OVER_LAG || c->agg.kind == AGG_FIRST;
}

/* Numbers with a point are summed up in another order, where the version before had not summed them up. */
static bool is_same(const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return true;
    double x = atof(a), y = atof(b);
    bool point = strchr(a, '.') != NULL || strchr(b, '.') != NULL;
    return point && x > y - 1e-9 * y && x < y + 1e-9 * y;
}

static unsigned compare(const struct rig *got, const struct rig *all, const struct rig *after,
                        const struct overmap *m, const struct rule_plan *two,
                        const struct pay *rows, const char *what)
{
    char has[CALLS + 1][TEXT], want[CALLS + 1][TEXT];
    unsigned whole = 0;
    for (unsigned i = 0; i < ROWS; i++) {
        if (rows[i].ts < CUT)
            continue;
        assert_true(values_of(got, "two", i, has));
        for (unsigned c = 0; c < CALLS; c++) {
            bool is_whole = m->reset == NULL && m->fates[c] == OVERMAP_WHOLE;
            bool is_new = m->reset != NULL || m->fates[c] == OVERMAP_NEW;
            if (!is_whole && !(is_new && !reads_rows(&two->over.calls[c])))
                continue;
            assert_true(values_of(is_whole ? all : after, "two", i, want));
            whole += is_whole;
            if (!is_same(has[c + 1], want[c + 1]))
                fail_msg("%s: row %u call %u (%s): %s, not %s", what, i, c,
                         is_whole ? "whole" : "new", has[c + 1], want[c + 1]);
        }
    }
    return whole;
}

static void what_the_map_says_of_a_call_is_what_happens(void **state)
{
    (void)state;
    unsigned whole = 0, kept = 0;
    for (unsigned n = 0; n < PAIRS; n++) {
        unsigned workers = n % 3 == 2 ? 3 : 1;
        const struct schema *s = pay_stream(workers, 0);
        struct rule_plan *one = random_version(s, "one", NULL),
                         *two = random_version(s, "two", one);
        struct overprog *a = overprog_new(one), *b = overprog_new(two);
        struct overmap *m = overmap_new(a, b);
        struct pay *rows = make_rows(workers);
        struct case_of c;
        struct rig got, all, after;
        char what[40];
        snprintf(what, sizeof what, "pair %u", n);
        versions_of(&c, one, two);
        kept += m->reset == NULL;
        rig_start(&got, workers, s, c.rules, 2);
        for (unsigned t = 0; t < workers; t++) {
            tasksnap_track(got.tasks[t]);
            taskupgrade_slowly(got.tasks[t], n % 2 ? 0 : SIZE_MAX);
        }
        feed_rows(&got, rows, n % 5, workers == 1 ? 60 + roll(120) : ROWS, 60 + roll(120), c.rules);
        rig_start(&all, workers, s, &(struct job_rule){.plan = two, .uid = 1}, 1);
        feed_rows(&all, rows, 0, ROWS, ROWS, NULL);
        c.first.handover = JOB_HANDOVER_RESET;
        rig_start(&after, workers, s, c.rules + 1, 1);
        feed_rows(&after, rows, 0, ROWS, ROWS, NULL);
        whole += compare(&got, &all, &after, m, two, rows, what);
        rig_stop(&got);
        rig_stop(&all);
        rig_stop(&after);
        mem_free(rows);
        overmap_free(m);
        overprog_free(a);
        overprog_free(b);
    }
    assert_true(whole > 1000);
    assert_true(kept > PAIRS / 2);
}

static struct rule_plan *counting(const struct schema *s, const char *name, uint32_t rows)
{
    struct rule_plan *p = plan_new(RULE_OVER, name, s, NULL);
    struct over_call *c = arena_zero(trees, sizeof *c);
    *c = (struct over_call){.type = BIGINT,
                            .agg = {.kind = AGG_SUM, .type = BIGINT, .arg = column(PAY_ID)},
                            .frame = {.preceding = 2 * CUT}};
    plan_by(p, PAY_CARD);
    p->over = (struct over_plan){.ncalls = 1, .calls = c};
    p->limits.rows = rows;
    PLAN_GIVES(p, slot(BIGINT, 0));
    return p;
}

static void a_lower_limit_of_rows_holds_from_the_next_row_on(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct case_of c;
    struct rig r;
    versions_of(&c, counting(s, "one", 40), counting(s, "two", 5));
    rig_start(&r, 1, s, c.rules, 2);
    for (unsigned i = 0; i < 50; i++) {
        const struct pay row = {.offset = i,
                                .id = 1,
                                .ts = i < 40 ? i * SECOND : CUT + (i - 40) * SECOND,
                                .card = "c"};
        assert_ok(rig_feed(&r, &row, 1));
        rig_settle(&r);
    }
    rig_end(&r);
    assert_int_equal(rig_count(&r, "two match"), 10);
    for (size_t i = 0; i < r.n; i++)
        if (strncmp(r.lines[i], "two match", 9) == 0)
            assert_non_null(strstr(r.lines[i], " = 5 "));
    rig_stop(&r);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(what_the_map_says_of_a_call_is_what_happens),
              EXPRTREE_TEST(a_lower_limit_of_rows_holds_from_the_next_row_on));
}
