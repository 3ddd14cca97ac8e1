/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "change"
#include "server/changeload.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/changelist.h"
#include "server/changetable.h"
#include <string.h>

struct loading {
    const struct change_env *env;
    struct diag *d;
    enum err e;
};

/* Files that are not there just now keep nothing else from starting: their worker says so when it opens them. */
static unsigned count_files_if_there(const struct change_env *env, const struct catalog_stream *s)
{
    struct diag d;
    unsigned partitions = 0;
    diag_init(&d, NULL, 0);
    enum err e = change_count_files(env, s->sql, &d, &partitions);
    if (e != ERR_OK) {
        char *text = diag_text(&d);
        LOG_WARN("files of a stream", "stream=%s reason=\"%s\"", s->name, text);
        mem_free(text);
        partitions = 0;
    }
    diag_fini(&d);
    return partitions;
}

static void load_stream(void *ctx, const struct catalog_stream *s)
{
    struct loading *l = ctx;
    if (l->e == ERR_OK)
        l->e = registry_add_stream(l->env->registry, s->id, count_files_if_there(l->env, s), s->sql,
                                   strlen(s->sql), l->d);
}

static void load_list(void *ctx, const struct catalog_list *k)
{
    struct loading *l = ctx;
    if (l->e == ERR_OK)
        l->e = registry_put_list(l->env->registry, k->uid, k->sql, strlen(k->sql), l->d);
    if (l->e == ERR_OK)
        l->e = changelist_load(l->env, registry_list_by_uid(l->env->registry, k->uid));
}

static void load_rule(void *ctx, const struct catalog_rule *r)
{
    struct loading *l = ctx;
    if (l->e != ERR_OK)
        return;
    /* A rule that was replaced was ended and deployed again: what counts is what came after. */
    unsigned from = 0;
    for (unsigned i = 0; i < r->ncuts; i++)
        if (!r->cuts[i].deployed)
            from = i + 1;
    struct job_cut *cuts = mem_array(r->ncuts, sizeof *cuts);
    for (unsigned i = from; i < r->ncuts; i++) {
        const struct catalog_cut *c = &r->cuts[i];
        struct job_mark *marks = mem_array(c->nmarks, sizeof *marks);
        for (unsigned m = 0; m < c->nmarks; m++)
            marks[m] = (struct job_mark){c->marks[m].partition, c->marks[m].offset, c->marks[m].w,
                                         c->marks[m].stream};
        cuts[i - from] =
            (struct job_cut){true, (enum rule_mode)c->mode, c->w, c->nmarks, marks, false};
    }
    struct control_rule rule = {.uid = r->uid,
                                .version = r->version,
                                .name = r->name,
                                .sql = r->sql,
                                .lists_seq = r->lists_seq,
                                .ncuts = r->ncuts - from,
                                .cuts = cuts};
    l->e = registry_put_rule(l->env->registry, &rule, NULL, l->d);
    for (unsigned i = 0; i < r->ncuts - from; i++)
        registry_cut_fini(&cuts[i]);
    mem_free(cuts);
}

enum err changeload(const struct change_env *env, struct diag *d)
{
    struct loading l = {env, d, ERR_OK};
    enum err e = catalog_streams(env->catalog, load_stream, &l);
    if (e == ERR_OK && l.e == ERR_OK)
        e = changetable_load(env, d);
    if (e == ERR_OK && l.e == ERR_OK)
        e = catalog_lists(env->catalog, load_list, &l);
    if (e == ERR_OK && l.e == ERR_OK)
        e = catalog_rules(env->catalog, 0, load_rule, &l);
    if (e == ERR_OK && l.e == ERR_OK)
        e = changelist_fold(env);
    if (e != ERR_OK)
        diag_say(d, "catalogue", NULL, "the catalogue cannot be read: %s", err_text(e));
    return e != ERR_OK ? e : l.e;
}
