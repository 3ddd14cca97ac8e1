/* SPDX-License-Identifier: Apache-2.0 */
#include "server/eval/evaljob.h"
#include "base/mem.h"
#include "cep/table.h"
#include "rules/compile.h"
#include "server/args.h"
#include "server/eval/evalexplain.h"
#include "server/eval/evalfeed.h"
#include "server/eval/evallist.h"
#include "server/eval/evalrun.h"
#include "server/eval/evalscript.h"
#include "server/eval/evaltext.h"
#include "server/worker/lookups.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

/* The statements, sorted out. */
struct loaded {
    struct script *script;
    const struct schema **streams;
    struct job_rule *rules;
    struct job_cut (*cuts)[2];
    unsigned nstreams, nrules;
    struct evalscript_switch switches[EVALJOB_SWITCHES_MAX];
    unsigned nswitches;
};

/* --- rules ------------------------------------------------------------------------------------- */

static void unload(struct loaded *l)
{
    mem_free(l->streams);
    mem_free(l->rules);
    mem_free(l->cuts);
    compile_script_free(l->script);
}

static void sort_out(struct loaded *l)
{
    struct evalscript e = evalscript_sort_versions(l->script, l->switches, l->nswitches);
    l->cuts = e.cuts;
    l->streams = e.streams;
    l->nstreams = e.nstreams;
    l->rules = e.rules;
    l->nrules = e.nrules;
}

/* On standard output if nothing is run, else beside the results. */
static bool explain(const struct evaltext *text, const struct loaded *l, FILE *to)
{
    struct bytes out = {0};
    struct diag d;
    struct job *job = job_new(l->streams, l->nstreams, l->rules, l->nrules);
    diag_init(&d, (const char *)text->text.p, text->text.n);
    evalexplain_script(l->script, job, &d, &out);
    evaltext_say(text, &d);
    if (out.n > 0)
        fwrite(out.p, 1, out.n, to);
    bool good = d.errors == 0;
    job_unref(job);
    bytes_fini(&out);
    diag_fini(&d);
    return good;
}

static bool has_explain(const struct script *s)
{
    unsigned i = 0;
    while (i < s->n && s->statements[i].kind != STATEMENT_EXPLAIN)
        i++;
    return i < s->n;
}

static bool load(const struct evaljob_options *o, const struct evaltext *text, struct loaded *l)
{
    const char *p = (const char *)text->text.p;
    struct diag d;
    diag_init(&d, p, text->text.n);
    enum err e = o->no_end ? compile_script(p, text->text.n, NULL, &d, &l->script)
                           : compile_script_bounded(p, text->text.n, NULL, &d, &l->script);
    evaltext_say(text, &d);
    if (e != ERR_OK && d.errors == 0)
        args_complain("eval", "the rules do not compile: %s", err_text(e));
    diag_fini(&d);
    if (e != ERR_OK)
        return false;
    sort_out(l);
    if (has_explain(l->script) && !explain(text, l, o->check ? stdout : stderr))
        return false;
    return true;
}

/* --- input ------------------------------------------------------------------------------------- */

static int stream_named(const struct loaded *l, const char *name, size_t n)
{
    for (unsigned i = 0; i < l->nstreams; i++)
        if (strlen(l->streams[i]->name) == n && strncasecmp(l->streams[i]->name, name, n) == 0)
            return (int)i;
    return -1;
}

/* "payments=day1.jsonl"; what stands before a "=" may also be the beginning of a file's name. */
static bool parse_input(const struct loaded *l, const char *text, struct evalfeed_input *out)
{
    const char *equals = strchr(text, '=');
    out->path = text;
    out->stream = l->nstreams == 1 ? 0 : -1;
    if (!equals)
        return true;
    int named = stream_named(l, text, (size_t)(equals - text));
    if (named < 0 && access(text, F_OK) != 0) {
        args_complain("eval", "--input %s: there is no stream '%.*s'", text, (int)(equals - text),
                      text);
        return false;
    }
    if (named >= 0) {
        out->path = equals + 1;
        out->stream = named;
    }
    return true;
}

/* Each input is a partition, whatever the statement says: the streams are this script's own, so they may be told. */
static void set_partitions(const struct loaded *l, const struct evalfeed_input *inputs, unsigned n)
{
    for (unsigned s = 0; s < l->nstreams; s++) {
        unsigned partitions = 0;
        for (unsigned i = 0; i < n; i++)
            partitions += inputs[i].stream < 0 || inputs[i].stream == (int)s;
        struct schema *schema = (struct schema *)l->streams[s];
        schema->partitions = partitions ? partitions : 1;
    }
}

/* --- figures ----------------------------------------------------------------------------------- */

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* The largest memory of this process; getrusage would count its parent's from before exec. */
static uint64_t peak_rss_bytes(void)
{
    char line[128];
    unsigned long long kib = 0;
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f) && sscanf(line, "VmHWM: %llu", &kib) != 1)
        ;
    if (f)
        fclose(f);
    return kib * 1024;
}

