/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backtest/backtestcmd.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/args.h"
#include "server/backtest/backtestdiff.h"
#include "server/backtest/backtestfeed.h"
#include "server/backtest/backtestjob.h"
#include "server/http/jsonw.h"
#include "state/catalog_backtests.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, SAY_EVERY_MS = 200, NICER = 10 };
#define MS INT64_C(1000000) /* of montime */
#define MIB (UINT64_C(1) << 20)

struct backtest {
    const char *folder;
    FILE *says; /* NULL: nowhere */
    struct backtestplan plan;
    struct catalog *catalog;
    struct intakelog *log;
    struct backtestsave save;
    struct backtestjob job;
    struct evalrun *run;
    struct backtestfeed *feed;
    struct backtesttold *told;
    montime began, said;
    uint64_t peak_bytes;
};

static const char *path_of(const struct backtest *b, const char *name, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/%s", b->folder, name);
    return path;
}

/* --- before -------------------------------------------------------------------------------------------------------------- */

static enum err read_plan(struct backtest *b, struct diag *d)
{
    char path[PATH_BYTES];
    json_error_t bad;
    json_t *json = json_load_file(path_of(b, BACKTESTCMD_PLAN, path), 0, &bad);
    if (json == NULL) {
        diag_say(d, "plan", NULL, "%s cannot be read: %s", path, bad.text);
        return ERR_INVALID;
    }
    return backtestplan_read(json, d, &b->plan);
}

static enum err open_stores(struct backtest *b, const char *catalogue, struct diag *d)
{
    char path[PATH_BYTES];
    enum err e = catalog_reader(catalogue, &b->catalog);
    if (e != ERR_OK) {
        diag_say(d, "catalogue", NULL, "the catalogue %s cannot be read: %s", catalogue,
                 err_text(e));
        return e;
    }
    if (access(path_of(b, BACKTESTCMD_LOG, path), F_OK) != 0)
        return ERR_OK; /* files alone */
    return intakelog_open(path, d, &b->log);
}

static void on_result(void *ctx, const struct result *r)
{
    struct backtest *b = ctx;
    int i = backtestjob_of(&b->job, r);
    if (i >= 0)
        backtesttold_result(b->told, (unsigned)i, r);
}

static void on_label(void *ctx, const struct batch *rows, unsigned i)
{
    backtesttold_label(((struct backtest *)ctx)->told, rows, i);
}

static void on_rows(void *ctx, const struct batch *rows)
{
    struct backtest *b = ctx;
    backtestdrift_rows(&b->told->drift, rows->ts, rows->n, b->plan.from, b->plan.to);
}

/* Rows that could not be looked up are counted, not shown. */
static const struct bytes *no_row(void *ctx, const struct place *at)
{
    (void)ctx;
    (void)at;
    return NULL;
}

static bool is_compared(const struct backtest *b)
{
    return b->job.baseline || b->plan.uid > 0;
}

/* Time before `from` that is read to have partial matches and windows there. */
static evtime first_time(const struct backtestplan *p)
{
    return p->from > EVTIME_MIN + p->warm_up_ms ? p->from - p->warm_up_ms : p->from;
}

/* *from: rows before it are of no use to the variants. */
static enum err make_job(struct backtest *b, struct diag *d, evtime *from)
{
    enum err e = backtestsave_open(&b->plan, d, &b->save);
    *from = first_time(&b->plan);
    if (e != ERR_OK || b->save.meta == NULL)
        return e != ERR_OK ? e : backtestjob_new(&b->plan, b->catalog, *from, d, &b->job);
    e = backtestjob_from(&b->plan, b->catalog, &b->save, d, from, &b->job);
    if (e == ERR_OK && b->plan.from < *from)
        b->plan.from = *from;
    return e;
}

