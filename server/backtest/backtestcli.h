/* SPDX-License-Identifier: Apache-2.0 */
/* backtestcli.h - the command line of `weir backtest`: a rule over files of events, without a server. */
#ifndef WEIR_SERVER_BACKTESTCLI_H
#define WEIR_SERVER_BACKTESTCLI_H

int backtestcli_main(int argc, char **argv);

#endif
