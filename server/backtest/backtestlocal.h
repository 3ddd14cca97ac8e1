/* SPDX-License-Identifier: Apache-2.0 */
/* backtestlocal.h - a backtest without a server: statements from files become a catalogue of its own, for this one run.
 *
 * Room:   backtestcli -> [backtestlocal] -> a folder of TMPDIR -> backtestcmd -> figures
 * Owns:   the folder, which is gone afterwards.  Thread: main.  Prints its own messages. */
#ifndef WEIR_SERVER_BACKTESTLOCAL_H
#define WEIR_SERVER_BACKTESTLOCAL_H
#include <jansson.h>
#include <stdbool.h>

struct backtestlocal_options {
    char *const *statements; /* files: streams, lists, tables, rules that the rule reads */
    unsigned nstatements;
    const char *rule, *baseline; /* files; the second may be NULL */
    const char *output; /* folder that is made for the result and the alerts; NULL: none */
    bool json; /* the result as JSON in place of a table */
    json_t *plan; /* all else, as backtestplan.h has it */
};

int backtestlocal_run(const struct backtestlocal_options *o); /* exit code, see args.h */

#endif
