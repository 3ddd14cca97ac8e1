/* SPDX-License-Identifier: Apache-2.0 */
/* A rule's state made on a lane and handed over: from then on it finds what it would have found from the beginning. Random
 * rows, rules and interleavings, on one to three tasks, with snapshots into fresh ones. */
#include "cep/task/tasklane.h"
#include "rules/compile.h"
#include "tests/lib/snaprig.h"

enum {
    EVENTS = 300,
    PARTITIONS = 2,
    SECOND = 1000,
    START = 1700000,
    RULE = 1,
    OTHER = 5,
    LANE = 9
};

static const char stream_text[] =
    "CREATE STREAM pay (id BIGINT NOT NULL, ts TIMESTAMP(3) NOT NULL, card STRING, account STRING,"
    " amount DECIMAL(12,2), status STRING, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)"
    " WITH ('connector'='inline', 'partitions'='2');";

#define OF_CARD "SELECT * FROM pay MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts MEASURES "
#define A_ " DEFINE A AS status = 'a'"
#define B_ ", B AS status = 'b'"
#define C_ ", C AS status = 'c'"
#define N_ ", N AS status = 'n'"
#define SUMS                                                                                       \
    "SELECT card, window_start, COUNT(*) AS n, SUM(amount) AS total, MAX(id) AS last FROM TABLE("
#define BY_CARD ") GROUP BY card, window_start, window_end"

#define PAIRS "SELECT a.id AS x, b.id AS y FROM pay AS a JOIN pay AS b "
#define LEFT_PAIRS "SELECT a.id AS x, b.id AS y FROM pay AS a LEFT JOIN pay AS b "

/* Pairs of versions with the same keys. */
static const char *const texts[][2] = {
    {OF_CARD
     "A.id AS a, B.id AS b AFTER MATCH NO SKIP PATTERN (A -> B) WITHIN INTERVAL '9' SECOND" A_ B_
     ")",
     OF_CARD
     "A.id AS a, C.id AS b AFTER MATCH NO SKIP PATTERN (A -> C) WITHIN INTERVAL '20' SECOND" A_ C_
     ")"},
    {OF_CARD "A.id AS a, B.id AS b PATTERN (A B)" A_ B_ ")", OF_CARD
     "A.id AS a, COUNT(B.id) AS b PATTERN (A -> B->+ !N -> C) WITHIN INTERVAL '30' SECOND" A_ B_ C_
         N_ ")"},
    {SUMS "TUMBLE(TABLE pay, DESCRIPTOR(ts), INTERVAL '5' SECOND)" BY_CARD,
     OF_CARD "A.id AS a, A.amount AS b PATTERN (A -> !B) WITHIN INTERVAL '7' SECOND" A_ B_ ")"},
    {OF_CARD "A.id AS a, B.amount AS b PATTERN (A -> B) WITHIN INTERVAL '5' SECOND" A_ B_ ")",
     OF_CARD "A.id AS a, B.amount AS b, PREV(A.amount) AS c PATTERN (A -> B{2} -> !N)"
             " WITHIN INTERVAL '11' SECOND" A_ B_ N_ ")"},
    {SUMS "TUMBLE(TABLE pay, DESCRIPTOR(ts), INTERVAL '5' SECOND)" BY_CARD,
     SUMS "TUMBLE(TABLE pay, DESCRIPTOR(ts), INTERVAL '30' SECOND)" BY_CARD},
    {SUMS "HOP(TABLE pay, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)" BY_CARD,
     SUMS "HOP(TABLE pay, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '40' SECOND)" BY_CARD
          " HAVING COUNT(*) > 1"},
    {SUMS "TUMBLE(TABLE pay, DESCRIPTOR(ts), INTERVAL '5' SECOND)" BY_CARD, SUMS
     "CUMULATE(TABLE pay, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '60' SECOND)" BY_CARD},
    {SUMS "TUMBLE(TABLE pay, DESCRIPTOR(ts), INTERVAL '5' SECOND)" BY_CARD,
     SUMS "SESSION(TABLE pay PARTITION BY card, DESCRIPTOR(ts), INTERVAL '4.337' SECOND)" BY_CARD},
    {PAIRS "ON a.card = b.card AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '3' SECOND",
     PAIRS "ON a.card = b.card AND a.status = 'a' AND b.status = 'b' AND b.ts BETWEEN a.ts - "
           "INTERVAL '2' SECOND AND a.ts + INTERVAL '20' SECOND"},
    {PAIRS "ON a.card = b.card AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '3' SECOND",
     LEFT_PAIRS "ON a.card = b.card AND b.status = 'b' AND b.ts > a.ts AND b.ts < a.ts + "
                "INTERVAL '15' SECOND"},
    {"SELECT id, COUNT(*) OVER (PARTITION BY card ORDER BY ts ROWS 2 PRECEDING) AS n FROM pay",
     "SELECT id, SUM(amount) OVER (PARTITION BY card ORDER BY ts RANGE BETWEEN INTERVAL '20' SECOND"
     " PRECEDING AND CURRENT ROW) AS total, LAG(id, 1) OVER (PARTITION BY card ORDER BY ts) AS was"
     " FROM pay"},
};
enum { TEXTS = sizeof texts / sizeof *texts };

