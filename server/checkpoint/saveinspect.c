/* SPDX-License-Identifier: Apache-2.0 */
#include "server/checkpoint/saveinspect.h"
#include "base/durable.h"
#include "base/mem.h"
#include "cep/task/tasksnap.h"
#include "server/checkpoint/saveload.h"
#include "server/deploy/changeload.h"
#include "server/deploy/trials.h"
#include "state/savepoint.h"
#include "state/store.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct op {
    char *name;
    bool *groups; /* SNAPFILE_GROUPS_MAX of them */
};
struct saveinspect {
    struct registry *registry;
    struct job *job;
    struct task *task;
    struct op *ops;
    size_t nops, ops_cap;
    uint64_t records;
    struct diag *d; /* while it is read */
};

static enum err take_record(void *ctx, const void *p, size_t n)
{
    struct saveinspect *s = ctx;
    s->records++;
    return taskload_flow(s->task, p, n, s->d);
}

static void note_group(struct saveinspect *s, const char *op, unsigned group)
{
    size_t i = 0;
    while (i < s->nops && strcmp(s->ops[i].name, op) != 0)
        i++;
    if (i == s->nops) {
        s->ops = mem_grow(s->ops, s->nops, 1, &s->ops_cap, sizeof *s->ops);
        s->ops[s->nops++] = (struct op){mem_str(op), mem_array(SNAPFILE_GROUPS_MAX, sizeof(bool))};
    }
    s->ops[i].groups[group] = true;
}

static enum err take_entry(void *ctx, const char *op, unsigned group,
                           const struct snapfile_entry *e)
{
    struct saveinspect *s = ctx;
    note_group(s, op, group);
    return taskload_entry(s->task, op, group, e->key, e->key_n, e->value, e->value_n, s->d);
}

static enum err load_state(struct saveinspect *s, const struct savemeta *m, const char *folder)
{
    enum err e = saveload(m, folder, take_record, take_entry, s, s->d);
    if (e == ERR_OK)
        taskload_done(s->task);
    return e;
}

/* A copy: the catalogue of an earlier release is brought to this one's form. */
static enum err load_definitions(struct saveinspect *s, const char *folder)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = mem_printf("%s/weir-XXXXXX", tmp != NULL ? tmp : "/tmp"), *from = NULL, *to = NULL;
    struct catalog *c = NULL;
    struct trials *trials = trials_new();
    enum err e = ERR_OK;
    if (mkdtemp(dir) == NULL) {
        diag_say(s->d, "savepoint", NULL, "%s cannot be made: %s", dir, strerror(errno));
        e = err_from_errno(errno);
    }
    from = mem_printf("%s/definitions.db", folder);
    to = mem_printf("%s/catalogue.db", dir);
    if (e == ERR_OK)
        e = savepoint_copy_file(from, to, s->d);
    if (e == ERR_OK)
        e = catalog_open(to, s->d, &c);
    if (e == ERR_OK) {
        const struct change_env env = {.catalog = c, .registry = s->registry, .trials = trials};
        e = changeload(&env, s->d);
    }
    catalog_close(c);
    (void)durable_delete(dir);
    trials_free(trials);
    mem_free(dir);
    mem_free(from);
    mem_free(to);
    return e;
}

enum err saveinspect_open(const struct savemeta *m, const char *folder, struct diag *d,
                          struct saveinspect **out)
{
    struct saveinspect *s = mem_new(sizeof *s);
    s->d = d;
    s->registry = registry_new();
    enum err e = load_definitions(s, folder);
    if (e == ERR_OK) {
        const struct task_options o = {.workers = 1,
                                       .key_groups = m->check->key_groups,
                                       .max_ordering_rows = SIZE_MAX,
                                       .max_partials_per_key = SIZE_MAX};
        s->job = registry_job(s->registry);
        s->task = task_new(&o);
    }
    if (e == ERR_OK && s->job != NULL) {
        task_set_job(s->task, s->job);
        e = load_state(s, m, folder);
    }
    if (e == ERR_OK)
        *out = s;
    else
        saveinspect_close(s);
    return e;
}

void saveinspect_close(struct saveinspect *s)
{
    if (s == NULL)
        return;
    if (s->task != NULL)
        task_free(s->task);
    job_unref(s->job);
    registry_free(s->registry);
    for (size_t i = 0; i < s->nops; i++) {
        mem_free(s->ops[i].name);
        mem_free(s->ops[i].groups);
    }
    mem_free(s->ops);
    mem_free(s);
}

struct task *saveinspect_task(struct saveinspect *s)
{
    return s->task;
}

const struct job *saveinspect_job(const struct saveinspect *s)
{
    return s->job;
}

unsigned saveinspect_groups(const struct saveinspect *s, const char *op)
{
    unsigned n = 0;
    for (size_t i = 0; i < s->nops; i++)
        for (unsigned g = 0; g < SNAPFILE_GROUPS_MAX && strcmp(s->ops[i].name, op) == 0; g++)
            n += s->ops[i].groups[g];
    return n;
}

uint64_t saveinspect_waiting(const struct saveinspect *s)
{
    return s->records;
}
