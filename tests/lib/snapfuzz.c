/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/snapfuzz.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/task/tasklane.h"
#include "io/codec_json.h"
#include "rules/compile.h"
#include <string.h>

enum { RULES_MAX = 40, PIECES_MAX = 256, ORDERING_MAX = 1 << 16, PARTIALS_MAX = 64 };

static const char rows[] =
    "{\"ts\":1000,\"k\":\"x\",\"kind\":\"a\",\"v\":1}\n{\"ts\":1000,\"k\":\"y\",\"kind\":\"a\","
    "\"v\":2}\n"
    "{\"ts\":2000,\"k\":\"x\",\"kind\":\"a\",\"v\":3}\n{\"ts\":3000,\"k\":\"x\",\"kind\":\"b\","
    "\"v\":5}\n"
    "{\"ts\":3500,\"k\":\"y\",\"kind\":\"a\",\"v\":4}\n{\"ts\":4000,\"k\":\"x\",\"kind\":\"b\","
    "\"v\":6}\n"
    "{\"ts\":4000,\"k\":\"y\",\"kind\":\"c\",\"v\":1}\n{\"ts\":4500,\"k\":\"x\",\"kind\":\"a\"}\n"
    "{\"ts\":5000,\"k\":\"y\",\"kind\":\"b\",\"v\":9}\n{\"ts\":5500,\"k\":\"x\",\"kind\":\"a\","
    "\"v\":2}\n"
    "{\"ts\":6000,\"k\":\"x\",\"v\":2}\n{\"ts\":8000,\"k\":\"x\",\"kind\":\"b\",\"v\":1}\n";
static const char later[] = "{\"ts\":8100,\"k\":\"x\",\"kind\":\"a\",\"v\":1}\n{\"ts\":8200,\"k\":"
                            "\"y\",\"kind\":\"b\",\"v\":7}\n"
                            "{\"ts\":9000,\"k\":\"x\",\"kind\":\"b\",\"v\":8}\n{\"ts\":9100,\"k\":"
                            "\"y\",\"kind\":\"a\",\"v\":7}\n"
                            "{\"ts\":9200,\"k\":\"x\",\"kind\":\"c\",\"v\":8}\n{\"ts\":9900,\"k\":"
                            "\"x\",\"kind\":\"b\",\"v\":9}\n";

struct piece { /* of a snapshot */
    char *op; /* NULL: a record of the flow */
    unsigned group;
    struct bytes key, value;
};

struct pieces {
    struct piece v[PIECES_MAX];
    size_t n;
};

/* As long as the process. */
static struct script *script;
static struct job *job;
static struct pieces model;

static struct piece *next_piece(struct pieces *all)
{
    BUG_IF(all->n == PIECES_MAX, "more pieces than %d", PIECES_MAX);
    struct piece *p = &all->v[all->n++];
    *p = (struct piece){0};
    return p;
}

static void take_entry(void *ctx, const char *op, unsigned group, const void *key, size_t key_n,
                       const void *value, size_t value_n)
{
    if (value == NULL)
        return;
    struct piece *p = next_piece(ctx);
    p->op = mem_str(op);
    p->group = group;
    bytes_put(&p->key, key, key_n);
    bytes_put(&p->value, value, value_n);
}

static void take_flow(void *ctx, const void *bytes, size_t n)
{
    bytes_put(&next_piece(ctx)->value, bytes, n);
}

static void pieces_fini(struct pieces *all)
{
    for (size_t i = 0; i < all->n; i++) {
        mem_free(all->v[i].op);
        bytes_fini(&all->v[i].key);
        bytes_fini(&all->v[i].value);
    }
}

static void save(struct task *t, struct pieces *to)
{
    const struct tasksnap_out out = {take_entry, take_flow, to};
    tasksnap_begin(t, &out);
    while (tasksnap_slice(t, 1000))
        ;
}

static struct task *task_of(struct job *j)
{
    struct task *t = task_new(&(struct task_options){.workers = 1,
                                                     .key_groups = 16,
                                                     .max_ordering_rows = ORDERING_MAX,
                                                     .max_partials_per_key = PARTIALS_MAX});
    tasksnap_track(t);
    task_set_job(t, j);
    return t;
}

static struct task *new_task(void)
{
    return task_of(job);
}

static void on_bad(void *ctx, uint64_t offset, const char *text, size_t n,
                   const struct codec_problem *p)
{
    (void)ctx;
    (void)text;
    (void)n;
    BUG_IF(true, "row %llu: %s", (unsigned long long)offset, p->text);
}

