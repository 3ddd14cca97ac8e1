/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: created from SQL, shown with their columns, sizes, and the rules that read them. */
#include "base/mem.h"
#include "cep/list.h"
#include "server/api/api_define.h"
#include "server/http/jsonw.h"
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
    runtime_list_rules(l->api->runtime, k->name, api_define_rule, out);
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

static void note_name(void *ctx, const struct catalog_list *l)
{
    api_define_note(ctx, l->name);
}

struct list *api_lists_find(struct api *a, struct httpcall *c, uint64_t *uid)
{
    const char *name = httpcall_param(c, "l");
    struct list *l = runtime_list(a->runtime, name, uid);
    if (l)
        return l;
    struct api_define_names names = {0};
    enum err e = catalog_lists(a->reader, note_name, &names);
    api_define_missing(c, "list", name, e, &names);
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

/* The name of the first list that the text is about, if there is nothing else in it. */
static const char *name_of(const struct script *s)
{
    for (unsigned i = 0; i < s->n; i++)
        if (s->statements[i].kind != STATEMENT_LIST && s->statements[i].kind != STATEMENT_INSERT)
            return NULL;
    return s->n > 0 ? list_name(s->statements[0].list) : NULL;
}

void api_lists_create(struct httpcall *c, void *app)
{
    static const struct api_define what = {
        .example = "as in {\"sql\": \"CREATE LIST …\"}",
        .must = "CREATE LIST and INSERT statements",
        .elsewhere = "streams go to POST /api/v1/streams, rules to POST /api/v1/rules",
        .bad = PROBLEM_INVALID_LIST,
        .name = name_of,
        .created = created};
    api_define_create(app, c, &what);
}

void api_lists_delete(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct list *l = api_lists_find(a, c, NULL);
    if (!l)
        return;
    struct api_change *ch =
        api_change_new(a, c, list_name(l), PROBLEM_CONFLICT, api_define_deleted);
    enum err e = runtime_drop_list(a->runtime, list_name(l), api_change_done, ch);
    api_change_started(ch, c, e, NULL);
    list_unref(l);
}
