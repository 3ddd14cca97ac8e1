/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "backtests"
#include "server/backtest/backtests.h"
#include "base/durable.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/backtest/backtestcmd.h"
#include "server/backtest/backtestprocess.h"
#include "server/run/runtimebacktest.h"
#include "server/run/runtimememory.h"
#include "state/catalog_backtests.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    AT_ONCE_MAX = 16,
    LINE_BYTES = 16 << 10,
    LABELS_MAX = 4000000,
    LISTED = 100,
    MEMORY_MS = 1000
};

struct item { /* it waits or runs */
    struct item *next;
    uint64_t id;
    char *rule;
    json_t *plan;
    bool cancelled;
    bool begun; /* else it waits */
    pid_t pid; /* 0: it has no process */
    int fd; /* what it says */
    evtime started;
    struct backtests_progress progress;
    char *error; /* what it said was wrong */
    char line[LINE_BYTES];
    size_t n;
};

struct backtests {
    struct backtests_options o;
    char *folder, *catalogue;
    struct runtime *runtime;
    struct catalog *catalog;
    pthread_t thread;
    int wake; /* eventfd */
    pthread_mutex_t lock; /* of what follows */
    bool stopping;
    struct item *items; /* in order of id */
    unsigned running;
    struct backtests_counts counts;
};

static char *folder_of(const struct backtests *b, uint64_t id)
{
    return mem_printf("%s/%" PRIu64, b->folder, id);
}

char *backtests_file(const struct backtests *b, uint64_t id, const char *name)
{
    return mem_printf("%s/%" PRIu64 "/%s", b->folder, id, name);
}

static void wake(struct backtests *b)
{
    uint64_t one = 1;
    (void)!write(b->wake, &one, sizeof one);
}

static void free_item(struct item *i)
{
    json_decref(i->plan);
    mem_free(i->rule);
    mem_free(i->error);
    mem_free(i);
}

/* --- an end -------------------------------------------------------------------------------------------------------------- */

static void remove_folder(const char *path)
{
    if (durable_delete(path) != ERR_OK)
        LOG_WARN("a folder of a backtest stays", "path=%s reason=%s", path, strerror(errno));
}

struct ended {
    uint64_t ids[LISTED];
    unsigned n, skip;
};

static void note_ended(void *ctx, const struct catalog_backtest *t)
{
    struct ended *e = ctx;
    if (t->state < CATALOG_BACKTEST_DONE)
        return;
    if (e->skip > 0)
        e->skip--;
    else if (e->n < LISTED)
        e->ids[e->n++] = t->id;
}

static enum err forget(struct backtests *b, uint64_t id)
{
    char *folder = folder_of(b, id);
    enum err e = catalog_backtests_delete(b->catalog, id);
    if (e == ERR_OK)
        remove_folder(folder);
    mem_free(folder);
    return e;
}

static void forget_oldest(struct backtests *b)
{
    struct ended e = {.skip = b->o.kept};
    enum err bad = catalog_backtests(b->catalog, 0, NULL, UINT32_MAX, note_ended, &e);
    for (unsigned i = 0; bad == ERR_OK && i < e.n; i++)
        bad = forget(b, e.ids[i]);
    if (bad != ERR_OK)
        LOG_WARN("backtests that are not kept stay", "reason=%s", err_name(bad));
}

static void store(struct backtests *b, const struct item *i, enum catalog_backtest_state state,
                  const char *error, const char *result)
{
    const struct catalog_backtest t = {.id = i->id,
                                       .state = state,
                                       .started = i->started,
                                       .ended = state < CATALOG_BACKTEST_DONE ? EVTIME_MIN
                                                                              : timebase_now_ms(),
                                       .error = error,
                                       .result = result};
    enum err e = catalog_backtests_set(b->catalog, &t);
    if (e != ERR_OK)
        LOG_ERROR("the state of a backtest is not stored", "id=%" PRIu64 " reason=%s", i->id,
                  err_name(e));
}

