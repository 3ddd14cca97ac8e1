/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines gather in one buffer for each partition (standard output is one) and go out when a buffer is full, or, where
 * events are paced, when the oldest line has waited LINGER_MS. Pacing: with --live a line goes out when its arrival
 * time has come; else the n-th line n / rate seconds after the start. */
#include "server/commands/gen.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "io/paygen.h"
#include "server/args.h"
#include "server/commands/genpost.h"
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    STDOUT_BYTES = 256 << 10,
    LINGER_MS = 100,
    NAP_MS = 5,
    PARTITIONS_MAX = 128,
    LIVE_RATE = 100
};

static const char usage[] =
    "usage: weir gen [options]\n"
    "A reproducible stream of card payments with frauds planted in it, as JSON lines.\n"
    "\n"
    "  --events N        how many (2000000; with --live no end)\n"
    "  --cards N         how many cards (20000; with --live 200 for each event a second)\n"
    "  --seed N          another seed, another stream (7)\n"
    "  --disorder MS     an event lags its place by up to that (2000)\n"
    "  --late PPM        so many in a million lag 1 to 10 minutes more (500)\n"
    "  --rate EVENTS/S   not faster than that (as fast as possible; with --live 100)\n"
    "  --live            event times are now, --rate apart; else 10 ms apart from a fixed start\n"
    "\n"
    "  --url URL         post to the server there, http://host:port, instead of standard output\n"
    "  --stream NAME     to that stream (payments)\n"
    "  --partition P     to that partition (0)\n"
    "  --partitions N    in turn to partitions 0 to N-1\n"
    "  --batch N         lines in a request (1000)\n"
    "  --finish          at the end, tell the server that the stream's input has ended\n"
    "\n"
    "SIGINT or SIGTERM ends it. What was planted is said on standard error at the end.\n"
    "Exit code: 0; 2 for wrong use, or if a file or the server does not take it.\n";

struct options {
    struct paygen_options stream;
    uint64_t rate; /* 0: no limit */
    bool live, finish;
    const char *url, *name;
    uint64_t partition, partitions, batch;
};

struct out { /* one partition's waiting lines */
    struct bytes lines;
    uint64_t n;
    montime oldest;
};

