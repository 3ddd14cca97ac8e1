/* SPDX-License-Identifier: Apache-2.0 */
#include "server/serve.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/api/api.h"
#include "server/args.h"
#include "server/backtest/backtests.h"
#include "server/config.h"
#include "server/http/http.h"
#include "server/serveload.h"
#include "server/version.h"
#include "state/store.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MODULE "serve"

enum { PATH_BYTES = 4096, WORKERS_MAX = 64 };

struct server {
    struct config config;
    struct budget budget;
    struct http *http;
    struct api *api;
    struct runtime *runtime;
    struct catalog *reader;
    struct backtests *backtests;
    int lock_fd;
    char web[PATH_BYTES];
};

static struct http *volatile stopped_by_signal;

static void on_signal(int signum)
{
    (void)signum;
    if (stopped_by_signal)
        http_stop(stopped_by_signal);
}

/* Handlers and not a blocked mask: workers inherit a mask, and would not hear SIGTERM. */
static void catch_signals(struct http *h)
{
    struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    stopped_by_signal = h;
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL); /* h2o writes without MSG_NOSIGNAL */
}

static int say(const struct diag *d)
{
    char *text = diag_text(d);
    args_complain("serve", "%s", text);
    mem_free(text);
    return ARGS_USAGE;
}

/* --- options ------------------------------------------------------------------------------------------------------- */

/* As POST /workers:rescale left it; 0: nobody has changed it. */
static uint64_t kept_workers(const char *data)
{
    char path[PATH_BYTES + 16];
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/workers", data);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%u", &n) != 1 || n > WORKERS_MAX)
        n = 0;
    fclose(f);
    return n;
}

static enum err check_options(struct config *c, struct diag *d)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    for (int i = 0; i < 4; i++)
        if (strcmp(c->log_level, levels[i]) == 0) {
            log_init("coordinator", (enum log_level)i);
            break;
        } else if (i == 3) {
            diag_say(d, "bad-option", NULL, "log-level is '%s'; it may be debug, info, warn, error",
                     c->log_level);
            return ERR_INVALID;
        }
    if (c->workers == 0)
        c->workers = kept_workers(c->data);
    if (c->workers == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        c->workers = cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : (uint64_t)cores;
    }
    if ((c->key_groups & (c->key_groups - 1)) != 0 || c->key_groups < c->workers) {
        diag_say(d, "bad-option", "128 is right for nearly all",
                 "key-groups is %" PRIu64 "; it must be a power of two and not less than workers",
                 c->key_groups);
        return ERR_INVALID;
    }
    return ERR_OK;
}

static bool has_index(const char *folder)
{
    char path[PATH_BYTES + 16];
    snprintf(path, sizeof path, "%s/index.html", folder);
    return access(path, R_OK) == 0;
}

/* The dashboard: where --web says, or beside the program as it is built or installed. */
static enum err find_web(struct server *s, struct diag *d)
{
    static const char *const beside[] = {"web/dist", "../web/dist", "../../web/dist",
                                         "../share/weir/web"};
    char exe[PATH_BYTES];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (*s->config.web) {
        snprintf(s->web, sizeof s->web, "%s", s->config.web);
        if (has_index(s->web))
            return ERR_OK;
        diag_say(d, "no-web", "`make web` builds it in web/dist", "there is no index.html in %s",
                 s->web);
        return ERR_NOT_FOUND;
    }
    exe[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; slash && i < sizeof beside / sizeof *beside; i++) {
        int len = snprintf(s->web, sizeof s->web, "%s/%s", exe, beside[i]);
        if (len > 0 && (size_t)len < sizeof s->web && has_index(s->web))
            return ERR_OK;
    }
    s->web[0] = '\0';
    LOG_INFO("no dashboard found", "hint=\"make web builds it\"");
    return ERR_OK;
}

/* --- data folder --------------------------------------------------------------------------------------------------- */

