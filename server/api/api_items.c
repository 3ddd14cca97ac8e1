/* SPDX-License-Identifier: Apache-2.0 */
/* Items of lists: shown, searched, added, changed and removed, singly and in bulk. Who changes what, and why, comes as
 * parameters, so that a body is items and nothing else. */
#include "base/mem.h"
#include "io/codec_json.h"
#include "server/api/api.h"
#include "server/deploy/changelist.h"
#include "server/http/json_split.h"
#include "server/http/jsonw.h"
#include <string.h>

enum { LIMIT = 50, LIMIT_MAX = 1000, TEXT_MAX = 1000, BULK_MAX = 1000000 };

/* --- reading -------------------------------------------------------------------------------------------------------- */

static void write_item(struct bytes *out, const struct catalog_list_item *i)
{
    jsonw_open(out, '{');
    jsonw_kstr(out, "key", i->key);
    jsonw_kraw(out, "values", i->row);
    jsonw_ktime(out, "expires_at", i->expires);
    jsonw_ktime(out, "added", i->added);
    jsonw_ktime(out, "changed", i->changed);
    jsonw_kstr(out, "by", i->who);
    jsonw_kstr(out, "reason", i->reason);
    jsonw_close(out, '}');
}

struct page {
    struct bytes *out;
    unsigned n, limit;
    char *last;
};

static void list_item(void *ctx, const struct catalog_list_item *i)
{
    struct page *p = ctx;
    if (p->n++ >= p->limit)
        return;
    write_item(p->out, i);
    if (p->n == p->limit)
        p->last = mem_str(i->key);
}

static void close_page(struct page *p)
{
    bool more = p->n > p->limit;
    jsonw_close(p->out, ']');
    jsonw_key(p->out, "page");
    jsonw_open(p->out, '{');
    jsonw_kstr(p->out, "next", more ? p->last : NULL);
    jsonw_kbool(p->out, "has_more", more);
    jsonw_close(p->out, '}');
    jsonw_close(p->out, '}');
}

void api_items_list(struct httpcall *c, void *app)
{
    struct api *a = app;
    uint64_t limit = 0, uid = 0;
    const char *contains = httpcall_query(c, "contains");
    if (!httpcall_query_u64(c, "limit", LIMIT, 1, LIMIT_MAX, &limit))
        return;
    struct list *l = api_lists_find(a, c, &uid);
    if (!l)
        return;
    struct page p = {.out = httpcall_out(c), .limit = (unsigned)limit};
    api_page_open(p.out);
    enum err e =
        catalog_lists_items(a->reader, uid, httpcall_query(c, "after"),
                            contains && *contains ? contains : NULL, p.limit + 1, list_item, &p);
    if (e == ERR_OK) {
        close_page(&p);
        httpcall_json_reply(c, 200);
    } else {
        api_failed(c, e);
    }
    mem_free(p.last);
    list_unref(l);
}

static void say_no_item(struct httpcall *c, const char *list, const char *key)
{
    httpcall_problem(c, PROBLEM_NOT_FOUND, NULL, "list %s has no item '%.200s'", list, key);
}

static void note_item(void *ctx, const struct catalog_list_item *i)
{
    write_item(ctx, i);
}

static void answer_item(struct api *a, struct httpcall *c, const char *list, const char *key)
{
    uint64_t uid = 0;
    struct list *l = runtime_list(a->runtime, list, &uid);
    struct bytes *out = httpcall_out(c);
    enum err e = l ? catalog_lists_item_get(a->reader, uid, key, note_item, out) : ERR_NOT_FOUND;
    if (e == ERR_OK)
        httpcall_json_reply(c, 200);
    else if (e == ERR_NOT_FOUND)
        say_no_item(c, list, key);
    else
        api_failed(c, e);
    list_unref(l);
}

