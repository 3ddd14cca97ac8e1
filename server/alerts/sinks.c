/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "sinks"
#include "server/alerts/sinks.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/sink_file.h"
#include "rules/compile.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct one {
    struct script *script;
    const struct sink *def; /* in the script's arena */
    struct io_sink *io; /* NULL: not open yet */
    bool recovered; /* what `pending` says has been done */
    struct bytes pending;
    bool dropped;
    struct sinks_state shown; /* under `lock` */
};

struct sinks {
    char *folder;
    uint64_t commit; /* that checkpoint was complete */
    bool commit_again; /* for some sink it could not be done */
    pthread_mutex_t work; /* one at a time writes */
    pthread_mutex_t lock; /* of what follows; taken inside `work` */
    struct one **all;
    size_t n, cap;
};

struct sinks *sinks_new(const char *folder, const char *data)
{
    struct sinks *s = mem_new(sizeof *s);
    s->folder = folder[0] != '\0' ? mem_str(folder) : mem_printf("%s/sinks", data);
    pthread_mutex_init(&s->work, NULL);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

static void free_one(struct one *x)
{
    if (x->io != NULL)
        x->io->kind->close(x->io);
    compile_script_free(x->script);
    bytes_fini(&x->pending);
    mem_free(x);
}

void sinks_free(struct sinks *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++)
        free_one(s->all[i]);
    mem_free(s->all);
    mem_free(s->folder);
    pthread_mutex_destroy(&s->work);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

/* Dropped ones stay where they are until the end: somebody may be looking at their names. */
static struct one *find(struct sinks *s, const char *name)
{
    struct one *found = NULL;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n && found == NULL; i++)
        if (!s->all[i]->dropped && strcasecmp(s->all[i]->def->name, name) == 0)
            found = s->all[i];
    pthread_mutex_unlock(&s->lock);
    return found;
}

/* The i-th that was not dropped. */
static struct one *at(struct sinks *s, size_t i)
{
    struct one *found = NULL;
    pthread_mutex_lock(&s->lock);
    for (size_t k = 0; k < s->n && found == NULL; k++)
        if (!s->all[k]->dropped && i-- == 0)
            found = s->all[k];
    pthread_mutex_unlock(&s->lock);
    return found;
}

bool sinks_has(struct sinks *s, const char *name)
{
    return find(s, name) != NULL;
}

const char *sinks_name(struct sinks *s, unsigned i)
{
    const struct one *x = at(s, i);
    return x == NULL ? NULL : x->def->name;
}

bool sinks_look(struct sinks *s, const char *name, struct sinks_state *out)
{
    const struct one *x = find(s, name);
    if (x == NULL)
        return false;
    pthread_mutex_lock(&s->lock);
    *out = x->shown;
    pthread_mutex_unlock(&s->lock);
    return true;
}

/* --- one of them, under `work` ----------------------------------------------------------------- */

static void show(struct sinks *s, struct one *x, const char *wrong)
{
    pthread_mutex_lock(&s->lock);
    x->shown.def = x->def;
    if (x->io != NULL) {
        x->shown.promise = x->io->kind->promise;
        x->io->kind->stats(x->io, &x->shown.stats);
    }
    snprintf(x->shown.wrong, sizeof x->shown.wrong, "%s", wrong);
    pthread_mutex_unlock(&s->lock);
}

/* After something was done, or tried: d is told what it is about. */
static enum err done(struct sinks *s, struct one *x, enum err e, struct diag *d)
{
    char *text = e == ERR_OK ? NULL : diag_text(d);
    bool news = text != NULL && strncmp(x->shown.wrong, text, sizeof x->shown.wrong - 1) != 0;
    if (news)
        LOG_ERROR("a sink cannot be written", "sink=%s reason=\"%s\"", x->def->name, text);
    show(s, x, text == NULL ? "" : text);
    mem_free(text);
    return e;
}

static enum err ready(struct sinks *s, struct one *x, struct diag *d)
{
    enum err e = ERR_OK;
    if (x->io == NULL) {
        char *folder = mem_printf("%s/%s", s->folder, x->def->path);
        e = sink_file_open(folder, x->def, d, &x->io);
        mem_free(folder);
    }
    if (e == ERR_OK && !x->recovered) {
        e = x->io->kind->recover(x->io, x->pending.n > 0 ? (const char *)x->pending.p : "",
                                 x->pending.n, d);
        x->recovered = e == ERR_OK;
    }
    return e;
}

static enum err say_taken(struct diag *d, const struct sink *def, const struct one *by)
{
    diag_say(d, "exists", "'path'='…'", "sink %s would write into the folder of sink %s, '%s'",
             def->name, by->def->name, def->path);
    return ERR_EXISTS;
}

enum err sinks_put(struct sinks *s, const char *sql, size_t n, bool open, struct diag *d)
{
    struct script *script = NULL;
    enum err e = compile_script(sql, n, NULL, d, &script);
    if (e != ERR_OK)
        return e;
    if (script->n != 1 || script->statements[0].kind != STATEMENT_SINK) {
        diag_say(d, "sink", NULL, "a text is not one CREATE SINK statement");
        compile_script_free(script);
        return ERR_INVALID;
    }
    struct one *x = mem_new(sizeof *x), *other = NULL;
    x->script = script;
    x->def = script->statements[0].sink;
    x->shown.stats.committed_at = EVTIME_MIN;
    pthread_mutex_lock(&s->work);
    for (size_t i = 0; e == ERR_OK && (other = at(s, i)) != NULL; i++)
        if (strcmp(other->def->path, x->def->path) == 0)
            e = say_taken(d, x->def, other);
    if (e == ERR_OK && open)
        e = ready(s, x, d);
    if (e == ERR_OK) {
        show(s, x, "");
        pthread_mutex_lock(&s->lock);
        s->all = mem_grow(s->all, s->n, 1, &s->cap, sizeof *s->all);
        s->all[s->n++] = x;
        pthread_mutex_unlock(&s->lock);
    } else {
        free_one(x);
    }
    pthread_mutex_unlock(&s->work);
    return e;
}