/* Options of the new version, for variety. */
static const char *const late_windows = "'allowed-lateness'='5 s'";

struct world {
    struct script *script;
    const struct schema *pay, *fork;
    struct arena *arena;
    struct rule_plan *old, *new, *lane, *other;
    char names[32][16];
    struct pay events[PARTITIONS][EVENTS];
    unsigned n;
    uint64_t random;
};

static unsigned below(struct world *w, unsigned n)
{
    w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(w->random >> 33) % n;
}

static const struct schema *find_pay(void *ctx, const char *name)
{
    return strcmp(name, "pay") == 0 ? *(const struct schema **)ctx : NULL;
}

static const char *no_name(void *ctx, unsigned i)
{
    (void)ctx;
    (void)i;
    return NULL;
}

static struct rule_plan *compile(const struct schema *pay, const char *with, const char *select)
{
    struct scope scope = {.ctx = &pay, .stream = find_pay, .stream_name = no_name};
    struct diag d;
    struct rule_plan *p = NULL;
    char *text =
        with == NULL ? mem_str(select) : mem_printf("CREATE RULE r WITH (%s) AS %s", with, select);
    diag_init(&d, text, strlen(text));
    enum err e = compile_rule("r", text, strlen(text), &scope, &d, &p);
    if (e != ERR_OK)
        fail_msg("%s: %s", text, diag_text(&d));
    diag_fini(&d);
    mem_free(text);
    return p;
}

static void make_events(struct world *w)
{
    static const char *const statuses[] = {"a", "b", "c", "n", "a", "x"};
    w->n = EVENTS / PARTITIONS;
    unsigned cards = 2 + below(w, 30);
    for (unsigned c = 0; c < cards; c++)
        snprintf(w->names[c], sizeof w->names[c], "c%u", c);
    for (unsigned p = 0; p < PARTITIONS; p++) {
        evtime ts = START * SECOND;
        for (unsigned i = 0; i < w->n; i++) {
            ts += below(w, 4) == 0 ? below(w, 3 * SECOND) : below(w, 3) * SECOND;
            w->events[p][i] = (struct pay){.partition = p,
                                           .offset = i,
                                           .id = p * 1000 + i,
                                           .ts = ts - (below(w, 8) == 0 ? below(w, 6) * SECOND : 0),
                                           .card = w->names[below(w, cards)],
                                           .account = "x",
                                           .amount = 100 + below(w, 1000),
                                           .status = statuses[below(w, 6)]};
        }
    }
}

static void world_make(struct world *w, uint64_t seed)
{
    struct diag d;
    *w = (struct world){.random = seed * 77 + 1};
    diag_init(&d, stream_text, strlen(stream_text));
    assert_ok(compile_script(stream_text, strlen(stream_text), NULL, &d, &w->script));
    diag_fini(&d);
    struct schema *s = (struct schema *)(uintptr_t)w->script->statements[0].schema;
    s->id = 7;
    w->pay = s;
    w->arena = arena_new(4096, 0);
    w->fork = schema_fork(s, 8, "pay~1", w->arena);
    const char *const *pair = texts[below(w, TEXTS)];
    bool panes = strstr(pair[1], "TUMBLE") != NULL || strstr(pair[1], "HOP") != NULL;
    const char *with = panes && below(w, 2) ? late_windows
                       : below(w, 4) == 0   ? "'state-ttl'='40 s'"
                                            : NULL;
    w->old = compile(s, NULL, pair[0]);
    w->new = compile(s, with, pair[1]);
    w->lane = compile(w->fork, with, pair[1]);
    w->lane->stands_for = RULE;
    w->other = compile(s, NULL, texts[below(w, TEXTS)][below(w, 2)]);
    assert_null(tasklane_refuses(w->lane));
    make_events(w);
}

