/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "io/codec_json.h"
#include "tests/lib/check.h"

static const struct expr *const some_expression = (const struct expr *)(const void *)"";

enum { ID, TS, FLAG, COUNT, RATIO, AMOUNT, CITY, ZIP, COMPUTED, COLUMNS };
static const struct column columns[COLUMNS] = {
    {.name = "id", .type = {.kind = TYPE_STRING}, .not_null = true},
    {.name = "ts", .type = {.kind = TYPE_TIMESTAMP}, .not_null = true},
    {.name = "flag", .type = {.kind = TYPE_BOOLEAN}},
    {.name = "count", .type = {.kind = TYPE_BIGINT}},
    {.name = "ratio", .type = {.kind = TYPE_DOUBLE}},
    {.name = "amount", .type = {.kind = TYPE_DECIMAL, .precision = 12, .scale = 2}},
    {.name = "city", .path = "billing.address.city", .type = {.kind = TYPE_STRING}},
    {.name = "zip", .path = "billing.address.zip", .type = {.kind = TYPE_BIGINT}},
    {.name = "computed",
     .type = {.kind = TYPE_BOOLEAN},
     .not_null = true,
     .computed = some_expression},
};
static const struct schema schema = {.name = "s",
                                     .ncolumns = COLUMNS,
                                     .columns = columns,
                                     .time_column = TS};
static const struct colset all = {{(1 << COLUMNS) - 1}};

/* A text with the bytes that may be read after it, and none more. */
static char *padded(const char *text, size_t n)
{
    char *p = mem_alloc(n + CODEC_PADDING);
    memcpy(p, text, n);
    memset(p + n, '"', CODEC_PADDING);
    return p;
}

static struct codec_problem problem;

/* One event in a batch of its own; NULL: it is refused, and `problem` says why. */
static struct batch *decoded_n(const char *text, size_t n)
{
    struct codec_json *c = codec_json_new(&schema, &all, NULL);
    struct batch *b = batch_new(&schema, &all);
    char *p = padded(text, n);
    problem = (struct codec_problem){.code = CODEC_NONE};
    enum err e = codec_json_row(c, p, n, 77, b, &problem);
    mem_free(p);
    codec_json_free(c);
    if (e == ERR_OK) {
        assert_int_equal(b->n, 1);
        assert_int_equal(b->offset[0], 77);
        return b;
    }
    assert_err(e, ERR_INVALID);
    assert_int_equal(b->n, 0);
    assert_false(b->columns[COUNT].has_nulls);
    assert_true(strlen(problem.text) > 0);
    batch_unref(b);
    return NULL;
}

static struct batch *decoded(const char *text)
{
    struct batch *b = decoded_n(text, strlen(text));
    if (b == NULL)
        fail_msg("%s is refused: %s", text, problem.text);
    return b;
}

static char shown[2048];

/* A column's value in an event that has `fields` beside its id and time, as JSON. */
static const char *value_of(unsigned column, const char *fields)
{
    char text[2048];
    struct bytes out = {0};
    snprintf(text, sizeof text, "{\"id\":\"x\",\"ts\":5,%s}", fields);
    struct batch *b = decoded(text);
    struct value v = batch_value(b, column, 0);
    value_json(&v, &out);
    snprintf(shown, sizeof shown, "%.*s", (int)out.n, (char *)out.p);
    bytes_fini(&out);
    batch_unref(b);
    return shown;
}

/* Why an event with these fields is refused. */
static const char *refused(const char *fields)
{
    char text[2048];
    snprintf(text, sizeof text, "{\"id\":\"x\",\"ts\":5,%s}", fields);
    if (decoded_n(text, strlen(text)) != NULL)
        fail_msg("%s is taken", text);
    return problem.text;
}

static void assert_code(enum codec_problem_code code, const char *column)
{
    assert_string_equal(codec_problem_name(problem.code), codec_problem_name(code));
    if (column == NULL)
        assert_null(problem.column);
    else
        assert_string_equal(problem.column, column);
}

