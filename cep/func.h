/* SPDX-License-Identifier: Apache-2.0 */
/* func.h - the bodies of the scalar functions of func_list.h.
 *
 * Room:   expr -> exprvm -> [func]
 * Owns:   nothing; texts are made in the caller's arena or are parts of the arguments
 * Thread: any.  Reads no clock. */
#ifndef WEIR_CEP_FUNC_H
#define WEIR_CEP_FUNC_H
#include "base/arena.h"
#include "cep/func_list.h"
#include "cep/value.h"

enum { FUNC_TEXT_MAX = 16 << 20 }; /* longer results are NULL */

struct func_value {
    union cell c;
    bool null;
};

/* t: the type of the result. False: NULL (an argument is, or there is no result: SQRT(-1), an overflow). */
bool func_call(unsigned func, struct type t, const struct func_value *args, unsigned nargs,
               struct arena *scratch, union cell *out);

/* func_text.c and func_time.c: the families; no argument is NULL. */
bool func_text(unsigned func, const struct func_value *args, unsigned nargs, struct arena *scratch,
               union cell *out);
int64_t func_time(unsigned func, evtime t);

#endif
