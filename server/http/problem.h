/* SPDX-License-Identifier: Apache-2.0 */
/* problem.h - what is wrong, told to a program and to a person: application/problem+json (RFC 9457) and its help pages.
 *
 * Room:   api_*, http -> [problem] -> bytes.  Owns: nothing.  Thread: any. */
#ifndef WEIR_SERVER_PROBLEM_H
#define WEIR_SERVER_PROBLEM_H
#include "base/bytes.h"
#include "base/diag.h"
#include "server/http/problem_list.h"

enum problem {
#define PROBLEM_ENUM(name, code, status, title, means, action) PROBLEM_##name,
    PROBLEM_LIST(PROBLEM_ENUM)
#undef PROBLEM_ENUM
        PROBLEM_COUNT
};
#define PROBLEM_TYPE "application/problem+json"

int problem_status(enum problem p);
const char *problem_code(enum problem p);
/* The problem that an outcome of the lower rooms is, where a handler knows nothing better. */
enum problem problem_of(enum err e);

/* The body. detail: one sentence or NULL (then made from d); hint: what to do, or NULL; d: becomes errors[], may be NULL. */
void problem_write(struct bytes *out, enum problem p, const char *detail, const char *hint,
                   const struct diag *d);
/* errors[] or warnings[] alone, as an array: the items of d that are the one or the other. */
void problem_items(struct bytes *out, const struct diag *d, bool warnings);

/* The help page of a code as HTML; false: there is none. An empty code: the list of all. */
bool problem_page(struct bytes *out, const char *code);

#endif