/* Out of the list, which others may be looking at. */
static void take_out(struct backtests *b, struct item *i)
{
    pthread_mutex_lock(&b->lock);
    struct item **at = &b->items;
    while (*at != i)
        at = &(*at)->next;
    *at = i->next;
    b->running -= i->pid > 0;
    pthread_mutex_unlock(&b->lock);
    free_item(i);
}

static void end_item(struct backtests *b, struct item *i, const char *error)
{
    char *file = backtests_file(b, i->id, BACKTESTCMD_RESULT);
    char *log = backtests_file(b, i->id, BACKTESTCMD_LOG), *told = backtests_file(b, i->id, "told");
    json_t *json = error == NULL && !i->cancelled ? json_load_file(file, 0, NULL) : NULL;
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    enum catalog_backtest_state state = i->cancelled   ? CATALOG_BACKTEST_CANCELLED
                                        : text != NULL ? CATALOG_BACKTEST_DONE
                                                       : CATALOG_BACKTEST_FAILED;
    if (state == CATALOG_BACKTEST_FAILED && error == NULL)
        error = "it has left no result";
    remove_folder(log);
    (void)!unlink(told);
    store(b, i, state, i->cancelled ? NULL : error, text);
    LOG_INFO("backtest ended", "id=%" PRIu64 " state=%d events=%" PRIu64, i->id, (int)state,
             i->progress.events);
    pthread_mutex_lock(&b->lock);
    b->counts.completed += state == CATALOG_BACKTEST_DONE;
    b->counts.failed += state == CATALOG_BACKTEST_FAILED;
    b->counts.cancelled += state == CATALOG_BACKTEST_CANCELLED;
    b->counts.events += i->progress.events;
    pthread_mutex_unlock(&b->lock);
    take_out(b, i);
    forget_oldest(b);
    free(text);
    json_decref(json);
    mem_free(file);
    mem_free(log);
    mem_free(told);
}

/* --- a process ------------------------------------------------------------------------------------------------------------ */

static void put_limit(json_t *plan, const char *name, uint64_t v)
{
    json_object_set_new(plan, name, json_integer((json_int_t)(v < INT64_MAX ? v : INT64_MAX)));
}

static enum err prepare(struct backtests *b, struct item *i, const char *folder, struct diag *d)
{
    char *plan = backtests_file(b, i->id, BACKTESTCMD_PLAN);
    char *log = backtests_file(b, i->id, BACKTESTCMD_LOG);
    enum err e = ERR_OK;
    remove_folder(folder); /* of a run that was cut off */
    put_limit(i->plan, "memory_bytes", b->o.memory_bytes);
    put_limit(i->plan, "max_alerts", b->o.max_alerts);
    put_limit(i->plan, "max_labels", LABELS_MAX);
    put_limit(i->plan, "max_partials_per_key", b->o.max_partials_per_key);
    put_limit(i->plan, "max_rows_per_key", b->o.max_rows_per_key);
    if (mkdir(folder, 0750) != 0 || json_dump_file(i->plan, plan, JSON_COMPACT) != 0) {
        diag_say(d, "io", "is there free space?", "the folder %s cannot be written: %s", folder,
                 strerror(errno));
        e = ERR_IO;
    }
    if (e == ERR_OK)
        e = runtimebacktest_copy_log(b->runtime, log, d);
    mem_free(plan);
    mem_free(log);
    return e;
}

