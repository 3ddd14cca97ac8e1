/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/check.h"
#include <errno.h>

static void every_code_has_a_name_a_text_and_a_status(void **state)
{
    (void)state;
    for (int i = 0; i < ERR_COUNT; i++) {
        assert_non_null(err_name((enum err)i));
        assert_true(strlen(err_text((enum err)i)) > 0);
        assert_in_range(err_http((enum err)i), 200, 599);
    }
    assert_string_equal(err_name(ERR_NOT_FOUND), "NOT_FOUND");
    assert_int_equal(err_http(ERR_CONFLICT), 409);
    assert_true(err_retryable(ERR_AGAIN));
    assert_false(err_retryable(ERR_INVALID));
}

static void a_number_that_is_no_code_is_named_unknown(void **state)
{
    (void)state;
    assert_string_equal(err_name(ERR_COUNT), "UNKNOWN");
    assert_string_equal(err_name((enum err) - 1), "UNKNOWN");
    assert_int_equal(err_http((enum err)999), 500);
}

static void errno_never_becomes_ok(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++)
        assert_int_not_equal(err_from_errno(i), ERR_OK);
    assert_err(err_from_errno(ENOENT), ERR_NOT_FOUND);
    assert_err(err_from_errno(EACCES), ERR_DENIED);
    assert_err(err_from_errno(EPIPE), ERR_CLOSED);
}

int main(void)
{
    CHECK_RUN(TEST(every_code_has_a_name_a_text_and_a_status),
              TEST(a_number_that_is_no_code_is_named_unknown), TEST(errno_never_becomes_ok));
}
