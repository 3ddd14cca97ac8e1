/* SPDX-License-Identifier: Apache-2.0 */
#include "server/checkpoint/savemeta.h"
#include "base/mem.h"
#include "cep/match/nfa.h"
#include "server/http/jsonw.h"
#include "server/version.h"
#include "state/checkpoint.h"
#include "state/flowfile.h"
#include "state/savepoint.h"
#include "state/store.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct savemeta *savemeta_new(void)
{
    struct savemeta *m = mem_new(sizeof *m);
    snprintf(m->release, sizeof m->release, "%s", VERSION_TEXT);
    return m;
}

void savemeta_free(struct savemeta *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->noperators; i++)
        mem_free(m->operators[i].id);
    mem_free(m->operators);
    mem_free(m->rule);
    checkmeta_free(m->check);
    bytes_fini(&m->streams);
    bytes_fini(&m->automata);
    mem_free(m);
}

void savemeta_add_operator(struct savemeta *m, const char *id, uint64_t entries, uint64_t bytes)
{
    size_t i = 0;
    while (i < m->noperators && strcmp(m->operators[i].id, id) != 0)
        i++;
    if (i == m->noperators) {
        m->operators =
            mem_grow(m->operators, m->noperators, 1, &m->operators_cap, sizeof *m->operators);
        m->operators[m->noperators++] = (struct savemeta_operator){.id = mem_str(id)};
    }
    m->operators[i].entries += entries;
    m->operators[i].bytes += bytes;
}

void savemeta_add_stream(void *savemeta, const struct catalog_text *s)
{
    struct bytes *out = &((struct savemeta *)savemeta)->streams;
    if (out->n == 0)
        jsonw_open(out, '[');
    jsonw_open(out, '{');
    jsonw_ku64(out, "id", s->uid);
    jsonw_kstr(out, "name", s->name);
    jsonw_kstr(out, "sql", s->sql);
    jsonw_close(out, '}');
}

void savemeta_add_automata(struct savemeta *m, struct registry *r)
{
    for (size_t i = 0; i < m->check->nrules; i++) {
        const struct checkmeta_rule *k = &m->check->rules[i];
        uint32_t version = k->version;
        struct nfa *nfa = NULL;
        struct rule_plan *p = registry_plan(r, k->uid, &version);
        if (p != NULL && p->shape == RULE_MATCH && version == k->version &&
            nfa_build(&p->match, NULL, &nfa) == ERR_OK) {
            struct bytes text = {0};
            nfa_print(nfa, p, NFA_JSON, &text);
            if (m->automata.n == 0)
                jsonw_open(&m->automata, '[');
            jsonw_open(&m->automata, '{');
            jsonw_kstr(&m->automata, "rule", k->name);
            jsonw_ku64(&m->automata, "version", k->version);
            jsonw_key(&m->automata, "automaton");
            jsonw_raw(&m->automata, (const char *)text.p, text.n);
            jsonw_close(&m->automata, '}');
            bytes_fini(&text);
        }
        nfa_free(nfa);
        plan_unref(p);
    }
}

uint64_t savemeta_bytes(const struct savemeta *m)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < m->nfiles; i++)
        bytes += m->files[i].bytes;
    return bytes;
}

uint64_t savemeta_entries(const struct savemeta *m)
{
    uint64_t entries = 0;
    for (size_t i = 0; i < m->noperators; i++)
        entries += m->operators[i].entries;
    return entries;
}

/* --- as text ------------------------------------------------------------------------------------------------------- */

static void put_files(const struct savemeta *m, struct bytes *out)
{
    jsonw_key(out, "files");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < m->nfiles; i++) {
        char sum[32];
        snprintf(sum, sizeof sum, "%016" PRIx64, m->files[i].xxh3);
        jsonw_open(out, '{');
        jsonw_kstr(out, "name", m->files[i].name);
        jsonw_ku64(out, "bytes", m->files[i].bytes);
        jsonw_kstr(out, "xxh3", sum);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
}

static void put_operators(const struct savemeta *m, struct bytes *out)
{
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
}

/* An array that was made piece by piece, and has no end yet. */
static void put_array(const char *key, const struct bytes *made, struct bytes *out)
{
    jsonw_key(out, key);
    if (made->n > 0)
        bytes_put(out, made->p, made->n);
    else
        jsonw_open(out, '[');
    jsonw_close(out, ']');
}

