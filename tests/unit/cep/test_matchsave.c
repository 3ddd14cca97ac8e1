/* SPDX-License-Identifier: Apache-2.0
 *
 * That results stay the same through snapshots is held for every pattern of matchrig.h, and by tests/random. */
#include "tests/lib/matchrig.h"

static struct pattern *loop_of(int v, uint32_t min, uint32_t max, bool reluctant)
{
    return times(var(LATER, v), min, max, LATER, reluctant);
}

struct shape {
    struct pattern *pattern;
    int64_t within_s;
    enum skip_kind skip;
};

enum { SHAPES = 6 };

static struct shape shape_of(unsigned i)
{
    switch (i) {
    case 0:
        return (struct shape){GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1), var(ANY, 2)), 60,
                              SKIP_NONE};
    case 1: /* tangled */
        return (struct shape){GROUP(SEQ, NEXT, var(STRICT, 0), loop_of(1, 1, MANY, true),
                                    loop_of(1, 0, MANY, false)),
                              60, SKIP_PAST_LAST};
    case 2: /* counters */
        return (struct shape){GROUP(SEQ, NEXT,
                                    times(GROUP(SEQ, NEXT, loop_of(0, 2, 3, false), var(LATER, 1)),
                                          2, MANY, LATER, false),
                                    var(LATER, 2)),
                              60, SKIP_TO_NEXT};
    case 3: /* ambiguous */
        return (struct shape){GROUP(SEQ, NEXT, var(STRICT, 0),
                                    times(GROUP(ALT, NEXT, var(ANY, 1), var(ANY, 1)), 1, MANY, ANY,
                                          true),
                                    var(LATER, 2)),
                              60, SKIP_NONE};
    case 4: /* absence */
        return (struct shape){GROUP(SEQ, NEXT, var(STRICT, 0), loop_of(1, 0, MANY, false),
                                    not_var(LATER, 2)),
                              60, SKIP_PAST_LAST};
    default: /* runs that wait for others */
        return (struct shape){GROUP(ALT, NEXT,
                                    GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1), var(LATER, 2)),
                                    GROUP(SEQ, NEXT, var(STRICT, 1), var(LATER, 1))),
                              60, SKIP_PAST_LAST};
    }
}

static struct rule_plan *plan_of(struct shape s)
{
    return matches_plan(pay_stream(1, 0), s.pattern, s.within_s, s.skip, 0);
}

/* What a task knows after these rows. */
static struct job *saved_after(struct rule_plan *plan, const char *letters, struct snap *out)
{
    struct rig r = {.workers = 1, .schema = plan->input};
    r.lines = mem_array(RIG_LINES, sizeof(char *));
    r.tasks[0] = task_new(&limits);
    tasksnap_track(r.tasks[0]);
    rig_job(&r, &(struct job_rule){.plan = plan, .uid = 1}, 1);
    task_source_open(r.tasks[0], r.schema->id, 0, EVTIME_MIN);
    for (unsigned i = 0; letters[i] != '\0'; i++)
        feed_letter(&r, i, letters[i]);
    snap_save(out, r.tasks[0]);
    struct job *j = job_ref(r.job);
    rig_stop(&r);
    return j;
}

static struct snap_piece *entry_of(struct snap *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].op != NULL)
            return &s->v[i];
    fail();
    return NULL;
}

static void what_is_loaded_is_saved_as_the_same_bytes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SHAPES; i++) {
        struct snap first = {0}, second = {0};
        struct job *j = saved_after(plan_of(shape_of(i)), "aabbabxaab", &first);
        struct task *t = snap_task(&limits, j);
        assert_ok(snap_load(&first, t));
        snap_save(&second, t);
        const struct snap_piece *a = entry_of(&first), *b = entry_of(&second);
        assert_int_equal(a->value.n, b->value.n);
        assert_memory_equal(a->value.p, b->value.p, a->value.n);
        task_free(t);
        snap_fini(&first);
        snap_fini(&second);
        job_unref(j);
    }
}

/* It is refused, or is a state that can be gone on with to the end of the input. */
static bool try_damaged(const struct snap *s, struct job *j, const struct schema *schema)
{
    struct task *t = snap_task(&limits, j);
    enum err e = snap_load(s, t);
    assert_true(e == ERR_OK || e == ERR_CORRUPT || e == ERR_VERSION);
    if (e == ERR_OK) {
        task_source_open(t, schema->id, 0, EVTIME_MIN);
        task_source_watermark(t, schema->id, 0, EVTIME_MAX);
        task_step(t);
        task_effects_clear(t);
    }
    task_free(t);
    return e == ERR_OK;
}

