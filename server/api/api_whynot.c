/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /rules/{r}:why_not: why a rule has not fired for a key, from what is recorded. */
#include "base/mem.h"
#include "cep/key/keyrows.h"
#include "cep/task/taskinspect.h"
#include "cep/why/why.h"
#include "server/api/api.h"
#include "server/api/rulejson.h"
#include "server/api/rulekey.h"
#include "server/api/whyalert.h"
#include "server/api/whythen.h"
#include "server/http/jsonw.h"
#include "server/run/runtimeinspect.h"
#include <inttypes.h>
#include <string.h>

enum { STEPS = 100, SCAN = 1000000, SCAN_MAX = 100000000, SCAN_UNKEYED = 4000 };

struct asked {
    struct api *api;
    struct httplater *later;
    char *name;
    uint32_t version;
    enum err e;
    struct diag d;
    struct bytes key, json; /* JSON */
    uint64_t scanned;
    uint32_t events;
    bool complete;
    struct rule_plan *plan;
    struct whythen then;
    struct whythen_told told;
    struct bytes canonical; /* the key */
};

static void free_asked(struct asked *q)
{
    diag_fini(&q->d);
    bytes_fini(&q->key);
    bytes_fini(&q->json);
    bytes_fini(&q->canonical);
    whythen_fini(&q->then);
    plan_unref(q->plan);
    mem_free(q->name);
    mem_free(q);
}

static void answer_failed(struct httpcall *c, const struct asked *q)
{
    if (q->d.n > 0)
        httpcall_problem(c, problem_of(q->e), NULL, "%s", q->d.items[0].message);
    else
        httpcall_problem(c, PROBLEM_NOT_READY, NULL, "the workers do not run just now");
}

static void put_circumstances(struct asked *q, struct bytes *out)
{
    q->told.then = &q->then;
    q->told.plan = q->plan;
    q->told.key = q->canonical.p;
    q->told.key_n = q->canonical.n;
    whythen_put(q->api, &q->told, out);
}

static void answer(struct httpcall *c, void *state)
{
    struct asked *q = state;
    if (c != NULL && (q->e != ERR_OK || q->json.n == 0)) {
        answer_failed(c, q);
    } else if (c != NULL) {
        struct bytes *out = httpcall_out(c);
        jsonw_open(out, '{');
        jsonw_kstr(out, "rule", q->name);
        jsonw_ku64(out, "version", q->version);
        jsonw_kstr(out, "kind", rulejson_kind(q->plan));
        jsonw_key(out, "key");
        bytes_put(out, q->key.p, q->key.n);
        jsonw_ku64(out, "events", q->events);
        jsonw_ku64(out, "scanned", q->scanned);
        jsonw_kbool(out, "complete", q->complete);
        bytes_u8(out, ',');
        bytes_put(out, q->json.p, q->json.n);
        bytes_u8(&q->key, 0);
        struct whyalert_ask told = {q->plan, q->name, (const char *)q->key.p, 0, 0, 0};
        whyalert_put_verdict(q->api, &told, &q->json, out);
        put_circumstances(q, out);
        jsonw_close(out, '}');
        httpcall_json_reply(c, 200);
    }
    free_asked(q);
}

/* On another thread: what it tells lives for the call only. */
static void done(void *ctx, enum err e, const struct diag *d, const struct whynot_answer *a)
{
    struct asked *q = ctx;
    q->e = e;
    if (d->n > 0)
        diag_say(&q->d, d->items[0].code, NULL, "%s", d->items[0].message);
    if (e == ERR_OK) {
        bytes_put(&q->json, a->json, a->n);
        if (q->plan->shape != RULE_FILTER)
            bytes_put(&q->canonical, a->key->p, a->key->n);
        if (q->key.n == 0)
            taskinspect_key(q->plan, a->key->p, a->key->n, &q->key);
        q->scanned = a->scanned;
        q->events = a->events;
        q->complete = a->complete;
    }
    httpcall_resume(q->later);
}