/* The key that {key} is, as it is stored: 007 is 7. NULL: answered. Freed by the caller. */
static char *key_of(struct httpcall *c, const struct list *l)
{
    const char *text = httpcall_param(c, "key");
    const struct column *col = &list_schema(l)->columns[list_key(l)];
    struct bytes out = {0};
    union cell key;
    char type[32];
    if (!list_key_parse(l, text, strlen(text), &key) || !list_key_text(l, key, &out)) {
        bytes_fini(&out);
        httpcall_problem(c, PROBLEM_BAD_PARAMETER, NULL,
                         "'%.200s' is no %s, which the key '%s' of list %s is", text,
                         schema_type_name(col->type, type), col->name, list_name(l));
        return NULL;
    }
    bytes_u8(&out, 0);
    return (char *)out.p;
}

void api_items_get(struct httpcall *c, void *app)
{
    struct list *l = api_lists_find(app, c, NULL);
    char *key = l ? key_of(c, l) : NULL;
    if (key)
        answer_item(app, c, list_name(l), key);
    mem_free(key);
    list_unref(l);
}

/* --- what is asked for ---------------------------------------------------------------------------------------------- */

static bool read_text(struct httpcall *c, const char *name, const char **out)
{
    const char *text = httpcall_query(c, name);
    *out = text && *text ? text : NULL;
    if (!text || strlen(text) <= TEXT_MAX)
        return true;
    httpcall_problem(c, PROBLEM_BAD_PARAMETER, NULL, "'%s' is longer than %d bytes", name,
                     (int)TEXT_MAX);
    return false;
}

/* given: one of the two is there. */
static bool read_expiry(struct httpcall *c, evtime *expires, bool *given)
{
    const char *in = httpcall_query(c, "expires_in"), *at = httpcall_query(c, "expires_at");
    evtime now = timebase_now_ms();
    int64_t ms = 0;
    *expires = EVTIME_MIN;
    *given = in || at;
    if (in && at) {
        httpcall_problem(c, PROBLEM_BAD_PARAMETER, NULL,
                         "'expires_in' and 'expires_at' are both given");
        return false;
    }
    if (!*given || strcmp(in ? in : at, "never") == 0)
        return true;
    if (in && timebase_parse_duration(in, strlen(in), &ms) && ms > 0 &&
        !__builtin_add_overflow(now, ms, expires) && *expires <= EVTIME_LAST)
        return true;
    if (at && timebase_parse(at, strlen(at), expires) && *expires > now)
        return true;
    httpcall_problem(c, PROBLEM_BAD_PARAMETER,
                     in ? "as in expires_in=30d, or never" : "as in 2026-12-24T00:00:00Z, or never",
                     in ? "'expires_in' is no time" : "'expires_at' is no time to come");
    return false;
}

static bool read_options(struct httpcall *c, struct changelist_options *o)
{
    bool given = false;
    *o = (struct changelist_options){.what = "edit"};
    if (!read_text(c, "by", &o->who) || !read_text(c, "reason", &o->reason) ||
        !read_expiry(c, &o->expires, &given))
        return false;
    o->keep_expiry = !given;
    return true;
}

/* --- changing ------------------------------------------------------------------------------------------------------- */

static void write_counts(struct api *a, struct httpcall *c)
{
    struct changelist_counts n = changelist_counts(a->edited);
    struct bytes *out = httpcall_out(c);
    jsonw_open(out, '{');
    jsonw_ku64(out, "added", n.added);
    jsonw_ku64(out, "removed", n.removed);
    jsonw_ku64(out, "changed", n.changed);
    jsonw_close(out, '}');
    httpcall_json_reply(c, 200);
}

static void bulk_done(struct api *a, struct httpcall *c, const char *name)
{
    (void)name;
    write_counts(a, c);
}

/* name: list NUL key. */
static void item_put(struct api *a, struct httpcall *c, const char *name)
{
    (void)name;
    struct list *l = api_lists_find(a, c, NULL);
    char *key = l ? key_of(c, l) : NULL;
    if (key)
        answer_item(a, c, list_name(l), key);
    mem_free(key);
    list_unref(l);
}

