/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h - is a text UTF-8?
 *
 * Owns: nothing.  Thread: any. */
#ifndef WEIR_BASE_UTF8_H
#define WEIR_BASE_UTF8_H
#include <stddef.h>

/* The first byte of the first character that is not UTF-8 (RFC 3629: no surrogates, nothing too long), or n. */
size_t utf8_first_bad(const char *text, size_t n);

#endif