static void start_item(struct backtests *b, struct item *i)
{
    struct diag d;
    pid_t pid = 0;
    int fd = -1;
    char *folder = folder_of(b, i->id);
    diag_init(&d, NULL, 0);
    i->started = timebase_now_ms();
    pthread_mutex_lock(&b->lock);
    i->begun = true;
    pthread_mutex_unlock(&b->lock);
    store(b, i, CATALOG_BACKTEST_RUNNING, NULL, NULL);
    enum err e = prepare(b, i, folder, &d);
    if (e == ERR_OK)
        e = backtestprocess_start(folder, b->catalogue, &pid, &fd);
    if (e != ERR_OK) {
        char *text = d.errors > 0 ? diag_text(&d) : mem_str(err_text(e));
        end_item(b, i, text);
        mem_free(text);
    } else {
        pthread_mutex_lock(&b->lock);
        i->fd = fd;
        i->pid = pid;
        i->progress.running = true;
        b->running++;
        pthread_mutex_unlock(&b->lock);
        LOG_INFO("backtest started", "id=%" PRIu64 " pid=%d", i->id, (int)pid);
    }
    diag_fini(&d);
    mem_free(folder);
}

/* --- what it says --------------------------------------------------------------------------------------------------------- */

static void take_line(struct backtests *b, struct item *i, const char *line, size_t n)
{
    json_t *said = json_loadb(line, n, 0, NULL);
    const char *error = json_string_value(json_object_get(said, "error"));
    if (error != NULL) {
        mem_free(i->error);
        i->error = mem_str(error);
    } else if (said != NULL) {
        pthread_mutex_lock(&b->lock);
        i->progress.events = (uint64_t)json_integer_value(json_object_get(said, "events"));
        i->progress.alerts = (uint64_t)json_integer_value(json_object_get(said, "alerts"));
        i->progress.done = json_number_value(json_object_get(said, "done"));
        i->progress.seconds = json_number_value(json_object_get(said, "seconds"));
        pthread_mutex_unlock(&b->lock);
    }
    json_decref(said);
}

static void take_lines(struct backtests *b, struct item *i)
{
    char *newline;
    size_t from = 0;
    while ((newline = memchr(i->line + from, '\n', i->n - from)) != NULL) {
        take_line(b, i, i->line + from, (size_t)(newline - i->line) - from);
        from = (size_t)(newline - i->line) + 1;
    }
    memmove(i->line, i->line + from, i->n - from);
    i->n -= from;
    if (i->n == sizeof i->line)
        i->n = 0; /* no line of ours is so long */
}

static void reap(struct backtests *b, struct item *i)
{
    char *how = backtestprocess_reap(i->pid), *error = i->error != NULL ? i->error : how;
    close(i->fd);
    if (error != how)
        mem_free(how);
    i->error = NULL;
    end_item(b, i, error);
    mem_free(error);
}

static void hear(struct backtests *b, struct item *i)
{
    ssize_t n = read(i->fd, i->line + i->n, sizeof i->line - i->n);
    if (n > 0) {
        i->n += (size_t)n;
        take_lines(b, i);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        reap(b, i);
    }
}

/* --- the thread ------------------------------------------------------------------------------------------------------------ */

/* The server comes near memory-total. */
static bool short_of_memory(struct backtests *b)
{
    return runtimememory_level(b->runtime) >= MEMWATCH_NEAR;
}

/* The first that may begin, or one that waits and was cancelled; NULL: none. */
static struct item *next_item(struct backtests *b)
{
    struct item *found = NULL;
    pthread_mutex_lock(&b->lock);
    for (struct item *i = b->items; i != NULL && found == NULL; i = i->next)
        if (!i->begun && (i->cancelled || (b->running < b->o.at_once && !short_of_memory(b))))
            found = i;
    pthread_mutex_unlock(&b->lock);
    return found;
}

/* Those that run and are to be no more are killed; the others are listened to. */
static unsigned gather(struct backtests *b, struct item *items[AT_ONCE_MAX],
                       struct pollfd fds[1 + AT_ONCE_MAX], bool *stopping)
{
    unsigned n = 0;
    pthread_mutex_lock(&b->lock);
    *stopping = b->stopping;
    for (struct item *i = b->items; i != NULL && n < AT_ONCE_MAX; i = i->next) {
        if (i->pid == 0)
            continue;
        if (i->cancelled || b->stopping)
            kill(i->pid, SIGKILL);
        items[n] = i;
        fds[1 + n++] = (struct pollfd){.fd = i->fd, .events = POLLIN};
    }
    pthread_mutex_unlock(&b->lock);
    return n;
}

