/* SPDX-License-Identifier: Apache-2.0 */
/* codec_simd.h - simdjson behind C: the places of a text's structure, and a plain decoder to measure against.
 *
 * Room:   bytes -> [codec_simd] -> codec_walk
 * Owns:   the index, until the next call.  Thread: one.
 *
 * Only simdjson's first stage is used: it checks UTF-8 and strings (closed, no control characters) and gives the place of
 * each bracket, colon, comma and first byte of a key or value. It needs no sentinel and does not look past `len`. A text
 * may hold many lines: a string that is not closed on its line fails the whole text, since the newline is in it. */
#ifndef WEIR_IO_CODEC_SIMD_H
#define WEIR_IO_CODEC_SIMD_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

enum codec_simd_fault {
    CODEC_SIMD_NONE,
    CODEC_SIMD_EMPTY, /* white space only */
    CODEC_SIMD_UTF8,
    CODEC_SIMD_STRING, /* not closed */
    CODEC_SIMD_CONTROL, /* a control character in a string */
    CODEC_SIMD_OTHER,
};

enum {
    CODEC_SIMD_ENDS = 4, /* entries of `len` that follow the last place */
    CODEC_SIMD_FIRST = 32 << 10, /* bytes of text that there is memory for at first; it grows */
};

struct codec_simd;

struct codec_simd *codec_simd_new(void); /* out of memory ends the process */
void codec_simd_free(struct codec_simd *s); /* NULL is fine */
enum codec_simd_fault codec_simd_index(struct codec_simd *s, const char *buf, size_t len,
                                       const uint32_t **places);

/* Decodes every value of every line with simdjson's on-demand parser as its documentation shows it, into a checksum: what
 * decoding costs by itself. Returns the lines. simdjson's padding (64) must be readable after buf + len. */
uint64_t codec_simd_bare(const char *buf, size_t len, uint64_t *sum);

#ifdef __cplusplus
}
#endif
#endif