void savemeta_put(const struct savemeta *m, struct bytes *out)
{
    struct bytes check = {0};
    checkmeta_put(m->check, &check);
    jsonw_open(out, '{');
    jsonw_kstr(out, "kind", "savepoint");
    jsonw_ku64(out, "format", SAVEMETA_FORMAT);
    jsonw_kstr(out, "name", m->name);
    jsonw_ktime(out, "created", m->created);
    jsonw_ki64(out, "created_ms", m->created);
    jsonw_kstr(out, "release", m->release);
    jsonw_kstr(out, "trigger", m->trigger);
    jsonw_kstr(out, "rule", m->rule);
    jsonw_ku64(out, "version", m->version);
    jsonw_key(out, "checkpoint");
    jsonw_raw(out, (const char *)check.p, check.n - 1); /* without its line's end */
    put_operators(m, out);
    put_files(m, out);
    put_array("streams", &m->streams, out);
    put_array("automata", &m->automata, out);
    jsonw_close(out, '}');
    bytes_u8(out, '\n');
    bytes_fini(&check);
}

/* --- from text ----------------------------------------------------------------------------------------------------- */

static bool get_u64(const json_t *o, const char *key, uint64_t *out)
{
    const json_t *v = json_object_get(o, key);
    *out = json_is_integer(v) && json_integer_value(v) >= 0 ? (uint64_t)json_integer_value(v) : 0;
    return json_is_integer(v) && json_integer_value(v) >= 0;
}

static bool get_text(const json_t *o, const char *key, char *out, size_t n)
{
    const char *s = json_string_value(json_object_get(o, key));
    snprintf(out, n, "%s", s == NULL ? "" : s);
    return s != NULL && strlen(s) < n;
}

static bool get_file(const json_t *o, struct savemeta *m)
{
    char sum[17];
    if (m->nfiles == SAVEMETA_FILES_MAX)
        return false;
    struct savemeta_file *f = &m->files[m->nfiles++];
    return get_text(o, "name", f->name, sizeof f->name) && savepoint_is_name(f->name) &&
           get_u64(o, "bytes", &f->bytes) && get_text(o, "xxh3", sum, sizeof sum) &&
           sscanf(sum, "%16" SCNx64, &f->xxh3) == 1;
}

static bool get_operator(const json_t *o, struct savemeta *m)
{
    uint64_t entries, bytes;
    const char *id = json_string_value(json_object_get(o, "id"));
    if (id == NULL || !get_u64(o, "entries", &entries) || !get_u64(o, "bytes", &bytes))
        return false;
    savemeta_add_operator(m, id, entries, bytes);
    return true;
}

static bool get_arrays(const json_t *o, struct savemeta *m)
{
    const json_t *files = json_object_get(o, "files"), *ops = json_object_get(o, "operators");
    bool ok = json_is_array(files) && json_is_array(ops);
    for (size_t i = 0; ok && i < json_array_size(files); i++)
        ok = get_file(json_array_get(files, i), m);
    for (size_t i = 0; ok && i < json_array_size(ops); i++)
        ok = get_operator(json_array_get(ops, i), m);
    return ok;
}

static enum err get_check(const json_t *o, struct diag *d, struct savemeta *m)
{
    char *text = json_dumps(json_object_get(o, "checkpoint"), JSON_COMPACT);
    enum err e = ERR_CORRUPT;
    if (text == NULL)
        diag_say(d, "damaged", NULL, "the metadata have no part 'checkpoint'");
    else
        e = checkmeta_get(text, strlen(text), d, &m->check);
    free(text);
    return e;
}

static enum err get_all(const json_t *o, struct diag *d, struct savemeta *m)
{
    uint64_t format = 0, version = 0;
    const char *kind = json_string_value(json_object_get(o, "kind"));
    if (kind == NULL || strcmp(kind, "savepoint") != 0 || !get_u64(o, "format", &format)) {
        diag_say(d, "damaged", "is it a checkpoint, or of another program?",
                 "the metadata are none of a savepoint");
        return ERR_CORRUPT;
    }
    (void)get_text(o, "release", m->release, sizeof m->release);
    if (format != SAVEMETA_FORMAT) {
        diag_say(d, "version", "start the release that wrote it, or a later one",
                 "the savepoint has format %" PRIu64
                 " (of release %s); this release reads format %d",
                 format, m->release, SAVEMETA_FORMAT);
        return ERR_VERSION;
    }
    const char *rule = json_string_value(json_object_get(o, "rule"));
    m->rule = rule == NULL ? NULL : mem_str(rule);
    m->created = json_integer_value(json_object_get(o, "created_ms"));
    bool ok = get_text(o, "name", m->name, sizeof m->name) && savepoint_is_name(m->name) &&
              get_text(o, "trigger", m->trigger, sizeof m->trigger) &&
              get_u64(o, "version", &version) && version <= UINT32_MAX && get_arrays(o, m);
    m->version = (uint32_t)version;
    if (ok)
        return get_check(o, d, m);
    diag_say(d, "damaged", NULL, "the metadata lack something");
    return ERR_CORRUPT;
}

