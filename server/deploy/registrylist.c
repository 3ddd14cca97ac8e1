/* SPDX-License-Identifier: Apache-2.0 */
#include "server/deploy/registrylist.h"
#include "base/mem.h"
#include "cep/list.h"
#include "server/deploy/registrydef.h"
#include <string.h>
#include <strings.h>

void registrylist_free(struct registry_list *l)
{
    list_unref(l->list);
    list_unref(l->cuts);
    mem_free(l->sql);
}

static struct registry_list *find_list(struct registry *r, uint64_t uid)
{
    for (size_t i = 0; i < r->nlists; i++)
        if (r->lists[i].uid == uid)
            return &r->lists[i];
    return NULL;
}

/* Uids grow, so the newest is the last. */
static void publish_list(struct registry *r, uint64_t uid, const char *sql, struct list *l)
{
    pthread_mutex_lock(&r->lock);
    struct registry_list *known = find_list(r, uid);
    if (known == NULL) {
        r->lists = mem_grow(r->lists, r->nlists, 1, &r->lists_cap, sizeof *r->lists);
        known = &r->lists[r->nlists++];
        *known = (struct registry_list){.uid = uid,
                                        .name = arena_str(r->names, list_name(l)),
                                        .cuts = list_ref(l)};
    }
    list_unref(known->list);
    mem_free(known->sql);
    known->list = list_ref(l);
    known->sql = mem_str(sql);
    pthread_mutex_unlock(&r->lock);
}

enum err registrylist_put(struct registry *r, uint64_t uid, const char *sql, size_t n,
                          struct diag *d)
{
    struct script *script = NULL;
    enum err e = compile_script(sql, n, &r->scope, d, &script);
    if (e != ERR_OK)
        return e;
    if (script->n == 1 && script->statements[0].kind == STATEMENT_LIST) {
        publish_list(r, uid, sql, script->statements[0].list);
    } else {
        diag_say(d, "list", NULL, "this is not one CREATE LIST statement");
        e = ERR_INVALID;
    }
    compile_script_free(script);
    return e;
}

void registrylist_remove(struct registry *r, uint64_t uid)
{
    pthread_mutex_lock(&r->lock);
    struct registry_list *l = find_list(r, uid);
    if (l != NULL) {
        registrylist_free(l);
        size_t after = r->nlists - (size_t)(l - r->lists) - 1;
        memmove(l, l + 1, after * sizeof *l);
        r->nlists--;
    }
    pthread_mutex_unlock(&r->lock);
}

struct list *registrylist_find(struct registry *r, const char *name, uint64_t *uid)
{
    struct list *found = NULL;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->nlists && found == NULL; i++)
        if (strcasecmp(r->lists[i].name, name) == 0) {
            found = list_ref(r->lists[i].list);
            if (uid != NULL)
                *uid = r->lists[i].uid;
        }
    pthread_mutex_unlock(&r->lock);
    return found;
}

const struct registry_list *registrylist_by_uid(struct registry *r, uint64_t uid)
{
    return find_list(r, uid);
}

const struct registry_list *registrylist_at(struct registry *r, unsigned i)
{
    return i < r->nlists ? &r->lists[i] : NULL;
}

static bool reads_list(const struct rule_plan *p, const char *list)
{
    for (unsigned i = 0; i < p->nlists; i++)
        if (strcasecmp(list_name(p->lists[i]), list) == 0)
            return true;
    return false;
}

unsigned registrylist_rules(struct registry *r, const char *list,
                            void (*each)(void *ctx, const struct registry_rule *rule), void *ctx)
{
    return registry_each_reader(r, list, reads_list, each, ctx);
}