static void every_type_is_read(void **state)
{
    (void)state;
    struct batch *b =
        decoded(" { \"id\" : \"salmon\" ,\"ts\":1700000000010, \"flag\":true,\"count\":-42,"
                "\"ratio\":2.5e-1,\"amount\":12.5,\"other\":[1,{\"a\":[]},\"]\"],"
                "\"billing\":{\"x\":{},\"address\":{\"city\":\"K\xc3\xb6ln\",\"zip\":50667}}}\r\n");
    assert_int_equal(b->ts[0], 1700000000010);
    assert_int_equal(b->columns[TS].i[0], 1700000000010);
    assert_memory_equal(b->columns[ID].s[0].p, "salmon", 6);
    assert_int_equal(b->columns[ID].s[0].n, 6);
    assert_int_equal(b->columns[FLAG].i[0], 1);
    assert_int_equal(b->columns[COUNT].i[0], -42);
    assert_true(b->columns[RATIO].d[0] == 0.25);
    assert_int_equal(b->columns[AMOUNT].i[0], 1250);
    assert_memory_equal(b->columns[CITY].s[0].p, "K\xc3\xb6ln", 5);
    assert_int_equal(b->columns[ZIP].i[0], 50667);
    for (unsigned c = 0; c < COLUMNS; c++)
        assert_false(batch_is_null(b, c, 0));
    batch_unref(b);
}

static void a_missing_field_is_null(void **state)
{
    (void)state;
    struct batch *b =
        decoded("{\"ts\":5,\"id\":\"\",\"count\":null,\"billing\":{\"address\":null}}");
    for (unsigned c = FLAG; c <= ZIP; c++)
        assert_true(batch_is_null(b, c, 0) && b->columns[c].has_nulls);
    assert_int_equal(b->columns[ID].s[0].n, 0);
    assert_int_equal(b->columns[CITY].s[0].n, 0);
    assert_non_null(b->columns[CITY].s[0].p);
    batch_unref(b);
    assert_string_equal(value_of(CITY, "\"billing\":7"), "null");
    assert_string_equal(value_of(CITY, "\"billing\":[]"), "null");
}

static void of_a_doubled_key_the_last_counts(void **state)
{
    (void)state;
    assert_string_equal(value_of(COUNT, "\"count\":1,\"count\":2"), "2");
    assert_string_equal(value_of(COUNT, "\"count\":1,\"count\":null"), "null");
    assert_string_equal(value_of(COUNT, "\"count\":null,\"count\":3"), "3");
    assert_string_equal(value_of(COUNT, "\"count\":\"no\",\"count\":3"), "3");
    assert_string_equal(value_of(COUNT, "\"count\":[1],\"c\\u006funt\":4"), "4");
    assert_string_equal(value_of(ZIP,
                                 "\"billing\":{\"address\":{\"zip\":1}},\"billing\":{\"x\":1}"),
                        "null");
    assert_string_equal(value_of(ZIP,
                                 "\"billing\":{\"address\":{\"zip\":1},\"address\":{\"zip\":2}}"),
                        "2");
    assert_string_equal(refused("\"count\":1,\"count\":\"no\""),
                        "field 'count' must be a whole number, is a string");
    refused("\"count\":\"no\",\"flag\":0,\"flag\":true");
    assert_code(CODEC_TYPE, "count");
}