enum err savemeta_get(const char *text, size_t n, struct diag *d, struct savemeta **out)
{
    json_error_t at;
    json_t *o = json_loadb(text, n, 0, &at);
    struct savemeta *m = savemeta_new();
    enum err e = ERR_CORRUPT;
    m->release[0] = '\0';
    if (json_is_object(o))
        e = get_all(o, d, m);
    else
        diag_say(d, "damaged", NULL, "the metadata are no JSON object: %s", at.text);
    json_decref(o);
    if (e == ERR_OK)
        *out = m;
    else
        savemeta_free(m);
    return e;
}

enum err savemeta_read(const char *folder, struct diag *d, struct savemeta **out)
{
    struct bytes text = {0};
    enum err e = checkpoint_get_metadata(folder, &text, d);
    if (e == ERR_OK)
        e = savemeta_get((const char *)text.p, text.n, d, out);
    bytes_fini(&text);
    return e;
}

/* --- is it whole? -------------------------------------------------------------------------------------------------- */

static enum err verify_file(const struct savemeta_file *f, const char *folder, struct diag *d)
{
    char *path = mem_printf("%s/%s", folder, f->name);
    uint64_t bytes = 0, sum = 0;
    enum err e = savepoint_sum(path, &bytes, &sum);
    if (e != ERR_OK)
        diag_say(d, "damaged", NULL, "%s: %s", path, err_text(e));
    else if (bytes != f->bytes)
        diag_say(d, "damaged", "take another savepoint",
                 "%s has %" PRIu64 " bytes; it was written with %" PRIu64, path, bytes, f->bytes);
    else if (sum != f->xxh3)
        diag_say(d, "damaged", "take another savepoint", "%s: its checksum is wrong", path);
    mem_free(path);
    return d->errors > 0 ? ERR_CORRUPT : ERR_OK;
}

static bool has_file(const struct savemeta *m, const char *name)
{
    unsigned i = 0;
    while (i < m->nfiles && strcmp(m->files[i].name, name) != 0)
        i++;
    return i < m->nfiles;
}

static enum err pass_record(void *ctx, const void *p, size_t n)
{
    (void)ctx, (void)p, (void)n;
    return ERR_OK;
}

static enum err verify_part(const struct savemeta *m, unsigned worker, const char *folder,
                            struct diag *d)
{
    char name[24], state[40], flow[40];
    snprintf(name, sizeof name, "worker-%u", worker);
    snprintf(state, sizeof state, "%s.0000", name);
    snprintf(flow, sizeof flow, "%s.flow", name);
    if (!has_file(m, state) || !has_file(m, flow) || m->check->worker[worker].done.files != 1) {
        diag_say(d, "damaged", NULL, "the metadata lack the files of %s", name);
        return ERR_CORRUPT;
    }
    char *path = mem_printf("%s/%s", folder, flow);
    enum err e = store_verify(folder, name, 1, d);
    if (e == ERR_OK)
        e = flowfile_read(path, pass_record, NULL, d);
    mem_free(path);
    return e;
}

enum err savemeta_verify(const struct savemeta *m, const char *folder, struct diag *d)
{
    enum err e = ERR_OK;
    if (!has_file(m, "cooldown") || !has_file(m, "definitions.db")) {
        diag_say(d, "damaged", NULL, "the metadata lack the file cooldown or definitions.db");
        return ERR_CORRUPT;
    }
    for (unsigned i = 0; i < m->nfiles && e == ERR_OK; i++)
        e = verify_file(&m->files[i], folder, d);
    for (unsigned i = 0; i < m->check->workers && e == ERR_OK; i++)
        e = verify_part(m, i, folder, d);
    return e;
}
