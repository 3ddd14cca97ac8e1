/* SPDX-License-Identifier: Apache-2.0 */
/* The next version's text, of which only the SELECT is said. */
#include "rules/reword.h"
#include "tests/lib/check.h"

static void becomes(const char *before, const char *select, const char *want)
{
    struct bytes out = {0};
    bool got = reword(before, select, &out);
    if (want == NULL) {
        assert_false(got);
        assert_int_equal(out.n, 0);
    } else {
        assert_true(got);
        assert_string_equal((const char *)out.p, want);
    }
    bytes_fini(&out);
}

static void options_and_outputs_stay(void **state)
{
    (void)state;
    becomes("CREATE RULE r WITH ('severity'='high') AS SELECT a FROM s", "SELECT b FROM s",
            "CREATE RULE r WITH ('severity'='high') AS SELECT b FROM s");
    becomes(
        "CREATE OR REPLACE RULE r AS\nSELECT a FROM s WHERE b = 'EMIT TO x' EMIT TO x, LATE TO y;",
        " SELECT b FROM s ;\n",
        "CREATE OR REPLACE RULE r AS\n SELECT b FROM s\nEMIT TO x, LATE TO y;");
    becomes("CREATE RULE r AS SELECT a FROM s;", "SELECT a FROM s -- all of it",
            "CREATE RULE r AS SELECT a FROM s -- all of it");
}

static void a_whole_rule_is_left_as_it_is(void **state)
{
    (void)state;
    becomes("CREATE RULE r WITH ('severity'='high') AS SELECT a FROM s",
            "CREATE RULE r AS SELECT b FROM s", NULL);
    becomes("SELECT a FROM s", "SELECT b FROM s", NULL);
    becomes("SELECT a FROM s", "CREATE RULE r AS SELECT b FROM s", NULL);
    becomes("CREATE RULE r AS SELECT a FROM s", "SELECT FROM", NULL);
    becomes("CREATE LIST l (k STRING PRIMARY KEY)", "SELECT b FROM s", NULL);
    becomes("", "", NULL);
}

int main(void)
{
    CHECK_RUN(TEST(options_and_outputs_stay), TEST(a_whole_rule_is_left_as_it_is));
}
