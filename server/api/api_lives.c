/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a rule outside of the workers: drafts, the archive, approval by a second person, the audit. */
#include "base/mem.h"
#include "server/api/api.h"
#include "server/http/jsonw.h"
#include "server/run/runtimelife.h"
#include <string.h>
#include <strings.h>

enum { AUDIT = 100, AUDIT_MAX = 1000 };

/* --- drafts and the archive ------------------------------------------------------------------------------------------ */

static const char *reason_of(const json_t *body)
{
    return json_string_value(json_object_get(body, "reason"));
}

void api_lives_draft(struct api *a, struct httpcall *c, const struct rule_plan *plan,
                     const char *sql, const json_t *body)
{
    struct catalog_rule r = {.name = (char *)(uintptr_t)plan->name,
                             .sql = (char *)(uintptr_t)sql,
                             .version = 1,
                             .mode = (int)plan->mode,
                             .created = timebase_now_ms(),
                             .author = api_user(c, body),
                             .reason = reason_of(body)};
    if (a->needs_approval && r.author == NULL) {
        httpcall_problem(c, PROBLEM_BAD_FIELD, "send \"author\", or the header X-Weir-User",
                         "who writes it must be known, so that another person can approve it");
        return;
    }
    enum err e = runtimelife_draft(a->runtime, &r);
    if (e != ERR_OK) {
        api_failed(c, e);
        return;
    }
    runtimelife_note(a->runtime, "rule drafted", r.name, r.author, r.reason);
    api_rules_answer(a, c, r.uid, 201);
}

static void archived(struct api *a, struct httpcall *c, const char *name)
{
    (void)a;
    (void)name;
    httpcall_out(c);
    httpcall_reply(c, 204, NULL);
}

void api_lives_archive(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct api_rule rule;
    if (!api_rules_find_any(a, c, &rule))
        return;
    json_t *body = httpcall_json(c, "author reason");
    /* Said first: a rule that has gone without it would not be found again. */
    enum err e = body == NULL ? ERR_OK : runtimelife_rest(a->runtime, rule.uid, RESTS_ARCHIVED);
    if (body != NULL && e != ERR_OK) {
        api_failed(c, e);
    } else if (body != NULL) {
        runtimelife_note(a->runtime, "rule :archive", rule.name, api_user(c, body),
                         reason_of(body));
        if (rule.rests != RESTS_NOT) {
            archived(a, c, rule.name);
        } else {
            struct api_change *ch = api_change_new(a, c, rule.name, PROBLEM_CONFLICT, archived);
            e = runtime_delete_rule(a->runtime, rule.name, api_change_done, ch);
            api_change_started(ch, c, e, NULL);
        }
    }
    json_decref(body);
    mem_free(rule.name);
}

void api_lives_restore(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct api_rule rule;
    if (!api_rules_find_any(a, c, &rule))
        return;
    json_t *body = httpcall_json(c, "author reason");
    enum err e = ERR_OK;
    if (body != NULL && rule.rests != RESTS_ARCHIVED)
        httpcall_problem(c, PROBLEM_CONFLICT, "GET /api/v1/rules?state=archived lists the archive",
                         "rule %s is not in the archive", rule.name);
    else if (body != NULL && (e = runtimelife_rest(a->runtime, rule.uid, RESTS_DRAFT)) != ERR_OK)
        api_failed(c, e);
    else if (body != NULL) {
        runtimelife_note(a->runtime, "rule :restore", rule.name, api_user(c, body),
                         reason_of(body));
        api_rules_answer(a, c, rule.uid, 200);
    }
    json_decref(body);
    mem_free(rule.name);
}

/* --- approval -------------------------------------------------------------------------------------------------------- */

enum verdict { NOTHING, REQUEST, APPROVE, REJECT };
static const char *const verdicts[] = {
    [NOTHING] = NULL, [REQUEST] = "request", [APPROVE] = "approve", [REJECT] = "reject"};
static const char *const said[] = {
    [NOTHING] = NULL, [REQUEST] = "requested", [APPROVE] = "approved", [REJECT] = "rejected"};

static enum verdict verdict_of(const char *text)
{
    for (enum verdict v = REQUEST; text != NULL && v <= REJECT; v++)
        if (strcmp(text, verdicts[v]) == 0)
            return v;
    return NOTHING;
}

