/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "savepoint"
#include "server/run/runtimesave.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/run/runtimedef.h"
#include "state/savepoint.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_MODE = 0750 };
#define BEGUN "begun_with_savepoint" /* the setting */

struct savepoints *runtimesave_all(struct runtime *r)
{
    return r->savepoints;
}

enum err runtimesave_rescale(struct runtime *r, unsigned workers, struct diag *d,
                             runtime_done *done, void *ctx)
{
    struct runtimeloop *l = &r->loop;
    struct budget budget;
    if (workers == 0 || workers > TASK_WORKERS_MAX || workers > l->task.key_groups) {
        unsigned most =
            l->task.key_groups < TASK_WORKERS_MAX ? l->task.key_groups : TASK_WORKERS_MAX;
        diag_say(d, "workers", NULL, "there may be 1 to %u workers, not %u", most, workers);
        return ERR_INVALID;
    }
    if (budget_make(&r->budget_options, workers, &budget, d) != ERR_OK)
        return ERR_INVALID;
    enum err e = rescale_want(l, workers, &budget, done, ctx);
    if (e != ERR_OK)
        diag_say(d, "conflict", "ask again when it is done",
                 "the number of workers is being changed already");
    return e;
}

/* --- before an activation -------------------------------------------------------------------------------------------- */

struct activation {
    struct runtime *r;
    struct change *change;
    bool must;
    runtime_done *done;
    void *ctx;
};

static void on_saved(void *ctx, enum err e, const struct diag *d)
{
    struct activation a = *(struct activation *)ctx;
    mem_free(ctx);
    if (e == ERR_OK || (e == ERR_CONFLICT && !a.must)) {
        change_on_done(a.change, a.done, a.ctx);
        runtimeloop_enqueue(&a.r->loop, a.change);
    } else {
        change_free(a.change);
        a.done(a.ctx, e, d);
    }
}

enum err runtimesave_activate(struct runtime *r, const struct runtimeversion_activation *what,
                              bool must, struct diag *d, runtime_done *done, void *ctx)
{
    char name[SAVEPOINTS_NAME_BYTES];
    struct change *c = NULL;
    enum err e = registry_has_rule(r->registry, what->rule) ? ERR_OK : ERR_NOT_FOUND;
    if (e == ERR_OK)
        e = change_activate(&r->loop.env, what, d, &c);
    if (e != ERR_OK)
        return e;
    struct activation *a = mem_new(sizeof *a);
    *a = (struct activation){r, c, must, done, ctx};
    savepoints_make_name(name);
    const struct savepoints_order order = {.name = name,
                                           .trigger = "activation",
                                           .rule = what->rule,
                                           .version = what->version};
    e = savepoints_take(r->savepoints, &order, d, on_saved, a);
    if (e != ERR_OK) {
        change_free(c);
        mem_free(a);
    }
    return e;
}

/* --- to begin with one ----------------------------------------------------------------------------------------------- */

static enum err take_definitions(const char *folder, const char *data, struct diag *d)
{
    char *from = mem_printf("%s/definitions.db", folder);
    char *to = mem_printf("%s/catalogue.db", data);
    enum err e = ERR_OK;
    if (access(to, F_OK) != 0) {
        LOG_INFO("streams, lists and rules are those of the savepoint", "folder=%s", folder);
        if (mkdir(data, FOLDER_MODE) < 0 && errno != EEXIST)
            e = err_from_errno(errno);
        if (e == ERR_OK)
            e = savepoint_copy_file(from, to, d); /* whole or not there */
    }
    mem_free(to);
    mem_free(from);
    return e;
}

enum err runtimesave_before(struct runtime *r, const struct runtime_options *o, struct diag *d)
{
    const char *name = o->from_savepoint;
    if (name == NULL)
        return ERR_OK;
    r->from_folder =
        strchr(name, '/') != NULL ? mem_str(name) : mem_printf("%s/savepoints/%s", o->data, name);
    enum err e = savemeta_read(r->from_folder, d, &r->from);
    if (e == ERR_NOT_FOUND)
        diag_say(d, "savepoint", "name one of the data folder, or a folder with a slash in it",
                 "there is no savepoint %s", r->from_folder);
    if (e == ERR_OK)
        e = savemeta_verify(r->from, r->from_folder, d);
    return e == ERR_OK ? take_definitions(r->from_folder, o->data, d) : e;
}

/* Started again with the same option, it goes on from where it has come to, if there is a checkpoint of its own. */
static bool has_begun(struct runtime *r, const char *mark)
{
    char before[256];
    size_t n = strlen(mark);
    return catalog_get_setting(r->catalog, BEGUN, before) == ERR_OK &&
           strncmp(before, mark, n) == 0 && before[n] == ' ' &&
           checkpointer_newest(r->checkpointer) > strtoull(before + n, NULL, 10);
}

static enum err begin_with(struct runtime *r, const struct runtime_options *o, struct diag *d)
{
    const struct restore_ask ask = {.allow_non_restored = o->allow_non_restored,
                                    .meta = r->from,
                                    .folder = r->from_folder};
    uint64_t id = 0;
    char mark[128], begun[256];
    snprintf(mark, sizeof mark, "%s %" PRId64, r->from->name, r->from->created);
    if (has_begun(r, mark)) {
        LOG_INFO(
            "the savepoint was begun with before, the workers go on from the newest checkpoint",
            "name=%s", r->from->name);
        return ERR_OK;
    }
    enum err e = restore_seed(r->from, &r->loop.env, r->log, d);
    if (e == ERR_OK)
        e = restore_plan(&ask, &r->loop.env, r->log, d);
    if (e == ERR_OK)
        e = checkpointer_adopt(r->checkpointer, r->from, r->from_folder, d, &id);
    if (e == ERR_OK)
        checkpointer_insist(r->checkpointer, id);
    snprintf(begun, sizeof begun, "%s %" PRIu64, mark, id);
    return e == ERR_OK ? catalog_set_setting(r->catalog, BEGUN, begun) : e;
}

void runtimesave_end(struct runtime *r)
{
    savemeta_free(r->from);
    mem_free(r->from_folder);
}

enum err runtimesave_start(struct runtime *r, const struct runtime_options *o, struct diag *d)
{
    r->budget_options = o->budget_options;
    r->loop.workers_file = mem_printf("%s/workers", o->data);
    const struct savepoints_options with = {.data = o->data,
                                            .max = o->savepoints_max,
                                            .kept = o->savepoints_kept,
                                            .catalog = r->catalog,
                                            .registry = r->registry,
                                            .checkpointer = r->checkpointer,
                                            .loop = &r->loop,
                                            .intake = r->intake,
                                            .feed = r->feed};
    enum err e = r->from == NULL ? ERR_OK : begin_with(r, o, d);
    return e == ERR_OK ? savepoints_start(&with, d, &r->savepoints) : e;
}
