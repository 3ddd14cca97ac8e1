/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "runtime"
#include "server/run/runtimelife.h"
#include "base/log.h"
#include "server/run/runtimedef.h"

enum err runtimelife_draft(struct runtime *r, struct catalog_rule *rule)
{
    return catalog_lives_draft(r->catalog, rule);
}

enum err runtimelife_rest(struct runtime *r, uint64_t uid, enum catalog_rests rests)
{
    return catalog_lives_rest(r->catalog, uid, rests);
}

enum err runtimelife_approval(struct runtime *r, const struct catalog_approval *a)
{
    return catalog_approvals_add(r->catalog, a);
}

void runtimelife_note(struct runtime *r, const char *what, const char *name, const char *who,
                      const char *more)
{
    enum err e = catalog_audit_add(r->catalog, what, name, who, more);
    if (e != ERR_OK)
        LOG_ERROR("the audit cannot be written", "what=\"%s\" name=%s reason=\"%s\"", what, name,
                  err_text(e));
}
