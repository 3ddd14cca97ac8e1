/* SPDX-License-Identifier: Apache-2.0 */
#include "server/eval/eval.h"
#include "server/args.h"
#include "server/eval/evaljob.h"
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: weir eval RULES.sql... [--input [STREAM=]FILE.jsonl]... [options]\n"
    "Runs the statements over the events, in event time, to the end of the input, and prints a "
    "JSON\n"
    "object a line for each result. Without --input the events come from standard input.\n"
    "\n"
    "  --input [STREAM=]FILE  events, one JSON object a line; several are read a line each in "
    "turn\n"
    "  --switch TIME=FILE     new versions of rules, which take over from those of the same name "
    "at "
    "that event\n"
    "                         time, with their state where they can; several, in order of time\n"
    "  --list NAME=FILE       items of a list, one JSON object a line, beside those of INSERT\n"
    "  --output FILE          results go there instead of to standard output\n"
    "  --stats                at the end, print figures as JSON (on standard output if results go "
    "to a\n"
    "                         file, else on standard error)\n"
    "  --no-end               the input does not end: what has not fired stays\n"
    "  --check                only compile\n"
    "  --workers N            N tasks that exchange rows, as in the server (1)\n"
    "  --batch N              rows that are taken at once (1024)\n"
    "  --snapshot-every N[:T] after every N events all state goes through a snapshot (T tasks go "
    "on "
    "from it)\n"
    "  --state-memory BYTES   state above that is in RocksDB, in a folder of TMPDIR; 0: all of it "
    "leaves "
    "memory\n"
    "                         whenever it may, to where snapshots go: for tests\n"
    "\n"
    "A line {\"watermark\": N} says that all events with time <= N have been seen. Where the "
    "script has\n"
    "several streams, an event names its own in \"_stream\", or --input does for a whole file.\n"
    "\n"
    "Exit code: 0; 1 if a rule does not compile; 2 for wrong use or a file that cannot be read.\n";

/* --- command line ------------------------------------------------------------------------------ */

static const struct option long_options[] = {
    {"switch", required_argument, NULL, 'W'},
    {"input", required_argument, NULL, 'i'},
    {"list", required_argument, NULL, 'l'},
    {"output", required_argument, NULL, 'o'},
    {"stats", no_argument, NULL, 's'},
    {"no-end", no_argument, NULL, 'n'},
    {"check", no_argument, NULL, 'c'},
    {"workers", required_argument, NULL, 'w'},
    {"batch", required_argument, NULL, 'b'},
    {"help", no_argument, NULL, 'h'},
    {"snapshot-every", required_argument, NULL, 'S'},
    {"state-memory", required_argument, NULL, 'M'},
    {NULL, 0, NULL, 0},
};

static int set_snapshots(struct evaljob_options *o, char *text)
{
    uint64_t n = 0;
    char *tasks = strchr(text, ':');
    if (tasks != NULL)
        *tasks++ = 0;
    if (!args_number("eval", "--snapshot-every", text, 1, INT64_MAX, &o->snapshot_every) ||
        (tasks != NULL &&
         !args_number("eval", "--snapshot-every", tasks, 1, EVALJOB_WORKERS_MAX, &n)))
        return ARGS_USAGE;
    o->snapshot_tasks = (unsigned)n;
    return ARGS_OK;
}

static int set_option(struct evaljob_options *o, int option)
{
    uint64_t n = 0;
    switch (option) {
    case 'i':
        if (o->ninputs == EVALJOB_INPUTS_MAX)
            return args_complain("eval", "at most %d inputs", EVALJOB_INPUTS_MAX);
        o->inputs[o->ninputs++] = optarg;
        return ARGS_OK;
    case 'l':
        if (o->nlists == EVALJOB_LISTS_MAX)
            return args_complain("eval", "at most %d lists", EVALJOB_LISTS_MAX);
        o->lists[o->nlists++] = optarg;
        return ARGS_OK;
    case 'W':
        if (o->nswitches == EVALJOB_SWITCHES_MAX)
            return args_complain("eval", "at most %d switches", EVALJOB_SWITCHES_MAX);
        o->switches[o->nswitches++] = optarg;
        return ARGS_OK;
    case 'o':
        o->output = optarg;
        return ARGS_OK;
    case 's':
        o->stats = true;
        return ARGS_OK;
    case 'n':
        o->no_end = true;
        return ARGS_OK;
    case 'c':
        o->check = true;
        return ARGS_OK;
    case 'w':
        if (!args_number("eval", "--workers", optarg, 1, EVALJOB_WORKERS_MAX, &n))
            return ARGS_USAGE;
        o->workers = (unsigned)n;
        return ARGS_OK;
    case 'b':
        if (!args_number("eval", "--batch", optarg, 1, EVALJOB_BATCH_MAX, &n))
            return ARGS_USAGE;
        o->batch = (unsigned)n;
        return ARGS_OK;
    case 'S':
        return set_snapshots(o, optarg);
    case 'M':
        o->has_state_memory = true;
        return args_number("eval", "--state-memory", optarg, 0, INT64_MAX, &o->state_memory)
                   ? ARGS_OK
                   : ARGS_USAGE;
    default:
        fputs("weir eval: `weir eval --help` lists the options\n", stderr);
        return ARGS_USAGE;
    }
}

int eval_main(int argc, char **argv)
{
    struct evaljob_options o = {.workers = 1, .batch = EVALJOB_BATCH_MAX};
    int option, code = ARGS_OK;
    signal(SIGPIPE, SIG_IGN);
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return ARGS_OK;
        }
        if ((code = set_option(&o, option)) != ARGS_OK)
            return code;
    }
    if (optind == argc)
        return args_complain("eval", "no file of rules is named; see `weir eval --help`");
    o.rules = argv + optind;
    o.nrules = (unsigned)(argc - optind);
    return evaljob_run(&o);
}