static unsigned join_side(const struct rule_plan *p, const struct whynot_ask *ask)
{
    return p->shape == RULE_JOIN && p->join.side[JOIN_LEFT].schema->id != ask->stream ? JOIN_RIGHT
                                                                                      : JOIN_LEFT;
}

/* Of a join: in which of its streams the event is. */
static bool read_stream(struct httpcall *c, const struct rule_plan *p, const json_t *body,
                        struct whynot_ask *ask)
{
    const char *name = json_string_value(json_object_get(body, "stream"));
    ask->stream = keyrows_schema(p, JOIN_LEFT)->id;
    if (json_object_get(body, "stream") == NULL)
        return true;
    for (unsigned s = 0; name != NULL && s < (p->shape == RULE_JOIN ? 2 : 1); s++)
        if (strcasecmp(keyrows_schema(p, s)->name, name) == 0) {
            ask->stream = keyrows_schema(p, s)->id;
            return true;
        }
    httpcall_problem(c, PROBLEM_BAD_FIELD, NULL,
                     "the field 'stream' is a stream that rule %s reads", p->name);
    return false;
}

/* "partition/offset" */
static bool read_event(struct httpcall *c, const struct rule_plan *p, const json_t *body,
                       struct whynot_ask *ask)
{
    const json_t *id = json_object_get(body, "event_id");
    const char *text = json_string_value(id);
    uint64_t partition = 0;
    if (id == NULL)
        return true;
    const char *end = text ? httpcall_whole(text, '/', UINT32_MAX, &partition) : NULL;
    ask->partition = (uint32_t)partition;
    ask->has_event = end != NULL && httpcall_whole(end + 1, '\0', UINT64_MAX, &ask->offset) &&
                     ask->partition < keyrows_schema(p, join_side(p, ask))->partitions;
    if (!ask->has_event)
        httpcall_problem(c, PROBLEM_BAD_FIELD, NULL,
                         "the field 'event_id' is a text of partition and offset: \"0/4711\"");
    return ask->has_event;
}

static bool read_at(struct httpcall *c, const json_t *body, struct whynot_ask *ask)
{
    const json_t *at = json_object_get(body, "at");
    const char *text = json_string_value(at);
    ask->at = EVTIME_MAX;
    if (at == NULL)
        return true;
    json_int_t ms = json_integer_value(at);
    if (json_is_integer(at) && ms >= EVTIME_FIRST && ms <= EVTIME_LAST) {
        ask->at = ms;
        return true;
    }
    union cell t;
    if (text != NULL &&
        value_parse_text((struct type){.kind = TYPE_TIMESTAMP}, text, strlen(text), &t)) {
        ask->at = t.i;
        return true;
    }
    httpcall_problem(c, PROBLEM_BAD_FIELD, NULL,
                     "the field 'at' is a time: \"2026-11-21T06:48:51Z\", or milliseconds");
    return false;
}

static bool read_number(struct httpcall *c, const json_t *body, const char *name,
                        json_int_t fallback, json_int_t most, json_int_t *out)
{
    const json_t *v = json_object_get(body, name);
    *out = v != NULL ? json_integer_value(v) : fallback;
    if (v == NULL || (json_is_integer(v) && *out >= 1 && *out <= most))
        return true;
    httpcall_problem(c, PROBLEM_BAD_FIELD, NULL,
                     "the field '%s' is a number from 1 to %" JSON_INTEGER_FORMAT, name, most);
    return false;
}

