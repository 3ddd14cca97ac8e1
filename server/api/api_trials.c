/* SPDX-License-Identifier: Apache-2.0 */
/* A version beside the active one of its rule: as a shadow, for a share of the keys; what both have found, compared. */
#include "base/mem.h"
#include "server/api/api.h"
#include "server/deploy/runtimeversion.h"
#include "server/http/jsonw.h"
#include "server/http/problem.h"
#include "server/run/runtimetrial.h"
#include <string.h>

enum { EXAMPLES = 10, EXAMPLES_MAX = 500 };

const char *api_trials_state(const struct trials_one *t)
{
    return t->state == TRIAL_ENDS ? "ending" : t->percent > 0 ? "rollout" : "shadow";
}

/* --- changes ------------------------------------------------------------------------------------------------------- */

static void change(struct httpcall *c, struct api *a, const struct changetrial *what)
{
    struct api_change *ch =
        api_change_new(a, c, what->rule, PROBLEM_INVALID_RULE, api_rules_changed);
    enum err e = runtimetrial_change(a->runtime, what, api_change_done, ch);
    api_change_started(ch, c, e, NULL);
}

struct text {
    char *sql;
};

static void take_text(void *ctx, const struct catalog_version *v)
{
    ((struct text *)ctx)->sql = mem_str(v->sql);
}

void api_trials_run(struct httpcall *c, struct api *a, const struct api_rule *rule,
                    uint32_t version, unsigned percent, const json_t *body)
{
    struct text text = {0};
    bool reset = false;
    if (!api_versions_state(c, body, &reset))
        return;
    enum err e = catalog_versions_get(a->reader, rule->uid, version, take_text, &text);
    const struct changetrial what = {.rule = rule->name,
                                     .sql = text.sql,
                                     .version = version,
                                     .percent = percent,
                                     .reset = reset,
                                     .author = api_user(c, body),
                                     .reason = json_string_value(json_object_get(body, "reason"))};
    if (e == ERR_NOT_FOUND)
        httpcall_problem(c, PROBLEM_NOT_FOUND, "GET /api/v1/rules/{r}/versions lists them",
                         "rule %s has no version %u", rule->name, version);
    else if (e != ERR_OK)
        api_failed(c, e);
    else
        change(c, a, &what);
    mem_free(text.sql);
}

void api_trials_shadow(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct api_rule rule;
    if (!api_rules_find(a, c, &rule))
        return;
    json_t *body = httpcall_json(c, "version state author reason");
    json_int_t version = json_integer_value(json_object_get(body, "version"));
    if (body != NULL && (version < 1 || version > UINT32_MAX))
        httpcall_problem(c, PROBLEM_BAD_FIELD, NULL, "the field 'version' is a version's number");
    else if (body != NULL)
        api_trials_run(c, a, &rule, (uint32_t)version, 0, body);
    json_decref(body);
    mem_free(rule.name);
}

void api_trials_discard(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct api_rule rule;
    if (!api_rules_find(a, c, &rule))
        return;
    json_t *body = httpcall_json(c, "author reason");
    if (body != NULL)
        change(c, a,
               &(struct changetrial){
                   .rule = rule.name,
                   .end = true,
                   .author = api_user(c, body),
                   .reason = json_string_value(json_object_get(body, "reason")),
               });
    json_decref(body);
    mem_free(rule.name);
}

/* --- of a rule ------------------------------------------------------------------------------------------------------ */

void api_trials_write(struct api *a, struct bytes *out, uint64_t rule)
{
    struct trials_one t = {0};
    jsonw_key(out, "trial");
    if (!runtimetrial_of(a->runtime, rule, &t)) {
        jsonw_null(out);
        return;
    }
    struct runtime_rule_stats now = runtimeversion_stats(a->runtime, t.uid);
    jsonw_open(out, '{');
    jsonw_ku64(out, "version", t.version);
    jsonw_ku64(out, "beside", t.old);
    jsonw_kstr(out, "state", api_trials_state(&t));
    jsonw_ku64(out, "rollout_percent", t.percent);
    jsonw_ku64(out, "partials", now.partials);
    jsonw_ku64(out, "windows_open", now.windows_open);
    jsonw_kbool(out, "copied", t.copied);
    jsonw_ktime(out, "from", t.began);
    if (t.copied)
        api_versions_write_handover(a, out, t.uid, t.version);
    jsonw_close(out, '}');
}

void api_trials_write_own(struct api *a, struct bytes *out, uint64_t rule, uint32_t version)
{
    struct trials_one t = {0};
    jsonw_key(out, "own");
    if (!runtimetrial_of(a->runtime, rule, &t) || t.state != TRIAL_RUNS || t.version != version) {
        jsonw_null(out);
        return;
    }
    struct runtime_rule_stats now = runtimeversion_stats(a->runtime, t.uid);
    jsonw_open(out, '{');
    jsonw_ku64(out, "keys", now.keys);
    jsonw_ku64(out, "partials", now.partials);
    jsonw_ku64(out, "windows_open", now.windows_open);
    jsonw_close(out, '}');
}