static enum err set_up(struct backtest *b, struct diag *d)
{
    char path[PATH_BYTES];
    evtime from = EVTIME_MIN;
    enum err e = make_job(b, d, &from);
    if (e != ERR_OK)
        return e;
    e = backtesttold_new(&b->plan, b->job.registry, b->job.variants + is_compared(b),
                         path_of(b, "told", path), d, &b->told);
    for (unsigned i = 0; e == ERR_OK && i < b->job.variants + b->job.baseline; i++)
        e = backtesttold_of(b->told, i, b->job.plans[i], d);
    if (e != ERR_OK)
        return e;
    b->run = evalrun_new(b->job.job, 1, -1, no_row, NULL);
    evalrun_tell(b->run, on_result, b);
    evalrun_limits(b->run, b->plan.max_partials_per_key, b->plan.max_rows_per_key);
    if (b->save.meta != NULL)
        e = evalrun_begin_from(b->run, b->save.meta->check->key_groups, backtestsave_load, &b->save,
                               d);
    if (e != ERR_OK)
        return e;
    int64_t later = backtestjob_lateness_ms(&b->job);
    const struct backtestfeed_options o = {.plan = &b->plan,
                                           .registry = b->job.registry,
                                           .job = b->job.job,
                                           .run = b->run,
                                           .log = b->log,
                                           .save = b->save.meta != NULL ? &b->save : NULL,
                                           .from = from,
                                           .to = b->plan.to < EVTIME_MAX - later
                                                     ? b->plan.to + later
                                                     : EVTIME_MAX,
                                           .label = on_label,
                                           .rows = on_rows,
                                           .ctx = b};
    return backtestfeed_new(&o, d, &b->feed);
}

/* --- the run ------------------------------------------------------------------------------------------------------------- */

static void say_progress(struct backtest *b, montime now)
{
    struct backtestfeed_stats s = backtestfeed_stats(b->feed);
    double seconds = (double)(now - b->began) / 1e9;
    b->said = now;
    if (b->says == NULL)
        return;
    fprintf(b->says,
            "{\"events\":%" PRIu64 ",\"done\":%.4f,\"alerts\":%" PRIu64 ",\"seconds\":%.3f}\n",
            s.events, s.done, b->told->nalerts, seconds);
    (void)!fflush(b->says);
}

static enum err too_much(struct backtest *b, struct diag *d)
{
    uint64_t now = mem_resident_bytes();
    b->peak_bytes = now > b->peak_bytes ? now : b->peak_bytes;
    if (b->plan.memory_bytes > 0 && now > b->plan.memory_bytes) {
        diag_say(d, "memory",
                 "give a shorter time or fewer values, or the server a larger backtest-memory",
                 "the backtest needed more than %" PRIu64 " MiB of memory",
                 b->plan.memory_bytes / MIB);
        return ERR_LIMIT;
    }
    return ERR_OK;
}

static enum err read_all(struct backtest *b, struct diag *d)
{
    enum err e = ERR_OK;
    b->began = b->said = timebase_mono_ns();
    while ((e = backtestfeed_step(b->feed, d)) == ERR_OK) {
        montime now = timebase_mono_ns();
        const char *broken = b->told->broken != NULL ? b->told->broken : evalrun_broken(b->run);
        if (broken != NULL) {
            diag_say(d, "backtest", NULL, "%s", broken);
            return ERR_LIMIT;
        }
        if (now - b->said < SAY_EVERY_MS * MS)
            continue;
        say_progress(b, now);
        if ((e = too_much(b, d)) != ERR_OK)
            return e;
    }
    return e == ERR_END ? too_much(b, d) : e;
}

static void on_stored(void *ctx, const struct catalog_alert *a)
{
    struct backtest *b = ctx;
    backtesttold_stored(b->told, b->job.variants, a);
}

/* --- after --------------------------------------------------------------------------------------------------------------- */

static void write_figures(struct backtest *b, double seconds, struct bytes *out)
{
    struct backtestfeed_stats s = backtestfeed_stats(b->feed);
    jsonw_ku64(out, "events", s.events);
    jsonw_ku64(out, "bad_events", s.bad + evalrun_failed(b->run));
    jsonw_ku64(out, "bytes", s.bytes);
    jsonw_ktime(out, "first_event", s.first);
    jsonw_ktime(out, "last_event", s.last);
    jsonw_key(out, "seconds");
    jsonw_num(out, seconds);
    jsonw_key(out, "cpu_seconds");
    jsonw_num(out, (double)timebase_cpu_ns() / 1e9);
    jsonw_key(out, "events_per_s");
    jsonw_num(out, seconds > 0 ? (double)s.events / seconds : 0);
    jsonw_ku64(out, "memory_bytes", b->peak_bytes);
    jsonw_kstr(out, "compared_with", b->job.baseline ? "baseline" : is_compared(b) ? "live" : NULL);
}