static void world_free(struct world *w)
{
    plan_unref(w->old);
    plan_unref(w->new);
    plan_unref(w->lane);
    plan_unref(w->other);
    arena_free(w->arena);
    compile_script_free(w->script);
}

/* --- running --- */

struct saved { /* what all tasks of a run knew */
    struct snap of[RIG_WORKERS];
    unsigned tasks, at[PARTITIONS];
    evtime w[PARTITIONS];
};

struct run {
    struct world *w;
    struct rig r;
    unsigned live[PARTITIONS], fork[PARTITIONS];
    struct job_cut olds[2], lanes[2], news[2], next;
    struct job_rule rules[5];
    unsigned nrules; /* from the handover on: with one version, or two at the same time */
    const struct saved *from; /* what the lane begins with; NULL: nothing */
    unsigned loaded; /* pieces of it, of all */
    bool over; /* the lane is gone */
};

/* Some rows of a random partition, of those that are there: a fork is never ahead of its stream. */
static bool feed_to(struct run *x, const struct schema *s, unsigned *at, const unsigned *most)
{
    unsigned p = below(x->w, PARTITIONS), n = 1 + below(x->w, 9);
    if (at[p] == most[p])
        p = (p + 1) % PARTITIONS;
    if (at[p] + n > most[p])
        n = most[p] - at[p];
    if (n == 0)
        return false;
    assert_ok(rig_feed_of(&x->r, s, &x->w->events[p][at[p]], n));
    at[p] += n;
    return true;
}

static bool feed(struct run *x)
{
    const unsigned all[PARTITIONS] = {x->w->n, x->w->n};
    return feed_to(x, x->w->pay, x->live, all);
}

static bool feed_fork(struct run *x)
{
    return feed_to(x, x->w->fork, x->fork, x->live);
}

static void some_steps(struct run *x)
{
    unsigned what = below(x->w, 4);
    if (what == 0)
        rig_settle(&x->r);
    for (unsigned i = 0; i < x->r.workers && what < 3; i++) {
        task_step(x->r.tasks[i]);
        (void)taskupgrade_go_on(x->r.tasks[i], below(x->w, 3));
    }
}

static struct task *fresh_task(unsigned worker, unsigned workers, struct job *j, size_t at_once)
{
    const struct task_options o = {.worker = worker,
                                   .workers = workers,
                                   .key_groups = 16,
                                   .max_ordering_rows = SIZE_MAX / 2,
                                   .max_partials_per_key = SIZE_MAX / 2};
    struct task *t = snap_task(&o, j);
    taskupgrade_slowly(t, at_once);
    return t;
}

static void open_all(struct run *x, const struct schema *s)
{
    for (unsigned p = 0; p < PARTITIONS; p++)
        task_source_open(x->r.tasks[p % x->r.workers], s->id, p, EVTIME_MIN);
}

static void begin(struct run *x, struct world *w, const struct job_rule *rules, unsigned n)
{
    *x = (struct run){.w = w};
    struct rig *r = &x->r;
    *r = (struct rig){.workers = 1 + below(w, RIG_WORKERS),
                      .schema = w->pay,
                      .from = EVTIME_MIN,
                      .to = EVTIME_MAX,
                      .random = 1};
    r->lines = mem_array(RIG_LINES, sizeof(char *));
    r->job = job_new(&w->pay, 1, rules, n);
    size_t at_once = below(w, 2) ? 0 : SIZE_MAX;
    for (unsigned i = 0; i < r->workers; i++)
        r->tasks[i] = fresh_task(i, r->workers, r->job, at_once);
    open_all(x, w->pay);
}

