/* SPDX-License-Identifier: Apache-2.0
 *
 * Each figure is of a process of its own: `weir eval` with its results thrown away, or `weir bench --decode`. Decoding
 * alone runs before every run of a query, and a query's ratio is the median of those pairs, so that the noise of a
 * shared machine, which comes in waves, falls on both. Throughput is the best of the repetitions. */
#include "server/commands/bench.h"
#include "base/mem.h"
#include "server/args.h"
#include "server/commands/benchrun.h"
#include "server/commands/benchsnapshot.h"
#include "server/commands/benchwaiting.h"
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "usage: weir bench [options] [QUERY...]\n"
    "Measures decoding alone and the reference queries (or those named) on a stream of payments, "
    "and what\n"
    "rules take to compile (the name `start`) and partial matches that wait cost (`waiting`).\n"
    "`snapshot`, if it is named: what a snapshot of much state costs.\n"
    "\n"
    "  --events N      length of the stream (2000000); generated once\n"
    "  --input FILE    this stream instead\n"
    "  --repeat N      repetitions (3)\n"
    "  --queries DIR   where the queries are (tests/bench/queries)\n"
    "  --floors FILE   what ratios they are held to (tests/bench/expected.json)\n"
    "  --dir DIR       for the stream and for bench.json (build)\n"
    "  --state MB      of `snapshot` (1024)\n"
    "  --gate          exit code 1 if a ratio is under its floor\n"
    "  --decode FILE   only decode that file\n"
    "\n"
    "Exit code: 0; 1 if a count is wrong, or (--gate) a ratio too low; 2 for wrong use or a "
    "failure.\n";

/* In the order of the workload; fraud7 is the seven before it in one job. */
static const char *const all_queries[] = {"filter",      "seq",    "travel", "velocity",  "spend",
                                          "unconfirmed", "kleene", "fraud7", "rules1000", "join"};
enum { QUERIES = sizeof all_queries / sizeof all_queries[0], FRAUD7 = 7, REPEAT_MAX = 20 };

struct options {
    uint64_t events, repeat, state_mb;
    const char *input, *queries, *floors, *dir;
    char **names;
    int nnames;
    bool gate;
};

struct measured {
    const char *name;
    bool skipped; /* the compiler does not take it */
    unsigned runs;
    double events, wall_s, cpu_s; /* the best of the runs; events of the stream */
    double ratios[REPEAT_MAX];
    double decode_s; /* inside the best run */
    uint64_t max_rss_bytes;
    int64_t matches;
    double floor, aim; /* 0: none */
};

/* --- one process ------------------------------------------------------------------------------- */

static double number_in(const json_t *o, const char *name)
{
    return json_number_value(json_object_get(o, name));
}

/* Runs and reads the figures that the process prints; NULL: it failed. */
static json_t *run_process(const char *const args[], bool quiet, struct benchrun *r)
{
    struct bytes out = {0};
    json_t *figures = NULL;
    if (benchrun_run(args, quiet, &out, r) == ERR_OK && r->exit_code == ARGS_OK)
        figures = json_loadb((char *)out.p, out.n, 0, NULL);
    bytes_fini(&out);
    return figures;
}

/* The files of a query; its stream's statement comes first. Returns how many. */
static unsigned files_of(const struct options *o, const char *name, char *files[QUERIES])
{
    unsigned n = 0;
    files[n++] = mem_printf("%s/payments.sql", o->queries);
    if (strcmp(name, "fraud7") == 0)
        for (unsigned i = 0; i < FRAUD7; i++)
            files[n++] = mem_printf("%s/%s.sql", o->queries, all_queries[i]);
    else if (strcmp(name, "rules1000") == 0)
        files[n++] = mem_printf("%s/rules1000.sql", o->dir);
    else
        files[n++] = mem_printf("%s/%s.sql", o->queries, name);
    return n;
}

static json_t *run_query(const struct options *o, const char *name, bool check, struct benchrun *r)
{
    char *files[QUERIES + 1];
    const char *args[BENCHRUN_ARGS_MAX] = {"eval", "--input", o->input, "--output", "/dev/null"};
    unsigned n = files_of(o, name, files), at = 5;
    args[at++] = check ? "--check" : "--stats";
    for (unsigned i = 0; i < n; i++)
        args[at++] = files[i];
    args[at] = NULL;
    json_t *figures = run_process(args, check, r);
    for (unsigned i = 0; i < n; i++)
        mem_free(files[i]);
    return figures;
}

