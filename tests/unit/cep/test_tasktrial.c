/* SPDX-License-Identifier: Apache-2.0
 *
 * A version that runs beside another: from the time on at which it begins with a copy of that one's state, it finds what a
 * version finds that took over then, and the other one finds what it would have found alone. When it takes the other's
 * place, it goes on with the state that it has. Held over random rows, patterns, windows, OVER and joins, one or several tasks, and
 * snapshots into other numbers of tasks. */
#include "tests/lib/snaprig.h"
#include <limits.h>

enum { SECOND = 1000, START = 1700000000, ROWS = 240, CARDS = 200, DELAY = 2 * SECOND };

static const struct expr *status_is(const char *s)
{
    return IS(EQ, column(PAY_STATUS), str(s));
}

/* --- rules --- */

static struct rule_plan *by_card(struct rule_plan *p)
{
    plan_by(p, PAY_CARD);
    p->stands_for = 1; /* results of both have the same numbers */
    return p;
}

/* A, later B, perhaps with no C in between, or A, later no B. */
static struct rule_plan *pair(const struct schema *s, const char *b, int64_t within_s,
                              enum skip_kind skip, bool absent)
{
    const struct match_var vars[] = {{"A", status_is("a"), NULL}, {"B", status_is(b), NULL}};
    struct pattern *first = var(CONTIGUITY_NEXT, 0);
    struct pattern *second = absent ? not_var(CONTIGUITY_FOLLOWED, 1) : var(CONTIGUITY_FOLLOWED, 1);
    struct rule_plan *p = match_new_plan("rule", s, GROUP(SEQ, NEXT, first, second),
                                         within_s * SECOND, skip, 2, vars);
    PLAN_GIVES(p, nav_of(0, false, PAY_ID));
    return by_card(p);
}

/* A, later B so many times, later C. */
static struct rule_plan *loop(const struct schema *s, unsigned least, unsigned most)
{
    const struct match_var vars[] = {{"A", status_is("a"), NULL},
                                     {"B", status_is("b"), NULL},
                                     {"C", status_is("x"), NULL}};
    struct pattern *b = times(var(CONTIGUITY_FOLLOWED, 1), least, most, CONTIGUITY_FOLLOWED, false);
    struct rule_plan *p =
        match_new_plan("rule", s,
                       GROUP(SEQ, NEXT, var(CONTIGUITY_NEXT, 0), b, var(CONTIGUITY_FOLLOWED, 2)),
                       6 * SECOND, SKIP_NONE, 3, vars);
    PLAN_GIVES(p, nav_of(0, false, PAY_ID), agg_of(AGG_COUNT_STAR, BIGINT, UINT64_C(1) << 1, NULL));
    return by_card(p);
}

static struct rule_plan *window(const struct schema *s, enum window_kind kind, int64_t size,
                                int64_t slide, unsigned naggs)
{
    struct rule_plan *p = plan_new(RULE_WINDOW, "rule", s, NULL);
    struct agg_call *aggs = arena_zero(trees, 2 * sizeof *aggs);
    aggs[0] = (struct agg_call){.kind = AGG_COUNT_STAR, .type = BIGINT};
    aggs[1] = (struct agg_call){.kind = AGG_MIN, .type = STRING, .arg = column(PAY_STATUS)};
    p->window = (struct window_plan){.kind = kind,
                                     .size_ms = size * SECOND,
                                     .slide_ms = slide * SECOND,
                                     .naggs = naggs,
                                     .aggs = aggs};
    if (naggs == 2)
        PLAN_GIVES(p, slot(STRING, 0), slot(BIGINT, 4), slot(STRING, 5));
    else
        PLAN_GIVES(p, slot(STRING, 0), slot(BIGINT, 4));
    return by_card(p);
}

static struct rule_plan *over(const struct schema *s, const struct expr *where, int64_t frame_s)
{
    struct rule_plan *p = plan_new(RULE_OVER, "rule", s, where);
    struct over_call *c = arena_zero(trees, sizeof *c);
    *c = (struct over_call){.type = BIGINT,
                            .agg = {.kind = AGG_COUNT_STAR, .type = BIGINT},
                            .frame = {.preceding = frame_s * SECOND}};
    p->over = (struct over_plan){.ncalls = 1, .calls = c};
    PLAN_GIVES(p, slot(BIGINT, 0));
    return by_card(p);
}

