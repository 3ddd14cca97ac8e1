/* SPDX-License-Identifier: Apache-2.0 */
/* backtestcmd.h - the work of one backtest, in a process of its own.
 *
 * Room:   plan of the backtest -> [backtestcmd: backtestjob, backtestfeed, evalrun, backtesttold] -> result.json, alerts
 * Thread: main. */
#ifndef WEIR_SERVER_BACKTESTCMD_H
#define WEIR_SERVER_BACKTESTCMD_H
#include "base/diag.h"
#include <stdio.h>

/* The names of what a backtest's folder holds. */
#define BACKTESTCMD_PLAN "plan.json"
#define BACKTESTCMD_LOG "log"
#define BACKTESTCMD_RESULT "result.json"

/* Of a folder with a plan and, mostly, a log. says: where a line of JSON now and then goes; NULL: nowhere. */
enum err backtestcmd_run(const char *folder, const char *catalogue, FILE *says, struct diag *d);
/* As the server starts it: exit code (args.h). */
int backtestcmd_main(const char *folder, const char *catalogue);

#endif
