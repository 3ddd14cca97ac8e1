/* SPDX-License-Identifier: Apache-2.0 */
/* evalline.h - what a line of an input is, before it is decoded: an event, of which stream, or a word about time.
 *
 * {"watermark": N} and {"processing_time": N} stand alone in their object, but for "_stream". Owns nothing. */
#ifndef WEIR_SERVER_EVALLINE_H
#define WEIR_SERVER_EVALLINE_H
#include <stddef.h>
#include <stdint.h>

enum evalline_kind { EVALLINE_EVENT, EVALLINE_WATERMARK, EVALLINE_PROCESSING_TIME };

struct evalline {
    enum evalline_kind kind;
    int64_t time;
    const char *stream; /* the text of "_stream" (escapes as they are), NULL: none */
    size_t stream_len;
};

/* Never fails: what is not JSON is an EVENT, for the codec to refuse. */
struct evalline evalline_read(const char *text, size_t n);

#endif