static bool can_run(const struct options *o, const char *name)
{
    struct benchrun r = {.exit_code = -1};
    json_decref(run_query(o, name, true, &r));
    return r.exit_code == ARGS_OK;
}

/* --- repetitions ------------------------------------------------------------------------------- */

static void keep_best(struct measured *m, const struct benchrun *r, double events)
{
    if (m->runs++ == 0 || r->cpu_s < m->cpu_s)
        m->cpu_s = r->cpu_s;
    if (m->runs == 1 || r->wall_s < m->wall_s)
        m->wall_s = r->wall_s;
    if (r->max_rss_bytes > m->max_rss_bytes)
        m->max_rss_bytes = r->max_rss_bytes;
    m->events = events;
}

static bool measure_pair(const struct options *o, struct measured *decoding, struct measured *m)
{
    struct benchrun bare, r;
    const char *decode[] = {"bench", "--decode", o->input, NULL};
    json_t *figures = run_process(decode, false, &bare);
    double events = number_in(figures, "events");
    json_decref(figures);
    if (events <= 0)
        return false;
    keep_best(decoding, &bare, events);
    figures = run_query(o, m->name, false, &r);
    if (!figures)
        return false;
    m->ratios[m->runs] = bare.cpu_s / r.cpu_s;
    keep_best(m, &r, number_in(figures, "events"));
    m->matches = (int64_t)number_in(json_object_get(figures, "results_total"), "match");
    m->decode_s = number_in(figures, "decode_s");
    json_decref(figures);
    return true;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_ratio(const struct measured *m)
{
    double sorted[REPEAT_MAX];
    if (m->runs == 0)
        return 0;
    memcpy(sorted, m->ratios, sizeof sorted);
    qsort(sorted, m->runs, sizeof *sorted, by_value);
    unsigned half = m->runs / 2;
    return m->runs % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/* --- the report -------------------------------------------------------------------------------- */

static bool is_under(const struct measured *m)
{
    return !m->skipped && m->floor > 0 && median_ratio(m) < m->floor;
}

static void print_ratio(double v)
{
    if (v > 0)
        printf("%6.2f ", v);
    else
        printf("%6s ", "-");
}

static void print_row(const struct measured *m, bool is_decoding)
{
    if (m->skipped) {
        printf("%-12s  does not compile: `weir eval --check` says why\n", m->name);
        return;
    }
    printf("%-12s %12.0f %12.0f", m->name, m->events / m->wall_s, m->events / m->cpu_s);
    if (is_decoding) {
        printf("  %6s %6s %6s %9.1f\n", "", "", "", (double)m->max_rss_bytes / 1048576);
        return;
    }
    printf("  ");
    print_ratio(median_ratio(m));
    print_ratio(m->floor);
    print_ratio(m->aim);
    printf("%9.1f %9" PRId64 "%s\n", (double)m->max_rss_bytes / 1048576, m->matches,
           is_under(m) ? "  UNDER ITS FLOOR" : "");
}

static json_t *row_json(const struct measured *m, bool is_decoding)
{
    if (m->skipped)
        return json_pack("{s:b}", "supported", 0);
    json_t *o = json_pack("{s:f, s:f, s:I, s:i}", "events_per_s", m->events / m->wall_s,
                          "events_per_core_s", m->events / m->cpu_s, "max_rss_bytes",
                          (json_int_t)m->max_rss_bytes, "runs", (int)m->runs);
    if (is_decoding)
        return o;
    json_object_set_new(o, "ratio", json_real(median_ratio(m)));
    json_object_set_new(o, "floor", m->floor > 0 ? json_real(m->floor) : json_null());
    json_object_set_new(o, "aim", m->aim > 0 ? json_real(m->aim) : json_null());
    json_object_set_new(o, "matches", json_integer(m->matches));
    json_object_set_new(o, "decode_s", json_real(m->decode_s));
    return o;
}

static int report(const struct options *o, const struct measured *decoding,
                  const struct measured *all, unsigned n, json_t *start, json_t *waiting,
                  json_t *snapshot)
{
    int code = ARGS_OK;
    json_t *queries = json_object();
    if (n > 0) {
        printf("%-12s %12s %12s  %6s %6s %6s %9s %9s\n", "", "events/s", "per core-s", "ratio",
               "floor", "aim", "peak MiB", "matches");
        print_row(decoding, true);
    }
    for (unsigned i = 0; i < n; i++) {
        print_row(&all[i], false);
        json_object_set_new(queries, all[i].name, row_json(&all[i], false));
        if (o->gate && is_under(&all[i]))
            code = ARGS_FAILED;
    }
    json_t *root =
        json_pack("{s:s, s:I, s:I, s:o, s:o, s:o*, s:o*, s:o*}", "stream", o->input, "events",
                  (json_int_t)decoding->events, "repetitions", (json_int_t)o->repeat, "decoding",
                  n > 0 ? row_json(decoding, true) : json_null(), "queries", queries, "start",
                  start, "waiting", waiting, "snapshot", snapshot);
    char *path = mem_printf("%s/bench.json", o->dir);
    if (json_dump_file(root, path, JSON_INDENT(2)) != 0)
        code = args_complain("bench", "cannot write %s", path);
    else
        printf("written: %s\n", path);
    mem_free(path);
    json_decref(root);
    return code;
}

/* --- what to measure --------------------------------------------------------------------------- */

/* The workload's thousand rules, or ten thousand of the kind. */
static bool write_rules(const struct options *o, int n)
{
    static const int mcc[] = {5411, 5812, 5541, 4111, 5732, 5944, 7995, 4829, 5999, 6011};
    char *path = mem_printf("%s/rules%d.sql", o->dir, n);
    FILE *f = fopen(path, "we");
    mem_free(path);
    for (int i = 0; f && i < n; i++)
        fprintf(f,
                "CREATE RULE r%05d AS\nSELECT card, a_id, b_id FROM payments\nMATCH_RECOGNIZE (\n"
                "  PARTITION BY card ORDER BY ts\n  MEASURES A.id AS a_id, B.id AS b_id\n"
                "  AFTER MATCH NO SKIP\n  PATTERN (A -> B) WITHIN INTERVAL '10' MINUTE\n"
                "  DEFINE A AS merchant = 'm%04d' AND amount > %d,\n"
                "         B AS mcc = %d AND amount > %d\n);\n",
                i, 3 * i, 20 + i % 50, mcc[i % 10], 100 + i % 200);
    return f && fclose(f) == 0;
}

static void set_floors(const struct options *o, struct measured *all, unsigned n)
{
    json_t *root = json_load_file(o->floors, 0, NULL), *group;
    const char *name;
    json_object_foreach(json_object_get(root, "floor"), name, group)
    {
        for (unsigned i = 0; json_is_object(group) && i < n; i++) {
            double *to = strncmp(name, "aim", 3) == 0 ? &all[i].aim : &all[i].floor;
            *to = number_in(group, all[i].name) > 0 ? number_in(group, all[i].name) : *to;
        }
    }
    json_decref(root);
}

/* Processor seconds until so many rules are compiled and ready for the first event; below 0: they are not. */
static double start_of(const struct options *o, int n)
{
    struct benchrun r, best = {.cpu_s = -1};
    char *rules = mem_printf("%s/rules%d.sql", o->dir, n);
    char *stream = mem_printf("%s/payments.sql", o->queries);
    const char *args[] = {"eval",    "--input", "/dev/null", "--output", "/dev/null",
                          "--stats", stream,    rules,       NULL};
    for (unsigned i = 0; i < o->repeat; i++) {
        json_t *figures = run_process(args, false, &r);
        if (figures != NULL && (best.cpu_s < 0 || r.cpu_s < best.cpu_s))
            best = r;
        json_decref(figures);
    }
    mem_free(rules);
    mem_free(stream);
    return best.cpu_s;
}

static json_t *measure_starts(const struct options *o)
{
    double thousand = start_of(o, 1000), ten = start_of(o, 10000);
    printf("\nrules compiled, until the first event: 1,000 in %.3f s, 10,000 in %.3f s of "
           "processor time\n",
           thousand, ten);
    return json_pack("{s:f, s:f}", "rules1000_s", thousand, "rules10000_s", ten);
}

static bool wants(const struct options *o, const char *name)
{
    bool wanted = o->nnames == 0;
    for (int i = 0; i < o->nnames; i++)
        wanted |= strcmp(o->names[i], name) == 0;
    return wanted;
}

static unsigned choose(const struct options *o, struct measured *all)
{
    unsigned n = 0;
    for (unsigned q = 0; q < QUERIES; q++) {
        if (wants(o, all_queries[q]))
            all[n++] =
                (struct measured){.name = all_queries[q], .skipped = !can_run(o, all_queries[q])};
    }
    return n;
}

static int run_all(struct options *o)
{
    struct measured decoding = {.name = "decoding"}, all[QUERIES];
    char *own = o->input ? NULL : mem_printf("%s/payments-%" PRIu64 ".jsonl", o->dir, o->events);
    int code = ARGS_OK;
    mkdir(o->dir, 0777); /* what fails here fails again, with a message, below */
    bool snapshot = o->nnames > 0 && wants(o, "snapshot");
    bool alone = o->nnames == 1 && (wants(o, "waiting") || wants(o, "start") || snapshot);
    if (own && !alone && benchrun_stream(own, o->events) != ERR_OK)
        code = args_complain("bench", "%s: %s", own, strerror(errno));
    if (code == ARGS_OK && !(write_rules(o, 1000) && write_rules(o, 10000)))
        code = args_complain("bench", "%s: %s", o->dir, strerror(errno));
    o->input = o->input ? o->input : own;
    unsigned n = code == ARGS_OK ? choose(o, all) : 0;
    set_floors(o, all, n);
    for (unsigned turn = 0; code == ARGS_OK && turn < o->repeat; turn++)
        for (unsigned i = 0; code == ARGS_OK && i < n; i++)
            if (!all[i].skipped && !measure_pair(o, &decoding, &all[i]))
                code = args_complain("bench", "%s did not run", all[i].name);
    if (code == ARGS_OK)
        code = report(o, &decoding, all, n, wants(o, "start") ? measure_starts(o) : NULL,
                      wants(o, "waiting") ? benchwaiting_run() : NULL,
                      snapshot ? benchsnapshot_run(o->state_mb) : NULL);
    mem_free(own);
    return code;
}

static int decode_only(const char *path)
{
    uint64_t lines = 0;
    if (benchrun_decode(path, &lines) != ERR_OK)
        return args_complain("bench", "%s: %s", path, strerror(errno));
    printf("{\"events\":%" PRIu64 "}\n", lines);
    return ARGS_OK;
}

/* --- command line ------------------------------------------------------------------------------ */

int bench_main(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"events", required_argument, NULL, 'e'},
        {"input", required_argument, NULL, 'i'},
        {"repeat", required_argument, NULL, 'r'},
        {"queries", required_argument, NULL, 'q'},
        {"floors", required_argument, NULL, 'f'},
        {"dir", required_argument, NULL, 'd'},
        {"decode", required_argument, NULL, 'c'},
        {"gate", no_argument, NULL, 'g'},
        {"state", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options o = {.events = 2000000,
                        .repeat = 3,
                        .state_mb = 1024,
                        .queries = "tests/bench/queries",
                        .floors = "tests/bench/expected.json",
                        .dir = "build"};
    int option;
    bool good = true;
    while (good && (option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        switch (option) {
        case 'e':
            good = args_number("bench", "--events", optarg, 1000, 1000000000, &o.events);
            break;
        case 'r':
            good = args_number("bench", "--repeat", optarg, 1, REPEAT_MAX, &o.repeat);
            break;
        case 's':
            good = args_number("bench", "--state", optarg, 1, 1 << 20, &o.state_mb);
            break;
        case 'i':
            o.input = optarg;
            break;
        case 'q':
            o.queries = optarg;
            break;
        case 'f':
            o.floors = optarg;
            break;
        case 'd':
            o.dir = optarg ? optarg : o.dir; /* never NULL, which the analyzer cannot know */
            break;
        case 'g':
            o.gate = true;
            break;
        case 'c':
            return decode_only(optarg);
        case 'h':
            fputs(usage, stdout);
            return ARGS_OK;
        default:
            good = false;
            break;
        }
    o.names = argv + optind;
    o.nnames = argc - optind;
    return good ? run_all(&o) : ARGS_USAGE;
}