/* --- comparison ------------------------------------------------------------------------------------------------------ */

struct choice {
    struct bytes *out;
    uint32_t wanted; /* version; 0: the newest */
    struct catalog_trial_labels *labels;
    uint64_t uid;
    uint32_t old, version;
    bool found;
    struct catalog_trial_sums sums;
};

static void write_share(struct bytes *out, const struct catalog_trial_share *s)
{
    jsonw_open(out, '{');
    jsonw_ktime(out, "from", s->w);
    jsonw_ku64(out, "percent", s->percent);
    jsonw_ktime(out, "at", s->at);
    jsonw_kstr(out, "author", s->author);
    jsonw_kstr(out, "reason", s->reason);
    jsonw_close(out, '}');
}

static void write_trial(void *ctx, const struct catalog_trial *t)
{
    static const char *const states[] = {
        [TRIAL_RUNS] = "running", [TRIAL_ENDS] = "ending", [TRIAL_GONE] = "ended"};
    struct choice *k = ctx;
    if (k->found || (k->wanted != 0 && k->wanted != t->version))
        return;
    k->found = true;
    k->uid = t->uid;
    k->old = t->old;
    k->version = t->version;
    unsigned percent = t->nshares > 0 ? t->shares[t->nshares - 1].percent : 0;
    jsonw_ku64(k->out, "old", t->old);
    jsonw_ku64(k->out, "new", t->version);
    jsonw_kstr(k->out, "state", states[t->state]);
    jsonw_ku64(k->out, "rollout_percent", percent);
    jsonw_ktime(k->out, "created", t->created);
    jsonw_ktime(k->out, "from", t->began);
    jsonw_ktime(k->out, "to", t->ended == EVTIME_MAX ? EVTIME_MIN : t->ended);
    jsonw_kstr(k->out, "author", t->author);
    jsonw_kstr(k->out, "reason", t->reason);
    jsonw_key(k->out, "shares");
    jsonw_open(k->out, '[');
    for (unsigned i = 0; i < t->nshares; i++)
        write_share(k->out, &t->shares[i]);
    jsonw_close(k->out, ']');
}

static void write_hour(void *ctx, evtime hour, const struct catalog_trial_sums *s)
{
    struct choice *k = ctx;
    jsonw_open(k->out, '{');
    jsonw_ktime(k->out, "hour", hour);
    jsonw_ku64(k->out, "only_old", s->only_old);
    jsonw_ku64(k->out, "both", s->both);
    jsonw_ku64(k->out, "only_new", s->only_new);
    jsonw_close(k->out, '}');
    k->sums.only_old += s->only_old;
    k->sums.both += s->both;
    k->sums.only_new += s->only_new;
    k->sums.told_old += s->told_old;
    k->sums.told_new += s->told_new;
}

static void write_pair(void *ctx, const struct catalog_trial_pair *p)
{
    struct bytes *out = ctx;
    jsonw_open(out, '{');
    jsonw_kstr(out, "id", p->id);
    jsonw_ktime(out, "time", p->time);
    jsonw_kraw(out, "key", p->key_json);
    jsonw_kraw(out, "old", p->old_row);
    jsonw_kraw(out, "new", p->new_row);
    jsonw_kstr(out, "told_by", p->told_new ? "new" : p->told_old ? "old" : NULL);
    jsonw_kstr(out, "label", p->label);
    jsonw_close(out, '}');
}

static void write_arm(struct bytes *out, uint32_t version, uint64_t found, uint64_t told,
                      const struct catalog_trial_labels *l)
{
    jsonw_open(out, '{');
    jsonw_ku64(out, "version", version);
    jsonw_ku64(out, "found", found);
    jsonw_ku64(out, "told", told);
    jsonw_ku64(out, "fraud", l->fraud);
    jsonw_ku64(out, "legit", l->legit);
    jsonw_key(out, "precision");
    if (l->fraud + l->legit > 0)
        jsonw_num(out, (double)l->fraud / (double)(l->fraud + l->legit));
    else
        jsonw_null(out);
    jsonw_close(out, '}');
}

static const struct {
    const char *name;
    enum catalog_trial_class of;
} classes[] = {{"only_old", TRIAL_ONLY_OLD}, {"both", TRIAL_BOTH}, {"only_new", TRIAL_ONLY_NEW}};
enum { CLASSES = sizeof classes / sizeof *classes };

/* Which class is wanted: CLASSES: all. False: answered. */
static bool read_class(struct httpcall *c, unsigned *out)
{
    const char *text = httpcall_query(c, "class");
    for (*out = 0; text != NULL && *out < CLASSES; ++*out)
        if (strcmp(classes[*out].name, text) == 0)
            return true;
    *out = CLASSES;
    if (text == NULL)
        return true;
    httpcall_problem(c, PROBLEM_BAD_PARAMETER, "only_old, both, or only_new",
                     "the parameter 'class' is none of them");
    return false;
}