/* A row and another of the card, in time. */
static struct rule_plan *join(const struct schema *s, int64_t most_s)
{
    struct rule_plan *p = plan_new(RULE_JOIN, "rule", s, NULL);
    struct join_key *key = arena_zero(trees, sizeof *key);
    *key = (struct join_key){.name = "card",
                             .type = STRING,
                             .e = {column(PAY_CARD), column(PAY_CARD)}};
    p->join = (struct join_plan){.outer = true,
                                 .nkeys = 1,
                                 .keys = key,
                                 .least_ms = -3 * (int64_t)SECOND,
                                 .most_ms = most_s * SECOND};
    for (unsigned i = 0; i < 2; i++)
        p->join.side[i] = (struct join_side){.schema = s,
                                             .name = i == 0 ? "a" : "b",
                                             .reads = p->reads,
                                             .keeps = p->keeps,
                                             .where = status_is(i == 0 ? "a" : "b")};
    PLAN_GIVES(p, slot(BIGINT, PAY_ID), slot(BIGINT, PAY_COLUMNS + PAY_ID));
    p->stands_for = 1;
    return p;
}

enum { KINDS = 13 };

/* Two versions of a rule. */
static struct rule_plan *version(const struct schema *s, unsigned kind, bool second)
{
    switch (kind) {
    case 0:
        return pair(s, second ? "x" : "b", 8, SKIP_NONE, false);
    case 1:
        return pair(s, "b", second ? 3 : 8, SKIP_NONE, false);
    case 2:
        return pair(s, "b", second ? 9 : 4, SKIP_PAST_LAST, false);
    case 3:
        return pair(s, second ? "x" : "b", 3, SKIP_NONE, true);
    case 4:
        return loop(s, 1, second ? 3 : 2);
    case 5:
        return loop(s, second ? 2 : 1, 3);
    case 6:
        return window(s, WINDOW_TUMBLE, 4, 4, second ? 2 : 1);
    case 7:
        return window(s, WINDOW_HOP, second ? 6 : 4, 2, 1);
    case 8:
        return window(s, WINDOW_SESSION, 1, 1, second ? 2 : 1);
    case 9:
        return over(s, second ? status_is("a") : NULL, 3);
    case 10:
        return join(s, second ? 6 : 4);
    case 11:
        return over(s, NULL, second ? 12 : 1);
    default:
        return pair(s, "b", 8, second ? SKIP_TO_NEXT : SKIP_NONE, false); /* nothing is kept */
    }
}

enum how { ALONE, UPGRADED, BESIDE, PROMOTED };

static unsigned in_the_middle; /* rows after which a copy was on its way */

struct rules {
    struct job_cut first[2], second[2], third;
    struct job_rule v[4];
    unsigned n;
};

/* Bystander and the first version; from the change on the second, from w on. */
static void rules_of(struct rules *r, struct rule_plan *const plans[3], enum how how, bool changed,
                     evtime w)
{
    bool ends = changed && how == UPGRADED;
    r->first[0] = (struct job_cut){.deployed = true, .w = EVTIME_MIN};
    r->first[1] = (struct job_cut){.w = w, .handover = JOB_HANDOVER_KEEP};
    r->second[0] =
        (struct job_cut){.deployed = true,
                         .w = w,
                         .handover = how >= BESIDE ? JOB_HANDOVER_COPY : JOB_HANDOVER_KEEP,
                         .from = how >= BESIDE ? 1 : 0};
    r->v[0] = (struct job_rule){.plan = plans[2], .uid = 9, .version = 1};
    r->v[1] = (struct job_rule){
        .plan = plans[0], .uid = 1, .version = 1, .ncuts = ends ? 2 : 1, .cuts = r->first};
    r->v[2] = (struct job_rule){.plan = plans[1],
                                .uid = how >= BESIDE ? 2 : 1,
                                .version = 2,
                                .ncuts = 1,
                                .cuts = r->second};
    r->n = changed && how != ALONE ? 3 : 2;
}

/* What runs beside takes the place of the first at w. */
static void promote(struct rules *r, evtime w)
{
    r->first[1] = r->second[1] = (struct job_cut){.w = w, .handover = JOB_HANDOVER_KEEP};
    r->third = (struct job_cut){.deployed = true, .w = w, .handover = JOB_HANDOVER_KEEP, .from = 2};
    r->v[1].ncuts = r->v[2].ncuts = 2;
    r->v[3] = (struct job_rule){
        .plan = r->v[2].plan, .uid = 1, .version = 2, .ncuts = 1, .cuts = &r->third};
    r->n = 4;
}

/* --- runs --- */

