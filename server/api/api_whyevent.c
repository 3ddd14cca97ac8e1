/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /streams/{s}:why_not: what each rule that reads the stream says of one event. The event is found first, by its place or by
 * what stands in its columns; then the rules are asked one after the other, each as :why_not of the rule asks it, as long as there
 * is time. */
#include "base/mem.h"
#include "cep/derived.h"
#include "cep/key/keyrows.h"
#include "cep/task/taskinspect.h"
#include "server/api/api.h"
#include "server/api/rulejson.h"
#include "server/api/rulekey.h"
#include "server/api/whyalert.h"
#include "server/api/whythen.h"
#include "server/http/jsonw.h"
#include "server/run/runtimeinspect.h"
#include "server/wire/tracewire.h"
#include "state/catalog_dead.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    RULES_MAX = 64, /* that are asked */
    SCAN = 1000000, /* events that may be looked at: to find it, and for all rules together */
    RULE_SCAN_LEAST = 20000,
    TIME_MS = 10000,
};

struct one { /* rule */
    struct rule_plan *plan;
    char *name;
    uint64_t uid;
    uint32_t version;
    const char *left; /* why it was not asked; NULL: it was */
    enum err e;
    struct bytes key, json, text; /* JSON; why it failed */
    struct bytes canonical; /* the key */
    struct whythen then;
    char *refused; /* why its version of then cannot be asked; or NULL */
};

struct asked {
    struct api *api;
    struct httplater *later;
    const struct schema *stream; /* lives until the runtime stops */
    uint32_t partition;
    uint64_t offset;
    struct one rules[RULES_MAX];
    unsigned n, at, left_out;
    bool finds; /* the event is looked for */
    json_t *where; /* ... by these columns */
    montime until; /* no further rule is asked then */
    enum err e; /* of finding it */
    struct bytes problem;
};

static void free_asked(struct asked *q)
{
    for (unsigned i = 0; i < q->n; i++) {
        struct one *r = &q->rules[i];
        plan_unref(r->plan);
        mem_free(r->name);
        bytes_fini(&r->key);
        bytes_fini(&r->json);
        bytes_fini(&r->text);
        bytes_fini(&r->canonical);
        whythen_fini(&r->then);
        mem_free(r->refused);
    }
    bytes_fini(&q->problem);
    json_decref(q->where);
    mem_free(q);
}

/* --- the answer --- */

/* {"verdict":{…},…: the verdict alone */
static json_t *verdict_of(const struct one *r)
{
    static const char before[] = "\"verdict\":";
    if (r->json.n < sizeof before)
        return NULL;
    return json_loadb((const char *)r->json.p + sizeof before - 1, r->json.n - sizeof before + 1,
                      JSON_DISABLE_EOF_CHECK, NULL);
}

/* Verdicts by which the event has given a rule nothing: of rules whose results are of one row each, any but that it was found;
 * of others, only that the event was never taken. */
static bool gave_nothing(const struct one *r, const char *kind)
{
    static const char *const open[] = {"matched", "waiting", "pending"};
    static const char *const never[] = {"late", "paused", "before-rule", "where"};
    bool by_row = r->plan->shape == RULE_FILTER || r->plan->shape == RULE_OVER;
    bool found = false, taken = true;
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        found |= strcmp(kind, open[i]) == 0;
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        taken &= strcmp(kind, never[i]) != 0;
    return !taken || (by_row && !found);
}

static const struct one *rule_named(const struct asked *q, const char *name)
{
    for (unsigned i = 0; name != NULL && i < q->n; i++)
        if (strcasecmp(q->rules[i].name, name) == 0)
            return &q->rules[i];
    return NULL;
}

/* A rule over rules got nothing of the event if the rule that it reads, or one before that, was given none. The sentence of
 * that one is appended; NULL: nobody knows. */
static const char *stopped_by(const struct asked *q, const struct one *r, struct bytes *why)
{
    const struct one *up = r;
    for (unsigned i = 0; i < DERIVED_STAGES_MAX; i++) {
        if ((up = rule_named(q, whynot_upstream(up->plan))) == NULL)
            return NULL;
        json_t *v = up->left == NULL && up->e == ERR_OK ? verdict_of(up) : NULL;
        const char *kind = json_string_value(json_object_get(v, "kind"));
        bool stops = kind != NULL && gave_nothing(up, kind);
        if (stops)
            bytes_printf(why, "it reads what rule %s finds, which did not find this event: %s",
                         up->name, json_string_value(json_object_get(v, "text")));
        bytes_u8(why, 0);
        json_decref(v);
        if (stops)
            return up->name;
        bytes_reset(why);
    }
    return NULL;
}