static void *run(void *arg)
{
    struct backtests *b = arg;
    struct item *items[AT_ONCE_MAX], *next;
    struct pollfd fds[1 + AT_ONCE_MAX];
    bool stopping = false;
    for (;;) {
        unsigned n = gather(b, items, fds, &stopping);
        if (stopping) {
            for (unsigned i = 0; i < n; i++) /* they are told of as cut off at the next start */
                mem_free(backtestprocess_reap(items[i]->pid));
            return NULL;
        }
        if ((next = next_item(b)) != NULL) {
            if (next->cancelled)
                end_item(b, next, NULL);
            else
                start_item(b, next);
            continue;
        }
        fds[0] = (struct pollfd){.fd = b->wake, .events = POLLIN};
        if (poll(fds, 1 + n, short_of_memory(b) ? MEMORY_MS : -1) < 0)
            continue;
        uint64_t count;
        if (fds[0].revents != 0)
            (void)!read(b->wake, &count, sizeof count);
        for (unsigned i = 0; i < n; i++)
            if (fds[1 + i].revents != 0)
                hear(b, items[i]);
    }
}

/* --- from outside ----------------------------------------------------------------------------------------------------------- */

static void add_item(uint64_t id, const char *rule, json_t *plan, struct item **at)
{
    struct item *i = mem_new(sizeof *i);
    i->id = id;
    i->rule = mem_str(rule);
    i->plan = json_incref(plan);
    i->started = EVTIME_MIN;
    i->fd = -1;
    i->next = *at;
    *at = i;
}

enum err backtests_add(struct backtests *b, const char *rule, json_t *plan, struct diag *d,
                       uint64_t *id)
{
    unsigned waiting = 0;
    char *text = json_dumps(plan, JSON_COMPACT | JSON_REAL_PRECISION(15));
    struct catalog_backtest t = {.state = CATALOG_BACKTEST_QUEUED,
                                 .rule = rule,
                                 .plan = text,
                                 .created = timebase_now_ms()};
    pthread_mutex_lock(&b->lock);
    struct item **last = &b->items;
    for (; *last != NULL; last = &(*last)->next)
        waiting += !(*last)->begun;
    enum err e = waiting < b->o.queued ? ERR_OK : ERR_LIMIT;
    if (e != ERR_OK)
        diag_say(d, "limit", "wait for them, or cancel some (option backtest-queue)",
                 "%u backtests wait already", waiting);
    else if ((e = catalog_backtests_add(b->catalog, &t)) != ERR_OK)
        diag_say(d, "catalogue", NULL, "the backtest cannot be stored: %s", err_text(e));
    else
        add_item(*id = t.id, rule, plan, last);
    pthread_mutex_unlock(&b->lock);
    wake(b);
    free(text);
    return e;
}

static struct item *find(const struct backtests *b, uint64_t id)
{
    struct item *i = b->items;
    while (i != NULL && i->id != id)
        i = i->next;
    return i;
}

enum err backtests_cancel(struct backtests *b, uint64_t id)
{
    pthread_mutex_lock(&b->lock);
    struct item *i = find(b, id);
    if (i != NULL)
        i->cancelled = true;
    pthread_mutex_unlock(&b->lock);
    wake(b);
    return i != NULL ? ERR_OK : ERR_NOT_FOUND;
}

enum err backtests_delete(struct backtests *b, uint64_t id)
{
    pthread_mutex_lock(&b->lock);
    bool active = find(b, id) != NULL;
    pthread_mutex_unlock(&b->lock);
    return active ? ERR_CONFLICT : forget(b, id);
}

