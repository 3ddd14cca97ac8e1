/* SPDX-License-Identifier: Apache-2.0 */
/* savecmd.h - `weir savepoint`: savepoints as folders, without a server.  Thread: main. */
#ifndef WEIR_SERVER_SAVECMD_H
#define WEIR_SERVER_SAVECMD_H

int savecmd_main(int argc, char **argv);

#endif
