/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backtest/backtestlocal.h"
#include "base/durable.h"
#include "base/log.h"
#include "base/mem.h"
#include "rules/compile.h"
#include "server/alerts/sinks.h"
#include "server/args.h"
#include "server/backtest/backtestcmd.h"
#include "server/deploy/change.h"
#include "server/eval/evaltext.h"
#include "state/catalog.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ANY = INT32_MAX };

struct local {
    const struct backtestlocal_options *o;
    struct evaltext text; /* of all statements */
    char *folder, *catalogue;
    struct catalog *catalog;
    struct registry *registry;
};

/* --- the catalogue ------------------------------------------------------------------------------------------------------- */

static enum err create(const struct local *l, const struct bytes *sql, struct diag *d)
{
    if (sql->n == 0)
        return ERR_OK;
    struct sinks *sinks = sinks_new("", l->folder); /* none */
    const struct change_env env = {.catalog = l->catalog,
                                   .registry = l->registry,
                                   .sinks = sinks,
                                   .limits = {ANY, ANY, ANY}};
    struct change_delta delta = {0};
    struct change *c = NULL;
    bool more = false;
    enum err e = change_script(&env, (const char *)sql->p, sql->n, NULL, d, &c);
    if (e == ERR_OK)
        e = change_begin(c, &env, d, &more);
    if (e == ERR_OK && more)
        e = change_commit(c, &env, d, &delta);
    change_delta_fini(&delta);
    change_free(c);
    sinks_free(sinks);
    return e;
}

static enum err add_rule(const struct local *l, const struct statement *s, struct diag *d)
{
    struct catalog_cut cut = {.deployed = 1, .version = 1, .w = EVTIME_MIN};
    char *sql = mem_dup(l->text.text.p + s->at.begin, s->at.end - s->at.begin);
    struct catalog_rule r = {
        .name = (char *)(uintptr_t)s->name, .sql = sql, .version = 1, .ncuts = 1, .cuts = &cut};
    enum err e = catalog_rules_add(l->catalog, &r);
    if (e != ERR_OK)
        diag_say(d, "rule", NULL, "rule %s: %s", s->name, err_text(e));
    mem_free(sql);
    return e;
}

static enum err fill(const struct local *l, struct diag *d)
{
    struct script *script = NULL;
    struct bytes others = {0};
    const char *text = (const char *)l->text.text.p;
    enum err e = compile_script(text, l->text.text.n, registry_scope(l->registry), d, &script);
    for (unsigned i = 0; e == ERR_OK && i < script->n; i++) {
        const struct statement *s = &script->statements[i];
        if (s->kind == STATEMENT_RULE) {
            e = add_rule(l, s, d);
        } else if (s->kind != STATEMENT_SINK && s->kind != STATEMENT_EXPLAIN) {
            bytes_put(&others, text + s->at.begin, s->at.end - s->at.begin);
            bytes_printf(&others, ";\n");
        }
    }
    if (e == ERR_OK)
        e = create(l, &others, d);
    compile_script_free(script);
    bytes_fini(&others);
    return e;
}

/* --- the plan ------------------------------------------------------------------------------------------------------------ */

/* The text of a file becomes a field. */
static bool set_text(json_t *plan, const char *field, const char *path)
{
    struct evaltext t = {.command = "backtest"};
    bool good = evaltext_add(&t, path) == ERR_OK;
    if (good)
        json_object_set_new(plan, field, json_stringn((const char *)t.text.p, t.text.n));
    else
        args_complain("backtest", "%s: %s", path, strerror(errno));
    evaltext_fini(&t);
    return good;
}

static void count_streams(void *ctx, const struct catalog_text *s)
{
    json_t *names = ctx;
    json_array_append_new(names, json_string(s->name));
}

/* "payments=day1.jsonl"; a file alone is of the only stream. */
static bool name_streams(const struct local *l, json_t *plan)
{
    size_t i;
    json_t *v, *names = json_array();
    enum err e = catalog_texts(l->catalog, CATALOG_STREAM, count_streams, names);
    bool good = e == ERR_OK;
    json_array_foreach(json_object_get(plan, "files"), i, v)
    {
        if (json_object_get(v, "stream") != NULL)
            continue;
        if (json_array_size(names) == 1) {
            json_object_set(v, "stream", json_array_get(names, 0));
        } else {
            args_complain("backtest", "--input %s: say of which stream: STREAM=FILE",
                          json_string_value(json_object_get(v, "path")));
            good = false;
        }
    }
    json_decref(names);
    return good;
}

static bool write_plan(const struct local *l)
{
    static const char *const limits[] = {"max_alerts", "max_labels", "max_partials_per_key"};
    json_t *plan = l->o->plan;
    char *path = mem_printf("%s/" BACKTESTCMD_PLAN, l->folder);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        json_object_set_new(plan, limits[i], json_integer(ANY));
    bool good = set_text(plan, "sql", l->o->rule) &&
                (l->o->baseline == NULL || set_text(plan, "baseline_sql", l->o->baseline)) &&
                name_streams(l, plan);
    if (good && json_dump_file(plan, path, JSON_COMPACT) != 0) {
        args_complain("backtest", "%s: %s", path, strerror(errno));
        good = false;
    }
    mem_free(path);
    return good;
}

/* --- what came out ------------------------------------------------------------------------------------------------------- */

