/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include <stdbool.h>

size_t utf8_first_bad(const char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)text[i];
        size_t more = c < 0x80                ? 0
                      : c >= 0xc2 && c < 0xe0 ? 1
                      : (c & 0xf0) == 0xe0    ? 2
                      : c >= 0xf0 && c < 0xf5 ? 3
                                              : 4;
        if (more > 3 || i + more >= n + (more == 0))
            return i;
        for (size_t k = 1; k <= more; k++)
            if (((unsigned char)text[i + k] & 0xc0) != 0x80)
                return i;
        unsigned char second = more > 0 ? (unsigned char)text[i + 1] : 0;
        if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second >= 0xa0) ||
            (c == 0xf0 && second < 0x90) || (c == 0xf4 && second >= 0x90))
            return i;
        i += more + 1;
    }
    return n;
}
