/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: created from SQL, shown with their columns, sizes, and the rules that read them. */
#include "base/mem.h"
#include "cep/list.h"
#include "rules/compile.h"
#include "server/alertjson.h"
#include "server/api.h"
#include "server/jsonw.h"
#include "state/catalog_lists.h"
#include <string.h>

enum { LIMIT = 50, LIMIT_MAX = 1000 };

/* --- reading -------------------------------------------------------------------------------------------------------- */

static void write_columns(struct bytes *out, const struct list *l)
{
    const struct schema *s = list_schema(l);
    char type[32];
    jsonw_kstr(out, "key", s->columns[list_key(l)].name);
    jsonw_key(out, "columns");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < s->ncolumns; i++) {
        jsonw_open(out, '{');
        jsonw_kstr(out, "name", s->columns[i].name);
        jsonw_kstr(out, "type", schema_type_name(s->columns[i].type, type));
        jsonw_kbool(out, "not_null", s->columns[i].not_null);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
}

static void write_reader(void *ctx, uint64_t uid, const char *rule)
{
    struct bytes *out = ctx;
    char id[ALERTJSON_RULE_ID];
    alertjson_rule_id(uid, id);
    jsonw_open(out, '{');
    jsonw_kstr(out, "id", id);
    jsonw_kstr(out, "name", rule);
    jsonw_close(out, '}');
}

struct listing {
    struct api *api;
    struct bytes *out;
};

static void write_list(void *ctx, const struct catalog_list *k)
{
    struct listing *l = ctx;
    struct bytes *out = l->out;
    struct list *def = runtime_list(l->api->runtime, k->name, NULL);
    if (def == NULL)
        return; /* being deleted */
    jsonw_open(out, '{');
    jsonw_kstr(out, "name", k->name);
    jsonw_kstr(out, "sql", k->sql);
    write_columns(out, def);
    jsonw_ku64(out, "items", k->items);
    jsonw_ku64(out, "edits_kept", k->edits);
    jsonw_ktime(out, "created", k->created);
    jsonw_ktime(out, "updated", k->updated);
    jsonw_key(out, "rules");
    jsonw_open(out, '[');
    runtime_list_rules(l->api->runtime, k->name, write_reader, out);
    jsonw_close(out, ']');
    jsonw_close(out, '}');
    list_unref(def);
}

void api_lists_list(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct listing l = {a, httpcall_out(c)};
    api_page_open(l.out);
    enum err e = catalog_lists(a->reader, write_list, &l);
    if (e != ERR_OK) {
        api_failed(c, e);
        return;
    }
    api_page_close(l.out, false, 0);
    httpcall_json_reply(c, 200);
}

struct names {
    char **names;
    size_t n, cap;
};

static void note_name(void *ctx, const struct catalog_list *l)
{
    struct names *n = ctx;
    n->names = mem_grow(n->names, n->n, 1, &n->cap, sizeof *n->names);
    n->names[n->n++] = mem_str(l->name);
}

struct list *api_lists_find(struct api *a, struct httpcall *c, uint64_t *uid)
{
    const char *name = httpcall_param(c, "l");
    struct list *l = runtime_list(a->runtime, name, uid);
    if (l)
        return l;
    struct names names = {0};
    enum err e = catalog_lists(a->reader, note_name, &names);
    if (e != ERR_OK)
        api_failed(c, e);
    else
        api_not_found(c, "list", name, names.names, names.n);
    for (size_t i = 0; i < names.n; i++)
        mem_free(names.names[i]);
    mem_free(names.names);
    return NULL;
}

static void answer_list(struct api *a, struct httpcall *c, const char *name, int status)
{
    struct listing l = {a, httpcall_out(c)};
    enum err e = catalog_lists_get(a->reader, name, write_list, &l);
    if (e == ERR_OK && l.out->n == 0)
        e = ERR_NOT_FOUND;
    if (e != ERR_OK)
        api_failed(c, e);
    else
        httpcall_json_reply(c, status);
}

void api_lists_get(struct httpcall *c, void *app)
{
    struct list *l = api_lists_find(app, c, NULL);
    if (l)
        answer_list(app, c, list_name(l), 200);
    list_unref(l);
}

/* --- changes -------------------------------------------------------------------------------------------------------- */

struct history {
    struct bytes *out;
    unsigned n, limit;
    uint64_t last;
};

