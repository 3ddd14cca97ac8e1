/* SPDX-License-Identifier: Apache-2.0
 *
 * That results stay the same through snapshots is held by the random tests in tests/e2e, that hostile bytes do no harm by
 * fuzz_entry, but for panes. */
#include "tests/lib/snaprig.h"

enum { S = 1000, CARDS = 9 };

static const struct task_options limits = {.workers = 1,
                                           .key_groups = 16,
                                           .max_ordering_rows = SIZE_MAX / 2,
                                           .max_partials_per_key = SIZE_MAX / 2};

/* COUNT(*) and MIN of a text, by card. */
static struct rule_plan *window(const struct schema *s, enum window_kind kind, int64_t size,
                                int64_t slide, const struct expr *having)
{
    struct rule_plan *p = plan_new(RULE_WINDOW, "w", s, NULL);
    struct agg_call *aggs = arena_zero(trees, 2 * sizeof *aggs);
    aggs[0] = (struct agg_call){.kind = AGG_COUNT_STAR, .type = BIGINT};
    aggs[1] = (struct agg_call){.kind = AGG_MIN, .type = STRING, .arg = column(PAY_STATUS)};
    plan_by(p, PAY_CARD);
    p->window = (struct window_plan){.kind = kind,
                                     .size_ms = size,
                                     .slide_ms = slide,
                                     .naggs = 2,
                                     .aggs = aggs,
                                     .having = having};
    PLAN_GIVES(p, slot(STRING, 0), slot(TIMESTAMP, 1), slot(BIGINT, 4), slot(STRING, 5));
    return p;
}

static const struct expr *count_is(enum expr_kind cmp, int64_t n)
{
    return node(cmp, BOOLEAN, 2, (const struct expr *[]){slot(BIGINT, 4), num(n)});
}

static void feed(struct rig *r, evtime ts, unsigned card)
{
    static uint64_t offset;
    char name[16];
    snprintf(name, sizeof name, "c%u", card);
    const struct pay p = {.offset = ++offset,
                          .ts = ts,
                          .card = name,
                          .status = ts % 2 == 0 ? "fig" : "pear"};
    assert_ok(rig_feed(r, &p, 1));
}

static void start(struct rig *r, unsigned workers, struct rule_plan *plan)
{
    rig_start(r, workers, plan->input, &(struct job_rule){.plan = plan, .uid = 1}, 1);
    for (unsigned i = 0; i < workers; i++)
        tasksnap_track(r->tasks[i]);
}

/* Rows of all cards up to 9 s. */
static void begin(struct rig *r)
{
    for (unsigned i = 0; i < 29; i++)
        feed(r, 1 * S + (evtime)i * 310, i % CARDS);
    rig_settle(r);
}

static void go_on(struct rig *r)
{
    for (unsigned i = 0; i < 29; i++)
        feed(r, 20 * S + (evtime)i * 310, i % CARDS);
    rig_settle(r);
    rig_end(r);
}

/* Two tasks of which one has come to 19 s, and knows what is over by then; the other has not heard of it. */
static void stop_unequal(struct rig *r, struct snap *out)
{
    task_source_watermark(r->tasks[0], r->schema->id, 0, 19 * S);
    rig_collect(r, 0); /* the frame to the other stays where it is, and is lost */
    task_step(r->tasks[0]);
    rig_collect(r, 0);
    for (unsigned i = 0; i < 2; i++)
        snap_save(out, r->tasks[i]);
}

/* What was found and what is yet to be found: the lines of `to` behind those of `from`. */
static void move_lines(struct rig *from, struct rig *to)
{
    for (size_t i = 0; i < from->n; i++)
        to->lines[to->n++] = from->lines[i];
    from->n = 0;
}

