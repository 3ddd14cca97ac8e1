/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /rules/{r}/partials, GET /rules/{r}/state: what a running rule knows of its keys. */
#include "base/mem.h"
#include "server/api/api.h"
#include "server/api/rulekey.h"
#include "server/http/jsonw.h"
#include "server/run/runtimeinspect.h"
#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum { KEYS = 20, KEYS_MAX = 200, ITEMS = 20, ITEMS_MAX = 1000 };

struct asked {
    struct api *api;
    struct httplater *later;
    char *name;
    uint32_t version;
    enum rule_shape shape;
    bool one; /* of one key */
    enum err e;
    struct bytes json;
    unsigned worker;
    uint64_t from;
};

static void free_asked(struct asked *q)
{
    bytes_fini(&q->json);
    mem_free(q->name);
    mem_free(q);
}

uint64_t api_inspect_keys_out(struct api *a)
{
    uint64_t out = 0;
    unsigned n = runtime_workers(a->runtime, NULL, 0);
    struct runtime_worker *all = mem_array(n + 1, sizeof *all);
    unsigned have = runtime_workers(a->runtime, all, n);
    for (unsigned i = 0; i < have && i < n; i++)
        out += all[i].keys_out;
    mem_free(all);
    return out;
}

static void answer(struct httpcall *c, void *state)
{
    static const char *const shapes[] = {"filter", "window", "over", "pattern", "join"};
    struct asked *q = state;
    if (c != NULL && q->e != ERR_OK) {
        httpcall_problem(c, PROBLEM_NOT_READY, NULL, "the workers do not run just now");
    } else if (c != NULL) {
        struct bytes *out = httpcall_out(c);
        bool more = !q->one && (q->worker > 0 || q->from > 0);
        char next[48];
        jsonw_open(out, '{');
        jsonw_kstr(out, "rule", q->name);
        jsonw_ku64(out, "version", q->version);
        jsonw_kstr(out, "kind", shapes[q->shape]);
        jsonw_key(out, "data");
        bytes_u8(out, '[');
        bytes_put(out, q->json.p, q->json.n);
        bytes_u8(out, ']');
        jsonw_ku64(out, "out_of_memory", api_inspect_keys_out(q->api));
        jsonw_key(out, "page");
        jsonw_open(out, '{');
        snprintf(next, sizeof next, "%u.%" PRIu64, q->worker, q->from);
        jsonw_kstr(out, "next", more ? next : NULL);
        jsonw_kbool(out, "has_more", more);
        jsonw_close(out, '}');
        jsonw_close(out, '}');
        httpcall_json_reply(c, 200);
    }
    free_asked(q);
}

/* On the runtime's thread. */
static void done(void *ctx, enum err e, const struct inspector_answer *a)
{
    struct asked *q = ctx;
    q->e = e;
    if (e == ERR_OK) {
        bytes_put(&q->json, a->json, a->n);
        q->worker = a->worker;
        q->from = a->from;
    }
    httpcall_resume(q->later);
}

static bool read_after(struct httpcall *c, struct inspector_ask *ask)
{
    const char *text = httpcall_query(c, "after");
    uint64_t worker = 0;
    if (text == NULL)
        return true;
    const char *end = httpcall_whole(text, '.', UINT16_MAX, &worker);
    ask->worker = (unsigned)worker;
    if (end != NULL && httpcall_whole(end + 1, '\0', UINT64_MAX, &ask->from))
        return true;
    httpcall_problem(c, PROBLEM_BAD_PARAMETER, "write what page.next has said",
                     "the parameter 'after' is no place in a list");
    return false;
}

/* `state` is a pattern's variable, older_than a number of seconds. False: answered. */
static bool read_filters(struct httpcall *c, const struct rule_plan *p, struct inspector_ask *ask)
{
    uint64_t seconds = 0;
    if (!httpcall_query_u64(c, "older_than", 0, 0, INT64_MAX / 1000, &seconds))
        return false;
    ask->older_ms = (int64_t)seconds * 1000;
    ask->at = httpcall_query(c, "state");
    if (p->shape != RULE_MATCH && (ask->at != NULL || ask->older_ms > 0)) {
        httpcall_problem(c, PROBLEM_BAD_PARAMETER, NULL,
                         "'state' and 'older_than' are of patterns, and rule %s is none", p->name);
        return false;
    }
    for (unsigned v = 0; ask->at != NULL && v < p->match.nvars; v++)
        if (strcasecmp(p->match.vars[v].name, ask->at) == 0)
            return true;
    if (ask->at != NULL)
        httpcall_problem(c, PROBLEM_BAD_PARAMETER, NULL,
                         "the pattern of rule %s has no variable '%.100s'", p->name, ask->at);
    return ask->at == NULL;
}

static bool read_key(struct httpcall *c, const struct rule_plan *p, struct bytes *key)
{
    const char *text = httpcall_query(c, "key");
    struct diag d;
    if (text == NULL)
        return true;
    diag_init(&d, NULL, 0);
    enum err e = rulekey_from_text(p, text, &d, key);
    if (e != ERR_OK)
        httpcall_problem(c, PROBLEM_BAD_PARAMETER, NULL, "%s", d.items[0].message);
    diag_fini(&d);
    return e == ERR_OK;
}

static void ask_for(struct api *a, struct httpcall *c, const struct api_rule *rule,
                    const struct rule_plan *p)
{
    struct bytes key = {0};
    uint64_t keys = 0, items = 0;
    struct inspector_ask ask = {.uid = rule->uid};
    if (httpcall_query_u64(c, "limit", KEYS, 1, KEYS_MAX, &keys) &&
        httpcall_query_u64(c, "items", ITEMS, 1, ITEMS_MAX, &items) && read_after(c, &ask) &&
        read_filters(c, p, &ask) && read_key(c, p, &key)) {
        struct asked *q = mem_new(sizeof *q);
        q->api = a;
        q->name = mem_str(rule->name);
        q->version = rule->version;
        q->shape = p->shape;
        q->one = key.n > 0;
        q->later = httpcall_later(c, answer, q);
        ask.key = q->one ? key.p : NULL;
        ask.key_n = key.n;
        ask.keys = (unsigned)keys;
        ask.items = (unsigned)items;
        runtimeinspect(a->runtime, &ask, done, q);
    }
    bytes_fini(&key);
}

static void inspect(struct httpcall *c, struct api *a, bool patterns)
{
    struct api_rule rule;
    if (!api_rules_find(a, c, &rule))
        return;
    struct rule_plan *p = runtime_plan(a->runtime, rule.uid);
    if (p == NULL)
        api_failed(c, ERR_NOT_FOUND);
    else if (p->shape == RULE_FILTER)
        httpcall_problem(c, PROBLEM_CONFLICT, NULL, "rule %s keeps nothing by key", rule.name);
    else if (patterns && p->shape != RULE_MATCH)
        httpcall_problem(c, PROBLEM_CONFLICT, "GET /api/v1/rules/{r}/state shows what it keeps",
                         "rule %s is no pattern: it has no partial matches", rule.name);
    else
        ask_for(a, c, &rule, p);
    plan_unref(p);
    mem_free(rule.name);
}

void api_inspect_partials(struct httpcall *c, void *app)
{
    inspect(c, app, true);
}

void api_inspect_state(struct httpcall *c, void *app)
{
    inspect(c, app, false);
}