struct opinion {
    enum verdict last;
    const char *who; /* is that the person who has asked for it, or has written it? */
    bool is_theirs, anybody; /* anybody: it is known who that was */
    bool was_active;
};

static void take_theirs(struct opinion *o, const char *name)
{
    o->anybody = o->anybody || name != NULL;
    o->is_theirs =
        o->is_theirs || (name != NULL && o->who != NULL && strcasecmp(name, o->who) == 0);
}

static void take_approval(void *ctx, const struct catalog_approval *a)
{
    struct opinion *o = ctx;
    enum verdict v = verdict_of(a->verdict);
    if (o->last == NOTHING)
        o->last = v;
    if (v == REQUEST)
        take_theirs(o, a->by);
}

static void take_author(void *ctx, const struct catalog_version *v)
{
    struct opinion *o = ctx;
    take_theirs(o, v->author);
    o->was_active = v->activated != EVTIME_MIN;
}

static enum err ask(struct api *a, uint64_t uid, uint32_t version, const char *who,
                    struct opinion *out)
{
    *out = (struct opinion){.who = who};
    enum err e = catalog_versions_get(a->reader, uid, version, take_author, out);
    return e == ERR_OK ? catalog_approvals(a->reader, uid, version, take_approval, out) : e;
}

void api_lives_write_approval(struct api *a, struct bytes *out, uint64_t uid, uint32_t version)
{
    struct opinion o = {0};
    enum err e = catalog_approvals(a->reader, uid, version, take_approval, &o);
    jsonw_kstr(out, "approval", e == ERR_OK ? said[o.last] : NULL);
}

bool api_lives_may_deploy(struct api *a, struct httpcall *c)
{
    if (a->needs_approval)
        httpcall_problem(c, PROBLEM_APPROVAL, "send it with \"draft\": true",
                         "a rule cannot be deployed at once here");
    return !a->needs_approval;
}

bool api_lives_may_activate(struct api *a, struct httpcall *c, const struct api_rule *rule,
                            uint32_t version)
{
    struct opinion o;
    enum err e = a->needs_approval ? ask(a, rule->uid, version, NULL, &o) : ERR_OK;
    if (!a->needs_approval || (e == ERR_OK && (o.last == APPROVE || o.was_active)) ||
        e == ERR_NOT_FOUND) /* which is said when its text is looked for */
        return true;
    if (e != ERR_OK)
        api_failed(c, e);
    else
        httpcall_problem(c, PROBLEM_APPROVAL, NULL, "version %u of rule %s %s", version, rule->name,
                         o.last == REJECT    ? "was rejected"
                         : o.last == REQUEST ? "was asked for, and is not approved yet"
                                             : "is not approved");
    return false;
}

static void write_approval(void *ctx, const struct catalog_approval *a)
{
    struct bytes *out = ctx;
    jsonw_open(out, '{');
    jsonw_ku64(out, "version", a->version);
    jsonw_kstr(out, "verdict", a->verdict);
    jsonw_kstr(out, "by", a->by);
    jsonw_kstr(out, "comment", a->comment);
    jsonw_ktime(out, "at", a->at);
    jsonw_close(out, '}');
}

static void answer_approvals(struct api *a, struct httpcall *c, const struct api_rule *rule,
                             int status)
{
    struct bytes *out = httpcall_out(c);
    jsonw_open(out, '{');
    jsonw_kbool(out, "required", a->needs_approval);
    jsonw_key(out, "data");
    jsonw_open(out, '[');
    enum err e = catalog_approvals(a->reader, rule->uid, 0, write_approval, out);
    jsonw_close(out, ']');
    jsonw_close(out, '}');
    if (e != ERR_OK)
        api_failed(c, e);
    else
        httpcall_json_reply(c, status);
}

void api_lives_approvals(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct api_rule rule;
    if (!api_rules_find_any(a, c, &rule))
        return;
    answer_approvals(a, c, &rule, 200);
    mem_free(rule.name);
}