static enum err make_folder(const char *path, struct diag *d)
{
    char part[PATH_BYTES];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof part) {
        diag_say(d, "data", NULL, "--data names no folder");
        return ERR_INVALID;
    }
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0750) != 0 && errno != EEXIST) {
            diag_say(d, "data", "name another with --data, or make it writable for this user",
                     "the data folder %s cannot be made: %s", path, strerror(errno));
            return err_from_errno(errno);
        }
    }
    return ERR_OK;
}

/* One server a folder. The lock goes with the process, however it ends. */
static enum err lock_folder(struct server *s, struct diag *d)
{
    char path[PATH_BYTES + 16], pid[32] = "";
    snprintf(path, sizeof path, "%s/lock", s->config.data);
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (s->lock_fd < 0) {
        diag_say(d, "data", "name another with --data, or make it writable for this user",
                 "the data folder %s cannot be written to: %s", s->config.data, strerror(errno));
        return err_from_errno(errno);
    }
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = read(s->lock_fd, pid, sizeof pid - 1);
        pid[n > 0 ? n : 0] = '\0';
        pid[strcspn(pid, "\n")] = '\0';
        diag_say(d, "data-in-use", "end it first, or name another folder with --data",
                 "the data folder %s is used by another weir (process %s)", s->config.data,
                 *pid ? pid : "unknown");
        return ERR_IN_USE;
    }
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(s->lock_fd, 0) != 0 || write(s->lock_fd, pid, (size_t)n) != n) {
        diag_say(d, "data", "is there free space?", "the data folder %s cannot be written to: %s",
                 s->config.data, strerror(errno));
        return ERR_IO;
    }
    return ERR_OK;
}

/* --- life ---------------------------------------------------------------------------------------------------------- */

static void on_alert(void *ctx, uint64_t seq, const char *json, size_t n)
{
    struct server *s = ctx;
    sse_alert(s->api->sse, seq, json, n);
}

static void tick(void *app)
{
    sse_tick(((struct api *)app)->sse);
}

static void woken(void *app)
{
    sse_woken(((struct api *)app)->sse);
}

static void stopping(void *app)
{
    LOG_INFO("stopping", "");
    sse_end(((struct api *)app)->sse);
}

static struct budget_options memory_options(const struct config *c)
{
    return (struct budget_options){.total = c->memory_total,
                                   .parts = {[BUDGET_INTAKE] = c->memory_intake,
                                             [BUDGET_EXCHANGE] = c->memory_exchange,
                                             [BUDGET_ORDERING] = c->memory_ordering,
                                             [BUDGET_STATE] = c->memory_state}};
}

static enum err share_memory(struct server *s, struct diag *d)
{
    const struct budget_options o = memory_options(&s->config);
    return budget_make(&o, (unsigned)s->config.workers, &s->budget, d);
}

static enum err listen_on(struct server *s, struct diag *d)
{
    const struct config *c = &s->config;
    const struct http_options o = {.bind = c->bind,
                                   .web = *s->web ? s->web : NULL,
                                   .port = (unsigned)c->port,
                                   .max_body = c->max_body,
                                   .max_bodies = s->budget.bodies_bytes > 2 * c->max_body
                                                     ? s->budget.bodies_bytes
                                                     : 2 * c->max_body,
                                   .max_connections = (unsigned)c->max_connections,
                                   .request_timeout_ms = c->request_timeout,
                                   .shutdown_timeout_ms = c->shutdown_timeout};
    enum err e = http_listen(&o, d, &s->http);
    if (e != ERR_OK)
        return e;
    catch_signals(s->http);
    s->api = api_new(s->http, NULL, NULL, (unsigned)c->max_events, (unsigned)c->max_live_readers);
    s->api->config = c;
    s->api->needs_approval = strcmp(c->approval, "required") == 0;
    if (s->api->needs_approval || strcmp(c->approval, "none") == 0)
        return ERR_OK;
    diag_say(d, "bad-option", NULL, "approval is '%s'; it must be none or required", c->approval);
    return ERR_INVALID;
}

