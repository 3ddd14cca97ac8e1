/* SPDX-License-Identifier: Apache-2.0 */
/* serveload.h - `weir serve --load FILE`: the statements of a file are carried out if what they create is not there yet.
 *
 * Room:   serve -> [serveload] -> runtime.  Owns: nothing.  Thread: main, before requests are taken. */
#ifndef WEIR_SERVER_SERVELOAD_H
#define WEIR_SERVER_SERVELOAD_H
#include "server/run/runtime.h"

/* Waits for each statement to be done. The whole file is compiled first: with an error in it, nothing is created. */
enum err serveload_file(struct runtime *r, struct catalog *reader, const char *path,
                        struct diag *d);

#endif
