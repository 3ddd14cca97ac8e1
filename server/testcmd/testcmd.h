/* SPDX-License-Identifier: Apache-2.0 */
/* testcmd.h - `weir test`: unit tests of rules, from files, as TAP.  Thread: main. */
#ifndef WEIR_SERVER_TESTCMD_H
#define WEIR_SERVER_TESTCMD_H

int testcmd_main(int argc, char **argv);

#endif