/* "name":{"match":3,"late":1} of the counts that are not zero. */
static void put_kinds(const char *name, const uint64_t counts[RESULT_ERROR + 1], struct bytes *out)
{
    const char *comma = "";
    value_json_string(name, strlen(name), out);
    bytes_printf(out, ":{");
    for (unsigned k = RESULT_MATCH; k <= RESULT_ERROR; k++) {
        if (counts[k] == 0)
            continue;
        bytes_printf(out, "%s\"%s\":%" PRIu64, comma, result_kind_name(k), counts[k]);
        comma = ",";
    }
    bytes_printf(out, "}");
}

static void put_results(const struct evalrun *run, const struct loaded *l, struct bytes *out)
{
    uint64_t sum[RESULT_ERROR + 1] = {0};
    bytes_printf(out, "\"results\":{");
    for (unsigned i = 0; i < l->nrules; i++) {
        uint64_t counts[RESULT_ERROR + 1];
        for (unsigned k = RESULT_MATCH; k <= RESULT_ERROR; k++)
            sum[k] += counts[k] = evalrun_count(run, i, k);
        bytes_printf(out, i ? "," : "");
        put_kinds(l->rules[i].plan->name, counts, out);
    }
    bytes_printf(out, "},");
    put_kinds("results_total", sum, out);
}

/* "lookups":{"customers":{"rows":…},…}, if there are tables. */
static void put_lookups(const struct evalrun *run, struct bytes *out)
{
    struct lookups_stats s;
    for (unsigned i = 0; evalrun_lookups(run, i, &s); i++) {
        const char *name = s.table->schema->name;
        bytes_printf(out, i == 0 ? "\"lookups\":{" : ",");
        value_json_string(name, strlen(name), out);
        bytes_printf(out,
                     ":{\"rows\":%" PRIu64 ",\"hits\":%" PRIu64 ",\"missing\":%" PRIu64
                     ",\"asked\":%" PRIu64 ",\"requests\":%" PRIu64 ",\"retries\":%" PRIu64
                     ",\"timeouts\":%" PRIu64 ",\"errors\":%" PRIu64 "}",
                     s.rows, s.hits, s.missing, s.asked, s.requests, s.retries, s.timeouts,
                     s.errors);
    }
    if (evalrun_lookups(run, 0, &s))
        bytes_printf(out, "},");
}

/* "state_out":{…}, if state may leave memory. */
static void put_state_out(const struct evaljob_options *o, const struct evalrun *run,
                          struct bytes *out)
{
    struct taskout_counts c;
    if (!o->has_state_memory)
        return;
    evalrun_state_counts(run, &c);
    bytes_printf(out,
                 "\"state_out\":{\"used_bytes\":%zu,\"keys_out\":%" PRIu64 ",\"asked\":%" PRIu64
                 ",\"loaded\":%" PRIu64 ",\"left\":%" PRIu64 ",\"written\":%" PRIu64 "},",
                 c.used_bytes, c.keys_out, c.asked, c.loaded, c.left, c.written);
}

static void print_stats(const struct evaljob_options *o, const struct loaded *l,
                        const struct evalrun *run, const struct evalfeed *feed, montime started)
{
    struct evalfeed_stats in = evalfeed_stats(feed);
    struct task_stats t;
    struct rusage use;
    struct bytes out = {0};
    evalrun_stats(run, &t);
    getrusage(RUSAGE_SELF, &use);
    double wall = (double)(timebase_mono_ns() - started) / 1e9;
    double user = seconds_of(use.ru_utime), sys = seconds_of(use.ru_stime);
    bytes_printf(&out,
                 "{\"events\":%" PRIu64 ",\"bad_events\":%" PRIu64 ",\"late_events\":%" PRIu64
                 ",\"bytes\":%" PRIu64 ",\"wall_s\":%.6f,\"cpu_s\":%.6f,\"user_s\":%.6f"
                 ",\"system_s\":%.6f,\"decode_s\":%.6f,\"events_per_s\":%.0f"
                 ",\"events_per_core_s\":%.0f,\"max_rss_bytes\":%" PRIu64
                 ",\"state_bytes\":%" PRIu64 ",\"expired\":%" PRIu64 ",",
                 in.events, in.bad + evalrun_failed(run), t.rows_late, in.bytes, wall, user + sys,
                 user, sys, (double)in.decode_ns / 1e9, wall > 0 ? (double)in.events / wall : 0.0,
                 user + sys > 0 ? (double)in.events / (user + sys) : 0.0, peak_rss_bytes(),
                 t.state_bytes, t.expired);
    put_lookups(run, &out);
    put_state_out(o, run, &out);
    put_results(run, l, &out);
    bytes_printf(&out, "}\n");
    fwrite(out.p, 1, out.n, o->output ? stdout : stderr);
    bytes_fini(&out);
}

/* --- the run ----------------------------------------------------------------------------------- */

static int complain_io(const char *what)
{
    return args_complain("eval", "%s: %s", what, strerror(errno));
}

static int set_state_memory(const struct evaljob_options *o, struct evalrun *run)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    int code = ARGS_OK;
    if (evalrun_state_memory(run, o->state_memory, &d) != ERR_OK) {
        char *why = diag_text(&d);
        code = args_complain("eval", "--state-memory: %s", why);
        mem_free(why);
    }
    diag_fini(&d);
    return code;
}