static void decimals_are_read_from_numbers_and_numeric_strings(void **state)
{
    (void)state;
    struct {
        const char *text, *value;
    } good[] = {{"0", "0.00"},
                {"7.5", "7.50"},
                {"\"12.345\"", "12.35"},
                {"-12.345", "-12.35"},
                {"1e3", "1000.00"},
                {"9999999999.99", "9999999999.99"},
                {"0.001", "0.00"},
                {"-0.0", "0.00"},
                {"12345678901e-2", "123456789.01"},
                {"123456789", "123456789.00"},
                {"0.005", "0.01"},
                {"\"7\"", "7.00"}};
    const char *bad[] = {"10000000000", "-1e10", "\"x\"",          "\"\"",
                         "true",        "{}",    "9999999999.995", "1e400"};
    char field[64];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(field, sizeof field, "\"amount\":%s", good[i].text);
        assert_string_equal(value_of(AMOUNT, field), good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(field, sizeof field, "\"amount\":%s", bad[i]);
        refused(field);
        assert_string_equal(problem.column, "amount");
    }
    assert_string_equal(refused("\"amount\":10000000000"),
                        "field 'amount' does not fit DECIMAL(12,2)");
    assert_code(CODEC_RANGE, "amount");
    assert_string_equal(refused("\"amount\":false"),
                        "field 'amount' must be a number or a numeric string, is a boolean");
    assert_code(CODEC_TYPE, "amount");
}

static void bigints_are_whole_numbers_however_written(void **state)
{
    (void)state;
    assert_string_equal(value_of(COUNT, "\"count\":5.0"), "5");
    assert_string_equal(value_of(COUNT, "\"count\":1e3"), "1000");
    assert_string_equal(value_of(COUNT, "\"count\":12345678"), "12345678");
    assert_string_equal(value_of(COUNT, "\"count\":123456789"), "123456789");
    assert_string_equal(value_of(COUNT, "\"count\":1234567890123456"), "1234567890123456");
    assert_string_equal(value_of(COUNT, "\"count\":12345678901234567"), "12345678901234567");
    assert_string_equal(value_of(COUNT, "\"count\":-9223372036854775808"), "-9223372036854775808");
    assert_string_equal(refused("\"count\":5.5"),
                        "field 'count' must be a whole number, has a fraction");
    assert_string_equal(refused("\"count\":9223372036854775808"),
                        "field 'count' does not fit BIGINT");
    assert_code(CODEC_RANGE, "count");
    assert_string_equal(refused("\"count\":\"5\""),
                        "field 'count' must be a whole number, is a string");
}

static void times_are_milliseconds_or_iso_8601_in_the_years_1_to_9999(void **state)
{
    (void)state;
    struct batch *b = decoded("{\"id\":\"\",\"ts\":\"2023-11-14T22:13:20.01Z\"}");
    assert_int_equal(b->ts[0], 1700000000010);
    batch_unref(b);
    b = decoded("{\"id\":\"\",\"ts\":-62135596800000}");
    assert_int_equal(b->ts[0], EVTIME_FIRST);
    batch_unref(b);
    b = decoded("{\"id\":\"\",\"ts\":1.7e12}");
    assert_int_equal(b->ts[0], 1700000000000);
    batch_unref(b);
    const char *bad[] = {"-62135596800001", "253402300800000", "1e300", "\"10000-01-01\"",
                         "\"soon\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"id\":\"\",\"ts\":%s}", bad[i]);
        assert_null(decoded_n(text, strlen(text)));
        assert_code(CODEC_TIME, "ts");
    }
    assert_null(decoded_n("{\"id\":\"\",\"ts\":1.5}", 18));
    assert_code(CODEC_TYPE, "ts");
}

static void not_null_is_kept_for_all_columns(void **state)
{
    (void)state;
    assert_null(decoded_n("{\"ts\":5}", 8));
    assert_string_equal(problem.text, "field 'id' is missing");
    assert_code(CODEC_MISSING, "id");
    assert_null(decoded_n("{\"id\":null,\"ts\":5}", 18));
    assert_string_equal(problem.text, "field 'id' must not be null");
    assert_null(decoded_n("{\"id\":\"x\"}", 10));
    assert_code(CODEC_MISSING, "ts");

    struct colset want = {{1 << TS}};
    struct codec_json *c = codec_json_new(&schema, &want, NULL);
    struct batch *b = batch_new(&schema, &want);
    char *text = padded("{\"ts\":5}", 8);
    assert_err(codec_json_row(c, text, 8, 0, b, &problem), ERR_INVALID);
    mem_free(text);
    batch_unref(b);
    codec_json_free(c);
}

