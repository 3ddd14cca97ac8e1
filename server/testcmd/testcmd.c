/* SPDX-License-Identifier: Apache-2.0 */
#include "server/testcmd/testcmd.h"
#include "server/args.h"
#include "server/testcmd/testcmdrun.h"
#include <getopt.h>
#include <stdio.h>

static const char usage[] =
    "usage: weir test FILE.test.sql... [options]\n"
    "Runs tests of rules and prints TAP: `ok 1 - name`, `not ok 2 - name` with the difference "
    "below it.\n"
    "\n"
    "  --name TEXT   only tests whose name has TEXT in it\n"
    "  --workers N   N tasks that exchange rows, as in the server (1)\n"
    "\n"
    "  INCLUDE 'rules.sql';\n"
    "  TEST 'one large payment' ON payments\n"
    "    AT 0s card = 'c1', amount = 4000\n"
    "    EXPECT large_payment (card = 'c1');\n"
    "\n"
    "docs/testing-rules.md describes the files. Exit code: 0; 1 if a test fails or a file is "
    "wrong; 2 for\n"
    "wrong use or a file that cannot be read.\n";

static const struct option long_options[] = {
    {"name", required_argument, NULL, 'n'},
    {"workers", required_argument, NULL, 'w'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

enum { WORKERS_MAX = 64 };

int testcmd_main(int argc, char **argv)
{
    struct testcmdrun_options o = {.workers = 1};
    struct testcmdrun_counts counts = {0};
    uint64_t n = 0;
    int option;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (option) {
        case 'n':
            o.name = optarg;
            break;
        case 'w':
            if (!args_number("test", "--workers", optarg, 1, WORKERS_MAX, &n))
                return ARGS_USAGE;
            o.workers = (unsigned)n;
            break;
        case 'h':
            fputs(usage, stdout);
            return ARGS_OK;
        default:
            fputs("weir test: `weir test --help` lists the options\n", stderr);
            return ARGS_USAGE;
        }
    }
    if (optind == argc)
        return args_complain("test", "no file of tests is named; see `weir test --help`");
    printf("TAP version 13\n");
    for (int i = optind; i < argc; i++)
        testcmdrun_file(argv[i], &o, &counts);
    printf("1..%u\n", counts.tests);
    if (counts.failed > 0)
        printf("# %u of %u failed\n", counts.failed, counts.tests);
    if (counts.broken)
        return ARGS_USAGE;
    return counts.failed > 0 ? ARGS_FAILED : ARGS_OK;
}
