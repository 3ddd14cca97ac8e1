/* SPDX-License-Identifier: Apache-2.0 */
/* bug.h - broken invariants end the process; the supervisor restarts it from what is durable.
 *
 * BUG_IF stays on in release builds; CHECK is for debug builds (NDEBUG unset) and may stand on the
 * hot path. */
#ifndef WEIR_BASE_BUG_H
#define WEIR_BASE_BUG_H

__attribute__((noreturn, format(printf, 3, 4))) void bug_abort(const char *file, int line,
                                                               const char *fmt, ...);

#define BUG_IF(cond, ...)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!!(cond), 0))                                                         \
            bug_abort(__FILE__, __LINE__, __VA_ARGS__);                                            \
    } while (0)

#ifdef NDEBUG
#define CHECK(cond) ((void)sizeof(cond))
#else
#define CHECK(cond) BUG_IF(!(cond), "check failed: %s", #cond)
#endif

#endif