/* An event's fate must not hang on which rules are live. */
static void columns_that_are_not_wanted_are_checked_all_the_same(void **state)
{
    (void)state;
    const char *bad[] = {"\"count\":\"x\"", "\"amount\":1e99", "\"flag\":1",
                         "\"billing\":{\"address\":{\"zip\":1.5}}",
                         "\"billing\":{\"address\":{\"city\":\"\\ud800\"}}"};
    struct colset want = {{1 << TS}};
    struct codec_json *c = codec_json_new(&schema, &want, NULL);
    struct batch *b = batch_new(&schema, &want);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char line[128];
        size_t n = (size_t)snprintf(line, sizeof line, "{\"id\":\"x\",\"ts\":5,%s}", bad[i]);
        char *text = padded(line, n);
        assert_err(codec_json_row(c, text, n, 0, b, &problem), ERR_INVALID);
        mem_free(text);
    }
    batch_unref(b);
    codec_json_free(c);
}

static void escapes_are_resolved(void **state)
{
    (void)state;
    assert_string_equal(
        value_of(CITY, "\"billing\":{\"address\":{\"city\":\"a\\\"b\\\\c\\/\\b\\f\\n\\r\\t\"}}"),
        "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\"");
    assert_string_equal(
        value_of(CITY,
                 "\"b\\u0069lling\":{\"address\":{\"city\":\"\\u00e9\\u20ac\\ud83d\\udc1f\"}}"),
        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x9f\"");
    assert_string_equal(value_of(CITY, "\"billing\":{\"address\":{\"city\":\"a\\u0000b\"}}"),
                        "\"a\\u0000b\"");
    const char *bad[] = {"\\x",     "\\u12",          "\\u12g4",  "\\ud800",
                         "\\udc00", "\\ud800\\ud800", "\\ud800x", "\\ud83d\\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char field[128];
        snprintf(field, sizeof field, "\"billing\":{\"address\":{\"city\":\"%s\"}}", bad[i]);
        assert_string_equal(refused(field), "field 'billing.address.city' has an invalid escape");
        assert_code(CODEC_UTF8, "city");
    }
}

static void what_is_not_json_is_refused(void **state)
{
    (void)state;
    const char *bad[] = {
        "{",
        "{\"id\"",
        "{\"id\":",
        "{\"id\":\"x\",\"ts\":5",
        "{\"id\":\"x\" \"ts\":5}",
        "{,}",
        "{\"id\":\"x\",}",
        "{id:\"x\"}",
        "{\"id\" \"x\"}",
        "{\"id\":\"x\",\"ts\":5}}",
        "{\"id\":\"x\",\"ts\":5} {}",
        "{\"id\":\"x\",\"ts\":5},",
        "{\"id\":\"x\",\"ts\":5}x",
        "{\"id\":\"x\",\"ts\":05}",
        "{\"id\":\"x\",\"ts\":+5}",
        "{\"id\":\"x\",\"ts\":5.}",
        "{\"id\":\"x\",\"ts\":.5}",
        "{\"id\":\"x\",\"ts\":5e}",
        "{\"id\":\"x\",\"ts\":0x5}",
        "{\"id\":\"x\",\"ts\":-}",
        "{\"id\":\"x\",\"ts\":5,\"flag\":tru}",
        "{\"id\":\"x\",\"ts\":5,\"flag\":nul}",
        "{\"id\":\"x\",\"ts\":5,\"k\":01}",
        "{\"id\":\"x\",\"ts\":5,\"k\":truex}",
        "{\"id\":\"x\",\"ts\":5,\"k\":[1}",
        "{\"id\":\"x\",\"ts\":5,\"k\":}",
        "{\"id\":\"x\",\"ts\":5,\"k\":\"a\" 1}",
        "{\"id\":\"x\",\"ts\":5,\"k\":\"unclosed}",
        "{\"id\":\"x\"\"ts\":5}",
        "{\"id\":\"x\":\"ts\"}",
        "{\"id\":\"a\nb\",\"ts\":5}",
        "",
        "  ",
        "{\"id\":\"x\",\"ts\":5 5}",
        "{\"\\q\":1,\"id\":\"x\",\"ts\":5}",
        "{\"id\":\"x\",\"ts\":5,\"count\":1 2}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (decoded_n(bad[i], strlen(bad[i])) != NULL)
            fail_msg("'%s' is taken", bad[i]);
        assert_code(CODEC_JSON, NULL);
    }
    const char *other[] = {"[]", "5", "\"x\"", "null", "x", "}"};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        assert_null(decoded_n(other[i], strlen(other[i])));
        assert_code(CODEC_OBJECT, NULL);
    }
}

