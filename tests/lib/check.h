/* SPDX-License-Identifier: Apache-2.0 */
/* check.h - cmocka behind one include.
 *
 * cmocka 1.1 wants four system headers before it, an order that clang-format would sort away. Test
 * names are sentences: rows_leave_in_event_time_order. CHECK_RUN(TEST(a), TEST(b)) is the whole of
 * main's body. */
#ifndef WEIR_TESTS_LIB_CHECK_H
#define WEIR_TESTS_LIB_CHECK_H
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */
#include "base/err.h"

#define TEST(name) cmocka_unit_test(name)
#define CHECK_RUN(...)                                                                             \
    do {                                                                                           \
        const struct CMUnitTest check_tests_[] = {__VA_ARGS__};                                    \
        return cmocka_run_group_tests(check_tests_, NULL, NULL);                                   \
    } while (0)

/* The outcome by its name, so that a failure says NOT_FOUND and not 3. */
#define assert_err(call, expected) assert_string_equal(err_name(call), err_name(expected))
#define assert_ok(call) assert_err(call, ERR_OK)

#endif