static void save_all(struct run *x, struct saved *s)
{
    *s = (struct saved){.tasks = x->r.workers};
    rig_settle(&x->r);
    for (unsigned i = 0; i < s->tasks; i++)
        snap_save(&s->of[i], x->r.tasks[i]);
    for (unsigned p = 0; p < PARTITIONS; p++) {
        s->at[p] = x->live[p];
        s->w[p] = task_source_w(x->r.tasks[p % x->r.workers], x->w->pay->id, p);
    }
}

static void saved_free(struct saved *s)
{
    for (unsigned i = 0; i < s->tasks; i++)
        snap_fini(&s->of[i]);
}

/* Piece i of all: the flows of all tasks come first. */
static const struct snap_piece *piece(const struct saved *s, unsigned i)
{
    for (int flow = 1; flow >= 0; flow--)
        for (unsigned of = 0; of < s->tasks; of++)
            for (size_t n = 0; n < s->of[of].n; n++)
                if ((s->of[of].v[n].op == NULL) == flow && i-- == 0)
                    return &s->of[of].v[n];
    return NULL;
}

/* All tasks are made anew from what they know, as another number of them. */
static void restart(struct run *x)
{
    struct rig *r = &x->r;
    struct saved s;
    struct diag d;
    size_t at_once = below(x->w, 2) ? 0 : SIZE_MAX;
    save_all(x, &s);
    for (unsigned i = 0; i < s.tasks; i++)
        task_free(r->tasks[i]);
    r->workers = 1 + below(x->w, RIG_WORKERS);
    diag_init(&d, NULL, 0);
    for (unsigned i = 0; i < r->workers; i++) {
        struct task *t = r->tasks[i] = fresh_task(i, r->workers, r->job, at_once);
        const struct snap_piece *p;
        for (unsigned n = 0; (p = piece(&s, n)) != NULL; n++)
            assert_ok(p->op == NULL ? taskload_flow(t, p->value.p, p->value.n, &d)
                                    : taskload_entry(t, p->op, p->group, p->key.p, p->key.n,
                                                     p->value.p, p->value.n, &d));
        taskload_done(t);
    }
    diag_fini(&d);
    open_all(x, x->w->pay);
    if (r->fork != NULL)
        open_all(x, r->fork);
    saved_free(&s);
}

static void end(struct run *x)
{
    while (feed(x))
        ;
    rig_settle(&x->r);
    rig_end(&x->r);
}

/* What one version alone finds, of that time; or the other rule. */
static void alone(struct world *w, struct rule_plan *p, evtime from, evtime to, struct bytes *out)
{
    const struct job_rule rules[] = {{.plan = w->other, .uid = OTHER, .version = 1},
                                     {.plan = p, .uid = RULE, .version = 1}};
    struct run x;
    begin(&x, w, rules, p == NULL ? 1 : 2);
    x.r.hidden = p == NULL ? RULE : OTHER;
    x.r.from = from;
    x.r.to = to;
    end(&x);
    char *text = rig_text(&x.r);
    bytes_put(out, text, strlen(text));
    mem_free(text);
    rig_stop(&x.r);
}

static char *sorted(struct bytes *all)
{
    struct rig r = {.lines = mem_array(RIG_LINES, sizeof(char *))};
    bytes_u8(all, 0);
    for (char *line = strtok((char *)all->p, "\n"); line != NULL; line = strtok(NULL, "\n"))
        r.lines[r.n++] = mem_str(line);
    char *text = rig_text(&r);
    rig_stop(&r);
    bytes_fini(all);
    return text;
}

static evtime past_all(const struct run *x)
{
    evtime most = START * SECOND;
    for (unsigned p = 0; p < PARTITIONS; p++)
        for (unsigned i = 0; i < x->live[p]; i++)
            most = x->w->events[p][i].ts > most ? x->w->events[p][i].ts : most;
    return most + 1;
}

static bool has_taken(const struct run *x, unsigned rule)
{
    for (unsigned i = 0; i < x->r.workers; i++) {
        struct task_rule_stats s;
        task_rule_stats(x->r.tasks[i], rule, &s);
        if (!s.took)
            return false;
    }
    return true;
}

