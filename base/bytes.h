/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.h - a growable buffer and a bounded reader: how every format on disk and wire is put
 * together and taken apart.
 *
 * Integers are little-endian unless the name says be; varints are LEB128. A reader never passes its
 * end: after the first short read `bad` is set, every later read gives 0, and the caller asks once
 * at the end. Thread: one. */
#ifndef WEIR_BASE_BYTES_H
#define WEIR_BASE_BYTES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t *p;
    size_t n, cap;
};

void bytes_fini(struct bytes *b);
void bytes_reset(struct bytes *b); /* n = 0, memory kept */
uint8_t *bytes_reserve(struct bytes *b, size_t more); /* room for `more` at the end; n unchanged */
void bytes_put(struct bytes *b, const void *p, size_t n);
void bytes_u8(struct bytes *b, uint8_t v);
void bytes_u16(struct bytes *b, uint16_t v);
void bytes_u32(struct bytes *b, uint32_t v);
void bytes_u64(struct bytes *b, uint64_t v);
void bytes_be32(struct bytes *b, uint32_t v);
void bytes_be64(struct bytes *b, uint64_t v);
void bytes_varint(struct bytes *b, uint64_t v);
void bytes_str(struct bytes *b, const void *p, size_t n); /* varint length, bytes */
void bytes_printf(struct bytes *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct bytes_reader {
    const uint8_t *p, *end;
    bool bad;
};

struct bytes_reader bytes_read(const void *p, size_t n);
uint8_t bytes_get_u8(struct bytes_reader *r);
uint16_t bytes_get_u16(struct bytes_reader *r);
uint32_t bytes_get_u32(struct bytes_reader *r);
uint64_t bytes_get_u64(struct bytes_reader *r);
uint32_t bytes_get_be32(struct bytes_reader *r);
uint64_t bytes_get_be64(struct bytes_reader *r);
uint64_t bytes_get_varint(struct bytes_reader *r);
const uint8_t *bytes_get(struct bytes_reader *r, size_t n); /* NULL if short */
/* A length and that many bytes: not NUL-terminated; NULL if short. */
const char *bytes_get_str(struct bytes_reader *r, size_t *n);

#endif
