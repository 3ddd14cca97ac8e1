/* SPDX-License-Identifier: Apache-2.0
 *
 * Of the runtime in tests of the API: no version runs beside another, no rule rests. */
#include "server/run/runtimeinspect.h"
#include "server/run/runtimelife.h"
#include "server/run/runtimetrial.h"
#include "tests/lib/fake_runtime.h"

const bool fake_runtime_has_trials = false;

enum err runtimetrial_change(struct runtime *r, const struct changetrial *what, runtime_done *done,
                             void *ctx)
{
    (void)r;
    (void)what;
    (void)done;
    (void)ctx;
    return ERR_NOT_FOUND;
}

bool runtimetrial_of(struct runtime *r, uint64_t rule, struct trials_one *out)
{
    (void)r;
    (void)rule;
    (void)out;
    return false;
}

unsigned runtimetrial_list(struct runtime *r, struct trials_one *out, unsigned cap)
{
    (void)r;
    (void)out;
    (void)cap;
    return 0;
}

enum err runtimetrial_label(struct runtime *r, const char *alert, const char *label, const char *by)
{
    (void)r;
    (void)alert;
    (void)label;
    (void)by;
    return ERR_NOT_FOUND;
}

/* What a rule knows of its keys. */
void runtimeinspect(struct runtime *r, const struct inspector_ask *ask, inspector_done *done,
                    void *ctx)
{
    (void)r, (void)ask;
    done(ctx, ERR_CONFLICT, NULL);
}

enum err runtimeinspect_why(struct runtime *r, struct whynot_ask *ask, whynot_done *done, void *ctx)
{
    (void)r, (void)ask, (void)done, (void)ctx;
    return ERR_AGAIN;
}

enum err runtimeinspect_time(struct runtime *r, const struct rule_plan *plan, unsigned side,
                             uint32_t partition, uint64_t offset, evtime *out)
{
    (void)r, (void)plan, (void)side, (void)partition, (void)offset, (void)out;
    return ERR_NOT_FOUND;
}

enum err runtimelife_draft(struct runtime *r, struct catalog_rule *rule)
{
    (void)r;
    (void)rule;
    return ERR_UNSUPPORTED;
}

enum err runtimelife_rest(struct runtime *r, uint64_t uid, enum catalog_rests rests)
{
    (void)r;
    (void)uid;
    (void)rests;
    return ERR_UNSUPPORTED;
}

enum err runtimelife_approval(struct runtime *r, const struct catalog_approval *a)
{
    (void)r;
    (void)a;
    return ERR_UNSUPPORTED;
}

void runtimelife_note(struct runtime *r, const char *what, const char *name, const char *who,
                      const char *more)
{
    (void)r;
    (void)what;
    (void)name;
    (void)who;
    (void)more;
}