static void set_rules(struct run *x)
{
    const struct world *w = x->w;
    const struct job_cut begins = {.deployed = true, .w = EVTIME_MIN},
                         ends = {.handover = JOB_HANDOVER_KEEP};
    x->olds[0] = x->lanes[0] = begins;
    x->olds[1] = x->lanes[1] = ends;
    x->news[0] = (struct job_cut){.deployed = true, .handover = JOB_HANDOVER_KEEP, .from = LANE};
    x->news[1] = ends;
    x->next = (struct job_cut){.deployed = true, .handover = JOB_HANDOVER_KEEP};
    x->rules[0] = (struct job_rule){.plan = w->other, .uid = OTHER, .version = 1};
    x->rules[1] =
        (struct job_rule){.plan = w->old, .uid = RULE, .version = 2, .ncuts = 1, .cuts = x->olds};
    x->rules[2] =
        (struct job_rule){.plan = w->lane, .uid = LANE, .version = 1, .ncuts = 1, .cuts = x->lanes};
    x->rules[3] =
        (struct job_rule){.plan = w->new, .uid = RULE, .version = 3, .ncuts = 1, .cuts = x->news};
    x->rules[4] =
        (struct job_rule){.plan = w->new, .uid = RULE, .version = 4, .ncuts = 1, .cuts = &x->next};
}

static void begin_lane(struct run *x)
{
    const struct saved *s = x->from;
    while (s != NULL && (x->live[0] < s->at[0] || x->live[1] < s->at[1]))
        (void)feed(x);
    rig_settle(&x->r);
    x->r.fork = x->w->fork;
    rig_job(&x->r, x->rules, 3);
    for (unsigned i = 0; s != NULL && i < x->r.workers; i++) {
        const struct tasklane_load what = {.uid = LANE,
                                           .version = 1,
                                           .sql = x->w->new->sql,
                                           .saved = {.uid = RULE, .version = 1}};
        assert_ok(tasklane_begin(x->r.tasks[i], &what, NULL));
        assert_true(tasklane_is_loading(x->r.tasks[i]));
    }
    open_all(x, x->w->fork);
    for (unsigned p = 0; s != NULL && p < PARTITIONS; p++) {
        x->fork[p] = s->at[p];
        task_source_open(x->r.tasks[p % x->r.workers], x->w->fork->id, p, s->w[p]);
    }
}

static void load_some(struct run *x, unsigned n)
{
    const struct snap_piece *p = NULL;
    struct diag d;
    if (!tasklane_is_loading(x->r.tasks[0]))
        return;
    diag_init(&d, NULL, 0);
    for (; n > 0 && (p = piece(x->from, x->loaded)) != NULL; n--, x->loaded++)
        for (unsigned i = 0; i < x->r.workers; i++) {
            struct task *t = x->r.tasks[i];
            assert_ok(p->op == NULL ? tasklane_flow(t, p->value.p, p->value.n, &d)
                                    : tasklane_entry(t, p->op, p->group, p->key.p, p->key.n,
                                                     p->value.p, p->value.n, &d));
        }
    diag_fini(&d);
    for (unsigned i = 0; n > 0 && i < x->r.workers; i++)
        tasklane_done(x->r.tasks[i]);
}

static evtime begin_handover(struct run *x)
{
    evtime at = past_all(x) + below(x->w, 3) * below(x->w, 2) * SECOND;
    rig_settle(&x->r);
    x->olds[1].w = x->lanes[1].w = x->news[0].w = x->news[1].w = x->next.w = at;
    x->rules[1].ncuts = x->rules[2].ncuts = 2;
    x->nrules = below(x->w, 4) == 0 ? 5 : 4;
    x->rules[3].ncuts = x->nrules - 3;
    rig_job(&x->r, x->rules, x->nrules);
    return at;
}

static void end_lane(struct run *x)
{
    const struct job_rule left[] = {x->rules[0], x->rules[x->nrules - 1]};
    rig_settle(&x->r);
    x->over = true;
    x->r.fork = NULL;
    rig_job(&x->r, left, 2);
}

static void end_all(struct run *x)
{
    load_some(x, UINT32_MAX);
    while (!x->over && feed_fork(x))
        ;
    for (unsigned p = 0; p < PARTITIONS && !x->over; p++)
        task_source_watermark(x->r.tasks[p % x->r.workers], x->w->fork->id, p, EVTIME_MAX);
    end(x);
    assert_true(x->over || has_taken(x, x->nrules - 1));
}

