/* SPDX-License-Identifier: Apache-2.0 */
/* func_regex.h - RE2 behind C: a regular expression made ready once, asked for each event.
 *
 * Room:   exprvm -> func_match -> [func_regex]
 * Owns:   a compiled pattern.  Thread: any; RE2 locks what it keeps.
 *
 * A search takes time in proportion to the text, whatever the pattern: there is no going back. A pattern may take at most
 * FUNC_REGEX_BYTES of memory, its cache of states with it; when that is full it is begun again, and nothing is lost but
 * time. Nothing is thrown. */
#ifndef WEIR_CEP_FUNC_REGEX_H
#define WEIR_CEP_FUNC_REGEX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    FUNC_REGEX_BYTES = 1 << 20,
    FUNC_REGEX_PATTERN_MAX = 4096,
    FUNC_REGEX_GROUPS_MAX = 99,
    FUNC_REGEX_PROBLEM = 256
};

struct func_regex;

struct func_regex_span {
    uint32_t from, to; /* both UINT32_MAX: a group that took no part */
};

/* NULL: not a pattern, and why. */
struct func_regex *func_regex_new(const char *p, size_t n, char problem[FUNC_REGEX_PROBLEM]);
void func_regex_free(struct func_regex *r);
unsigned func_regex_groups(const struct func_regex *r);
/* Is it anywhere in the text from byte `from` on? Of the first place out[0] is the whole, out[g] group g. */
bool func_regex_find(const struct func_regex *r, const char *text, uint32_t n, uint32_t from,
                     struct func_regex_span *out, unsigned nout);

#ifdef __cplusplus
}
#endif

#endif
