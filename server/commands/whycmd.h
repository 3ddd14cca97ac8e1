/* SPDX-License-Identifier: Apache-2.0 */
/* whycmd.h - `weir why-not`: why a rule has not fired for a key or an event, or what every rule says of an event, over REST.
 *
 * Room:   main -> [whycmd] -> restcall -> the server (docs/inspection.md).  Thread: main only.  Time: none. */
#ifndef WEIR_SERVER_WHYCMD_H
#define WEIR_SERVER_WHYCMD_H

int whycmd_main(int argc, char **argv);

#endif