static bool read_key(struct httpcall *c, const struct rule_plan *p, const json_t *body,
                     struct whynot_ask *ask)
{
    const json_t *key = json_object_get(body, "key");
    struct diag d;
    if (key == NULL && (ask->has_event || plan_nkeys(p) == 0))
        return true;
    diag_init(&d, NULL, 0);
    enum err e = ERR_OK;
    if (p->shape == RULE_FILTER) {
        ask->has_by = true;
        e = rulekey_of_columns(p, key, &d, &ask->by, &ask->key);
    } else {
        e = rulekey_from_json(p, key, &d, &ask->key);
    }
    if (e != ERR_OK)
        httpcall_problem(c, PROBLEM_BAD_FIELD, "write {\"key\": …} or {\"event_id\": \"0/4711\"}",
                         "%s", d.items[0].message);
    diag_fini(&d);
    return e == ERR_OK;
}

static bool read_ask(struct httpcall *c, const struct rule_plan *p, const json_t *body,
                     struct whynot_ask *ask)
{
    json_int_t steps = 0, scan = 0;
    if (!read_stream(c, p, body, ask) || !read_event(c, p, body, ask) || !read_at(c, body, ask) ||
        !read_number(c, body, "steps", STEPS, WHY_STEPS_MAX, &steps) ||
        !read_number(c, body, "scan", SCAN, SCAN_MAX, &scan))
        return false;
    ask->steps = (uint32_t)steps;
    ask->scan = (uint64_t)scan;
    return true;
}

/* Of the version of then. */
static bool read_rest(struct httpcall *c, const struct rule_plan *p, const json_t *body,
                      struct whynot_ask *ask)
{
    if (!read_key(c, p, body, ask))
        return false;
    if (p->shape == RULE_FILTER && ask->has_event)
        ask->scan = 1; /* it looks at that event alone */
    else if (p->shape == RULE_FILTER && !ask->has_by && ask->scan > SCAN_UNKEYED)
        ask->scan = SCAN_UNKEYED; /* of all that are looked at the last are told of */
    return true;
}

static bool can(struct httpcall *c, const struct rule_plan *p)
{
    const char *cannot = whynot_cannot(p), *upstream = whynot_upstream(p);
    char *hint = cannot != NULL && upstream != NULL
                     ? mem_printf("it reads what rule %s finds: POST /api/v1/rules/%s:why_not says "
                                  "why that rule did not find it",
                                  upstream, upstream)
                     : NULL;
    if (cannot != NULL)
        httpcall_problem(c, PROBLEM_UNSUPPORTED, hint, "rule %s cannot be gone through again: %s",
                         p->name, cannot);
    mem_free(hint);
    return cannot == NULL;
}

static void key_of_columns(const struct rule_plan *p, const struct whynot_ask *ask,
                           struct bytes *out)
{
    struct bytes_reader r = bytes_read(ask->key.p, ask->key.n);
    jsonw_open(out, '{');
    for (unsigned i = 0; i < ask->by.n; i++) {
        const struct column *column = &p->input->columns[ask->by.columns[i]];
        struct value v;
        if (!value_from_key(&r, column->type, &v))
            break;
        jsonw_key(out, column->name);
        value_json(&v, out);
    }
    jsonw_close(out, '}');
}

static struct asked *asked_new(struct api *a, const struct api_rule *rule,
                               const struct rule_plan *p, const struct whynot_ask *ask,
                               struct whythen *then)
{
    struct asked *q = mem_new(sizeof *q);
    q->api = a;
    q->name = mem_str(rule->name);
    q->version = then->version != 0 ? then->version : rule->version;
    q->plan = plan_ref((struct rule_plan *)(uintptr_t)p);
    q->then = *then;
    *then = (struct whythen){.present = true};
    q->told = (struct whythen_told){.uid = rule->uid,
                                    .has_event = ask->has_event,
                                    .stream = ask->stream,
                                    .partition = ask->partition,
                                    .offset = ask->offset};
    diag_init(&q->d, NULL, 0);
    return q;
}

