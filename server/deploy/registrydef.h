/* SPDX-License-Identifier: Apache-2.0 */
/* registrydef.h - inside of the registry. For registry.c and registrylist.c.
 *
 * Owns: see registry.h.  Thread: any, under its lock. */
#ifndef WEIR_SERVER_REGISTRYDEF_H
#define WEIR_SERVER_REGISTRYDEF_H
#include "server/deploy/registry.h"
#include <pthread.h>

struct registrydef_stream {
    struct schema *schema; /* in script's arena; ours alone until it is published */
    struct script *script;
};

struct registrydef_fork {
    const struct schema *schema; /* among `names` */
    uint64_t lane;
    bool gone; /* its lane is over: rows may still be around */
};

struct
    registrydef_derived { /* a stream of what a rule finds, or of a side output, that has been asked for */
    const struct schema *schema;
    uint32_t version; /* of the rule */
};

struct registry {
    pthread_mutex_t lock;
    struct scope scope;
    struct tableset *tables;
    struct sinks *sinks; /* NULL: rules may name any */
    struct registrydef_stream *streams; /* by id */
    size_t nstreams, streams_cap;
    struct registrydef_fork *forks;
    size_t nforks, forks_cap;
    struct registry_rule **rules; /* by uid; each by itself, so that pointers stay */
    size_t nrules, rules_cap;
    struct registry_list *lists; /* by uid */
    size_t nlists, lists_cap;
    struct arena *names; /* of lists, and of derived streams */
    struct registrydef_derived
        *derived; /* in the order of asking: rows may outlive the rule that made them */
    size_t nderived, derived_cap;
};

/* Calls each (may be NULL) for the rules that `reads` says yes to; how many there are. */
unsigned registry_each_reader(struct registry *r, const char *name,
                              bool (*reads)(const struct rule_plan *p, const char *name),
                              void (*each)(void *ctx, const struct registry_rule *rule), void *ctx);
void registryfork_free(struct registry *r);
const struct schema *registryfork_by_id(const struct registry *r, uint32_t id); /* or NULL */
/* What the rule of that number compiles with: its forks in place of the streams. Else `of` itself. */
struct registryfork_scope {
    struct scope scope;
    struct registry *registry;
    uint64_t lane;
};
const struct scope *registryfork_scope(struct registry *r, uint64_t uid, const struct scope *of,
                                       struct registryfork_scope *own);
void registrylist_free(struct registry_list *l); /* what it holds */

#endif