/* Is it in order? False: answered. */
static bool may_say(struct api *a, struct httpcall *c, const struct api_rule *rule,
                    json_int_t version, enum verdict v, const char *who)
{
    struct opinion o;
    enum err e = ERR_OK;
    if (version < 1 || version > UINT32_MAX)
        httpcall_problem(c, PROBLEM_BAD_FIELD, NULL, "the field 'version' is a version's number");
    else if (v == NOTHING)
        httpcall_problem(c, PROBLEM_BAD_FIELD, "\"request\", \"approve\", or \"reject\"",
                         "the field 'verdict' is none of them");
    else if (who == NULL)
        httpcall_problem(c, PROBLEM_BAD_FIELD, "send \"by\", or the header X-Weir-User",
                         "who says so must be known");
    else if ((e = ask(a, rule->uid, (uint32_t)version, who, &o)) == ERR_NOT_FOUND)
        httpcall_problem(c, PROBLEM_NOT_FOUND, "GET /api/v1/rules/{r}/versions lists them",
                         "rule %s has no version %u", rule->name, (unsigned)version);
    else if (e != ERR_OK)
        api_failed(c, e);
    else if (v == APPROVE && o.is_theirs)
        httpcall_problem(c, PROBLEM_CONFLICT, "another person must approve it",
                         "%s wrote version %u or asked for it", who, (unsigned)version);
    else if (v == APPROVE && !o.anybody)
        httpcall_problem(c, PROBLEM_CONFLICT,
                         "one person asks for it (\"verdict\": \"request\"), another approves it",
                         "nobody knows who wrote version %u", (unsigned)version);
    else
        return true;
    return false;
}

void api_lives_approve(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct api_rule rule;
    if (!api_rules_find_any(a, c, &rule))
        return;
    json_t *body = httpcall_json(c, "version verdict comment by");
    json_int_t version = json_integer_value(json_object_get(body, "version"));
    enum verdict v = verdict_of(json_string_value(json_object_get(body, "verdict")));
    const char *who = api_user(c, body);
    if (body != NULL && may_say(a, c, &rule, version, v, who)) {
        const struct catalog_approval said_now = {.uid = rule.uid,
                                                  .version = (uint32_t)version,
                                                  .verdict = verdicts[v],
                                                  .by = who,
                                                  .comment = json_string_value(
                                                      json_object_get(body, "comment")),
                                                  .at = timebase_now_ms()};
        enum err e = runtimelife_approval(a->runtime, &said_now);
        char *what = mem_printf("version %u %s", (unsigned)version, said[v]);
        if (e == ERR_OK)
            runtimelife_note(a->runtime, what, rule.name, who, said_now.comment);
        mem_free(what);
        if (e == ERR_OK)
            answer_approvals(a, c, &rule, 201);
        else
            api_failed(c, e);
    }
    json_decref(body);
    mem_free(rule.name);
}

/* --- the audit ------------------------------------------------------------------------------------------------------- */

struct auditing {
    struct bytes *out;
    uint64_t n, limit, last;
};

static void write_audit(void *ctx, const struct catalog_audit *e)
{
    struct auditing *l = ctx;
    if (l->n++ >= l->limit)
        return;
    l->last = e->id;
    jsonw_open(l->out, '{');
    jsonw_ku64(l->out, "id", e->id);
    jsonw_ktime(l->out, "at", e->at);
    jsonw_kstr(l->out, "what", e->what);
    jsonw_kstr(l->out, "name", e->name);
    jsonw_kstr(l->out, "who", e->who);
    jsonw_kstr(l->out, "more", e->more);
    jsonw_close(l->out, '}');
}

void api_lives_audit(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct auditing l = {0};
    uint64_t after = 0;
    if (!httpcall_query_u64(c, "limit", AUDIT, 1, AUDIT_MAX, &l.limit) ||
        !httpcall_query_u64(c, "after", 0, 0, INT64_MAX, &after))
        return;
    l.out = httpcall_out(c);
    api_page_open(l.out);
    enum err e = catalog_audit(a->reader, httpcall_query(c, "name"), after, (unsigned)l.limit + 1,
                               write_audit, &l);
    api_page_close(l.out, l.n > l.limit, l.last);
    if (e != ERR_OK)
        api_failed(c, e);
    else
        httpcall_json_reply(c, 200);
}
