/* SPDX-License-Identifier: Apache-2.0
 * main.c - the sub-commands of `weir`, and nothing else. */
#include "server/backtest/backtestcli.h"
#include "server/commands/bench.h"
#include "server/commands/deadcmd.h"
#include "server/commands/explaincmd.h"
#include "server/commands/gen.h"
#include "server/commands/savecmd.h"
#include "server/commands/whycmd.h"
#include "server/eval/eval.h"
#include "server/serve.h"
#include "server/testcmd/testcmd.h"
#include "server/version.h"
#include "server/worker/worker.h"
#include <stdio.h>
#include <string.h>

/* X(name, function, one line for --help; NULL: not for people) */
#define COMMANDS(X)                                                                                \
    X("serve", serve_main, "run the server: REST, dashboard, workers")                             \
    X("eval", eval_main, "run rules over files of events and print what they find")                \
    X("test", testcmd_main,                                                                        \
      "run unit tests of rules: events and what is expected of them, in files")                    \
    X("explain", explaincmd_main, "show what rules have become: plan, state, automaton")           \
    X("gen", gen_main, "make a stream of card payments with frauds in it")                         \
    X("bench", bench_main, "measure decoding and rules on this machine")                           \
    X("savepoint", savecmd_main, "savepoints as files: list, inspect, verify, export, dispose")    \
    X("backtest", backtestcli_main,                                                                \
      "run a rule over recorded events and say what it would have told")                           \
    X("dead", deadcmd_main, "dead letters of a running server: list, show, replay, delete")        \
    X("why-not", whycmd_main, "why a rule, or every rule, did not fire: asks a running server")    \
    X("worker", worker_main, NULL)

typedef int command_main(int argc, char **argv);
static const struct command {
    const char *name;
    command_main *run;
    const char *about;
} commands[] = {
#define COMMAND(name, run, about) {name, run, about},
    COMMANDS(COMMAND)
#undef COMMAND
};
enum { NCOMMANDS = sizeof commands / sizeof commands[0] };

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < NCOMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void help(FILE *out)
{
    fputs("weir - finds fraud in streams of events with rules in SQL\n\nusage: weir COMMAND "
          "[options]\n\n",
          out);
    for (size_t i = 0; i < NCOMMANDS; i++)
        if (commands[i].about)
            fprintf(out, "  %-11s%s\n", commands[i].name, commands[i].about);
    fputs("  version    print the version\n\n`weir COMMAND --help` lists a command's options.\n",
          out);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0) {
        printf("weir %s (%s)\n", VERSION_TEXT, VERSION_COMMIT);
        return 0;
    }
    if (strcmp(name, "help") == 0 && argc > 2 && find(argv[2]))
        return find(argv[2])->run(2, (char *[]){argv[2], (char[]){"--help"}, NULL});
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        help(stdout);
        return 0;
    }
    const struct command *c = find(name);
    if (c)
        return c->run(argc - 1, argv + 1);
    if (*name)
        fprintf(stderr, "weir: '%s' is no command\n\n", name);
    help(stderr);
    return 2;
}
