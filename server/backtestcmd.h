/* SPDX-License-Identifier: Apache-2.0 */
/* backtestcmd.h - `weir backtest`: the process of one backtest.
 *
 * Room:   plan of the backtest -> [backtestcmd: backtestjob, backtestfeed, evalrun, backtesttold] -> result.json, alerts
 * Thread: main. */
#ifndef WEIR_SERVER_BACKTESTCMD_H
#define WEIR_SERVER_BACKTESTCMD_H
#include "base/diag.h"

/* The names of what a backtest's folder holds. */
#define BACKTESTCMD_PLAN "plan.json"
#define BACKTESTCMD_LOG "log"
#define BACKTESTCMD_RESULT "result.json"

int backtestcmd_main(int argc, char **argv);

#endif
