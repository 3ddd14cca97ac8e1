/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backtest/backtestparam.h"
#include "tests/lib/check.h"

static json_t *read(const char *text)
{
    json_t *o = text != NULL ? json_loads(text, 0, NULL) : NULL;
    assert_true(text == NULL || o != NULL);
    return o;
}

static void gives(const char *sql, const char *parameters, unsigned variant, const char *text,
                  const char *values)
{
    struct diag d;
    struct bytes out = {0}, v = {0};
    json_t *p = read(parameters);
    diag_init(&d, NULL, 0);
    assert_ok(backtestparam_text(sql, p, variant, &d, &out));
    assert_string_equal((const char *)out.p, text);
    backtestparam_values(p, variant, &v);
    bytes_u8(&v, '\0');
    assert_string_equal((const char *)v.p, values);
    json_decref(p);
    bytes_fini(&out);
    bytes_fini(&v);
    diag_fini(&d);
}

static void refuses(const char *sql, const char *parameters, enum err wanted, const char *says)
{
    struct diag d;
    struct bytes out = {0};
    unsigned n = 0;
    json_t *p = read(parameters);
    diag_init(&d, NULL, 0);
    enum err e = backtestparam_count(p, &d, &n);
    if (e == ERR_OK)
        e = backtestparam_text(sql, p, 0, &d, &out);
    assert_err(e, wanted);
    assert_int_equal(d.n, 1);
    assert_non_null(strstr(d.items[0].message, says));
    json_decref(p);
    bytes_fini(&out);
    diag_fini(&d);
}

static void a_name_becomes_its_value(void **state)
{
    (void)state;
    gives("a > :x", "{\"x\":[1,2.5]}", 0, "a > 1", "{\"x\":1}");
    gives("a > :x", "{\"x\":[1,2.5]}", 1, "a > 2.5", "{\"x\":2.5}");
    gives("a->:x_1", "{\"x_1\":[-4]}", 0, "a->(-4)", "{\"x_1\":-4}");
    gives("a = :x AND b = :x", "{\"x\":[\"it's\"]}", 0, "a = 'it''s' AND b = 'it''s'",
          "{\"x\":\"it's\"}");
    gives(":x", "{\"x\":[true]}", 0, "TRUE", "{\"x\":true}");
    gives("no name", NULL, 0, "no name", "{}");
}

static void the_last_name_changes_first(void **state)
{
    (void)state;
    const char *p = "{\"b\":[1,2],\"a\":[10,20,30]}";
    unsigned n = 0;
    struct diag d;
    json_t *o = read(p);
    diag_init(&d, NULL, 0);
    assert_ok(backtestparam_count(o, &d, &n));
    assert_int_equal(n, 6);
    gives(":a :b", p, 0, "10 1", "{\"b\":1,\"a\":10}");
    gives(":a :b", p, 2, "30 1", "{\"b\":1,\"a\":30}");
    gives(":a :b", p, 5, "30 2", "{\"b\":2,\"a\":30}");
    json_decref(o);
    diag_fini(&d);
}

static void quoted_pieces_and_comments_are_left_alone(void **state)
{
    (void)state;
    gives("':x' \":x\" 'a'':x' -- :x\n:x /* :x */ a::x :", "{\"x\":[7]}", 0,
          "':x' \":x\" 'a'':x' -- :x\n7 /* :x */ a::x :", "{\"x\":7}");
    gives(":x 'open :x", "{\"x\":[7]}", 0, "7 'open :x", "{\"x\":7}");
    gives(":x /* open :x", "{\"x\":[7]}", 0, "7 /* open :x", "{\"x\":7}");
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    refuses("a > :y", "{\"x\":[1]}", ERR_INVALID, ":y has no values");
    refuses("a > :x", NULL, ERR_INVALID, ":x has no values");
    refuses("a > 1", "{\"x\":[1]}", ERR_INVALID, "does not name parameter :x");
    refuses(":x", "{\"x\":[]}", ERR_INVALID, "no list");
    refuses(":x", "{\"x\":1}", ERR_INVALID, "no list");
    refuses(":x", "{\"x\":[[1]]}", ERR_INVALID, "value 1");
    refuses(":x", "{\"1x\":[1]}", ERR_INVALID, "no name");
    refuses(":x", "[1]", ERR_INVALID, "object");
    refuses(":x", "{\"x\":[1,2,3,4,5,6,7,8,9],\"y\":[1,2,3,4,5,6,7,8]}", ERR_LIMIT, "64");
    refuses(":x",
            "{\"a\":[1],\"b\":[1],\"c\":[1],\"d\":[1],\"e\":[1],\"f\":[1],\"g\":[1],\"h\":[1],"
            "\"i\":[1]}",
            ERR_LIMIT, "8 parameters");
}

int main(void)
{
    CHECK_RUN(TEST(a_name_becomes_its_value), TEST(the_last_name_changes_first),
              TEST(quoted_pieces_and_comments_are_left_alone), TEST(what_does_not_fit_is_refused));
}
