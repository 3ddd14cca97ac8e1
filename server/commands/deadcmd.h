/* SPDX-License-Identifier: Apache-2.0 */
/* deadcmd.h - `weir dead`: the dead letters of a running server, over REST: list, groups, show, replay, delete.
 *
 * Owns: nothing.  Thread: main only. */
#ifndef WEIR_SERVER_DEADCMD_H
#define WEIR_SERVER_DEADCMD_H

int deadcmd_main(int argc, char **argv);

#endif