static void put_rule(const struct asked *q, struct one *r, struct bytes *out)
{
    json_t *v = r->left == NULL && r->e == ERR_OK ? verdict_of(r) : NULL;
    const char *kind = json_string_value(json_object_get(v, "kind"));
    const char *text = json_string_value(json_object_get(v, "text"));
    struct bytes why = {0};
    const char *upstream = whynot_upstream(r->plan);
    const char *stopped = r->left != NULL ? stopped_by(q, r, &why) : NULL;
    if (stopped != NULL)
        text = (const char *)why.p;
    jsonw_open(out, '{');
    jsonw_kstr(out, "rule", r->name);
    jsonw_ku64(out, "version", r->version);
    jsonw_kstr(out, "kind", rulejson_kind(r->plan));
    jsonw_kstr(out, "upstream", stopped != NULL ? stopped : upstream);
    jsonw_kstr(out, "verdict",
               stopped != NULL                       ? "upstream"
               : kind != NULL                        ? kind
               : r->then.present || r->then.deployed ? "not-asked"
                                                     : "not-deployed");
    bytes_u8(&r->text, 0);
    jsonw_kstr(out, "text",
               text != NULL      ? text
               : r->left != NULL ? r->left
               : r->text.n > 1   ? (const char *)r->text.p
                                 : "the workers do not run just now");
    if (v != NULL) {
        bytes_u8(&r->key, 0);
        jsonw_kraw(out, "key", (const char *)r->key.p);
        struct whyalert_ask told = {r->plan, r->name, (const char *)r->key.p, 0, 0, 0};
        whyalert_put_verdict(q->api, &told, &r->json, out);
    }
    const struct whythen_told what = {.then = &r->then,
                                      .plan = r->plan,
                                      .uid = r->uid,
                                      .key = r->canonical.p,
                                      .key_n = r->canonical.n,
                                      .has_event = true,
                                      .stream = q->stream->id,
                                      .partition = q->partition,
                                      .offset = q->offset};
    whythen_put(q->api, &what, out);
    jsonw_close(out, '}');
    bytes_fini(&why);
    json_decref(v);
}

/* --- one rule after the other --- */

static void ask_next(struct asked *q);

/* On another thread: what it tells lives for the call only. */
static void told(void *ctx, enum err e, const struct diag *d, const struct whynot_answer *a)
{
    struct asked *q = ctx;
    struct one *r = &q->rules[q->at++];
    r->e = e;
    if (d->n > 0)
        bytes_printf(&r->text, "%s", d->items[0].message);
    if (e == ERR_OK) {
        bytes_put(&r->json, a->json, a->n);
        taskinspect_key(r->plan, a->key->p, a->key->n, &r->key);
        bytes_put(&r->canonical, a->key->p, a->key->n);
    }
    if (e == ERR_CLOSED)
        q->at = q->n;
    ask_next(q);
}

static bool ask_one(struct asked *q, struct one *r)
{
    uint64_t share = SCAN / q->n;
    struct whynot_ask *ask = mem_new(sizeof *ask);
    *ask = (struct whynot_ask){.plan = plan_ref(r->plan),
                               .uid = r->uid,
                               .has_event = true,
                               .partition = q->partition,
                               .offset = q->offset,
                               .stream = q->stream->id,
                               .at = EVTIME_MAX,
                               .scan = share > RULE_SCAN_LEAST ? share : RULE_SCAN_LEAST,
                               .steps = 1};
    if (r->plan->shape == RULE_FILTER)
        ask->scan = 1;
    ask->then = r->then.then;
    r->then.then = NULL;
    bool asked = runtimeinspect_why(q->api->runtime, ask, told, q) == ERR_OK;
    if (!asked) {
        plan_unref(ask->plan);
        whynot_then_free(ask->then);
    }
    mem_free(ask);
    return asked;
}

static void ask_next(struct asked *q)
{
    for (; q->at < q->n; q->at++) {
        struct one *r = &q->rules[q->at];
        if (r->left == NULL)
            r->left = whynot_cannot(r->plan);
        if (r->left == NULL && timebase_mono_ns() > q->until)
            r->left = "there was no time left to ask it";
        if (r->left == NULL && ask_one(q, r))
            return; /* told() goes on, maybe it has already */
        if (r->left == NULL)
            r->left = "too many such questions wait already";
    }
    httpcall_resume(q->later);
}

/* --- the event is known --- */

