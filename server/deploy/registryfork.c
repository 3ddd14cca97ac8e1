/* SPDX-License-Identifier: Apache-2.0 */
/* Streams that one rule reads a second time, from an older place. */
#include "base/mem.h"
#include "server/deploy/registrydef.h"
#include <string.h>
#include <strings.h>

const struct schema *registryfork_by_id(const struct registry *r, uint32_t id)
{
    for (size_t i = 0; i < r->nforks; i++)
        if (r->forks[i].schema->id == id)
            return r->forks[i].schema;
    return NULL;
}

void registryfork_free(struct registry *r)
{
    mem_free(r->forks);
}

static void publish(struct registry *r, const struct registrydef_fork *f)
{
    pthread_mutex_lock(&r->lock);
    r->forks = mem_grow(r->forks, r->nforks, 1, &r->forks_cap, sizeof *r->forks);
    r->forks[r->nforks++] = *f;
    pthread_mutex_unlock(&r->lock);
}

enum err registryfork_add(struct registry *r, uint32_t id, uint32_t stream, uint64_t lane,
                          struct diag *d)
{
    const struct schema *of = registry_stream_by_id(r, stream);
    if (registry_stream_by_id(r, id) != NULL)
        return ERR_OK;
    if (of == NULL || of->derived != DERIVED_NOT || of->copy_of != NULL) {
        diag_say(d, "stream", NULL, "there is no stream %u that could be read again", stream);
        return ERR_NOT_FOUND;
    }
    char *name = mem_printf("%s#%u", of->name, id);
    pthread_mutex_lock(&r->lock);
    struct schema *s = schema_fork(of, id, arena_str(r->names, name), r->names);
    pthread_mutex_unlock(&r->lock);
    mem_free(name);
    s->of = of->name; /* in texts */
    publish(r, &(struct registrydef_fork){s, lane, false});
    return ERR_OK;
}

void registryfork_remove(struct registry *r, uint64_t lane)
{
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->nforks; i++)
        r->forks[i].gone = r->forks[i].gone || r->forks[i].lane == lane;
    pthread_mutex_unlock(&r->lock);
}

unsigned registryfork_all(struct registry *r, struct registry_fork *out, unsigned cap)
{
    unsigned n = 0;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->nforks; i++) {
        const struct registrydef_fork *f = &r->forks[i];
        if (!f->gone && n++ < cap)
            out[n - 1] =
                (struct registry_fork){f->schema->id, f->schema->copy_of->id, f->lane, f->schema};
    }
    pthread_mutex_unlock(&r->lock);
    return n;
}

static bool has_forks(const struct registry *r, uint64_t uid)
{
    for (size_t i = 0; i < r->nforks; i++)
        if (r->forks[i].lane == uid)
            return true;
    return false;
}

bool registryfork_is_lane(struct registry *r, uint64_t uid)
{
    pthread_mutex_lock(&r->lock);
    bool is = has_forks(r, uid);
    pthread_mutex_unlock(&r->lock);
    return is;
}

/* --- names ------------------------------------------------------------------------------------------------------- */

static const struct schema *scope_stream(void *ctx, const char *name)
{
    const struct registryfork_scope *s = ctx;
    struct registry *r = s->registry;
    const struct schema *found = NULL;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->nforks && found == NULL; i++)
        if (r->forks[i].lane == s->lane && strcasecmp(r->forks[i].schema->of, name) == 0)
            found = r->forks[i].schema;
    pthread_mutex_unlock(&r->lock);
    return found;
}

static struct registry *registry_of(void *ctx)
{
    return ((const struct registryfork_scope *)ctx)->registry;
}

static const char *scope_stream_name(void *ctx, unsigned i)
{
    struct registry *r = registry_of(ctx);
    return r->scope.stream_name(r, i);
}

static struct list *scope_list(void *ctx, const char *name)
{
    struct registry *r = registry_of(ctx);
    return r->scope.list(r, name);
}

static const char *scope_list_name(void *ctx, unsigned i)
{
    struct registry *r = registry_of(ctx);
    return r->scope.list_name(r, i);
}

static bool scope_sink(void *ctx, const char *name)
{
    struct registry *r = registry_of(ctx);
    return r->scope.sink(r, name);
}

static const char *scope_sink_name(void *ctx, unsigned i)
{
    struct registry *r = registry_of(ctx);
    return r->scope.sink_name(r, i);
}

const struct scope *registryfork_scope(struct registry *r, uint64_t uid, const struct scope *of,
                                       struct registryfork_scope *own)
{
    pthread_mutex_lock(&r->lock);
    bool is = has_forks(r, uid);
    pthread_mutex_unlock(&r->lock);
    if (!is)
        return of;
    *own = (struct registryfork_scope){.registry = r, .lane = uid};
    own->scope = (struct scope){.ctx = own,
                                .stream = scope_stream,
                                .stream_name = scope_stream_name,
                                .list = scope_list,
                                .list_name = scope_list_name,
                                .sink = of->sink == NULL ? NULL : scope_sink,
                                .sink_name = of->sink == NULL ? NULL : scope_sink_name};
    return &own->scope;
}