static const struct task_options limits = {.key_groups = 16,
                                           .max_ordering_rows = SIZE_MAX / 2,
                                           .max_partials_per_key = SIZE_MAX / 2};

static void start(struct rig *r, unsigned workers, const struct schema *s, const struct rules *of)
{
    rig_start(r, workers, s, of->v, of->n);
    for (unsigned i = 0; i < workers; i++)
        tasksnap_track(r->tasks[i]);
}

/* The same with so many tasks, from a snapshot of those there are. */
static void start_again(struct rig *r, unsigned workers)
{
    struct snap s = {0};
    for (unsigned i = 0; i < r->workers; i++) {
        snap_save(&s, r->tasks[i]);
        task_free(r->tasks[i]);
        for (unsigned k = 0; k < r->workers; k++) /* what is on its way is lost */
            while (r->queues[i][k].first < r->queues[i][k].n)
                r->queues[i][k].first++;
    }
    r->workers = workers;
    for (unsigned i = 0; i < workers; i++) {
        struct task_options o = limits;
        o.worker = i;
        o.workers = workers;
        r->tasks[i] = snap_task(&o, r->job);
        assert_ok(snap_load(&s, r->tasks[i]));
    }
    snap_fini(&s);
    for (unsigned p = 0; p < r->schema->partitions; p++)
        task_source_open(r->tasks[p % workers], r->schema->id, p, EVTIME_MIN);
}

/* Time goes on to w in the first task, and not in the others. */
static void go_apart(struct rig *r, evtime w)
{
    for (unsigned p = 0; p < r->schema->partitions; p++)
        task_source_watermark(r->tasks[p % r->workers], r->schema->id, p, w);
    for (unsigned i = 0; i < r->workers; i++)
        rig_collect(r, i);
    for (unsigned i = 1; i < r->workers; i++)
        while (rig_deliver(r, i, 0))
            ;
    task_step(r->tasks[0]);
    rig_collect(r, 0);
}

struct course { /* of events and what happens in between: the same for all runs */
    struct pay rows[ROWS];
    char cards[CARDS][8];
    unsigned change, swap, promote, again[3], workers[3];
    unsigned slots; /* of the table, that go over after each row; UINT_MAX: all state at once */
    bool apart;
    evtime w, promoted;
};

static void make_course(struct course *c, uint64_t seed)
{
    static const char *const statuses[] = {"a", "a", "b", "x", "n"};
    struct rig dice = {.random = seed};
    for (unsigned i = 0; i < CARDS; i++)
        snprintf(c->cards[i], sizeof c->cards[i], "c%u", i);
    c->change = 60 + rig_random(&dice, 80);
    c->again[0] = rig_random(&dice, ROWS);
    c->again[1] = c->change + rig_random(&dice, 30);
    c->again[2] = c->again[1] + rig_random(&dice, 3); /* twice running, at times */
    c->swap = c->change + rig_random(&dice, 40);
    c->slots = seed % 4 == 0 ? UINT_MAX : rig_random(&dice, 5);
    unsigned cards = seed % 3 == 0 ? CARDS : 12; /* many: the table grows meanwhile */
    for (unsigned i = 0; i < 3; i++)
        c->workers[i] = 1 + rig_random(&dice, RIG_WORKERS);
    c->apart = rig_random(&dice, 2) == 0;
    c->promote = c->change + rig_random(&dice, 60);
    c->w = c->promoted = EVTIME_MIN;
    for (unsigned i = 0; i < ROWS; i++) {
        evtime ts = (START + (int64_t)i / 8) * (int64_t)SECOND + (evtime)rig_random(&dice, SECOND) -
                    (rig_random(&dice, 3) == 0 ? (evtime)rig_random(&dice, DELAY / 2) : 0);
        if (i < c->change && ts >= c->w)
            c->w = ts + 1;
        if (i < c->promote && ts >= c->promoted)
            c->promoted = ts + 1;
        c->rows[i] = (struct pay){.partition = rig_random(&dice, 2),
                                  .offset = i,
                                  .id = i,
                                  .ts = ts,
                                  .card = c->cards[rig_random(&dice, cards)],
                                  .account = "a",
                                  .amount = 100,
                                  .status = statuses[rig_random(&dice, 5)]};
    }
}

/* A version that takes over gets all at once: what runs beside it is held against that. */
static void set_slowly(struct rig *r, const struct course *c, enum how how)
{
    for (unsigned i = 0; i < r->workers; i++)
        taskupgrade_slowly(r->tasks[i], c->slots == UINT_MAX || how < BESIDE ? SIZE_MAX : 0);
}