static void print_share(const json_t *quality, const char *name)
{
    const json_t *v = json_object_get(quality, name);
    if (json_is_number(v))
        printf(" %9.3f", json_number_value(v));
    else
        printf(" %9s", "-");
}

static void print_side(const json_t *variant, const char *side)
{
    const json_t *s = json_object_get(variant, side);
    printf(" %9" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(s, "alerts")));
}

static void print_table(const json_t *r)
{
    size_t i;
    json_t *v;
    bool old = json_is_object(json_object_get(r, "old"));
    bool labels = json_is_integer(json_object_get(r, "labels")), sums = false;
    json_array_foreach(json_object_get(r, "variants"), i, v) sums =
        sums || json_is_number(json_object_get(v, "sum"));
    printf("%" JSON_INTEGER_FORMAT " events in %.3f s, %.0f a second, %.2f s of processor time\n",
           json_integer_value(json_object_get(r, "events")),
           json_number_value(json_object_get(r, "seconds")),
           json_number_value(json_object_get(r, "events_per_s")),
           json_number_value(json_object_get(r, "cpu_seconds")));
    printf("%9s%s%s%s  %s\n", "alerts", old ? "  only old      both  only new" : "",
           labels ? " precision    recall        F1" : "", sums ? "              sum" : "",
           "values");
    json_array_foreach(json_object_get(r, "variants"), i, v)
    {
        const json_t *q = json_object_get(v, "quality");
        char *values = json_dumps(json_object_get(v, "parameters"), 0);
        printf("%9" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(v, "alerts")));
        if (old) {
            print_side(v, "only_old");
            print_side(v, "both");
            print_side(v, "only_new");
        }
        if (labels) {
            print_share(q, "precision");
            print_share(q, "recall");
            print_share(q, "f1");
        }
        if (sums)
            printf(" %16.2f", json_number_value(json_object_get(v, "sum")));
        printf("  %s\n", values);
        free(values);
    }
}

static int show(const struct local *l)
{
    char *path = mem_printf("%s/" BACKTESTCMD_RESULT, l->folder);
    json_t *r = json_load_file(path, 0, NULL);
    mem_free(path);
    if (r == NULL)
        return args_complain("backtest", "there is no result");
    if (l->o->json) {
        json_dumpf(r, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
        putchar('\n');
    } else {
        print_table(r);
    }
    json_decref(r);
    return ARGS_OK;
}

/* --- all ------------------------------------------------------------------------------------------------------------------ */

/* The folder of the run: the one that is kept, or one that goes. */
static bool make_folder(struct local *l)
{
    const char *tmp = getenv("TMPDIR");
    l->folder = l->o->output != NULL ? mem_str(l->o->output)
                                     : mem_printf("%s/weir-backtest-XXXXXX",
                                                  tmp != NULL && *tmp != '\0' ? tmp : "/tmp");
    bool good = l->o->output != NULL ? mkdir(l->folder, 0750) == 0 : mkdtemp(l->folder) != NULL;
    if (!good)
        args_complain("backtest", "folder %s: %s", l->folder, strerror(errno));
    l->catalogue = mem_printf("%s/catalogue.db", l->folder);
    return good;
}

/* What only the run needed, or all. */
static void clean(const struct local *l, bool keep)
{
    static const char *const parts[] = {"catalogue.db", "catalogue.db-wal", "catalogue.db-shm",
                                        BACKTESTCMD_PLAN};
    for (size_t i = 0; keep && i < sizeof parts / sizeof *parts; i++) {
        char *path = mem_printf("%s/%s", l->folder, parts[i]);
        (void)!unlink(path);
        mem_free(path);
    }
    if (!keep && durable_delete(l->folder) != ERR_OK)
        args_complain("backtest", "folder %s stays: %s", l->folder, strerror(errno));
}

static int run(struct local *l)
{
    struct diag d;
    int code = ARGS_FAILED;
    diag_init(&d, (const char *)l->text.text.p, l->text.text.n);
    l->registry = registry_new();
    enum err e = catalog_open(l->catalogue, &d, &l->catalog);
    if (e == ERR_OK)
        e = fill(l, &d);
    evaltext_say(&l->text, &d);
    diag_fini(&d);
    if (e == ERR_OK && write_plan(l)) {
        diag_init(&d, NULL, 0);
        if (backtestcmd_run(l->folder, l->catalogue, NULL, &d) == ERR_OK) {
            code = show(l);
        } else {
            char *why = diag_text(&d);
            args_complain("backtest", "%s", why);
            mem_free(why);
        }
        diag_fini(&d);
    }
    catalog_close(l->catalog);
    registry_free(l->registry);
    return code;
}

int backtestlocal_run(const struct backtestlocal_options *o)
{
    struct local l = {.o = o};
    log_init("backtest", LOG_WARN_LEVEL);
    int code = ARGS_OK;
    for (unsigned i = 0; i < o->nstatements && code == ARGS_OK; i++)
        if (evaltext_add(&l.text, o->statements[i]) != ERR_OK)
            code = args_complain("backtest", "%s: %s", o->statements[i], strerror(errno));
    if (code == ARGS_OK && !make_folder(&l))
        code = ARGS_USAGE;
    else if (code == ARGS_OK) {
        code = run(&l);
        clean(&l, o->output != NULL && code == ARGS_OK);
    }
    evaltext_fini(&l.text);
    mem_free(l.folder);
    mem_free(l.catalogue);
    return code;
}
