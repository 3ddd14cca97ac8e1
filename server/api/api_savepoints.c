/* SPDX-License-Identifier: Apache-2.0
 *
 * GET, POST /savepoints; GET, DELETE /savepoints/{s}; POST /savepoints/{s}:verify, :restore. */
#include "base/mem.h"
#include "server/api/api.h"
#include "server/http/http.h"
#include "server/http/jsonw.h"
#include "server/run/runtimesave.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct savepoints *all_of(const struct api *a)
{
    return runtimesave_all(a->runtime);
}

/* --- as JSON --------------------------------------------------------------------------------------------------------- */

static void write_rules(struct bytes *out, const struct checkmeta *m, bool texts)
{
    jsonw_key(out, "rules");
    jsonw_open(out, '[');
    for (size_t i = 0; i < m->nrules; i++) {
        jsonw_open(out, '{');
        jsonw_kstr(out, "name", m->rules[i].name);
        jsonw_ku64(out, "version", m->rules[i].version);
        if (texts)
            jsonw_kstr(out, "sql", m->rules[i].sql);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
}

static void write_head(struct bytes *out, const struct savemeta *m, bool texts)
{
    jsonw_kstr(out, "name", m->name);
    jsonw_ktime(out, "created", m->created);
    jsonw_kstr(out, "trigger", m->trigger);
    jsonw_kstr(out, "rule", m->rule);
    jsonw_key(out, "version");
    if (m->rule != NULL)
        jsonw_u64(out, m->version);
    else
        jsonw_null(out);
    jsonw_kstr(out, "release", m->release);
    jsonw_ku64(out, "checkpoint", m->check->id);
    jsonw_ku64(out, "workers", m->check->workers);
    jsonw_ku64(out, "key_groups", m->check->key_groups);
    jsonw_ku64(out, "entries", savemeta_entries(m));
    jsonw_ku64(out, "bytes", savemeta_bytes(m));
    write_rules(out, m->check, texts);
    jsonw_kstr(out, "problem", NULL);
}

static void write_damaged(struct bytes *out, const char *name, const struct diag *d)
{
    jsonw_kstr(out, "name", name);
    jsonw_kstr(out, "problem", d->errors > 0 ? d->items[0].message : "it cannot be read");
}

static void write_positions(struct bytes *out, const struct checkmeta *m)
{
    jsonw_key(out, "positions");
    jsonw_open(out, '[');
    for (size_t i = 0; i < m->npositions; i++) {
        jsonw_open(out, '{');
        jsonw_kstr(out, "stream", m->positions[i].stream);
        jsonw_ku64(out, "partition", m->positions[i].at.partition);
        jsonw_ku64(out, "offset", m->positions[i].at.offset);
        jsonw_ktime(out, "watermark", m->positions[i].at.w);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
}

static void write_whole(struct bytes *out, const struct savemeta *m, const char *folder)
{
    jsonw_open(out, '{');
    write_head(out, m, true);
    jsonw_kstr(out, "folder", folder);
    write_positions(out, m->check);
    jsonw_key(out, "operators");
    jsonw_open(out, '[');
    for (size_t i = 0; i < m->noperators; i++) {
        jsonw_open(out, '{');
        jsonw_kstr(out, "id", m->operators[i].id);
        jsonw_ku64(out, "entries", m->operators[i].entries);
        jsonw_ku64(out, "bytes", m->operators[i].bytes);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
    jsonw_key(out, "files");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < m->nfiles; i++) {
        jsonw_open(out, '{');
        jsonw_kstr(out, "name", m->files[i].name);
        jsonw_ku64(out, "bytes", m->files[i].bytes);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
    jsonw_close(out, '}');
}

/* --- handlers -------------------------------------------------------------------------------------------------------- */

void api_savepoints_list(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct bytes *out = httpcall_out(c);
    char **names = NULL;
    size_t n = savepoints_list(all_of(a), &names);
    api_page_open(out);
    for (size_t i = 0; i < n; i++) {
        struct savemeta *m = NULL;
        struct diag d;
        diag_init(&d, NULL, 0);
        jsonw_open(out, '{');
        if (savepoints_read(all_of(a), names[i], &d, &m) == ERR_OK)
            write_head(out, m, false);
        else
            write_damaged(out, names[i], &d);
        jsonw_close(out, '}');
        savemeta_free(m);
        diag_fini(&d);
        mem_free(names[i]);
    }
    api_page_close(out, false, 0);
    mem_free(names);
    httpcall_json_reply(c, 200);
}

static void answer(struct api *a, struct httpcall *c, const char *name, int status)
{
    struct savemeta *m = NULL;
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = savepoints_read(all_of(a), name, &d, &m);
    if (e == ERR_OK) {
        char *folder = savepoints_folder(all_of(a), name);
        write_whole(httpcall_out(c), m, folder);
        httpcall_json_reply(c, status);
        mem_free(folder);
    } else {
        httpcall_diag(c,
                      e == ERR_CORRUPT || e == ERR_VERSION ? PROBLEM_BAD_SAVEPOINT : problem_of(e),
                      &d);
    }
    savemeta_free(m);
    diag_fini(&d);
}

static void created(struct api *a, struct httpcall *c, const char *name)
{
    answer(a, c, name, 201);
}

static void created_last(struct api *a, struct httpcall *c, const char *name)
{
    answer(a, c, name, 201);
    http_stop(a->http);
}

static void verified(struct api *a, struct httpcall *c, const char *name)
{
    answer(a, c, name, 200);
}

void api_savepoints_get(struct httpcall *c, void *app)
{
    answer(app, c, httpcall_param(c, "s"), 200);
}

static bool read_flag(struct httpcall *c, const json_t *body, const char *name, bool *out)
{
    const json_t *v = json_object_get(body, name);
    *out = json_is_true(v);
    if (v == NULL || json_is_boolean(v))
        return true;
    httpcall_problem(c, PROBLEM_BAD_FIELD, NULL, "the field '%s' is true or false", name);
    return false;
}

void api_savepoints_create(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct diag d;
    char made[SAVEPOINTS_NAME_BYTES];
    json_t *body = httpcall_json(c, "name stop");
    if (body == NULL)
        return;
    const json_t *given = json_object_get(body, "name");
    const char *name = json_string_value(given);
    if (given != NULL && name == NULL) {
        httpcall_problem(c, PROBLEM_BAD_FIELD, NULL, "the field 'name' is a text");
        json_decref(body);
        return;
    }
    bool stop = false;
    if (!read_flag(c, body, "stop", &stop)) {
        json_decref(body);
        return;
    }
    savepoints_make_name(made);
    const struct savepoints_order order = {.name = name != NULL ? name : made,
                                           .trigger = stop ? "stop" : "manual",
                                           .last = stop};
    diag_init(&d, NULL, 0);
    struct api_change *ch =
        api_change_new(a, c, order.name, PROBLEM_BAD_FIELD, stop ? created_last : created);
    enum err e = savepoints_take(all_of(a), &order, &d, api_change_done, ch);
    api_change_started(ch, c, e, &d);
    diag_fini(&d);
    json_decref(body);
}

void api_savepoints_delete(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = savepoints_remove(all_of(a), httpcall_param(c, "s"), &d);
    if (e == ERR_OK)
        httpcall_reply(c, 204, NULL);
    else
        httpcall_diag(c, problem_of(e), &d);
    diag_fini(&d);
}

void api_savepoints_verify(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct diag d;
    diag_init(&d, NULL, 0);
    const char *name = httpcall_param(c, "s");
    struct api_change *ch = api_change_new(a, c, name, PROBLEM_BAD_SAVEPOINT, verified);
    enum err e = savepoints_verify(all_of(a), name, &d, api_change_done, ch);
    api_change_started(ch, c, e, &d);
    diag_fini(&d);
}

/* --- going back ------------------------------------------------------------------------------------------------------ */

struct going_back {
    struct httplater *later;
    enum err e;
    struct diag d;
    struct bytes report;
    bool dry_run;
};

static void went_back(struct httpcall *c, void *state)
{
    struct going_back *g = state;
    if (c != NULL && g->report.n > 0 && (g->e == ERR_OK || g->dry_run)) {
        bytes_put(httpcall_out(c), g->report.p, g->report.n);
        httpcall_json_reply(c, 200);
    } else if (c != NULL) {
        httpcall_diag(c, g->e == ERR_INVALID ? PROBLEM_BAD_SAVEPOINT : problem_of(g->e), &g->d);
    }
    diag_fini(&g->d);
    bytes_fini(&g->report);
    mem_free(g);
}

static void going_back_done(void *ctx, enum err e, const struct diag *d)
{
    struct going_back *g = ctx;
    g->e = e;
    for (int i = 0; d != NULL && i < d->n; i++)
        diag_say(&g->d, d->items[i].code, d->items[i].hint, "%s", d->items[i].message);
    if (e != ERR_OK && g->d.errors == 0)
        diag_say(&g->d, "failed", NULL, "%s", err_text(e));
    httpcall_resume(g->later);
}

static void go_back(struct api *a, struct httpcall *c, struct restore_ask *ask)
{
    struct diag d;
    struct going_back *g = mem_new(sizeof *g);
    diag_init(&d, NULL, 0);
    diag_init(&g->d, NULL, 0);
    g->dry_run = ask->dry_run;
    g->later = httpcall_later(c, went_back, g);
    ask->report = &g->report;
    enum err e = savepoints_restore(all_of(a), httpcall_param(c, "s"), ask, &d, going_back_done, g);
    if (e != ERR_OK) {
        httpcall_later_drop(g->later);
        httpcall_diag(c, problem_of(e), &d);
        diag_fini(&g->d);
        mem_free(g);
    }
    diag_fini(&d);
}

void api_savepoints_restore(struct httpcall *c, void *app)
{
    struct restore_ask ask = {0};
    json_t *body = httpcall_json(c, "dry_run allow_non_restored_state allow_missing_events");
    if (body != NULL && read_flag(c, body, "dry_run", &ask.dry_run) &&
        read_flag(c, body, "allow_non_restored_state", &ask.allow_non_restored) &&
        read_flag(c, body, "allow_missing_events", &ask.allow_missing_events))
        go_back(app, c, &ask);
    json_decref(body);
}