static void go_on(struct rig *r, const struct course *c)
{
    for (unsigned i = 0; i < r->workers && c->slots != UINT_MAX; i++)
        in_the_middle += taskupgrade_go_on(r->tasks[i], c->slots);
}

static void run(struct rig *r, const struct course *c, const struct schema *s,
                struct rule_plan *const plans[3], enum how how)
{
    struct rules rules;
    unsigned again = 0;
    rules_of(&rules, plans, how, false, c->w);
    start(r, how == ALONE ? 1 : c->workers[0], s, &rules);
    for (unsigned i = 0; i < ROWS; i++) {
        if (i == c->change && how != ALONE) {
            rules_of(&rules, plans, how, true, c->w);
            rig_job(r, rules.v, rules.n);
        }
        if (i == c->swap && how == BESIDE) /* in the middle of the copy: it goes on */
            rig_job(r, rules.v, rules.n);
        if (i == c->promote && how == PROMOTED) {
            promote(&rules, c->promoted);
            rig_job(r, rules.v, rules.n);
        }
        set_slowly(r, c, how);
        assert_ok(rig_feed(r, &c->rows[i], 1));
        rig_settle(r);
        go_on(r, c);
        if (c->apart && i == c->again[1])
            go_apart(r, c->w);
        if (how == ALONE)
            rig_settle(r);
        for (unsigned n = 0; n < 3 && how != ALONE; n++)
            if (i == c->again[n])
                start_again(r, c->workers[1 + (again++ & 1)]);
    }
    rig_end(r);
}

static char *lines_of(struct rig *r, struct rule_plan *const plans[3], unsigned which)
{
    struct bytes out = {0};
    size_t len = strlen(plans[which]->name);
    qsort(r->lines, r->n, sizeof *r->lines, rig_order);
    for (size_t i = 0; i < r->n; i++)
        if (strncmp(r->lines[i], plans[which]->name, len) == 0 && r->lines[i][len] == ' ')
            bytes_printf(&out, "%s\n", r->lines[i]);
    char *text = mem_dup(out.p, out.n);
    bytes_fini(&out);
    return text;
}

static void assert_same(struct rig *a, struct rig *b, struct rule_plan *const plans[3],
                        unsigned which, unsigned kind, uint64_t seed)
{
    char *x = lines_of(a, plans, which), *y = lines_of(b, plans, which);
    if (strcmp(x, y) != 0)
        fprintf(stderr, "kind %u, seed %llu\n", kind, (unsigned long long)seed);
    assert_string_equal(x, y);
    mem_free(x);
    mem_free(y);
}

static void it_finds_what_an_upgrade_would_and_does_not_disturb_the_other(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(2, DELAY);
    size_t found[KINDS] = {0}, ended = 0;
    for (unsigned i = 0; i < 24 * KINDS; i++) {
        unsigned kind = i % KINDS;
        struct rule_plan *plans[3] = {version(s, kind, false), version(s, kind, true),
                                      version(s, (kind + 3) % KINDS, false)};
        static const char *const names[] = {"one", "two", "three"};
        for (unsigned p = 0; p < 3; p++)
            plans[p]->name = plans[p]->sql = names[p];
        struct course c;
        struct rig alone, upgraded, beside, promoted;
        make_course(&c, i + 1);
        run(&alone, &c, s, plans, ALONE);
        run(&upgraded, &c, s, plans, UPGRADED);
        run(&beside, &c, s, plans, BESIDE);
        assert_same(&beside, &alone, plans, 0, kind, i + 1);
        assert_same(&beside, &upgraded, plans, 1, kind, i + 1);
        assert_same(&beside, &alone, plans, 2, kind, i + 1);
        run(&promoted, &c, s, plans, PROMOTED);
        assert_same(&promoted, &beside, plans, 1, kind, i + 1);
        assert_same(&promoted, &beside, plans, 2, kind, i + 1);
        ended += rig_count(&promoted, "one ") < rig_count(&beside, "one ");
        rig_stop(&promoted);
        found[kind] += rig_count(&beside, "two ");
        assert_true(rig_count(&beside, "one ") > 0);
        rig_stop(&alone);
        rig_stop(&upgraded);
        rig_stop(&beside);
    }
    assert_true(ended > 4 * KINDS);
    assert_true(in_the_middle > 1000);
    for (unsigned k = 0; k < KINDS; k++)
        assert_true(found[k] > 20);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(it_finds_what_an_upgrade_would_and_does_not_disturb_the_other));
}
