/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "server/http/route.h"
#include "tests/lib/check.h"

static const struct route routes[] = {
    {.method = "GET", .path = "/api/v1/rules"},
    {.method = "POST", .path = "/api/v1/rules"},
    {.method = "POST", .path = "/api/v1/rules:validate"},
    {.method = "GET", .path = "/api/v1/rules/{r}"},
    {.method = "DELETE", .path = "/api/v1/rules/{r}"},
    {.method = "POST", .path = "/api/v1/rules/{r}:pause"},
    {.method = "GET", .path = "/api/v1/alerts/stream"},
    {.method = "GET", .path = "/api/v1/alerts/{id}"},
    {.method = "POST", .path = "/api/v1/streams/{s}/events"},
    {.method = "GET", .path = "/problems/"},
};
enum { N = sizeof routes / sizeof *routes };

/* "index:param,param", or "path" / "method" for what was not found. */
static const char *found(const char *method, const char *path)
{
    static char text[256];
    struct route_match m;
    switch (route_find(routes, N, method, strlen(method), path, strlen(path), &m)) {
    case ROUTE_NO_PATH:
        return "path";
    case ROUTE_NO_METHOD:
        return "method";
    default:
        break;
    }
    int n = snprintf(text, sizeof text, "%d:", (int)(m.route - routes));
    for (unsigned i = 0; i < m.n; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%.*s=%.*s,", (int)m.params[i].name_len,
                      m.params[i].name, (int)m.params[i].len, m.params[i].p);
    return text;
}

static void a_path_finds_its_route(void **state)
{
    (void)state;
    assert_string_equal(found("GET", "/api/v1/rules"), "0:");
    assert_string_equal(found("POST", "/api/v1/rules"), "1:");
    assert_string_equal(found("POST", "/api/v1/rules:validate"), "2:");
    assert_string_equal(found("GET", "/api/v1/rules/a%2Fb"), "3:r=a%2Fb,");
    assert_string_equal(found("POST", "/api/v1/rules/a:pause"), "5:r=a,");
    assert_string_equal(found("POST", "/api/v1/streams/pay/events"), "8:s=pay,");
    assert_string_equal(found("GET", "/problems/"), "9:");
    assert_string_equal(found("HEAD", "/api/v1/rules"), "0:");
}

static void an_earlier_route_wins(void **state)
{
    (void)state;
    assert_string_equal(found("GET", "/api/v1/alerts/stream"), "6:");
    assert_string_equal(found("GET", "/api/v1/alerts/alt_1"), "7:id=alt_1,");
}

static void what_fits_no_template_is_told_from_a_wrong_method(void **state)
{
    (void)state;
    assert_string_equal(found("GET", "/api/v1/rules/"), "path");
    assert_string_equal(found("GET", "/api/v1/rules/a/b"), "path");
    assert_string_equal(found("POST", "/api/v1/rules/a:puase"), "path");
    assert_string_equal(found("POST", "/api/v1/rules/:pause"), "path");
    assert_string_equal(found("GET", "/api/v1"), "path");
    assert_string_equal(found("GET", ""), "path");
    assert_string_equal(found("GET", "*"), "path");
    assert_string_equal(found("PUT", "/api/v1/rules"), "method");
    assert_string_equal(found("GET", "/api/v1/rules/a:pause"), "method");
    assert_string_equal(found("get", "/api/v1/rules"), "method");
}

static void the_methods_of_a_path_are_listed(void **state)
{
    (void)state;
    struct bytes b = {0};
    route_allow(routes, N, "/api/v1/rules/x", 15, &b);
    bytes_u8(&b, '\0');
    assert_string_equal((char *)b.p, "GET, HEAD, DELETE");
    bytes_fini(&b);
}

static void assert_near(const char *path, const char *expected)
{
    char *near = route_nearest(routes, N, path, strlen(path));
    if (expected)
        assert_string_equal(near, expected);
    else
        assert_null(near);
    mem_free(near);
}

static void the_nearest_route_keeps_the_names_in_the_path(void **state)
{
    (void)state;
    assert_near("/api/v1/rule", "/api/v1/rules");
    assert_near("/api/v1/rules/card_testing:puase", "/api/v1/rules/card_testing:pause");
    assert_near("/api/v1/stream/payments/events", "/api/v1/streams/payments/events");
    assert_near("/nothing/like/any/of/them/at/all", NULL);
}

static void percent_escapes_are_decoded_once(void **state)
{
    (void)state;
    char out[32];
    assert_true(route_decode("a%2Fb%c3%A9+%25", 15, false, out));
    assert_string_equal(out, "a/bé+%");
    assert_true(route_decode("a+b", 3, true, out));
    assert_string_equal(out, "a b");
    assert_false(route_decode("%", 1, false, out));
    assert_false(route_decode("%4", 2, false, out));
    assert_false(route_decode("%4g", 3, false, out));
    assert_false(route_decode("a%00b", 5, false, out));
}

static void names_are_whole_words(void **state)
{
    (void)state;
    assert_true(route_names("limit after", "after", 5));
    assert_false(route_names("limit after", "aft", 3));
    assert_false(route_names("limit after", "", 0));
    assert_false(route_names(NULL, "after", 5));
}

int main(void)
{
    CHECK_RUN(TEST(a_path_finds_its_route), TEST(an_earlier_route_wins),
              TEST(what_fits_no_template_is_told_from_a_wrong_method),
              TEST(the_methods_of_a_path_are_listed),
              TEST(the_nearest_route_keeps_the_names_in_the_path),
              TEST(percent_escapes_are_decoded_once), TEST(names_are_whole_words));
}