static void feed_of(struct task *t, struct job *j, const struct schema *s, const char *lines,
                    size_t n, uint64_t offset)
{
    char text[4096 + CODEC_PADDING] = {0};
    size_t pos = 0;
    memcpy(text, lines, n);
    struct codec_json *c = codec_json_new(s, job_columns(j, s->id), job_dict(j));
    struct batch *b = batch_new(s, job_columns(j, s->id));
    codec_json_lines(c, text, n, &pos, &offset, b, on_bad, NULL);
    codec_json_free(c);
    (void)task_source_rows(t, b); /* a flow may hold as many rows as may wait */
    task_step(t);
    task_effects_clear(t);
    batch_unref(b);
}

static void feed(struct task *t, const char *lines, size_t n, uint64_t offset)
{
    feed_of(t, job, script->statements[0].schema, lines, n, offset);
}

static void start(const char *sql, snapfuzz_rules *rules_of)
{
    struct job_rule rules[RULES_MAX];
    struct diag d;
    diag_init(&d, sql, strlen(sql));
    BUG_IF(compile_script_bounded(sql, strlen(sql), NULL, &d, &script) != ERR_OK, "%s",
           diag_text(&d));
    diag_fini(&d);
    BUG_IF(script->n > RULES_MAX, "more rules than %d", RULES_MAX);
    job = job_new(&script->statements[0].schema, 1, rules, rules_of(script, rules));
    struct task *t = new_task();
    task_source_open(t, script->statements[0].schema->id, 0, EVTIME_MIN);
    feed(t, rows, sizeof rows - 1, 0);
    save(t, &model);
    task_free(t);
}

static enum err load(struct task *t, const struct piece *p, const struct bytes *value)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = p->op == NULL ? taskload_flow(t, value->p, value->n, &d)
                               : taskload_entry(t, p->op, p->group, p->key.p, p->key.n, value->p,
                                                value->n, &d);
    BUG_IF(e != ERR_OK && d.errors == 0, "%s without a word", err_name(e));
    diag_fini(&d);
    return e;
}

/* All of the snapshot, with `value` in the place of one piece. First the flow. */
static bool load_all(struct task *t, const struct pieces *all, const struct piece *instead,
                     const struct bytes *value)
{
    for (int flow = 1; flow >= 0; flow--)
        for (size_t i = 0; i < all->n; i++) {
            const struct piece *p = &all->v[i];
            if ((p->op == NULL) == flow && load(t, p, p == instead ? value : &p->value) != ERR_OK)
                return false;
        }
    taskload_done(t);
    return true;
}

static void go_on(struct task *t, bool slowly)
{
    uint32_t stream = script->statements[0].schema->id;
    task_source_open(t, stream, 0, EVTIME_MIN);
    taskupgrade_slowly(t, slowly ? 0 : SIZE_MAX);
    feed(t, later, sizeof later - 1, SNAPFUZZ_OFFSET);
    task_source_watermark(t, stream, 0, EVTIME_LAST);
    do {
        task_step(t);
        task_effects_clear(t);
    } while (taskupgrade_go_on(t, 1));
    task_source_watermark(t, stream, 0, EVTIME_MAX);
    task_step(t);
    task_effects_clear(t);
}

static void make_value(const struct piece *p, const uint8_t *data, size_t size, struct bytes *out)
{
    if (!(data[0] & 1)) {
        bytes_put(out, data + 2, size - 2);
        return;
    }
    bytes_put(out, p->value.p, p->value.n);
    for (size_t i = 2; i + 3 <= size; i += 3)
        out->p[(size_t)(data[i] | data[i + 1] << 8) % out->n] = data[i + 2];
}

/* --- into a lane (tasklane.h) --- */

enum { LANE_UID = 1000, LANE_END = SNAPFUZZ_TIME + 600 };

static struct schema *fork_schema;

static const struct schema *find_fork(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "t") == 0 ? fork_schema : NULL;
}

static const char *no_name(void *ctx, unsigned i)
{
    (void)ctx;
    (void)i;
    return NULL;
}

