/* SPDX-License-Identifier: Apache-2.0 */
/* err.h - every failure code, its name, its HTTP status and its text, in one list.
 *
 * Room:   all rooms return it
 * Owns:   nothing
 * Thread: any.  Time: none.
 *
 * `enum err` is for outcomes that a caller can act on; it cannot be ignored (the type is marked).
 * On an error the out-parameters are untouched and the object is as before, or the function's
 * comment says how not. A broken invariant is BUG_IF (bug.h), a bad event is data. People are told
 * by `struct diag` (diag.h). */
#ifndef WEIR_BASE_ERR_H
#define WEIR_BASE_ERR_H

#ifndef ERR_TYPE
#if defined(__clang__)
#define ERR_TYPE __attribute__((warn_unused_result))
#else
#define ERR_TYPE [[nodiscard]]
#endif
#endif

/* X(code, http status, retryable, text) */
#define ERR_LIST(X)                                                                                \
    X(OK, 200, 0, "ok")                                                                            \
    X(INVALID, 422, 0, "the input is not valid")                                                   \
    X(UNSUPPORTED, 422, 0, "known, but not done by this release")                                  \
    X(NOT_FOUND, 404, 0, "not found")                                                              \
    X(EXISTS, 409, 0, "exists already")                                                            \
    X(CONFLICT, 409, 0, "not possible in the present state")                                       \
    X(LIMIT, 413, 0, "a limit is reached")                                                         \
    X(AGAIN, 429, 1, "not now; try again")                                                         \
    X(IN_USE, 409, 0, "in use by another process")                                                 \
    X(DENIED, 403, 0, "permission denied")                                                         \
    X(IO, 500, 1, "input or output failed")                                                        \
    X(CORRUPT, 500, 0, "stored data is damaged")                                                   \
    X(VERSION, 500, 0, "stored data has an unknown version")                                       \
    X(CLOSED, 503, 1, "the other side has closed")                                                 \
    X(END, 200, 0, "there is no more")

/* clang-format off */
enum ERR_TYPE err {
#define ERR_ENUM(code, http, retry, text) ERR_##code,
    ERR_LIST(ERR_ENUM)
#undef ERR_ENUM
    ERR_COUNT
};
/* clang-format on */

const char *err_name(enum err e); /* "NOT_FOUND" */
const char *err_text(enum err e); /* "not found" */
int err_http(enum err e);
int err_retryable(enum err e);
enum err err_from_errno(int errnum); /* never ERR_OK */

#endif