static void invalid_utf8_is_refused(void **state)
{
    (void)state;
    const char *bad[] = {"\xff",    "\xc3", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                         "\xc0\xaf"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char field[64];
        snprintf(field, sizeof field, "\"other\":\"%s\"", bad[i]);
        refused(field);
        assert_code(CODEC_UTF8, NULL);
    }
}

static void hostile_sizes_are_borne(void **state)
{
    (void)state;
    enum { BIG = CODEC_EVENT_MAX + 1 };
    char *text = mem_alloc(BIG);
    const char *head = "{\"id\":\"x\",\"ts\":5,\"other\":";
    size_t n = strlen(head);
    memcpy(text, head, n);
    memset(text + n, '[', BIG - n);
    assert_null(decoded_n(text, BIG));
    assert_code(CODEC_TOO_BIG, NULL);
    assert_null(decoded_n(text, BIG - 1));
    assert_code(CODEC_JSON, NULL);
    memset(text + n + (BIG - n) / 2, ']', BIG - n - (BIG - n) / 2);
    text[BIG - 2] = '}';
    struct batch *b = decoded_n(text, BIG - 1 - (BIG - n) % 2);
    batch_unref(b);
    memset(text + n, '9', BIG - n);
    text[BIG - 2] = '}';
    b = decoded_n(text, BIG - 1);
    assert_non_null(b);
    batch_unref(b);
    memcpy(text + 17, "\"count\":", 8);
    assert_null(decoded_n(text, BIG - 1));
    assert_code(CODEC_RANGE, "count");
    memcpy(text + 17, "\"flag\" :", 8);
    assert_null(decoded_n(text, BIG - 1));
    memset(text + n, ' ', BIG - n);
    memcpy(text + n, "1", 1);
    text[BIG - 2] = '}';
    memcpy(text + 17, "\"count\":", 8);
    b = decoded_n(text, BIG - 1);
    assert_non_null(b);
    batch_unref(b);
    mem_free(text);
}

static void a_long_string_is_kept_whole(void **state)
{
    (void)state;
    for (size_t n = 0; n < 200; n++) {
        char text[256], value[200];
        memset(value, 'a' + (int)(n % 26), n);
        int len = snprintf(text, sizeof text, "{\"id\":\"%.*s\",\"ts\":5}", (int)n, value);
        struct batch *b = decoded_n(text, (size_t)len);
        assert_int_equal(b->columns[ID].s[0].n, n);
        assert_memory_equal(b->columns[ID].s[0].p, value, n);
        batch_unref(b);
    }
}

int main(void)
{
    CHECK_RUN(TEST(every_type_is_read), TEST(a_missing_field_is_null),
              TEST(of_a_doubled_key_the_last_counts),
              TEST(decimals_are_read_from_numbers_and_numeric_strings),
              TEST(bigints_are_whole_numbers_however_written),
              TEST(times_are_milliseconds_or_iso_8601_in_the_years_1_to_9999),
              TEST(not_null_is_kept_for_all_columns),
              TEST(columns_that_are_not_wanted_are_checked_all_the_same),
              TEST(escapes_are_resolved), TEST(what_is_not_json_is_refused),
              TEST(invalid_utf8_is_refused), TEST(hostile_sizes_are_borne),
              TEST(a_long_string_is_kept_whole));
}
