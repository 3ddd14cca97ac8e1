/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - `weir bench`: what decoding and the reference rules cost on this machine, as a table and as JSON. */
#ifndef WEIR_SERVER_BENCH_H
#define WEIR_SERVER_BENCH_H

int bench_main(int argc, char **argv); /* exit code, see args.h */

#endif