/* A live job; beside it a lane; then the handover. Answers when it was. */
static evtime run_with_lane(struct world *w, struct run *x, const struct saved *from)
{
    struct job_rule first[2];
    begin(x, w, NULL, 0);
    set_rules(x);
    memcpy(first, x->rules, sizeof first);
    rig_job(&x->r, first, 2);
    x->from = from;
    x->r.hidden = LANE;
    unsigned lane_at = below(w, EVENTS / 12), hand_at = lane_at + below(w, EVENTS / 12);
    evtime at = EVTIME_MAX;
    bool more = true;
    for (unsigned step = 0; more; step++) {
        if (step == lane_at)
            begin_lane(x);
        if (step == hand_at)
            at = begin_handover(x);
        if (step > hand_at && !x->over && below(w, 20) == 0) {
            rig_settle(&x->r);
            rig_job(&x->r, x->rules, x->nrules); /* the same again: it goes on */
        }
        more = feed(x) || step <= hand_at;
        for (unsigned i = step >= lane_at && !x->over ? below(w, 4) : 0; i > 0; i--)
            more = feed_fork(x) || more;
        load_some(x, below(w, 40));
        some_steps(x);
        if (below(w, 15) == 0 && !tasklane_is_loading(x->r.tasks[0]))
            restart(x);
        if (step > hand_at && !x->over && below(w, 5) == 0 && has_taken(x, x->nrules - 1))
            end_lane(x);
    }
    end_all(x);
    return at;
}

/* --- what it is held against --- */

static void assert_as_alone(struct world *w, struct run *x, unsigned seed, evtime at)
{
    struct bytes all = {0};
    char *got = rig_text(&x->r);
    rig_stop(&x->r);
    alone(w, w->old, EVTIME_MIN, at, &all);
    alone(w, NULL, EVTIME_MIN, EVTIME_MAX, &all);
    alone(w, w->new, at, EVTIME_MAX, &all);
    char *want = sorted(&all);
    if (strcmp(got, want) != 0) {
        size_t i = 0;
        while (got[i] == want[i])
            i++;
        while (i > 0 && got[i - 1] != '\n')
            i--;
        fail_msg("SEED=%u, at %lld: %s\nfound  %.200s\nwanted %.200s", seed, (long long)at,
                 w->new->sql, got + i, want + i);
    }
    mem_free(got);
    mem_free(want);
}

/* Each is other rows and rules; SEED=n: that one alone, SEEDS=n: so many. */
static void each_seed(void (*run)(unsigned seed))
{
    const char *only = getenv("SEED"), *n = getenv("SEEDS");
    unsigned most = n == NULL ? 400 : (unsigned)atoi(n);
    if (only != NULL)
        run((unsigned)atoi(only));
    for (unsigned seed = 0; only == NULL && seed < most; seed++)
        run(seed);
}

static void from_the_first_event(unsigned seed)
{
    struct world w;
    struct run x;
    world_make(&w, seed);
    evtime at = run_with_lane(&w, &x, NULL);
    assert_as_alone(&w, &x, seed, at);
    world_free(&w);
}

static void what_a_lane_has_made_goes_on_as_if_it_had_always_been(void **state)
{
    (void)state;
    each_seed(from_the_first_event);
}

/* The rule had the new text once; what it knew then was kept. */
static void from_a_snapshot(unsigned seed)
{
    struct world w;
    struct run once, x;
    struct saved s;
    world_make(&w, seed);
    const struct job_rule rules[] = {{.plan = w.other, .uid = OTHER, .version = 1},
                                     {.plan = w.new, .uid = RULE, .version = 1}};
    begin(&once, &w, rules, 2);
    for (unsigned n = below(&w, EVENTS / 6); n > 0; n--) {
        (void)feed(&once);
        some_steps(&once);
    }
    save_all(&once, &s);
    rig_stop(&once.r);
    evtime at = run_with_lane(&w, &x, &s);
    assert_as_alone(&w, &x, seed, at);
    saved_free(&s);
    world_free(&w);
}

static void a_lane_goes_on_from_what_a_snapshot_has_of_the_rule(void **state)
{
    (void)state;
    each_seed(from_a_snapshot);
}

int main(void)
{
    CHECK_RUN(cmocka_unit_test(what_a_lane_has_made_goes_on_as_if_it_had_always_been),
              cmocka_unit_test(a_lane_goes_on_from_what_a_snapshot_has_of_the_rule));
}
