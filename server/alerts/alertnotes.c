/* SPDX-License-Identifier: Apache-2.0 */
#include "server/alerts/alertnotes.h"
#include "base/mem.h"
#include <string.h>

static struct catalog_trial_result *add(struct alertnotes *n)
{
    n->v = mem_grow(n->v, n->n, 1, &n->cap, sizeof *n->v);
    return &n->v[n->n++];
}

/* "r@4" is told as r. */
static const char *name_of(const char *name, struct arena *arena)
{
    const char *at = strrchr(name, '@');
    return at == NULL ? name : arena_dup(arena, name, (size_t)(at - name));
}

void alertnotes_add(struct alertnotes *n, const struct trials_verdict *v, const struct result *r,
                    struct catalog_alert *a, struct arena *arena)
{
    if (v->side == TRIAL_NEW) {
        a->rule_uid = v->rule;
        a->rule_name = name_of(a->rule_name, arena);
    }
    if (v->trial == 0)
        return;
    for (unsigned i = 0; i < r->nreplaces; i++) { /* they are in this one */
        struct catalog_trial_result *gone = add(n);
        *gone =
            (struct catalog_trial_result){.trial = v->trial, .side = v->side, .retracted = true};
        result_id_text(r->replaces[i], gone->id);
    }
    struct catalog_trial_result *one = add(n);
    *one = (struct catalog_trial_result){.trial = v->trial,
                                         .side = v->side,
                                         .time = r->time,
                                         .told = v->tell,
                                         .retracted = r->retracted,
                                         .key_json = a->key_json,
                                         .row_json = a->row_json};
    memcpy(one->id, a->id, sizeof one->id);
}

enum err alertnotes_store(struct alertnotes *n, struct catalog *c, struct trials *trials)
{
    if (n->n == 0)
        return ERR_OK;
    enum err e = catalog_trialsfound_note(c, n->v, (unsigned)n->n);
    if (e == ERR_OK)
        trials_noted(trials, n->v, n->n);
    n->since_trim += n->n;
    if (e == ERR_OK && n->since_trim > n->kept / 8) {
        e = catalog_trialsfound_trim(c, n->kept);
        n->since_trim = 0;
    }
    return e;
}

void alertnotes_clear(struct alertnotes *n)
{
    n->n = 0;
}

void alertnotes_fini(struct alertnotes *n)
{
    mem_free(n->v);
    *n = (struct alertnotes){0};
}