static void damaged_bytes_are_refused_or_are_a_state(void **state)
{
    (void)state;
    unsigned taken = 0, refused = 0;
    for (unsigned i = 0; i < SHAPES; i++) {
        struct snap s = {0};
        struct rule_plan *plan = plan_of(shape_of(i));
        struct job *j = saved_after(plan, "aabbab", &s);
        struct bytes *value = &entry_of(&s)->value;
        for (size_t at = 0; at < value->n; at++) {
            uint8_t was = value->p[at];
            const uint8_t now[] = {was ^ 1, was ^ 0x80, 0, 0xff, (uint8_t)(was + 1)};
            for (size_t k = 0; k < sizeof now; k++) {
                value->p[at] = now[k];
                *(try_damaged(&s, j, plan->input) ? &taken : &refused) += 1;
            }
            value->p[at] = was;
        }
        for (size_t whole = value->n; value->n-- > 0;)
            assert_true(!try_damaged(&s, j, plan->input) || value->n == whole);
        snap_fini(&s);
        job_unref(j);
    }
    assert_true(taken > 0 && refused > 0);
}

static void a_head_of_another_automaton_is_refused(void **state)
{
    (void)state;
    struct snap s = {0};
    struct rule_plan *plan = plan_of(shape_of(0));
    struct job *j = saved_after(plan, "ab", &s);
    for (size_t i = 0; i < s.n; i++) {
        struct bytes *b = &s.v[i].value;
        if (s.v[i].op != NULL || b->p[0] != TASKSNAP_OP)
            continue;
        b->p[b->n - 1] ^= 1; /* whether it is NO SKIP */
        assert_false(try_damaged(&s, j, plan->input));
    }
    snap_fini(&s);
    job_unref(j);
}

static struct match *match_of(struct task *t)
{
    return t->keys[0]->ops[0].match;
}

/* Runs that came back alone are in a heap beside the list: whichever is over first is. */
static void what_comes_back_alone_is_over_in_its_turn(void **state)
{
    (void)state;
    struct rig r;
    struct rule_plan *plan = matches_plan(pay_stream(1, 0), ab(LATER), 10, SKIP_NONE, 0);
    static const char *const cards[] = {"k0", "k1", "k2", "k3", "k4", "k5", "k6"};
    rig_start(&r, 1, plan->input, &(struct job_rule){.plan = plan, .uid = 1}, 1);
    tasksnap_track(r.tasks[0]);
    for (unsigned i = 0; i < 200; i++) {
        struct pay row = {
            .offset = i, .ts = i * S, .card = cards[i % 7], .amount = 1, .status = "a"};
        assert_ok(rig_feed(&r, &row, 1));
        rig_settle(&r);
        struct task_key *k = r.tasks[0]->keys[0];
        size_t at = rig_random(&r, (unsigned)k->keyed.table.nslots);
        struct key *key = k->keyed.table.slots[at].key;
        if (key != NULL && key->cells != NULL)
            snap_out_and_in(k, key, key->cells);
        if (i == 0) /* no row has passed yet */
            continue;
        assert_true(match_next(match_of(r.tasks[0])) == (i < 10 ? 10 : (int64_t)i + 1) * S);
        assert_int_equal(rig_count(&r, "m timeout"), i < 10 ? 0 : i - 9);
    }
    assert_true(match_of(r.tasks[0])->timers.n > 0 && match_of(r.tasks[0])->timers.first != NULL);
    rig_end(&r);
    assert_int_equal(rig_count(&r, "m timeout"), 200);
    rig_stop(&r);
}

static void a_state_says_when_it_is_over(void **state)
{
    (void)state;
    struct snap s = {0};
    struct rule_plan *plan = matches_plan(pay_stream(1, 0), ab(LATER), 10, SKIP_NONE, 0);
    struct job *j = saved_after(plan, "xxaxa", &s);
    struct task *t = snap_task(&limits, j);
    assert_ok(snap_load(&s, t));
    const struct key *key = keytable_any(&t->keys[0]->keyed.table);
    assert_int_equal(matchsave_when(match_of(t), key->cells), 12 * S);
    task_free(t);
    snap_fini(&s);
    job_unref(j);
}

/* A long way: as deep as it has rows. */
static void a_way_of_many_rows_goes_through_a_snapshot(void **state)
{
    (void)state;
    enum { N = 50000 };
    char *letters = mem_alloc(N + 1);
    memset(letters, 'b', N);
    letters[0] = 'a';
    letters[N] = '\0';
    struct snap s = {0};
    struct rule_plan *plan =
        plan_of((struct shape){GROUP(SEQ, NEXT, var(STRICT, 0),
                                     times(var(STRICT, 1), 1, MANY, STRICT, false), var(STRICT, 2)),
                               -1, SKIP_PAST_LAST});
    struct job *j = saved_after(plan, letters, &s);
    struct task *t = snap_task(&limits, j);
    assert_ok(snap_load(&s, t));
    struct task_stats now;
    task_stats(t, &now);
    assert_int_equal(now.partials, 1);
    task_free(t);
    snap_fini(&s);
    job_unref(j);
    mem_free(letters);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(what_is_loaded_is_saved_as_the_same_bytes),
              EXPRTREE_TEST(damaged_bytes_are_refused_or_are_a_state),
              EXPRTREE_TEST(a_head_of_another_automaton_is_refused),
              EXPRTREE_TEST(what_comes_back_alone_is_over_in_its_turn),
              EXPRTREE_TEST(a_state_says_when_it_is_over),
              EXPRTREE_TEST(a_way_of_many_rows_goes_through_a_snapshot));
}