/* Each rule is asked as it was then. */
static void go_back(struct asked *q, struct one *r)
{
    const struct api_rule rule = {r->uid, r->version, r->name, RESTS_NOT};
    unsigned side =
        r->plan->shape == RULE_JOIN && keyrows_schema(r->plan, JOIN_LEFT)->id != q->stream->id
            ? JOIN_RIGHT
            : JOIN_LEFT;
    struct diag d;
    evtime t = EVTIME_MAX;
    if ((r->left = whynot_cannot(r->plan)) != NULL ||
        runtimeinspect_time(q->api->runtime, r->plan, side, q->partition, q->offset, &t) != ERR_OK)
        return;
    diag_init(&d, NULL, 0);
    if (whythen_find(q->api, &rule, t, &d, &r->then) != ERR_OK) {
        r->refused = mem_str(d.n > 0 ? d.items[0].message : "its versions cannot be read");
        r->left = r->refused;
    } else if (!r->then.present && !r->then.deployed) {
        r->left = r->then.text;
    } else if (r->then.plan != NULL) {
        plan_unref(r->plan);
        r->plan = plan_ref(r->then.plan);
        r->version = r->then.version;
    }
    diag_fini(&d);
}

static bool is_same(const json_t *a, const json_t *b)
{
    if (json_equal(a, b))
        return true;
    char *x = json_is_string(a) ? NULL : json_dumps(a, JSON_ENCODE_ANY);
    char *y = json_is_string(b) ? NULL : json_dumps(b, JSON_ENCODE_ANY);
    const char *p = x != NULL ? x : json_string_value(a), *q = y != NULL ? y : json_string_value(b);
    bool same = p != NULL && q != NULL && strcmp(p, q) == 0;
    free(x);
    free(y);
    return same;
}

struct refused { /* is it in the dead letters? */
    const json_t *where;
    struct bytes *out;
    bool found;
};

static void note_letter(void *ctx, const struct catalog_dead_letter *d)
{
    struct refused *f = ctx;
    const char *name;
    json_t *v, *raw = f->found ? NULL : json_loadb(d->raw, d->raw_len, 0, NULL);
    bool same = json_is_object(raw);
    json_object_foreach((json_t *)(uintptr_t)f->where, name, v)
    {
        same = same && is_same(json_object_get(raw, name), v);
    }
    if (same) {
        bytes_printf(f->out, ", but dead letter %" PRIu64 " is, which was not taken: %s", d->id,
                     d->reason != NULL ? d->reason : d->kind);
        f->found = true;
    }
    json_decref(raw);
}

/* An event that the stream has refused is in no log. The newest letters that may be it are looked at. */
static void look_into_letters(struct asked *q)
{
    enum { LETTERS = 200 };
    void *first = json_object_iter(q->where);
    const json_t *v = json_object_iter_value(first);
    char *text = json_is_string(v) ? NULL : json_dumps(v, JSON_ENCODE_ANY);
    struct refused f = {.where = q->where, .out = &q->problem};
    const struct catalog_dead_filter by = {.stream = q->stream->id,
                                           .contains = text != NULL ? text : json_string_value(v)};
    if (catalog_deadlook_list(q->api->reader, &by, LETTERS, note_letter, &f) != ERR_OK)
        bytes_printf(&q->problem, " (the dead letters cannot be read)");
    free(text);
}

static void answer(struct httpcall *c, void *state);

static void ask_all(struct httpcall *c, struct asked *q)
{
    for (unsigned i = 0; i < q->n; i++)
        go_back(q, &q->rules[i]);
    q->later = httpcall_later(c, answer, q);
    ask_next(q);
}

static void answer(struct httpcall *c, void *state)
{
    struct asked *q = state;
    if (c != NULL && q->finds && q->e == ERR_OK) {
        q->finds = false;
        ask_all(c, q);
        return;
    }
    if (c != NULL && q->finds && q->e == ERR_NOT_FOUND)
        look_into_letters(q);
    bytes_u8(&q->problem, 0);
    if (c != NULL && q->e != ERR_OK) {
        httpcall_problem(c, problem_of(q->e), NULL, "%s", (const char *)q->problem.p);
    } else if (c != NULL) {
        struct bytes *out = httpcall_out(c);
        char place[48];
        snprintf(place, sizeof place, "%" PRIu32 "/%" PRIu64, q->partition, q->offset);
        jsonw_open(out, '{');
        jsonw_kstr(out, "stream", q->stream->name);
        jsonw_kstr(out, "event_id", place);
        jsonw_ku64(out, "left_out", q->left_out);
        jsonw_key(out, "data");
        jsonw_open(out, '[');
        for (unsigned i = 0; i < q->n; i++)
            put_rule(q, &q->rules[i], out);
        jsonw_close(out, ']');
        jsonw_close(out, '}');
        httpcall_json_reply(c, 200);
    }
    free_asked(q);
}

/* --- which event, which rules --- */

static void note_rule(void *ctx, const struct catalog_rule *r)
{
    struct asked *q = ctx;
    struct rule_plan *p = runtime_plan(q->api->runtime, r->uid);
    const struct schema *roots[PLAN_ROOTS_MAX];
    unsigned n = p != NULL ? plan_roots(p, roots) : 0;
    bool reads = false;
    for (unsigned i = 0; i < n && !reads; i++)
        reads = roots[i]->id == q->stream->id;
    if (!reads || q->n == RULES_MAX) {
        q->left_out += reads;
        plan_unref(p);
        return;
    }
    q->rules[q->n++] = (struct one){.plan = p,
                                    .name = mem_str(r->name),
                                    .uid = r->uid,
                                    .version = r->version,
                                    .then = {.present = true, .at = EVTIME_MAX}};
}