/* A rig with one task, made of what others knew; again: once more, before anything has come. */
static void start_from(struct rig *r, const struct rig *of, const struct snap *s, bool again)
{
    struct snap mine = {0};
    *r = (struct rig){.workers = 1, .schema = of->schema, .job = job_ref(of->job)};
    r->lines = mem_array(RIG_LINES, sizeof(char *));
    r->tasks[0] = snap_task(&limits, r->job);
    assert_ok(snap_load(s, r->tasks[0]));
    if (again) {
        snap_save(&mine, r->tasks[0]);
        task_free(r->tasks[0]);
        r->tasks[0] = snap_task(&limits, r->job);
        assert_ok(snap_load(&mine, r->tasks[0]));
        snap_fini(&mine);
    }
    task_source_open(r->tasks[0], r->schema->id, 0, EVTIME_MIN);
}

static void check_unequal(struct rule_plan *plan, bool again)
{
    struct rig two, one, whole;
    struct snap s = {0};
    start(&whole, 1, plan);
    begin(&whole);
    task_source_watermark(whole.tasks[0], whole.schema->id, 0, 19 * S);
    rig_settle(&whole);
    go_on(&whole);
    start(&two, 2, plan);
    begin(&two);
    stop_unequal(&two, &s);
    start_from(&one, &two, &s, again);
    move_lines(&two, &one);
    assert_true(one.n > 0);
    go_on(&one);
    char *found = rig_text(&one), *wanted = rig_text(&whole);
    assert_true(whole.n > 10);
    /* offsets are those of the rows of each run */
    assert_int_equal(one.n, whole.n);
    if (plan->window.kind != WINDOW_SESSION)
        assert_string_equal(found, wanted);
    mem_free(found);
    mem_free(wanted);
    snap_fini(&s);
    rig_stop(&two);
    rig_stop(&one);
    rig_stop(&whole);
}

static void windows_of_a_task_that_was_further_do_not_fire_again(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    for (int again = 0; again < 2; again++) {
        check_unequal(window(s, WINDOW_TUMBLE, 5 * S, 5 * S, NULL), again);
        check_unequal(window(s, WINDOW_HOP, 10 * S, 5 * S, NULL), again);
        check_unequal(window(s, WINDOW_HOP, 9 * S, 4 * S, count_is(EXPR_GE, 2)), again);
        check_unequal(window(s, WINDOW_HOP, 9 * S, 4 * S, count_is(EXPR_LT, 3)), again);
        check_unequal(window(s, WINDOW_CUMULATE, 12 * S, 4 * S, NULL), again);
        check_unequal(window(s, WINDOW_SESSION, 2 * S, 0, NULL), again);
        struct rule_plan *late = window(s, WINDOW_HOP, 10 * S, 5 * S, NULL);
        late->window.lateness_ms = 60 * S;
        check_unequal(late, again);
    }
}

static void keys_that_were_further_are_in_the_next_snapshot(void **state)
{
    (void)state;
    struct rig two;
    struct snap s = {0}, next = {0};
    start(&two, 2, window(pay_stream(1, 0), WINDOW_HOP, 30 * S, 5 * S, NULL));
    begin(&two);
    stop_unequal(&two, &s);
    struct task *t = snap_task(&limits, two.job);
    assert_ok(snap_load(&s, t));
    const struct tasksnap_out out = {snap_take_entry, snap_take_flow, &next};
    tasksnap_begin(t, &out); /* what has changed alone */
    while (tasksnap_slice(t, 1))
        ;
    size_t all = 0, changed = 0;
    for (size_t i = 0; i < s.n; i++)
        all += s.v[i].op != NULL;
    for (size_t i = 0; i < next.n; i++)
        changed += next.v[i].op != NULL;
    assert_true(changed > 0 && changed < all);
    task_free(t);
    snap_fini(&s);
    snap_fini(&next);
    rig_stop(&two);
}