static void item_removed(struct api *a, struct httpcall *c, const char *name)
{
    if (changelist_counts(a->edited).removed == 0) {
        say_no_item(c, name, httpcall_param(c, "key"));
        return;
    }
    httpcall_out(c);
    httpcall_reply(c, 204, NULL);
}

/* Takes the edit. */
static void start(struct api *a, struct httpcall *c, const struct list *l, struct changelist *edit,
                  api_answer *answer)
{
    struct api_change *ch = api_change_new(a, c, list_name(l), PROBLEM_INVALID_ITEM, answer);
    api_change_edits(ch, edit);
    enum err e = runtime_edit_list(a->runtime, list_name(l), edit, api_change_done, ch);
    api_change_started(ch, c, e, NULL);
}

static void bad_item(struct httpcall *c, const struct listitems_problem *p)
{
    if (p->what && p->at > 0)
        httpcall_problem(c, PROBLEM_INVALID_ITEM, NULL, "%s %lu: %s", p->what, p->at, p->text);
    else
        httpcall_problem(c, PROBLEM_INVALID_ITEM, NULL, "%s", p->text);
}

/* The key of the address laid over the body, so that it need not be said twice, and cannot be said otherwise. */
static char *body_with_key(const struct list *l, const char *key, const char *body, size_t n,
                           size_t *size)
{
    const struct column *col = &list_schema(l)->columns[list_key(l)];
    struct bytes b = {0};
    union cell cell;
    size_t end = n;
    while (end > 0 && strchr(" \t\r\n", body[end - 1]))
        end--;
    if (json_split_first(body, n) != '{' || body[end - 1] != '}')
        return NULL;
    size_t inner = end - 1;
    while (inner > 0 && strchr(" \t\r\n", body[inner - 1]))
        inner--;
    bytes_put(&b, body, end - 1);
    if (body[inner - 1] != '{')
        bytes_u8(&b, ',');
    value_json_string(col->name, strlen(col->name), &b);
    bytes_u8(&b, ':');
    bool good = list_key_parse(l, key, strlen(key), &cell);
    value_json(&(struct value){.type = col->type, .null = !good, .c = cell}, &b);
    bytes_u8(&b, '}');
    *size = b.n;
    memset(bytes_reserve(&b, CODEC_PADDING), 0, CODEC_PADDING);
    return (char *)b.p;
}

static void put(struct httpcall *c, struct api *a, bool patch)
{
    uint64_t uid = 0;
    size_t n = 0, size = 0;
    struct changelist_options o;
    struct listitems_problem p = {0};
    struct list *l = read_options(c, &o) ? api_lists_find(a, c, &uid) : NULL;
    char *key = l ? key_of(c, l) : NULL;
    const char *body = httpcall_body(c, &n);
    char *text = key ? body_with_key(l, key, body, n, &size) : NULL;
    if (key && !text) {
        httpcall_problem(c, PROBLEM_BAD_JSON, NULL, "the body is no JSON object");
    } else if (key && patch) {
        start(a, c, l, changelist_over(uid, l, key, text, size, &o), item_put);
    } else if (key) {
        struct listitems *items = listitems_new(l);
        o.keep_expiry = false;
        if (listitems_json(items, text, size, false, &p) == ERR_OK) {
            start(a, c, l, changelist_new(uid, items, &o), item_put);
        } else {
            bad_item(c, &p);
            listitems_free(items);
        }
    }
    mem_free(text);
    mem_free(key);
    list_unref(l);
}

void api_items_put(struct httpcall *c, void *app)
{
    put(c, app, false);
}

void api_items_patch(struct httpcall *c, void *app)
{
    put(c, app, true);
}

