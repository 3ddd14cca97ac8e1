/* SPDX-License-Identifier: Apache-2.0 */
#include "server/run/runtimesink.h"
#include "server/run/runtimedef.h"

bool runtimesink_look(struct runtime *r, const char *name, struct sinks_state *out)
{
    return out == NULL ? sinks_has(r->sinks, name) : sinks_look(r->sinks, name, out);
}

const char *runtimesink_name(struct runtime *r, unsigned i)
{
    return sinks_name(r->sinks, i);
}

enum err runtimesink_drop(struct runtime *r, const char *name, runtime_done *done, void *ctx)
{
    if (!sinks_has(r->sinks, name))
        return ERR_NOT_FOUND;
    struct change *c = change_drop_sink(name);
    change_on_done(c, done, ctx);
    runtimeloop_enqueue(&r->loop, c);
    return ERR_OK;
}

struct teller {
    void (*each)(void *ctx, uint64_t uid, const char *rule);
    void *ctx;
};

static void tell(void *teller, const struct registry_rule *rule)
{
    struct teller *t = teller;
    t->each(t->ctx, rule->uid, rule->name);
}

unsigned runtimesink_rules(struct runtime *r, const char *name,
                           void (*each)(void *ctx, uint64_t uid, const char *rule), void *ctx)
{
    struct teller t = {each, ctx};
    return registry_sink_rules(r->registry, name, tell, &t);
}
