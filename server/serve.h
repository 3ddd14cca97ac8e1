/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h - `weir serve`: options, data folder, port, runtime, HTTP; in this order, and taken down in the other.
 *
 * Room:   main -> [serve] -> config, http, runtime, api.  Thread: main, which becomes the HTTP thread. */
#ifndef WEIR_SERVER_SERVE_H
#define WEIR_SERVER_SERVE_H

/* 0: ended by SIGTERM or SIGINT in order. 2: could not start; a sentence on standard error says why and what to do. */
int serve_main(int argc, char **argv);

#endif
