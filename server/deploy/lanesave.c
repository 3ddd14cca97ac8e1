/* SPDX-License-Identifier: Apache-2.0 */
#include "server/deploy/lanesave.h"
#include "base/mem.h"
#include "server/wire/lanewire.h"
#include "state/intakelogtrim.h"
#include "state/savepoint.h"
#include <inttypes.h>
#include <string.h>

static enum err no_state(struct diag *d, const char *name, const char *why)
{
    diag_say(d, "conflict", "\"state\": \"keep\" maps the present state",
             "savepoint %s cannot be gone back to for this rule: %s", name, why);
    return ERR_CONFLICT;
}

static const struct checkmeta_rule *find(const struct checkmeta *m, uint64_t uid, unsigned *n)
{
    const struct checkmeta_rule *found = NULL;
    *n = 0;
    for (size_t i = 0; i < m->nrules; i++)
        if (m->rules[i].uid == uid) {
            found = &m->rules[i];
            ++*n;
        }
    return found;
}

enum err lanesave_open(const char *root, const char *name, uint64_t rule, const char *sql,
                       struct diag *d, struct lanesave *out)
{
    unsigned versions = 0;
    *out = (struct lanesave){.folder = savepoint_folder(root, name)};
    enum err e = savepoint_is_name(name) ? savemeta_read(out->folder, d, &out->meta)
                                         : no_state(d, name, "there is none of that name");
    if (e == ERR_OK)
        out->rule = find(out->meta->check, rule, &versions);
    if (e == ERR_OK && versions == 0)
        e = no_state(d, name, "the rule did not run then");
    else if (e == ERR_OK && versions > 1)
        e = no_state(d, name, "one version was just taking over from another");
    else if (e == ERR_OK && strcmp(out->rule->sql, sql) != 0)
        e = no_state(d, name, "another text of the rule ran then");
    if (e != ERR_OK)
        lanesave_close(out);
    return e;
}

void lanesave_close(struct lanesave *s)
{
    savemeta_free(s->meta);
    mem_free(s->folder);
    *s = (struct lanesave){0};
}

static const struct control_position *position(const struct checkmeta *m, uint32_t stream,
                                               uint32_t partition)
{
    for (size_t i = 0; i < m->npositions; i++)
        if (m->positions[i].at.stream == stream && m->positions[i].at.partition == partition)
            return &m->positions[i].at;
    return NULL;
}

enum err lanesave_marks(const struct lanesave *s, const struct rule_plan *p, struct intakelog *log,
                        struct job_mark *marks, unsigned *n, uint64_t *rows, struct diag *d)
{
    const struct schema *streams[PLAN_ROOTS_MAX];
    unsigned nstreams = plan_roots(p, streams);
    *n = 0;
    *rows = 0;
    for (unsigned k = 0; k < nstreams; k++)
        for (unsigned i = 0; i < streams[k]->partitions; i++) {
            const struct control_position *at = position(s->meta->check, streams[k]->id, i);
            uint64_t end = intakelog_end(log, streams[k]->id, i);
            if (at == NULL || at->offset > end)
                return no_state(d, s->meta->name, "it is not of this server's log");
            if (at->w == EVTIME_MAX)
                return no_state(d, s->meta->name, "its input had ended then");
            if (at->offset < intakelogtrim_first(log, streams[k]->id, i))
                return no_state(d, s->meta->name,
                                "the log no longer has all events that came after it "
                                "(intake-retention)");
            *rows += end - at->offset;
            marks[(*n)++] = (struct job_mark){i, at->offset, at->w, streams[k]->id};
        }
    return ERR_OK;
}

void lanesave_order(const struct lanesave *s, uint64_t lane, bool must, struct bytes *out)
{
    const struct checkmeta *m = s->meta->check;
    uint32_t files[TASK_WORKERS_MAX];
    for (unsigned i = 0; i < m->workers; i++)
        files[i] = m->worker[i].done.files;
    const struct lanewire_order order = {.uid = lane,
                                         .must = must,
                                         .folder = s->folder,
                                         .saved_uid = s->rule->uid,
                                         .saved_version = s->rule->version,
                                         .saved_w = s->rule->since_w,
                                         .nmarks = s->rule->nmarks,
                                         .marks = s->rule->marks,
                                         .key_groups = m->key_groups,
                                         .n = m->workers,
                                         .files = files};
    bytes_reset(out);
    lanewire_put_order(&order, out);
}
