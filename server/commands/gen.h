/* SPDX-License-Identifier: Apache-2.0 */
/* gen.h - `weir gen`: the payments stream of io/paygen to standard output, or posted to a server. */
#ifndef WEIR_SERVER_GEN_H
#define WEIR_SERVER_GEN_H

int gen_main(int argc, char **argv); /* exit code, see args.h */

#endif