/* Rule i of the job, its lane and the version that takes over from it. NULL: it can have none. As long as the process. */
static struct job *lane_job(unsigned i)
{
    static struct job *jobs[RULES_MAX];
    static const struct job_cut ends[] = {{.deployed = true, .w = EVTIME_MIN},
                                          {.w = LANE_END, .handover = JOB_HANDOVER_KEEP}},
                                begins = {.deployed = true,
                                          .w = LANE_END,
                                          .handover = JOB_HANDOVER_KEEP,
                                          .from = LANE_UID};
    struct job_rule r = *job_rule(job, i);
    const struct schema *t = script->statements[0].schema;
    const struct scope scope = {.stream = find_fork, .stream_name = no_name};
    struct rule_plan *lane = NULL;
    if (jobs[i] != NULL || r.ncuts > 0 || tasklane_refuses(r.plan) != NULL)
        return jobs[i];
    if (fork_schema == NULL)
        fork_schema = schema_fork(t, t->id + 1, "t~1", script->arena);
    struct diag d;
    diag_init(&d, NULL, 0);
    if (compile_rule(NULL, r.plan->sql, strlen(r.plan->sql), &scope, &d, &lane) == ERR_OK) {
        const struct schema *streams[] = {t, fork_schema};
        const struct job_rule rules[] = {
            {.plan = r.plan, .uid = r.uid, .version = 1, .ncuts = 2, .cuts = ends},
            {.plan = lane, .uid = LANE_UID, .version = 1, .ncuts = 2, .cuts = ends},
            {.plan = r.plan, .uid = r.uid, .version = 2, .ncuts = 1, .cuts = &begins}};
        jobs[i] = job_new(streams, 2, rules, 3);
        plan_unref(lane);
    }
    diag_fini(&d);
    return jobs[i];
}

static bool load_lane(struct task *t, const struct piece *instead, const struct bytes *value)
{
    enum err e = ERR_OK;
    struct diag d;
    diag_init(&d, NULL, 0);
    for (int flow = 1; flow >= 0; flow--)
        for (size_t i = 0; i < model.n && e == ERR_OK; i++) {
            const struct piece *p = &model.v[i];
            const struct bytes *v = p == instead ? value : &p->value;
            if ((p->op == NULL) == flow)
                e = flow ? tasklane_flow(t, v->p, v->n, &d)
                         : tasklane_entry(t, p->op, p->group, p->key.p, p->key.n, v->p, v->n, &d);
        }
    BUG_IF(e != ERR_OK && d.errors == 0, "%s without a word", err_name(e));
    diag_fini(&d);
    return e == ERR_OK;
}

static void into_lane(unsigned i, bool slowly, const struct piece *instead,
                      const struct bytes *value)
{
    struct job *j = lane_job(i);
    const struct schema *s[] = {script->statements[0].schema, fork_schema};
    if (j == NULL)
        return;
    struct task *t = task_of(j);
    const struct tasklane_load what = {.uid = LANE_UID,
                                       .version = 1,
                                       .sql = job_rule(job, i)->plan->sql,
                                       .saved = *job_rule(job, i)};
    enum err e = tasklane_begin(t, &what, NULL);
    BUG_IF(e != ERR_OK, "the lane of rule %u: %s", i, err_name(e));
    if (load_lane(t, instead, value)) {
        tasklane_done(t);
        taskupgrade_slowly(t, slowly ? 0 : SIZE_MAX);
        for (unsigned n = 0; n < 2; n++) {
            task_source_open(t, s[n]->id, 0, EVTIME_MIN);
            feed_of(t, j, s[n], later, sizeof later - 1, SNAPFUZZ_OFFSET);
            task_source_watermark(t, s[n]->id, 0, EVTIME_LAST);
        }
        do {
            task_step(t);
            task_effects_clear(t);
        } while (taskupgrade_go_on(t, 1));
    }
    task_free(t);
}

void snapfuzz_one(const char *sql, snapfuzz_rules *rules_of, const uint8_t *data, size_t size)
{
    static struct pieces again;
    struct bytes value = {0};
    if (job == NULL)
        start(sql, rules_of);
    if (size < 2)
        return;
    const struct piece *p = &model.v[data[1] % model.n];
    bool slowly = (data[0] & 2) != 0;
    make_value(p, data, size, &value);
    unsigned lane = data[0] >> 2; /* 0: none */
    if (lane > 0) {
        into_lane((lane - 1) % job_nrules(job), slowly, p, &value);
        bytes_fini(&value);
        return;
    }
    struct task *t = new_task();
    again.n = 0;
    if (load_all(t, &model, p, &value)) {
        tasksnap_forget(t); /* so that what is saved is all of it */
        save(t, &again);
        go_on(t, slowly);
        struct task *other = new_task();
        BUG_IF(!load_all(other, &again, NULL, NULL), "own bytes not taken");
        go_on(other, slowly);
        task_free(other);
        pieces_fini(&again);
    }
    task_free(t);
    bytes_fini(&value);
}