static int run_job(const struct evaljob_options *o, const struct loaded *l, struct evalfeed *feed,
                   int fd)
{
    montime started = timebase_mono_ns();
    struct job *job = job_new(l->streams, l->nstreams, l->rules, l->nrules);
    struct evalrun *run = evalrun_new(job, o->workers, fd, evalfeed_late_row, feed);
    if (o->snapshot_every > 0)
        evalrun_snapshots(run, o->snapshot_every, o->snapshot_tasks);
    if (o->stats)
        evalfeed_measure(feed);
    int code = o->has_state_memory ? set_state_memory(o, run) : ARGS_OK;
    if (code == ARGS_OK && evalfeed_run(feed, job, run) != ERR_OK && errno != EPIPE)
        code = complain_io("input or output");
    if (evalrun_broken(run) != NULL)
        code = args_complain("eval", "%s", evalrun_broken(run));
    if (o->stats)
        print_stats(o, l, run, feed, started);
    evalrun_free(run);
    job_unref(job);
    return code;
}

static int run_inputs(const struct evaljob_options *o, const struct loaded *l)
{
    struct evalfeed_input inputs[EVALJOB_INPUTS_MAX];
    struct evalfeed *feed = NULL;
    unsigned n = o->ninputs ? o->ninputs : 1, which = 0;
    for (unsigned i = 0; i < n; i++)
        if (!parse_input(l, o->ninputs ? o->inputs[i] : "-", &inputs[i]))
            return ARGS_USAGE;
    set_partitions(l, inputs, n);
    struct evalfeed_options feed_options = {.streams = l->streams,
                                            .nstreams = l->nstreams,
                                            .inputs = inputs,
                                            .ninputs = n,
                                            .batch = o->batch,
                                            .no_end = o->no_end};
    if (evalfeed_new(&feed_options, &which, &feed) != ERR_OK)
        return complain_io(inputs[which].path);
    int fd =
        o->output ? open(o->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : STDOUT_FILENO;
    int code = fd < 0 ? complain_io(o->output) : run_job(o, l, feed, fd);
    if (o->output && fd >= 0 && close(fd) != 0)
        code = complain_io(o->output);
    evalfeed_free(feed);
    return code;
}

static int read_rules(const struct evaljob_options *o, struct evaltext *text)
{
    for (unsigned i = 0; i < o->nrules; i++) {
        enum err e = evaltext_add(text, o->rules[i]);
        if (e == ERR_LIMIT)
            return args_complain("eval", "%s: more than %d files or %d bytes of rules", o->rules[i],
                                 EVALTEXT_FILES_MAX, COMPILE_TEXT_MAX);
        if (e != ERR_OK)
            return complain_io(o->rules[i]);
    }
    return ARGS_OK;
}

/* "2026-03-01T12:00:00Z=new.sql"; the time may also be in ms since 1970. */
static int read_switches(const struct evaljob_options *o, struct evaltext *text, struct loaded *l)
{
    for (unsigned i = 0; i < o->nswitches; i++) {
        struct evalscript_switch *to = &l->switches[l->nswitches++];
        char *equals = strchr(o->switches[i], '='), *end = NULL;
        size_t n = equals == NULL ? 0 : (size_t)(equals - o->switches[i]);
        if (n > 0 && !timebase_parse(o->switches[i], n, &to->at)) {
            to->at = strtoll(o->switches[i], &end, 10);
            n = end == equals ? n : 0;
        }
        if (n == 0)
            return args_complain("eval", "--switch %s: give it as TIME=FILE", o->switches[i]);
        if (i > 0 && to->at <= to[-1].at)
            return args_complain("eval", "--switch %s: its time is not after the one before",
                                 o->switches[i]);
        to->begin = (unsigned)text->text.n;
        if (evaltext_add(text, equals + 1) != ERR_OK)
            return complain_io(equals + 1);
    }
    return ARGS_OK;
}

static int fill_lists(const struct evaljob_options *o, const struct loaded *l)
{
    int code = ARGS_OK;
    for (unsigned i = 0; i < o->nlists && code == ARGS_OK; i++)
        code = evallist_load(l->script, o->lists[i]);
    return code;
}

int evaljob_run(const struct evaljob_options *o)
{
    struct evaltext text = {0};
    struct loaded l = {0};
    int code = read_rules(o, &text);
    if (code == ARGS_OK)
        code = read_switches(o, &text, &l);
    if (code == ARGS_OK) {
        code = ARGS_FAILED;
        if (!load(o, &text, &l))
            ; /* it has said why */
        else if (l.nstreams == 0)
            args_complain("eval", "there is no CREATE STREAM in %s", o->rules[0]);
        else if (l.nrules == 0 && !o->check)
            args_complain("eval", "there is no CREATE RULE in %s", o->rules[0]);
        else
            code = fill_lists(o, &l);
        if (code == ARGS_OK && !o->check)
            code = run_inputs(o, &l);
    }
    unload(&l);
    evaltext_fini(&text);
    return code;
}