enum err sinks_drop(struct sinks *s, const char *name, struct diag *d)
{
    pthread_mutex_lock(&s->work);
    struct one *x = find(s, name);
    enum err e = x == NULL ? ERR_NOT_FOUND : ready(s, x, d);
    if (e == ERR_OK)
        e = done(s, x, x->io->kind->finish(x->io, d), d);
    if (e == ERR_OK) {
        pthread_mutex_lock(&s->lock);
        x->dropped = true;
        pthread_mutex_unlock(&s->lock);
        x->io->kind->close(x->io);
        x->io = NULL;
    }
    pthread_mutex_unlock(&s->work);
    return e;
}

/* --- lines ------------------------------------------------------------------------------------- */

enum err sinks_write(struct sinks *s, const char *name, bool next, const void *line, size_t n,
                     struct diag *d)
{
    enum err e = ERR_OK;
    pthread_mutex_lock(&s->work);
    struct one *x = find(s, name);
    if (x != NULL) {
        e = ready(s, x, d);
        if (e == ERR_OK)
            e = x->io->kind->write(x->io, next, line, n, d);
        if (e != ERR_OK)
            e = done(s, x, e, d);
        else
            show(s, x, x->shown.wrong);
    }
    pthread_mutex_unlock(&s->work);
    return e;
}

/* All of them, also behind one that fails: what belongs to the next checkpoint must be told apart in each. */
enum err sinks_prepare(struct sinks *s, uint64_t checkpoint, struct bytes *out, struct diag *d)
{
    struct bytes text = {0};
    struct one *x = NULL;
    enum err all = ERR_OK;
    pthread_mutex_lock(&s->work);
    for (size_t i = 0; (x = at(s, i)) != NULL; i++) {
        struct diag why;
        diag_init(&why, NULL, 0);
        bytes_reset(&text);
        enum err e = ready(s, x, &why);
        if (e == ERR_OK)
            e = x->io->kind->prepare(x->io, checkpoint, &text, &why);
        if (done(s, x, e, &why) == ERR_OK) {
            sinks_pending_put(out, x->def->name, (const char *)text.p, text.n);
        } else {
            diag_say(d, "sink", NULL, "sink %s: %s", x->def->name, x->shown.wrong);
            all = all == ERR_CORRUPT ? all : e;
        }
        diag_fini(&why);
    }
    pthread_mutex_unlock(&s->work);
    bytes_fini(&text);
    return all;
}

static void commit_all(struct sinks *s)
{
    struct one *x = NULL;
    s->commit_again = false;
    for (size_t i = 0; (x = at(s, i)) != NULL; i++) {
        struct diag d;
        diag_init(&d, NULL, 0);
        if (x->io != NULL && x->recovered)
            s->commit_again |= done(s, x, x->io->kind->commit(x->io, s->commit, &d), &d) != ERR_OK;
        diag_fini(&d);
    }
}

void sinks_commit(struct sinks *s, uint64_t checkpoint)
{
    pthread_mutex_lock(&s->work);
    s->commit = checkpoint;
    commit_all(s);
    pthread_mutex_unlock(&s->work);
}

void sinks_retry(struct sinks *s)
{
    pthread_mutex_lock(&s->work);
    if (s->commit_again)
        commit_all(s);
    pthread_mutex_unlock(&s->work);
}

/* --- a new attempt ----------------------------------------------------------------------------- */

static void find_pending(struct one *x, const void *blob, size_t blob_n)
{
    struct bytes_reader in = bytes_read(blob, blob_n);
    const char *name = NULL, *text = NULL;
    size_t name_n = 0, n = 0;
    bytes_reset(&x->pending);
    while (sinks_pending_get(&in, &name, &name_n, &text, &n))
        if (strlen(x->def->name) == name_n && strncasecmp(x->def->name, name, name_n) == 0)
            bytes_put(&x->pending, text, n);
}

void sinks_recover(struct sinks *s, const void *blob, size_t n)
{
    struct one *x = NULL;
    pthread_mutex_lock(&s->work);
    s->commit_again = false;
    for (size_t i = 0; (x = at(s, i)) != NULL; i++) {
        struct diag d;
        diag_init(&d, NULL, 0);
        find_pending(x, blob, n);
        x->recovered = false;
        (void)(done(s, x, ready(s, x, &d), &d) == ERR_OK); /* tried again before the next line */
        diag_fini(&d);
    }
    pthread_mutex_unlock(&s->work);
}

void sinks_pending_put(struct bytes *out, const char *name, const char *text, size_t n)
{
    bytes_str(out, name, strlen(name));
    bytes_str(out, text, n);
}

bool sinks_pending_get(struct bytes_reader *in, const char **name, size_t *name_n,
                       const char **text, size_t *n)
{
    if (in->p == in->end)
        return false;
    *name = bytes_get_str(in, name_n);
    *text = bytes_get_str(in, n);
    return !in->bad;
}