static enum err write_examples(struct api *a, struct choice *k, unsigned of, uint64_t skip,
                               unsigned limit)
{
    enum err e = ERR_OK;
    jsonw_key(k->out, "examples");
    jsonw_open(k->out, '{');
    for (unsigned i = 0; e == ERR_OK && i < CLASSES; i++) {
        if (of != CLASSES && of != i)
            continue;
        jsonw_key(k->out, classes[i].name);
        jsonw_open(k->out, '[');
        e = catalog_trialsfound_pairs(a->reader, k->uid, classes[i].of, skip, limit, write_pair,
                                      k->out);
        jsonw_close(k->out, ']');
    }
    jsonw_close(k->out, '}');
    return e;
}

static enum err write_comparison(struct api *a, struct choice *k, unsigned of, uint64_t skip,
                                 unsigned limit)
{
    struct catalog_trial_labels labels[2] = {{0}};
    jsonw_key(k->out, "hours");
    jsonw_open(k->out, '[');
    enum err e = catalog_trialsfound_hours(a->reader, k->uid, write_hour, k);
    jsonw_close(k->out, ']');
    jsonw_key(k->out, "counts");
    jsonw_open(k->out, '{');
    jsonw_ku64(k->out, "only_old", k->sums.only_old);
    jsonw_ku64(k->out, "both", k->sums.both);
    jsonw_ku64(k->out, "only_new", k->sums.only_new);
    jsonw_close(k->out, '}');
    if (e == ERR_OK)
        e = catalog_trialsfound_labels(a->reader, k->uid, labels);
    jsonw_key(k->out, "arms");
    jsonw_open(k->out, '[');
    write_arm(k->out, k->old, k->sums.only_old + k->sums.both, k->sums.told_old, &labels[0]);
    write_arm(k->out, k->version, k->sums.only_new + k->sums.both, k->sums.told_new, &labels[1]);
    jsonw_close(k->out, ']');
    return e == ERR_OK ? write_examples(a, k, of, skip, limit) : e;
}

void api_trials_comparison(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct api_rule rule;
    uint64_t wanted = 0, limit = 0, skip = 0;
    unsigned of = 0;
    if (!httpcall_query_u64(c, "shadow", 0, 0, UINT32_MAX, &wanted) ||
        !httpcall_query_u64(c, "limit", EXAMPLES, 0, EXAMPLES_MAX, &limit) ||
        !httpcall_query_u64(c, "after", 0, 0, INT64_MAX, &skip) || !read_class(c, &of) ||
        !api_rules_find(a, c, &rule))
        return;
    struct choice k = {.out = httpcall_out(c), .wanted = (uint32_t)wanted};
    jsonw_open(k.out, '{');
    jsonw_kstr(k.out, "rule", rule.name);
    enum err e = catalog_trials(a->reader, rule.uid, write_trial, &k);
    if (e == ERR_OK && k.found)
        e = write_comparison(a, &k, of, skip, (unsigned)limit);
    jsonw_close(k.out, '}');
    if (e != ERR_OK)
        api_failed(c, e);
    else if (!k.found)
        httpcall_problem(c, PROBLEM_NOT_FOUND,
                         "POST /api/v1/rules/{r}:shadow runs a version beside the active one",
                         wanted != 0 ? "version %u of rule %s has not run beside another"
                                     : "no version%.0u of rule %s has run beside another",
                         (unsigned)wanted, rule.name);
    else
        httpcall_json_reply(c, 200);
    mem_free(rule.name);
}

/* --- labels ---------------------------------------------------------------------------------------------------------- */

void api_trials_label(struct httpcall *c, void *app)
{
    struct api *a = app;
    const char *id = httpcall_param(c, "id");
    json_t *body = httpcall_json(c, "label by");
    const json_t *given = json_object_get(body, "label");
    const char *label = json_string_value(given);
    bool none = json_is_null(given);
    if (body != NULL && !none &&
        (label == NULL || (strcmp(label, "fraud") != 0 && strcmp(label, "legit") != 0)))
        httpcall_problem(c, PROBLEM_BAD_FIELD, "\"fraud\", \"legit\", or null to take it back",
                         "the field 'label' is none of them");
    else if (body != NULL) {
        enum err e = runtimetrial_label(a->runtime, id, label, api_user(c, body));
        if (e == ERR_NOT_FOUND)
            httpcall_problem(c, PROBLEM_NOT_FOUND, "GET /api/v1/alerts lists what there is",
                             "there is no alert '%.64s'", id);
        else if (e != ERR_OK)
            api_failed(c, e);
        else
            api_alerts_get(c, app);
    }
    json_decref(body);
}