static void write_change(void *ctx, const struct catalog_list_told *t)
{
    struct history *h = ctx;
    struct bytes *out = h->out;
    if (h->n++ >= h->limit)
        return;
    jsonw_open(out, '{');
    jsonw_ku64(out, "change", t->seq);
    jsonw_ktime(out, "at", t->at);
    jsonw_kstr(out, "what", t->what);
    jsonw_kstr(out, "by", t->who);
    jsonw_kstr(out, "reason", t->reason);
    jsonw_ku64(out, "added", t->added);
    jsonw_ku64(out, "removed", t->removed);
    jsonw_ku64(out, "changed", t->changed);
    jsonw_kraw(out, "keys", t->keys);
    jsonw_close(out, '}');
    h->last = t->seq;
}

void api_lists_changes(struct httpcall *c, void *app)
{
    struct api *a = app;
    uint64_t limit = 0, after = 0, uid = 0;
    if (!httpcall_query_u64(c, "limit", LIMIT, 1, LIMIT_MAX, &limit) ||
        !httpcall_query_u64(c, "after", 0, 0, INT64_MAX, &after))
        return;
    struct list *l = api_lists_find(a, c, &uid);
    if (!l)
        return;
    struct history h = {.out = httpcall_out(c), .limit = (unsigned)limit};
    api_page_open(h.out);
    enum err e =
        catalog_lists_history(a->reader, uid, after, (unsigned)limit + 1, write_change, &h);
    list_unref(l);
    if (e != ERR_OK) {
        api_failed(c, e);
        return;
    }
    api_page_close(h.out, h.n > h.limit, h.last);
    httpcall_json_reply(c, 200);
}

/* --- creating and deleting ------------------------------------------------------------------------------------------ */

static void created(struct api *a, struct httpcall *c, const char *name)
{
    answer_list(a, c, name, 201);
}

static void deleted(struct api *a, struct httpcall *c, const char *name)
{
    (void)a;
    (void)name;
    httpcall_out(c);
    httpcall_reply(c, 204, NULL);
}

/* The name of the first list that the text is about; answers the problem if there is anything else in it. */
static char *name_of(struct api *a, struct httpcall *c, const char *sql, size_t n)
{
    struct diag d;
    struct script *script = NULL;
    char *name = NULL;
    bool other = false;
    diag_init(&d, sql, n);
    enum err e = compile_script(sql, n, runtime_scope(a->runtime), &d, &script);
    for (unsigned i = 0; e == ERR_OK && i < script->n; i++) {
        const struct statement *s = &script->statements[i];
        other = other || (s->kind != STATEMENT_LIST && s->kind != STATEMENT_INSERT);
    }
    if (e != ERR_OK)
        httpcall_diag(c, PROBLEM_INVALID_LIST, &d);
    else if (script->n == 0 || other)
        httpcall_problem(c, PROBLEM_INVALID_LIST,
                         "streams go to POST /api/v1/streams, rules to POST /api/v1/rules",
                         "'sql' must be CREATE LIST and INSERT statements");
    else
        name = mem_str(list_name(script->statements[0].list));
    compile_script_free(script);
    diag_fini(&d);
    return name;
}

void api_lists_create(struct httpcall *c, void *app)
{
    struct api *a = app;
    json_t *body = httpcall_json(c, "sql");
    if (!body)
        return;
    const char *sql = json_string_value(json_object_get(body, "sql"));
    char *name = NULL;
    if (!sql)
        httpcall_problem(c, PROBLEM_BAD_FIELD, "as in {\"sql\": \"CREATE LIST …\"}",
                         "the field 'sql' is missing or no text");
    else
        name = name_of(a, c, sql, strlen(sql));
    if (name) {
        struct diag d;
        diag_init(&d, sql, strlen(sql));
        struct api_change *ch = api_change_new(a, c, name, PROBLEM_INVALID_LIST, created);
        enum err e = runtime_create(a->runtime, sql, strlen(sql), NULL, &d, api_change_done, ch);
        api_change_started(ch, c, e, &d);
        diag_fini(&d);
    }
    mem_free(name);
    json_decref(body);
}

void api_lists_delete(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct list *l = api_lists_find(a, c, NULL);
    if (!l)
        return;
    struct api_change *ch = api_change_new(a, c, list_name(l), PROBLEM_CONFLICT, deleted);
    enum err e = runtime_drop_list(a->runtime, list_name(l), api_change_done, ch);
    api_change_started(ch, c, e, NULL);
    list_unref(l);
}
