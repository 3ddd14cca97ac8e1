/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/api_define.h"
#include "base/mem.h"
#include "server/api/alertjson.h"
#include "server/http/jsonw.h"
#include <string.h>

static char *name_of(struct api *a, struct httpcall *c, const struct api_define *what,
                     const char *sql, size_t n)
{
    struct diag d;
    struct script *script = NULL;
    const char *name = NULL;
    diag_init(&d, sql, n);
    enum err e = compile_script(sql, n, runtime_scope(a->runtime), &d, &script);
    if (e != ERR_OK)
        httpcall_diag(c, what->bad, &d);
    else if ((name = what->name(script)) == NULL)
        httpcall_problem(c, what->bad, what->elsewhere, "'sql' must be %s", what->must);
    char *copy = name ? mem_str(name) : NULL;
    compile_script_free(script);
    diag_fini(&d);
    return copy;
}

static void start(struct api *a, struct httpcall *c, const struct api_define *what, const char *sql)
{
    struct diag d;
    char *name = name_of(a, c, what, sql, strlen(sql));
    if (!name)
        return;
    diag_init(&d, sql, strlen(sql));
    struct api_change *ch = api_change_new(a, c, name, what->bad, what->created);
    enum err e = runtime_create(a->runtime, sql, strlen(sql), NULL, &d, api_change_done, ch);
    api_change_started(ch, c, e, &d);
    diag_fini(&d);
    mem_free(name);
}

void api_define_create(struct api *a, struct httpcall *c, const struct api_define *what)
{
    json_t *body = httpcall_json(c, "sql");
    if (!body)
        return;
    const char *sql = json_string_value(json_object_get(body, "sql"));
    if (sql)
        start(a, c, what, sql);
    else
        httpcall_problem(c, PROBLEM_BAD_FIELD, what->example,
                         "the field 'sql' is missing or no text");
    json_decref(body);
}

void api_define_deleted(struct api *a, struct httpcall *c, const char *name)
{
    (void)a;
    (void)name;
    httpcall_out(c);
    httpcall_reply(c, 204, NULL);
}

void api_define_list(struct api *a, struct httpcall *c, enum catalog_text_kind kind,
                     api_define_write *write)
{
    struct api_define_listing l = {a, httpcall_out(c), NULL};
    api_page_open(l.out);
    enum err e = catalog_texts(a->reader, kind, write, &l);
    if (e != ERR_OK) {
        api_failed(c, e);
        return;
    }
    api_page_close(l.out, false, 0);
    httpcall_json_reply(c, 200);
}

void api_define_one(struct api *a, struct httpcall *c, enum catalog_text_kind kind,
                    api_define_write *write, const char *name, int status)
{
    struct api_define_listing l = {a, httpcall_out(c), name};
    enum err e = catalog_texts(a->reader, kind, write, &l);
    if (e == ERR_OK && l.out->n == 0)
        e = ERR_NOT_FOUND;
    if (e != ERR_OK)
        api_failed(c, e);
    else
        httpcall_json_reply(c, status);
}

void api_define_rule(void *ctx, uint64_t uid, const char *rule)
{
    struct bytes *out = ctx;
    char id[ALERTJSON_RULE_ID];
    alertjson_rule_id(uid, id);
    jsonw_open(out, '{');
    jsonw_kstr(out, "id", id);
    jsonw_kstr(out, "name", rule);
    jsonw_close(out, '}');
}

void api_define_note(struct api_define_names *n, const char *name)
{
    n->names = mem_grow(n->names, n->n, 1, &n->cap, sizeof *n->names);
    n->names[n->n++] = mem_str(name);
}

void api_define_missing(struct httpcall *c, const char *what, const char *name, enum err e,
                        struct api_define_names *n)
{
    if (e != ERR_OK)
        api_failed(c, e);
    else
        api_not_found(c, what, name, n->names, n->n);
    for (size_t i = 0; i < n->n; i++)
        mem_free(n->names[i]);
    mem_free(n->names);
}