static enum err restart_options(const struct config *c, struct restart_options *out, struct diag *d)
{
    *out = (struct restart_options){.delay_ms = (int64_t)c->restart_delay,
                                    .max_delay_ms = (int64_t)c->restart_max_delay,
                                    .factor = (unsigned)c->restart_factor,
                                    .reset_after_ms = (int64_t)c->restart_reset_after,
                                    .attempts = (unsigned)c->restart_attempts,
                                    .failures = (unsigned)c->restart_failures,
                                    .interval_ms = (int64_t)c->restart_interval};
    if (restart_strategy_of(c->restart_strategy, &out->strategy))
        return ERR_OK;
    diag_say(d, "bad-option", NULL,
             "restart-strategy is '%s'; it must be exponential-delay, fixed-delay, failure-rate "
             "or none",
             c->restart_strategy);
    return ERR_INVALID;
}

static enum err checkpoint_options(const struct config *c, struct runtime_checkpoint_options *out,
                                   struct diag *d)
{
    *out = (struct runtime_checkpoint_options){.interval_ms = (int64_t)c->checkpoint_interval,
                                               .timeout_ms = (int64_t)c->checkpoint_timeout,
                                               .alignment_timeout_ms =
                                                   (int64_t)c->checkpoint_alignment_timeout,
                                               .min_pause_ms = (int64_t)c->checkpoint_min_pause,
                                               .kept = (unsigned)c->checkpoint_kept,
                                               .retention_ms = (int64_t)c->intake_retention,
                                               .tolerated =
                                                   (unsigned)c->checkpoint_tolerated_failures};
    if (strcmp(c->checkpoint_mode, "at-least-once") == 0)
        out->mode = RUNTIME_AT_LEAST_ONCE;
    else if (strcmp(c->checkpoint_mode, "exactly-once") != 0) {
        diag_say(d, "bad-option", NULL,
                 "checkpoint-mode is '%s'; it must be exactly-once or at-least-once",
                 c->checkpoint_mode);
        return ERR_INVALID;
    }
    if (strcmp(c->state_backend, "rocksdb") == 0)
        out->backend = STORE_ROCKSDB;
    else if (strcmp(c->state_backend, "heap") != 0) {
        diag_say(d, "bad-option", NULL, "state-backend is '%s'; it must be heap or rocksdb",
                 c->state_backend);
        return ERR_INVALID;
    }
    return ERR_OK;
}

static enum err start_backtests(struct server *s, struct diag *d)
{
    const struct config *c = &s->config;
    const struct backtests_options o = {.data = c->data,
                                        .at_once = (unsigned)c->backtests_at_once,
                                        .queued = (unsigned)c->backtest_queue,
                                        .kept = (unsigned)c->backtests_kept,
                                        .memory_bytes = c->backtest_memory,
                                        .max_alerts = c->backtest_max_alerts,
                                        .max_partials_per_key = c->max_partials_per_key,
                                        .max_rows_per_key = c->max_rows_per_key};
    enum err e = backtests_start(&o, s->runtime, d, &s->backtests);
    s->api->backtests = s->backtests;
    return e;
}