static enum err write_result(struct backtest *b, double seconds, struct diag *d)
{
    char path[PATH_BYTES], made[PATH_BYTES];
    struct bytes out = {0};
    jsonw_open(&out, '{');
    write_figures(b, seconds, &out);
    enum err e = backtestdiff_write(b->told, is_compared(b), b->folder, d, &out);
    jsonw_close(&out, '}');
    FILE *f = e == ERR_OK ? fopen(path_of(b, "result.tmp", made), "we") : NULL;
    bool good = f != NULL && fwrite(out.p, 1, out.n, f) == out.n;
    if (f != NULL && fclose(f) != 0)
        good = false;
    if (e == ERR_OK && (!good || rename(made, path_of(b, BACKTESTCMD_RESULT, path)) != 0)) {
        diag_say(d, "io", "is there free space?", "the result cannot be written: %s",
                 strerror(errno));
        e = ERR_IO;
    }
    (void)!unlink(path_of(b, "told", path));
    bytes_fini(&out);
    return e;
}

static enum err run(struct backtest *b, const char *catalogue, struct diag *d)
{
    enum err e = read_plan(b, d);
    if (e == ERR_OK)
        e = open_stores(b, catalogue, d);
    if (e == ERR_OK)
        e = set_up(b, d);
    if (e == ERR_OK)
        e = read_all(b, d);
    if (e != ERR_OK)
        return e;
    montime now = timebase_mono_ns();
    say_progress(b, now);
    if (!b->job.baseline && b->plan.uid > 0)
        e = catalog_backtests_told(b->catalog, b->plan.uid, b->plan.name, b->plan.from, b->plan.to,
                                   on_stored, b);
    if (e == ERR_OK && b->told->broken != NULL) {
        diag_say(d, "backtest", NULL, "%s", b->told->broken);
        return ERR_LIMIT;
    }
    if (e != ERR_OK) {
        diag_say(d, "catalogue", NULL, "the alerts of live cannot be read: %s", err_text(e));
        return e;
    }
    return write_result(b, (double)(now - b->began) / 1e9, d);
}

/* To the server, which keeps it with the backtest. */
static void say_error(const struct diag *d, enum err e)
{
    struct bytes out = {0};
    char *text = d->errors > 0 ? diag_text(d) : mem_str(err_text(e));
    jsonw_open(&out, '{');
    jsonw_kstr(&out, "error", text);
    jsonw_close(&out, '}');
    printf("%.*s\n", (int)out.n, (const char *)out.p);
    (void)!fflush(stdout);
    mem_free(text);
    bytes_fini(&out);
}

/* Live goes before: with the processor, and when the system is short of memory. Neither is needed for a result. */
static void yield_to_live(void)
{
    FILE *f = fopen("/proc/self/oom_score_adj", "we");
    if (f != NULL) {
        (void)fputs("1000", f);
        (void)!fclose(f);
    }
    (void)!nice(NICER);
}

enum err backtestcmd_run(const char *folder, const char *catalogue, FILE *says, struct diag *d)
{
    struct backtest b = {.folder = folder, .says = says};
    enum err e = run(&b, catalogue, d);
    backtestfeed_free(b.feed);
    evalrun_free(b.run);
    backtesttold_free(b.told);
    backtestjob_fini(&b.job);
    backtestsave_close(&b.save);
    backtestplan_fini(&b.plan);
    intakelog_close(b.log);
    catalog_close(b.catalog);
    return e;
}

int backtestcmd_main(const char *folder, const char *catalogue)
{
    struct diag d;
    yield_to_live();
    log_init("backtest", LOG_WARN_LEVEL);
    diag_init(&d, NULL, 0);
    enum err e = backtestcmd_run(folder, catalogue, stdout, &d);
    if (e != ERR_OK)
        say_error(&d, e);
    diag_fini(&d);
    return e == ERR_OK ? ARGS_OK : ARGS_FAILED;
}