/* Windows that end at 10 and at 20 s, the clock being at 12 when all goes through a snapshot. */
static void windows_that_wait_for_the_clock_fire_once(void **state)
{
    (void)state;
    struct rule_plan *plan = window(pay_stream(1, 60 * S), WINDOW_TUMBLE, 10 * S, 10 * S, NULL);
    plan->window.trigger = TRIGGER_PROCESSING_TIME;
    for (int through = 0; through < 2; through++) {
        struct rig r;
        start(&r, 1, plan);
        task_clock(r.tasks[0], 1 * S);
        feed(&r, 5 * S, 1);
        feed(&r, 15 * S, 1);
        rig_settle(&r);
        assert_int_equal(r.n, 0);
        task_clock(r.tasks[0], 12 * S);
        rig_settle(&r);
        assert_int_equal(r.n, 1);
        if (through)
            snap_rig(&r, &limits);
        task_clock(r.tasks[0], 20 * S - 1);
        rig_settle(&r);
        assert_int_equal(r.n, 1);
        task_clock(r.tasks[0], 20 * S);
        rig_settle(&r);
        assert_int_equal(r.n, 2);
        task_clock(r.tasks[0], 200 * S);
        rig_settle(&r);
        assert_int_equal(r.n, 2);
        rig_stop(&r);
    }
}

/* --- damage --- */

static void try(struct job *j, const struct snap *s)
{
    struct task *t = snap_task(&limits, j);
    enum err e = snap_load(s, t);
    assert_true(e == ERR_OK || e == ERR_CORRUPT || e == ERR_VERSION);
    task_free(t);
}

static void damage(struct rule_plan *plan)
{
    struct rig r;
    struct snap s = {0}, again = {0};
    start(&r, 1, plan);
    begin(&r);
    snap_save(&s, r.tasks[0]);
    struct task *t = snap_task(&limits, r.job);
    assert_ok(snap_load(&s, t));
    snap_save(&again, t);
    task_free(t);
    unsigned entries = 0;
    for (size_t i = 0; i < s.n; i++) {
        struct snap_piece *p = &s.v[i];
        size_t n = p->value.n;
        for (size_t k = 0; k < again.n && p->op != NULL; k++) /* the same bytes */
            if (again.v[k].op != NULL && again.v[k].key.n == p->key.n &&
                memcmp(again.v[k].key.p, p->key.p, p->key.n) == 0) {
                assert_int_equal(again.v[k].value.n, n);
                assert_memory_equal(again.v[k].value.p, p->value.p, n);
                entries++;
            }
        if (i % 4 != 0)
            continue;
        for (p->value.n = 0; p->value.n < n; p->value.n++)
            try(r.job, &s);
        for (size_t b = 0; b < n; b++)
            for (unsigned bit = 0; bit < 8; bit++) {
                p->value.p[b] ^= (uint8_t)(1u << bit);
                try(r.job, &s);
                p->value.p[b] ^= (uint8_t)(1u << bit);
            }
    }
    assert_int_equal(entries, CARDS);
    snap_fini(&s);
    snap_fini(&again);
    rig_stop(&r);
}

static void damaged_bytes_are_refused_or_taken_but_do_no_harm(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct rule_plan *late = window(s, WINDOW_TUMBLE, 3 * S, 3 * S, NULL);
    late->window.lateness_ms = 60 * S;
    damage(late);
    damage(window(s, WINDOW_HOP, 20 * S, 5 * S, count_is(EXPR_GE, 2)));
    damage(window(s, WINDOW_CUMULATE, 40 * S, 5 * S, NULL));
    struct rule_plan *rows = window(s, WINDOW_SESSION, 20 * S, 0, NULL);
    rows->window.evictor = EVICTOR_TIME;
    rows->window.spares = 9 * S;
    damage(rows);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(windows_of_a_task_that_was_further_do_not_fire_again),
              EXPRTREE_TEST(windows_that_wait_for_the_clock_fire_once),
              EXPRTREE_TEST(keys_that_were_further_are_in_the_next_snapshot),
              EXPRTREE_TEST(damaged_bytes_are_refused_or_taken_but_do_no_harm));
}