void api_items_delete(struct httpcall *c, void *app)
{
    uint64_t uid = 0;
    struct changelist_options o = {.what = "edit", .expires = EVTIME_MIN};
    struct listitems_problem p = {0};
    if (!read_text(c, "by", &o.who) || !read_text(c, "reason", &o.reason))
        return;
    struct list *l = api_lists_find(app, c, &uid);
    char *key = l ? key_of(c, l) : NULL;
    if (key) {
        struct listitems *items = listitems_new(l);
        if (listitems_take(items, key, strlen(key), &p) == ERR_OK) {
            start(app, c, l, changelist_new(uid, items, &o), item_removed);
        } else {
            bad_item(c, &p);
            listitems_free(items);
        }
    }
    mem_free(key);
    list_unref(l);
}

/* --- in bulk -------------------------------------------------------------------------------------------------------- */

static bool read_mode(struct httpcall *c, struct changelist_options *o, bool *take)
{
    const char *mode = httpcall_query(c, "mode");
    *take = mode && strcmp(mode, "remove") == 0;
    o->keep = mode && strcmp(mode, "keep") == 0;
    o->replace = mode && strcmp(mode, "replace") == 0;
    if (o->replace)
        o->what = "replace";
    if (!mode || *take || o->keep || o->replace || strcmp(mode, "add") == 0)
        return true;
    httpcall_problem(c, PROBLEM_BAD_PARAMETER, NULL,
                     "'mode' is '%.50s'; it must be add, keep, remove or replace", mode);
    return false;
}

static enum err read_json(struct httpcall *c, struct listitems *items, bool lines, bool take,
                          struct listitems_problem *p)
{
    size_t n = 0;
    unsigned got = 0;
    const char *body = httpcall_body(c, &n);
    struct json_split_problem why = {0};
    unsigned max = n / 2 + 1 < BULK_MAX ? (unsigned)(n / 2 + 1) : BULK_MAX;
    struct json_split_text *texts = mem_array(max, sizeof *texts);
    enum err e = lines ? json_split_lines(body, n, texts, max, &got)
                       : json_split_array(body, n, texts, max, &got, &why);
    if (e == ERR_INVALID)
        snprintf(p->text, sizeof p->text, "%s",
                 json_split_first(body, n) == '[' ? why.text : "the body is no array of items");
    for (unsigned i = 0; i < got && e == ERR_OK; i++) {
        p->what = "item";
        p->at = i + 1;
        e = listitems_json(items, texts[i].p, texts[i].n, take, p);
    }
    mem_free(texts);
    return e;
}

static enum err read_items(struct httpcall *c, struct listitems *items, bool take,
                           struct listitems_problem *p)
{
    const char *type = httpcall_header(c, "content-type");
    size_t n = 0;
    const char *body = httpcall_body(c, &n);
    if (type && strcasestr(type, "csv"))
        return listitems_csv(items, body, n, take, BULK_MAX, p);
    bool lines = type && (!strcasestr(type, "application/json") || strcasestr(type, "jsonl"));
    return read_json(c, items, lines, take, p);
}

void api_items_bulk(struct httpcall *c, void *app)
{
    struct changelist_options o;
    struct listitems_problem p = {0};
    uint64_t uid = 0;
    bool take = false;
    if (!read_options(c, &o) || !read_mode(c, &o, &take))
        return;
    struct list *l = api_lists_find(app, c, &uid);
    if (!l)
        return;
    struct listitems *items = listitems_new(l);
    enum err e = read_items(c, items, take, &p);
    if (e == ERR_OK) {
        start(app, c, l, changelist_new(uid, items, &o), bulk_done);
        items = NULL;
    } else if (e == ERR_LIMIT) {
        httpcall_problem(c, PROBLEM_LIST_FULL, "send them in several requests",
                         "there are more than %d items in the request", (int)BULK_MAX);
    } else {
        bad_item(c, &p);
    }
    listitems_free(items);
    list_unref(l);
}
