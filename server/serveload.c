/* SPDX-License-Identifier: Apache-2.0 */
#include "server/serveload.h"
#include "base/log.h"
#include "base/mem.h"
#include "cep/list.h"
#include "rules/compile.h"
#include "server/run/runtimesink.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define LOG_MODULE "serve"

static enum err read_file(const char *path, struct bytes *out, struct diag *d)
{
    FILE *f = fopen(path, "r");
    if (!f) {
        diag_say(d, "no-file", "name another with --load, or leave it out", "%s cannot be read: %s",
                 path, strerror(errno));
        return err_from_errno(errno);
    }
    size_t n = 0;
    do {
        uint8_t *room = bytes_reserve(out, 64 << 10);
        n = fread(room, 1, 64 << 10, f);
        out->n += n;
    } while (n > 0 && out->n <= COMPILE_TEXT_MAX);
    bool failed = ferror(f);
    fclose(f);
    if (failed) {
        diag_say(d, "no-file", "is it a file?", "%s cannot be read", path);
        return ERR_IO;
    }
    return ERR_OK;
}

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool done;
    enum err e;
    char *text; /* what went wrong */
};

static void on_done(void *ctx, enum err e, const struct diag *d)
{
    struct waiting *w = ctx;
    pthread_mutex_lock(&w->lock);
    w->done = true;
    w->e = e;
    w->text = d && d->errors ? diag_text(d) : NULL;
    pthread_cond_signal(&w->ended);
    pthread_mutex_unlock(&w->lock);
}

static enum err create(struct runtime *r, const char *sql, size_t n, struct diag *d)
{
    struct waiting w = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};
    enum err e = runtime_create(r, sql, n, NULL, d, on_done, &w);
    if (e != ERR_OK)
        return e;
    pthread_mutex_lock(&w.lock);
    while (!w.done)
        pthread_cond_wait(&w.ended, &w.lock);
    pthread_mutex_unlock(&w.lock);
    if (w.e != ERR_OK)
        diag_say(d, "load", NULL, "%s", w.text ? w.text : err_text(w.e));
    mem_free(w.text);
    return w.e;
}

static bool exists(struct runtime *r, struct catalog *reader, const struct statement *s)
{
    uint64_t uid = 0;
    if (s->kind == STATEMENT_STREAM)
        return runtime_stream(r, s->name) != NULL;
    if (s->kind == STATEMENT_LIST || s->kind == STATEMENT_INSERT) {
        /* Of a list that was there before, items are left as they are too: somebody may have taken one out. */
        struct list *l = runtime_list(r, list_name(s->list), NULL);
        list_unref(l);
        return l != NULL;
    }
    if (s->kind == STATEMENT_TABLE)
        return runtime_table(r, s->name) != NULL;
    if (s->kind == STATEMENT_SINK)
        return runtimesink_look(r, s->name, NULL);
    return s->kind == STATEMENT_RULE && catalog_rules_find(reader, s->name, &uid) == ERR_OK;
}

enum err serveload_file(struct runtime *r, struct catalog *reader, const char *path, struct diag *d)
{
    struct bytes text = {0};
    struct script *script = NULL;
    enum err e = read_file(path, &text, d);
    if (e == ERR_OK) {
        d->text = text.n ? (const char *)text.p : "";
        d->text_len = text.n;
        e = compile_script(d->text, d->text_len, runtime_scope(r), d, &script);
        if (e != ERR_OK)
            diag_say(d, "load", NULL, "%s was not loaded", path);
    }
    /* One script and so one change: each change costs the workers a new plan of all rules. */
    struct bytes missing = {0};
    unsigned created = 0;
    for (unsigned i = 0; e == ERR_OK && i < script->n; i++) {
        const struct statement *s = &script->statements[i];
        if (exists(r, reader, s))
            continue;
        bytes_put(&missing, d->text + s->at.begin, s->at.end - s->at.begin);
        bytes_printf(&missing, ";\n");
        created++;
    }
    if (e == ERR_OK && created > 0) {
        e = create(r, (const char *)missing.p, missing.n, d);
        if (e != ERR_OK)
            diag_say(d, "load", NULL, "%s was not loaded", path);
    }
    bytes_fini(&missing);
    if (e == ERR_OK)
        LOG_INFO("statements loaded", "file=%s created=%u there_already=%u", path, created,
                 script->n - created);
    compile_script_free(script);
    d->text = NULL; /* it ends here; places have been worked out */
    d->text_len = 0;
    bytes_fini(&text);
    return e;
}
