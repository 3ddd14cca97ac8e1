/* SPDX-License-Identifier: Apache-2.0 */
#include "server/checkpoint/checkwaiter.h"
#include "base/mem.h"

struct checkwaiter {
    runtime_done *done; /* NULL: a keeper's */
    void *ctx;
    struct checkpointer_keeper keeper;
    struct checkwaiter *next;
};

struct checkwaiter *checkwaiter_new(runtime_done *done, void *ctx)
{
    struct checkwaiter *w = mem_new(sizeof *w);
    w->done = done;
    w->ctx = ctx;
    return w;
}

struct checkwaiter *checkwaiter_keeper(const struct checkpointer_keeper *k)
{
    struct checkwaiter *w = mem_new(sizeof *w);
    w->keeper = *k;
    return w;
}

struct checkwaiter *checkwaiter_join(struct checkwaiter *one, struct checkwaiter *list)
{
    one->next = list;
    return one;
}

const char *checkwaiter_trigger(const struct checkwaiter *list)
{
    const char *trigger = list != NULL ? "manual" : "periodic";
    for (const struct checkwaiter *w = list; w != NULL; w = w->next)
        if (w->done == NULL)
            trigger = w->keeper.trigger;
    return trigger;
}

void checkwaiter_began(const struct checkwaiter *list)
{
    for (const struct checkwaiter *w = list; w != NULL; w = w->next)
        if (w->done == NULL && w->keeper.began != NULL)
            w->keeper.began(w->keeper.ctx);
}

void checkwaiter_answer(struct checkwaiter *list, enum err e, const char *why,
                        const struct checkmeta *m, const char *folder)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    if (e != ERR_OK)
        diag_say(&d, "checkpoint", NULL, "%s", why);
    for (struct checkwaiter *w = list, *next = NULL; w != NULL; w = next) {
        next = w->next;
        if (w->done != NULL)
            w->done(w->ctx, e, &d);
        else
            w->keeper.ended(w->keeper.ctx, e, &d, m, folder);
        mem_free(w);
    }
    diag_fini(&d);
}