struct gen {
    const struct options *o;
    struct genpost *post; /* NULL: standard output */
    struct out *outs;
    uint64_t nouts, turn, sent;
    montime started;
    int failed; /* exit code, 0: none */
    bool closed; /* the reader of the pipe has gone */
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* --- sending ----------------------------------------------------------------------------------- */

static void write_all(struct gen *g, const uint8_t *p, size_t n)
{
    while (n > 0 && !g->closed && !g->failed) {
        ssize_t did = write(STDOUT_FILENO, p, n);
        if (did < 0 && errno == EINTR)
            continue;
        if (did < 0 && errno == EPIPE)
            g->closed = true;
        else if (did < 0)
            g->failed = args_complain("gen", "standard output: %s", strerror(errno));
        if (did > 0) {
            p += did;
            n -= (size_t)did;
        }
    }
}

static void flush_one(struct gen *g, uint64_t i)
{
    struct out *out = &g->outs[i];
    if (out->n == 0)
        return;
    enum err e = ERR_OK;
    if (!g->post) {
        write_all(g, out->lines.p, out->lines.n);
    } else {
        unsigned partition = (unsigned)(g->o->partitions ? i : g->o->partition);
        e = genpost_send(g->post, partition, out->lines.p, out->lines.n, out->n);
        if (e == ERR_INVALID)
            g->failed = args_complain("gen", "%s", genpost_why(g->post));
    }
    g->sent += e == ERR_OK ? out->n : 0;
    bytes_reset(&out->lines);
    out->n = 0;
}

static void flush_older(struct gen *g, montime than)
{
    for (uint64_t i = 0; i < g->nouts; i++)
        if (g->outs[i].n > 0 && g->outs[i].oldest <= than)
            flush_one(g, i);
}

static void add(struct gen *g, const char *line, size_t n)
{
    uint64_t i = g->turn++ % g->nouts;
    struct out *out = &g->outs[i];
    if (out->n++ == 0 && (g->o->rate > 0 || g->o->live))
        out->oldest = timebase_mono_ns();
    bytes_put(&out->lines, line, n);
    if (g->post ? out->n >= g->o->batch : out->lines.n >= STDOUT_BYTES)
        flush_one(g, i);
}

/* --- pace -------------------------------------------------------------------------------------- */

static int64_t early_ms(const struct gen *g, evtime arrival)
{
    if (g->o->live)
        return arrival - timebase_now_ms();
    montime due = g->started + (montime)((double)g->turn / (double)g->o->rate * 1e9);
    return (due - timebase_mono_ns()) / 1000000;
}

static void wait_until_due(struct gen *g, evtime arrival)
{
    for (;;) {
        int64_t ms = early_ms(g, arrival);
        if (ms <= 0 || stopped || g->closed || g->failed)
            return;
        flush_older(g, timebase_mono_ns() - INT64_C(1000000) * LINGER_MS);
        ms = ms < NAP_MS ? NAP_MS : ms > LINGER_MS ? LINGER_MS : ms;
        nanosleep(&(struct timespec){.tv_nsec = (long)ms * 1000000}, NULL);
    }
}

/* --- the run ----------------------------------------------------------------------------------- */

static void summary(const struct gen *g, const struct paygen *from)
{
    struct paygen_planted p = paygen_planted(from);
    double seconds = (double)(timebase_mono_ns() - g->started) / 1e9;
    fprintf(stderr,
            "weir gen: %" PRIu64 " events in %.2f s; planted: testing %" PRIu64 ", travel %" PRIu64
            ", velocity %" PRIu64 ", unconfirmed %" PRIu64 ", confirmed %" PRIu64 "; late %" PRIu64
            "\n",
            g->sent, seconds, p.testing, p.travel, p.velocity, p.unconfirmed, p.confirmed, p.late);
    if (!g->post)
        return;
    const struct genpost_stats *s = genpost_stats(g->post);
    fprintf(stderr,
            "weir gen: accepted %" PRIu64 ", rejected %" PRIu64 "%s%s%s; waited %" PRIu64
            " times, sent again %" PRIu64 "\n",
            s->accepted, s->rejected, s->first_rejection[0] ? " (" : "", s->first_rejection,
            s->first_rejection[0] ? ")" : "", s->waits, s->resent_lines);
}

static void run(struct gen *g, struct paygen *from)
{
    char line[PAYGEN_LINE_MAX];
    evtime arrival = 0;
    size_t n;
    while (!stopped && !g->closed && !g->failed && (n = paygen_next(from, line, &arrival)) > 0) {
        if (g->o->live || g->o->rate > 0)
            wait_until_due(g, arrival);
        if (!stopped)
            add(g, line, n);
    }
    flush_older(g, INT64_MAX);
    if (g->o->finish && g->post && !g->failed && !stopped && genpost_finish(g->post) == ERR_INVALID)
        g->failed = args_complain("gen", "%s", genpost_why(g->post));
}

static int run_all(const struct options *o)
{
    struct gen g = {.o = o, .nouts = o->partitions ? o->partitions : 1};
    g.outs = mem_array(g.nouts, sizeof *g.outs);
    if (o->url)
        g.post = genpost_new(o->url, o->name, &stopped);
    struct paygen *from = paygen_new(&o->stream);
    g.started = timebase_mono_ns();
    run(&g, from);
    summary(&g, from);
    paygen_free(from);
    genpost_free(g.post);
    for (uint64_t i = 0; i < g.nouts; i++)
        bytes_fini(&g.outs[i].lines);
    mem_free(g.outs);
    return g.failed;
}

/* --- command line ------------------------------------------------------------------------------ */

enum {
    OPT_EVENTS = 1,
    OPT_CARDS,
    OPT_SEED,
    OPT_DISORDER,
    OPT_LATE,
    OPT_RATE,
    OPT_PARTITION,
    OPT_PARTITIONS,
    OPT_BATCH,
    OPT_URL,
    OPT_STREAM,
    OPT_LIVE,
    OPT_FINISH,
    OPT_HELP,
    OPT_COUNT
};

static const struct option long_options[] = {
    {"events", required_argument, NULL, OPT_EVENTS},
    {"cards", required_argument, NULL, OPT_CARDS},
    {"seed", required_argument, NULL, OPT_SEED},
    {"disorder", required_argument, NULL, OPT_DISORDER},
    {"late", required_argument, NULL, OPT_LATE},
    {"rate", required_argument, NULL, OPT_RATE},
    {"partition", required_argument, NULL, OPT_PARTITION},
    {"partitions", required_argument, NULL, OPT_PARTITIONS},
    {"batch", required_argument, NULL, OPT_BATCH},
    {"url", required_argument, NULL, OPT_URL},
    {"stream", required_argument, NULL, OPT_STREAM},
    {"live", no_argument, NULL, OPT_LIVE},
    {"finish", no_argument, NULL, OPT_FINISH},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static bool set_number(struct options *o, int option, const char *text)
{
    static const struct {
        uint64_t least, most;
    } limits[OPT_COUNT] = {
        [OPT_EVENTS] = {1, INT64_MAX},
        [OPT_CARDS] = {1, PAYGEN_CARDS_MAX},
        [OPT_SEED] = {0, UINT64_MAX},
        [OPT_DISORDER] = {0, PAYGEN_DISORDER_MAX_MS},
        [OPT_LATE] = {0, 1000000},
        [OPT_RATE] = {1, 1000000},
        [OPT_PARTITION] = {0, PARTITIONS_MAX - 1},
        [OPT_PARTITIONS] = {1, PARTITIONS_MAX},
        [OPT_BATCH] = {1, 100000},
    };
    uint64_t v = 0;
    char name[32];
    snprintf(name, sizeof name, "--%s", long_options[option - 1].name);
    if (!args_number("gen", name, text, limits[option].least, limits[option].most, &v))
        return false;
    switch (option) {
    case OPT_EVENTS:
        o->stream.events = v;
        break;
    case OPT_CARDS:
        o->stream.cards = (uint32_t)v;
        break;
    case OPT_SEED:
        o->stream.seed = v;
        break;
    case OPT_DISORDER:
        o->stream.disorder_ms = (uint32_t)v;
        break;
    case OPT_LATE:
        o->stream.late_ppm = (uint32_t)v;
        break;
    case OPT_RATE:
        o->rate = v;
        break;
    case OPT_PARTITION:
        o->partition = v;
        break;
    case OPT_PARTITIONS:
        o->partitions = v;
        break;
    default:
        o->batch = v;
        break;
    }
    return true;
}

/* given: which options were, by number */
static bool set_option(struct options *o, int option, const char *text, bool given[OPT_COUNT])
{
    switch (option) {
    case OPT_URL:
        o->url = text;
        return true;
    case OPT_STREAM:
        o->name = text;
        return true;
    case OPT_LIVE:
        o->live = true;
        return true;
    case OPT_FINISH:
        o->finish = true;
        return true;
    case '?':
        fputs("weir gen: `weir gen --help` lists the options\n", stderr);
        return false;
    default:
        given[option] = true;
        return set_number(o, option, text);
    }
}

/* Each card pays as often as in the stream's own time, whatever the rate. */
static void set_live(struct options *o, const bool given[OPT_COUNT])
{
    o->rate = o->rate ? o->rate : LIVE_RATE;
    o->stream.step_us = (uint32_t)(1000000 / o->rate);
    o->stream.start = timebase_now_ms();
    if (!given[OPT_EVENTS])
        o->stream.events = 0;
    if (!given[OPT_CARDS]) {
        uint64_t cards = o->rate * o->stream.cards / LIVE_RATE;
        o->stream.cards = (uint32_t)(cards < PAYGEN_CARDS_MAX ? cards : PAYGEN_CARDS_MAX);
    }
}

int gen_main(int argc, char **argv)
{
    struct options o = {.stream = PAYGEN_DEFAULTS, .name = "payments", .batch = 1000};
    bool given[OPT_COUNT] = {false};
    int option;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == OPT_HELP) {
            fputs(usage, stdout);
            return ARGS_OK;
        }
        if (!set_option(&o, option, optarg, given))
            return ARGS_USAGE;
    }
    if (optind < argc)
        return args_complain("gen", "'%s' is no option", argv[optind]);
    if (!o.url && (o.finish || o.partition || o.partitions))
        return args_complain("gen", "--partition, --partitions and --finish need --url");
    if (o.partition && o.partitions)
        return args_complain("gen", "either --partition or --partitions");
    if (o.live)
        set_live(&o, given);
    struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    return run_all(&o);
}