bool backtests_progress(struct backtests *b, uint64_t id, struct backtests_progress *out)
{
    unsigned ahead = 0;
    pthread_mutex_lock(&b->lock);
    const struct item *i = b->items;
    for (; i != NULL && i->id != id; i = i->next)
        ahead++;
    if (i != NULL) {
        *out = i->progress;
        out->ahead = ahead;
    }
    pthread_mutex_unlock(&b->lock);
    return i != NULL;
}

void backtests_counts(struct backtests *b, struct backtests_counts *out)
{
    pthread_mutex_lock(&b->lock);
    *out = b->counts;
    out->running = b->running;
    out->waiting = 0;
    for (const struct item *i = b->items; i != NULL; i = i->next)
        out->waiting += !i->begun;
    pthread_mutex_unlock(&b->lock);
}

/* --- at the start ----------------------------------------------------------------------------------------------------------- */

struct before {
    struct backtests *b;
    struct item *cut_off; /* list */
};

static void take_before(void *ctx, const struct catalog_backtest *t)
{
    struct before *x = ctx;
    if (t->state > CATALOG_BACKTEST_RUNNING)
        return;
    json_t *plan = json_loads(t->plan, 0, NULL);
    if (t->state == CATALOG_BACKTEST_RUNNING || plan == NULL) {
        struct item *i = mem_new(sizeof *i);
        i->id = t->id;
        i->started = t->started;
        i->next = x->cut_off;
        x->cut_off = i;
    } else { /* they come the newest first */
        add_item(t->id, t->rule, plan, &x->b->items);
    }
    json_decref(plan);
}

static enum err take_over(struct backtests *b)
{
    struct before x = {.b = b};
    enum err e = catalog_backtests(b->catalog, 0, NULL, UINT32_MAX, take_before, &x);
    while (x.cut_off != NULL) {
        struct item *i = x.cut_off;
        char *folder = folder_of(b, i->id);
        x.cut_off = i->next;
        store(b, i, CATALOG_BACKTEST_FAILED,
              "the server ended while it ran: start it again to have its result", NULL);
        remove_folder(folder);
        mem_free(folder);
        free_item(i);
    }
    return e;
}

enum err backtests_start(const struct backtests_options *o, struct runtime *r, struct diag *d,
                         struct backtests **out)
{
    struct backtests *b = mem_new(sizeof *b);
    enum err e = ERR_IO;
    b->o = *o;
    b->o.at_once = o->at_once < AT_ONCE_MAX ? o->at_once : AT_ONCE_MAX;
    b->folder = mem_printf("%s/backtests", o->data);
    b->catalogue = mem_printf("%s/catalogue.db", o->data);
    b->runtime = r;
    b->catalog = runtimebacktest_catalog(r);
    b->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&b->lock, NULL);
    if (mkdir(b->folder, 0750) != 0 && errno != EEXIST)
        diag_say(d, "data", NULL, "the folder %s cannot be made: %s", b->folder, strerror(errno));
    else if ((e = take_over(b)) != ERR_OK)
        diag_say(d, "catalogue", NULL, "backtests cannot be read: %s", err_text(e));
    else if (pthread_create(&b->thread, NULL, run, b) != 0)
        e = ERR_IO;
    if (e == ERR_OK) {
        *out = b;
    } else {
        b->catalog = NULL;
        backtests_stop(b);
    }
    return e;
}

void backtests_stop(struct backtests *b)
{
    if (b == NULL)
        return;
    if (b->catalog != NULL) { /* the thread runs */
        pthread_mutex_lock(&b->lock);
        b->stopping = true;
        pthread_mutex_unlock(&b->lock);
        wake(b);
        pthread_join(b->thread, NULL);
    }
    while (b->items != NULL) {
        struct item *i = b->items;
        b->items = i->next;
        if (i->fd >= 0)
            close(i->fd);
        free_item(i);
    }
    close(b->wake);
    pthread_mutex_destroy(&b->lock);
    mem_free(b->folder);
    mem_free(b->catalogue);
    mem_free(b);
}