/* The newest that has it. */
static void found(void *ctx, enum err e, const struct diag *d, const struct whynot_answer *a)
{
    struct asked *q = ctx;
    struct bytes_reader in = bytes_read(a->rows->p, a->rows->n);
    struct tracewire_row row;
    evtime newest = EVTIME_MIN;
    bool some = false;
    while (e == ERR_OK && in.p < in.end && tracewire_get_row(&in, &row) == ERR_OK)
        if (!some || row.arrival >= newest) {
            q->partition = row.partition;
            q->offset = row.offset;
            newest = row.arrival;
            some = true;
        }
    q->e = e == ERR_OK && !some ? ERR_NOT_FOUND : e;
    if (d->n > 0)
        bytes_printf(&q->problem, "%s", d->items[0].message);
    else if (q->e == ERR_NOT_FOUND)
        bytes_printf(&q->problem, "none of the last %" PRIu64 " events of stream %s is like that",
                     a->scanned, q->stream->name);
    else if (q->e != ERR_OK)
        bytes_printf(&q->problem, "the server ends");
    httpcall_resume(q->later);
}

/* A plan of which only the stream counts. */
static struct rule_plan *plan_of_stream(const struct schema *s)
{
    struct arena *a = arena_new(0, 0);
    struct rule_plan *p = arena_zero(a, sizeof *p);
    *p = (struct rule_plan){
        .name = "", .sql = "", .shape = RULE_FILTER, .input = s, .arena = a, .refs = 1};
    return p;
}

static bool find_by(struct httpcall *c, struct asked *q, const json_t *where)
{
    struct diag d;
    struct whynot_ask *ask = mem_new(sizeof *ask);
    ask->plan = plan_of_stream(q->stream);
    ask->finds = ask->has_by = true;
    ask->at = EVTIME_MAX;
    ask->scan = SCAN;
    diag_init(&d, NULL, 0);
    bool good = rulekey_of_columns(ask->plan, where, &d, &ask->by, &ask->key) == ERR_OK;
    if (!good)
        httpcall_problem(c, PROBLEM_BAD_FIELD, NULL, "%s", d.items[0].message);
    diag_fini(&d);
    bool asked = good;
    if (good) {
        q->finds = true;
        q->where = json_incref((json_t *)(uintptr_t)where);
        q->later = httpcall_later(c, answer, q);
        asked = runtimeinspect_why(q->api->runtime, ask, found, q) == ERR_OK;
    }
    if (good && !asked) {
        httpcall_later_drop(q->later);
        httpcall_problem(c, PROBLEM_NOT_READY, NULL, "too many such questions wait already");
    }
    if (!asked) {
        plan_unref(ask->plan);
        bytes_fini(&ask->key);
    }
    mem_free(ask);
    return asked;
}

static bool read_place(const json_t *id, struct asked *q)
{
    const char *text = json_string_value(id);
    uint64_t partition = 0;
    const char *end = text != NULL ? httpcall_whole(text, '/', UINT32_MAX, &partition) : NULL;
    q->partition = (uint32_t)partition;
    return end != NULL && httpcall_whole(end + 1, '\0', UINT64_MAX, &q->offset) &&
           partition < q->stream->partitions;
}

void api_whyevent(struct httpcall *c, void *app)
{
    struct api *a = app;
    const struct schema *s = api_streams_find(a, c, httpcall_param(c, "s"));
    json_t *body = s != NULL ? httpcall_json(c, "event_id where") : NULL;
    if (body == NULL)
        return;
    const json_t *id = json_object_get(body, "event_id"), *where = json_object_get(body, "where");
    struct asked *q = mem_new(sizeof *q);
    q->api = a;
    q->stream = s;
    q->until = timebase_mono_ns() + (montime)TIME_MS * 1000000;
    enum err e = catalog_rules_page(a->reader, 0, UINT32_MAX, note_rule, q);
    bool later = false;
    if (e != ERR_OK) {
        api_failed(c, e);
    } else if (json_is_object(where) && id == NULL) {
        later = find_by(c, q, where);
    } else if (where == NULL && read_place(id, q)) {
        later = true;
        ask_all(c, q);
    } else {
        httpcall_problem(c, PROBLEM_BAD_FIELD, NULL,
                         "write {\"event_id\": \"partition/offset\"}, or {\"where\": {\"%s\": …}}",
                         s->columns[0].name);
    }
    if (!later)
        free_asked(q);
    json_decref(body);
}