static enum err start_runtime(struct server *s, struct diag *d)
{
    const struct config *c = &s->config;
    char path[PATH_BYTES + 16];
    struct runtime_options o = {.data = c->data,
                                .sinks = c->sinks_folder,
                                .workers = (unsigned)c->workers,
                                .key_groups = (unsigned)c->key_groups,
                                .max_intake_ahead_rows = c->max_backlog,
                                .dead_letters_kept = c->dead_letters,
                                .timeouts_kept = c->timeouts,
                                .trial_results_kept = c->trial_results,
                                .lanes = {(int64_t)c->operation_timeout, c->operations_kept,
                                          (unsigned)c->max_operations, (unsigned)c->replay_share},
                                .side_retention_ms = (int64_t)c->side_retention,
                                .max_partials_per_key = c->max_partials_per_key,
                                .max_rows_per_key = c->max_rows_per_key,
                                .max_lists = c->max_lists,
                                .max_list_items = c->max_list_items,
                                .max_list_edits = c->max_list_edits,
                                .from_savepoint = *c->from_savepoint ? c->from_savepoint : NULL,
                                .allow_non_restored = c->allow_non_restored_state != 0,
                                .savepoints_max = (unsigned)c->max_savepoints,
                                .savepoints_kept = (unsigned)c->savepoints_kept,
                                .last_checkpoint_ms = (int64_t)c->checkpoint_at_end,
                                .heartbeat_timeout_ms = (int64_t)c->heartbeat_timeout,
                                .budget = s->budget,
                                .budget_options = memory_options(c),
                                .buffer_timeout_ms = (int64_t)c->buffer_timeout};
    enum err e = restart_options(c, &o.restart, d);
    if (e == ERR_OK)
        e = checkpoint_options(c, &o.checkpoint, d);
    if (e == ERR_OK)
        e = runtime_start(&o, on_alert, s, d, &s->runtime);
    if (e != ERR_OK)
        return e;
    snprintf(path, sizeof path, "%s/catalogue.db", c->data);
    if ((e = catalog_reader(path, &s->reader)) != ERR_OK) {
        diag_say(d, "catalogue", NULL, "the catalogue %s cannot be read: %s", path, err_text(e));
        return e;
    }
    s->api->runtime = s->runtime;
    s->api->reader = s->reader;
    if ((e = start_backtests(s, d)) != ERR_OK)
        return e;
    return *c->load ? serveload_file(s->runtime, s->reader, c->load, d) : ERR_OK;
}

static void serve(struct server *s)
{
    const struct http_app app = {.routes = api_routes,
                                 .nroutes = api_nroutes,
                                 .app = s->api,
                                 .tick = tick,
                                 .woken = woken,
                                 .stopping = stopping};
    bool v6 = strchr(s->config.bind, ':') != NULL;
    LOG_INFO("serving", "url=http://%s%s%s:%u/ data=%s workers=%" PRIu64 " web=%s version=%s",
             v6 ? "[" : "", s->config.bind, v6 ? "]" : "", http_port(s->http), s->config.data,
             s->config.workers, *s->web ? s->web : "none", VERSION_TEXT);
    http_run(s->http, &app);
}

static void take_down(struct server *s)
{
    stopped_by_signal = NULL;
    backtests_stop(s->backtests);
    runtime_stop(s->runtime);
    catalog_close(s->reader);
    api_free(s->api);
    http_free(s->http);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    config_fini(&s->config);
}

int serve_main(int argc, char **argv)
{
    struct server s = {.lock_fd = -1};
    struct diag d;
    bool help = false;
    int code = ARGS_OK;
    config_init(&s.config);
    diag_init(&d, NULL, 0);
    enum err e = config_flags(&s.config, argc, argv, &d, &help);
    if (e == ERR_OK && help) {
        struct bytes text = {0};
        config_help(&text);
        fwrite(text.p, 1, text.n, stdout);
        bytes_fini(&text);
        config_fini(&s.config);
        return ARGS_OK;
    }
    /* What can be wrong with the surroundings is found before anything is started. */
    if (e == ERR_OK)
        e = check_options(&s.config, &d);
    if (e == ERR_OK)
        e = share_memory(&s, &d);
    if (e == ERR_OK)
        e = find_web(&s, &d);
    if (e == ERR_OK)
        e = make_folder(s.config.data, &d);
    if (e == ERR_OK)
        e = lock_folder(&s, &d);
    if (e == ERR_OK)
        e = listen_on(&s, &d);
    if (e == ERR_OK)
        e = start_runtime(&s, &d);
    if (e == ERR_OK)
        serve(&s);
    else
        code = say(&d);
    take_down(&s);
    if (code == ARGS_OK)
        LOG_INFO("ended", "");
    diag_fini(&d);
    return code;
}
