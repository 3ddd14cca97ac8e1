/* SPDX-License-Identifier: Apache-2.0 */
#include "server/run/runtimelane.h"
#include "base/mem.h"
#include "server/checkpoint/savepoints.h"
#include "server/deploy/changecut.h"
#include "server/deploy/lanesave.h"
#include "server/run/runtimedef.h"
#include <stdio.h>

enum err runtimelane_cover(struct runtime *r, const struct rule_plan *p, evtime since,
                           struct diag *d, struct laneplan_cover *out)
{
    enum err e = laneplan_may(p, d);
    if (e != ERR_OK)
        return e;
    struct job_mark *marks = mem_array(CHANGECUT_MARKS_MAX, sizeof *marks);
    (void)laneplan_marks(p, r->log, since, marks, out);
    mem_free(marks);
    return ERR_OK;
}

static void consider(struct runtime *r, const char *name, const struct runtimelane_past *past,
                     struct lanesave *best)
{
    struct lanesave s;
    struct diag d;
    diag_init(&d, NULL, 0);
    if (lanesave_open(lanes_savepoints(r->loop.env.lanes), name, past->rule, past->sql, &d, &s) ==
        ERR_OK) {
        bool better = s.meta->created <= past->before &&
                      (best->meta == NULL || s.meta->created > best->meta->created);
        struct lanesave worse = better ? *best : s;
        *best = better ? s : *best;
        lanesave_close(&worse);
    }
    diag_fini(&d);
}

enum err runtimelane_back(struct runtime *r, const struct runtimelane_past *past, struct diag *d,
                          struct runtimelane_back *out)
{
    struct lanesave best = {0};
    char **names = NULL;
    enum err e = laneplan_may(past->plan, d);
    if (e != ERR_OK)
        return e;
    size_t n = savepoints_list(r->savepoints, &names);
    for (size_t i = 0; i < n; i++) {
        consider(r, names[i], past, &best);
        mem_free(names[i]);
    }
    mem_free(names);
    if (best.meta == NULL) {
        diag_say(d, "conflict", "\"state\": \"keep\" maps the present state",
                 "there is no savepoint from the time when that version was the active one");
        return ERR_CONFLICT;
    }
    struct job_mark *marks = mem_array(CHANGECUT_MARKS_MAX, sizeof *marks);
    unsigned nmarks;
    *out = (struct runtimelane_back){.created = best.meta->created};
    snprintf(out->savepoint, sizeof out->savepoint, "%s", best.meta->name);
    e = lanesave_marks(&best, past->plan, r->log, marks, &nmarks, &out->rows, d);
    mem_free(marks);
    lanesave_close(&best);
    return e;
}

struct saving {
    struct runtime *r;
    uint64_t id;
    bool must;
};

static void on_saved(void *ctx, enum err e, const struct diag *d)
{
    struct saving s = *(struct saving *)ctx;
    mem_free(ctx);
    if (e == ERR_CLOSED)
        return; /* it waits for the next start */
    if (e == ERR_OK || (e == ERR_CONFLICT && !s.must))
        lanes_go(s.r->loop.env.lanes, s.id);
    else
        lanes_failed(s.r->loop.env.lanes, s.id,
                     d != NULL && d->n > 0 ? d->items[0].message : "the savepoint failed");
    runtimeloop_wake(&s.r->loop);
}

enum err runtimelane_add(struct runtime *r, struct catalog_operation *o, bool saves, bool must,
                         struct diag *d)
{
    char name[SAVEPOINTS_NAME_BYTES];
    enum err e = lanes_add(r->loop.env.lanes, &r->loop.env, o, d);
    if (e != ERR_OK)
        return e;
    if (saves) {
        struct saving *s = mem_new(sizeof *s);
        *s = (struct saving){r, o->id, must};
        savepoints_make_name(name);
        const struct savepoints_order order = {.name = name,
                                               .trigger = "activation",
                                               .rule = o->rule,
                                               .version = o->version};
        e = savepoints_take(r->savepoints, &order, d, on_saved, s);
        if (e != ERR_OK) {
            mem_free(s);
            lanes_failed(r->loop.env.lanes, o->id, d->n > 0 ? d->items[0].message : err_text(e));
        }
    } else {
        lanes_go(r->loop.env.lanes, o->id);
    }
    runtimeloop_wake(&r->loop);
    return e;
}

enum err runtimelane_cancel(struct runtime *r, uint64_t id)
{
    enum err e = lanes_cancel(r->loop.env.lanes, id);
    runtimeloop_wake(&r->loop);
    return e;
}

bool runtimelane_progress(struct runtime *r, uint64_t id, struct lanes_progress *out)
{
    return lanes_progress(r->loop.env.lanes, id, out);
}

void runtimelane_counts(struct runtime *r, struct lanes_counts *out, uint64_t *bytes)
{
    lanes_counts(r->loop.env.lanes, out);
    *bytes = feedfork_bytes(r->feed);
}
