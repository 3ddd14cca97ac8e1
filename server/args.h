/* SPDX-License-Identifier: Apache-2.0 */
/* args.h - what the sub-commands share in reading their command lines.
 *
 * Each sub-command is int xxx_main(int argc, char **argv) with argv[0] = its own name, and answers the exit code:
 * ARGS_OK, ARGS_FAILED (what was asked for is wrong: a rule does not compile), ARGS_USAGE (wrong use, or files and
 * network failed). Messages go to standard error as "weir gen: …". Thread: main only. */
#ifndef WEIR_SERVER_ARGS_H
#define WEIR_SERVER_ARGS_H
#include <stdbool.h>
#include <stdint.h>

enum { ARGS_OK = 0, ARGS_FAILED = 1, ARGS_USAGE = 2 };

/* A whole number in [least, most], decimal, "_" allowed between digits. Else says so with the option's name: false. */
bool args_number(const char *command, const char *option, const char *text, uint64_t least,
                 uint64_t most, uint64_t *out);
/* "weir COMMAND: …" on standard error; returns ARGS_USAGE. */
int args_complain(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