/* There was no version then: nothing is gone through. */
static void answer_none(struct api *a, struct httpcall *c, const struct api_rule *rule,
                        const struct rule_plan *p, const struct whynot_ask *ask,
                        struct whythen *then)
{
    struct asked *q = asked_new(a, rule, p, ask, then);
    bytes_printf(&q->key, "{}");
    bytes_printf(&q->json, "\"verdict\":{\"kind\":\"not-deployed\",\"text\":");
    value_json_string(q->then.text, strlen(q->then.text), &q->json);
    bytes_printf(&q->json, ",\"matches\":false,\"partial\":null,\"event\":null,\"variable\":null,"
                           "\"conditions\":[],\"cut_off\":false},\"earlier\":0,\"steps\":[]");
    answer(c, q);
}

static void ask_for(struct api *a, struct httpcall *c, const struct api_rule *rule,
                    struct rule_plan *p, struct whynot_ask *ask, struct whythen *then)
{
    ask->then = then->then;
    then->then = NULL;
    struct asked *q = asked_new(a, rule, p, ask, then);
    q->later = httpcall_later(c, answer, q);
    ask->plan = plan_ref(p);
    ask->uid = rule->uid;
    if (ask->has_by) /* the worker's answer does not know of it */
        key_of_columns(p, ask, &q->key);
    if (ask->then == NULL)
        q->version = rule->version;
    if (runtimeinspect_why(a->runtime, ask, done, q) == ERR_OK)
        return;
    httpcall_later_drop(q->later);
    httpcall_problem(c, PROBLEM_NOT_READY, NULL, "too many such questions wait already");
    bytes_fini(&ask->key);
    plan_unref(ask->plan);
    whynot_then_free(ask->then);
    free_asked(q);
}

/* The version of the event's time, or of `at`. False: answered. */
static bool find_then(struct api *a, struct httpcall *c, const struct api_rule *rule,
                      const struct rule_plan *p, const struct whynot_ask *ask, struct whythen *then)
{
    struct diag d;
    evtime t = ask->at;
    if (ask->has_event && ask->at == EVTIME_MAX &&
        runtimeinspect_time(a->runtime, p, join_side(p, ask), ask->partition, ask->offset, &t) !=
            ERR_OK)
        t = EVTIME_MAX; /* there is none: whoever looks for it says so */
    diag_init(&d, NULL, 0);
    enum err e = whythen_find(a, rule, t, &d, then);
    if (d.n > 0)
        httpcall_problem(c, PROBLEM_UNSUPPORTED, NULL, "%s", d.items[0].message);
    else if (e != ERR_OK)
        api_failed(c, e);
    diag_fini(&d);
    return e == ERR_OK;
}

static void ask_version(struct api *a, struct httpcall *c, const struct api_rule *rule,
                        struct rule_plan *now, const json_t *body, struct whynot_ask *ask)
{
    struct whythen then = {.present = true};
    if (!read_ask(c, now, body, ask) || !find_then(a, c, rule, now, ask, &then))
        return;
    struct rule_plan *p = then.plan != NULL ? then.plan : now;
    if (!then.present && !then.deployed)
        answer_none(a, c, rule, p, ask, &then);
    else if (can(c, p) && read_rest(c, p, body, ask))
        ask_for(a, c, rule, p, ask, &then);
    else
        bytes_fini(&ask->key);
    whythen_fini(&then);
}

void api_whynot(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct api_rule rule;
    if (!api_rules_find_any(a, c, &rule))
        return;
    json_t *body = httpcall_json(c, "key at event_id stream steps scan");
    struct rule_plan *p = body != NULL ? runtime_plan(a->runtime, rule.uid) : NULL;
    struct whynot_ask *ask = mem_new(sizeof *ask);
    if (body != NULL && p == NULL)
        p = api_versions_compile(a, c, &rule, rule.version);
    if (p != NULL && can(c, p))
        ask_version(a, c, &rule, p, body, ask);
    mem_free(ask);
    json_decref(body);
    plan_unref(p);
    mem_free(rule.name);
}
