/* SPDX-License-Identifier: Apache-2.0 */
/* size.h - sizes as people write them: "128 MiB".
 *
 * Room:   options of the server, options in WITH -> [size].  Owns: nothing.  Thread: any. */
#ifndef WEIR_BASE_SIZE_H
#define WEIR_BASE_SIZE_H
#include <stdbool.h>
#include <stdint.h>

/* A whole number, then B, KiB, MiB, GiB, kB, MB, GB, K, M, G or nothing: bytes. False: something else, or too large. */
bool size_parse(const char *s, uint64_t *bytes);

#endif
