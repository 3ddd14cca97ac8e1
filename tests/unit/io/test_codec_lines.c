/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks of lines. What they say of a line must be what codec_json_row says of it alone. */
#include "base/mem.h"
#include "io/codec_json.h"
#include "tests/lib/check.h"

static const struct column columns[] = {
    {.name = "id", .type = {.kind = TYPE_STRING}, .not_null = true},
    {.name = "ts", .type = {.kind = TYPE_TIMESTAMP}, .not_null = true},
    {.name = "amount", .type = {.kind = TYPE_DECIMAL, .precision = 12, .scale = 2}},
    {.name = "status", .type = {.kind = TYPE_STRING}},
};
static const struct schema schema = {.name = "s",
                                     .ncolumns = 4,
                                     .columns = columns,
                                     .time_column = 1};
static const struct colset all = {{15}};

struct told {
    struct bytes text; /* offset:code:bytes of each bad line */
    unsigned rows, bad;
    uint64_t offset;
};

static void on_bad(void *ctx, uint64_t offset, const char *text, size_t n,
                   const struct codec_problem *p)
{
    struct told *t = ctx;
    bytes_printf(&t->text, "%llu:%s:%.*s\n", (unsigned long long)offset,
                 codec_problem_name(p->code), (int)(n < 40 ? n : 40), text);
    t->bad++;
}

static char *padded(const char *text, size_t n)
{
    char *p = mem_alloc(n + CODEC_PADDING);
    memcpy(p, text, n);
    memset(p + n, '"', CODEC_PADDING);
    return p;
}

/* All rows of a text, as lines of JSON in t->text after the bad ones of their batch. */
static void decode(struct codec_json *c, const char *text, size_t n, struct told *t)
{
    char *p = padded(text, n);
    size_t pos = 0;
    while (pos < n) {
        size_t before = pos;
        struct batch *b = batch_new(&schema, &all);
        codec_json_lines(c, p, n, &pos, &t->offset, b, on_bad, t);
        assert_true(pos > before && pos <= n);
        for (unsigned i = 0; i < b->n; i++) {
            bytes_printf(&t->text, "%llu:%lld", (unsigned long long)b->offset[i],
                         (long long)b->ts[i]);
            for (unsigned k = 0; k < 4; k++) {
                struct value v = batch_value(b, k, i);
                bytes_printf(&t->text, ",");
                value_json(&v, &t->text);
            }
            bytes_printf(&t->text, "\n");
        }
        t->rows += b->n;
        batch_unref(b);
    }
    mem_free(p);
    bytes_u8(&t->text, 0);
}

static struct told decoded(const char *text, size_t n)
{
    struct told t = {.offset = 100};
    struct codec_json *c = codec_json_new(&schema, &all, NULL);
    decode(c, text, n, &t);
    codec_json_free(c);
    return t;
}

static void assert_decoded(const char *text, const char *expected)
{
    struct told t = decoded(text, strlen(text));
    assert_string_equal((char *)t.text.p, expected);
    bytes_fini(&t.text);
}

static void bad_lines_are_told_and_left_out_and_take_their_offset(void **state)
{
    (void)state;
    assert_decoded("{\"id\":\"a\",\"ts\":1,\"amount\":1.5,\"status\":\"ok\"}\n"
                   "{\"id\":\"b\",\"ts\":2,\"amount\":true}\n"
                   "{\"id\":\"c\",\"ts\":3}\n"
                   "[]\n"
                   "{\"id\":\"d\",\"ts\":4}",
                   "101:wrong-type:{\"id\":\"b\",\"ts\":2,\"amount\":true}\n"
                   "103:not-an-object:[]\n"
                   "100:1,\"a\",\"1970-01-01T00:00:00.001Z\",1.50,\"ok\"\n"
                   "102:3,\"c\",\"1970-01-01T00:00:00.003Z\",null,null\n"
                   "104:4,\"d\",\"1970-01-01T00:00:00.004Z\",null,null\n");
}

static void blank_lines_take_no_offset(void **state)
{
    (void)state;
    assert_decoded("\n  \r\n{\"id\":\"a\",\"ts\":1}\r\n\n\t\n{\"id\":\"b\",\"ts\":2}\n\n",
                   "100:1,\"a\",\"1970-01-01T00:00:00.001Z\",null,null\n"
                   "101:2,\"b\",\"1970-01-01T00:00:00.002Z\",null,null\n");
    assert_decoded("\n", "");
    assert_decoded(" ", "");
}

/* Each of these would be read otherwise if the end of its line did not count. */
static void a_line_ends_at_its_newline(void **state)
{
    (void)state;
    assert_decoded("{\"id\":\"a\",\n\"ts\":1}\n{\"id\":\"b\",\"ts\":2}\n",
                   "100:not-json:{\"id\":\"a\",\n"
                   "101:not-an-object:\"ts\":1}\n"
                   "102:2,\"b\",\"1970-01-01T00:00:00.002Z\",null,null\n");
    assert_decoded("{\"id\":\"a\",\"ts\":1,\"k\":[\n1]}\n{\"id\":\"b\",\"ts\":2\n}\n",
                   "100:not-json:{\"id\":\"a\",\"ts\":1,\"k\":[\n"
                   "101:not-an-object:1]}\n"
                   "102:not-json:{\"id\":\"b\",\"ts\":2\n"
                   "103:not-an-object:}\n");
    assert_decoded("{\"id\":\"a\",\"ts\":1}\\\n\"{\"id\":\"b\",\"ts\":2}\n{\"id\":\"c\",\"ts\":3}",
                   "100:not-json:{\"id\":\"a\",\"ts\":1}\\\n"
                   "101:not-json:\"{\"id\":\"b\",\"ts\":2}\n"
                   "102:3,\"c\",\"1970-01-01T00:00:00.003Z\",null,null\n");
}

static void a_line_that_spoils_its_block_spoils_no_other(void **state)
{
    (void)state;
    const char *spoilers[] = {"{\"id\":\"x", "{\"id\":\"\xff\",\"ts\":1}", "\"",
                              "{\"id\":\"\x01\",\"ts\":1}", "\xc3"};
    for (size_t k = 0; k < sizeof spoilers / sizeof *spoilers; k++) {
        struct bytes text = {0};
        for (int i = 0; i < 200; i++)
            if (i == 7)
                bytes_printf(&text, "%s\n", spoilers[k]);
            else
                bytes_printf(&text, "{\"id\":\"%d\",\"ts\":%d,\"status\":\"a\\\"b\"}\n", i, i);
        struct told t = decoded((char *)text.p, text.n);
        assert_int_equal(t.rows, 199);
        assert_int_equal(t.bad, 1);
        assert_int_equal(t.offset, 300);
        bytes_fini(&t.text);
        bytes_fini(&text);
    }
}

static void a_batch_takes_1024_rows_and_the_next_goes_on(void **state)
{
    (void)state;
    struct bytes text = {0};
    for (int i = 0; i < 3000; i++)
        bytes_printf(&text, "{\"id\":\"%d\",\"ts\":%d}%s\n", i, i, i % 3 ? "" : "\n  ");
    struct codec_json *c = codec_json_new(&schema, &all, NULL);
    char *p = padded((char *)text.p, text.n);
    size_t pos = 0;
    uint64_t offset = 0, rows = 0;
    while (pos < text.n) {
        struct batch *b = batch_new(&schema, &all);
        codec_json_lines(c, p, text.n, &pos, &offset, b, on_bad, NULL);
        for (unsigned i = 0; i < b->n; i++)
            assert_int_equal(b->ts[i], rows + i);
        rows += b->n;
        assert_true(rows == 3000 || b->n == BATCH_ROWS);
        batch_unref(b);
    }
    assert_int_equal(rows, 3000);
    mem_free(p);
    codec_json_free(c);
    bytes_fini(&text);
}

static void long_lines_are_taken_up_to_the_limit(void **state)
{
    (void)state;
    const size_t sizes[] = {
        16000, 16300, 16384, 16400, 40000, CODEC_EVENT_MAX, CODEC_EVENT_MAX + 1};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        struct bytes text = {0};
        const char *line = "{\"id\":\"a\",\"ts\":1}\n",
                   *long_line = "{\"id\":\"b\",\"ts\":2,\"status\":\"";
        bytes_put(&text, line, strlen(line));
        bytes_put(&text, long_line, strlen(long_line));
        size_t fill = sizes[k] - strlen(long_line) - 2;
        memset(bytes_reserve(&text, fill), 's', fill);
        text.n += fill;
        bytes_put(&text, "\"}\n", 3);
        bytes_put(&text, line, strlen(line));
        struct told t = decoded((char *)text.p, text.n);
        bool fits = sizes[k] <= CODEC_EVENT_MAX;
        assert_int_equal(t.rows, fits ? 3 : 2);
        assert_int_equal(t.bad, fits ? 0 : 1);
        assert_int_equal(t.offset, 103);
        if (!fits)
            assert_memory_equal(t.text.p, "101:event-too-big:", 18);
        bytes_fini(&t.text);
        bytes_fini(&text);
    }
}

/* Keys come in any order, are left out, are new, long, escaped, doubled: the guess is never more than a guess. */
static void keys_are_found_whatever_came_before(void **state)
{
    (void)state;
    const char *lines[] = {
        "{\"id\":\"0\",\"ts\":1,\"amount\":1,\"status\":\"s\"}",
        "{\"status\":\"s\",\"amount\":1,\"ts\":1,\"id\":\"1\"}",
        "{\"id\":\"2\",\"ts\":1,\"status\":\"s\",\"amount\":1}",
        "{\"x\":0,\"id\":\"3\",\"xx\":{},\"ts\":1,\"a_key_that_is_longer_than_sixteen_bytes\":\"\","
        "\"status\":\"s\",\"amount\":1}",
        "{\"x\":0,\"id\":\"4\",\"xx\":{},\"ts\":1,\"a_key_that_is_longer_than_sixteen_byteS\":\"\","
        "\"status\":\"s\",\"amount\":1}",
        "{\"i\":\"no\",\"ids\":\"no\",\"id\":\"5\",\"ts\":1,\"amount\":1,\"status\":\"s\"}",
        "{ \"id\" : \"6\", \"ts\" : 1, \"amount\" : 1 , \"status\" : \"s\" }",
        "{\"\\u0069d\":\"7\",\"ts\":1,\"amount\":1,\"status\":\"s\"}",
        "{\"ts\":1,\"ts\":1,\"id\":\"8\",\"amount\":1,\"status\":\"n\",\"status\":\"s\"}",
        "{\"\":1,\"id\":\"9\",\"amount\":1,\"ts\":1,\"status\":\"s\"}",
    };
    enum { LINES = sizeof lines / sizeof *lines };
    struct codec_json *c = codec_json_new(&schema, &all, NULL);
    for (unsigned round = 0; round < 100; round++) {
        struct told t = {.offset = 0};
        struct bytes text = {0}, expected = {0};
        unsigned picks[] = {round % LINES, round / LINES, (round * 7 + 3) % LINES};
        for (unsigned i = 0; i < 3; i++) {
            bytes_printf(&text, "%s\n", lines[picks[i]]);
            bytes_printf(&expected, "%u:1,\"%u\",\"1970-01-01T00:00:00.001Z\",1.00,\"s\"\n", i,
                         picks[i]);
        }
        bytes_u8(&expected, 0);
        decode(c, (char *)text.p, text.n, &t);
        assert_string_equal((char *)t.text.p, (char *)expected.p);
        bytes_fini(&text);
        bytes_fini(&expected);
        bytes_fini(&t.text);
    }
    codec_json_free(c);
}

/* A guess is compared with as many bytes as it has, which may be more than are left. */
static void a_long_guess_at_the_end_of_the_text_stays_in_the_padding(void **state)
{
    (void)state;
    char text[256];
    for (int n = 20; n < 70; n++) {
        snprintf(text, sizeof text,
                 "{\"id\":\"a\",\"ts\":1,\"%.*s\":1}\n{\"id\":\"b\",\"ts\":2,\"%.15s\":1}", n,
                 "a_key_of_sixty_and_some_bytes_of_which_the_first_fifteen_are_a_key_too",
                 "a_key_of_sixty_and");
        struct told t = decoded(text, strlen(text));
        assert_int_equal(t.rows, 2);
        bytes_fini(&t.text);
    }
}

static void more_keys_than_are_remembered_are_no_trouble(void **state)
{
    (void)state;
    struct bytes text = {0};
    for (int line = 0; line < 5; line++) {
        bytes_printf(&text, "{\"id\":\"a\"");
        for (int i = 0; i < 200; i++)
            bytes_printf(&text, ",\"key_number_%d_of_line_%d\":%d", i, line % 2, i);
        bytes_printf(&text, ",\"ts\":%d}\n", line);
    }
    struct told t = decoded((char *)text.p, text.n);
    assert_int_equal(t.rows, 5);
    bytes_fini(&t.text);
    bytes_fini(&text);
}

static void ids_are_filled_for_the_columns_that_rules_compare(void **state)
{
    (void)state;
    struct dict *d = dict_new();
    dict_add(d, "other", 5);
    uint32_t declined = dict_add(d, "declined", 8);
    dict_mark(d, 3);
    struct codec_json *c = codec_json_new(&schema, &all, d);
    struct batch *b = batch_new(&schema, &all);
    const char *lines = "{\"id\":\"declined\",\"ts\":1,\"status\":\"declined\"}\n"
                        "{\"id\":\"b\",\"ts\":1,\"status\":\"approved\"}\n"
                        "{\"id\":\"b\",\"ts\":1,\"status\":\"decline\\u0064\"}\n";
    char *p = padded(lines, strlen(lines));
    size_t pos = 0;
    uint64_t offset = 0;
    codec_json_lines(c, p, strlen(lines), &pos, &offset, b, on_bad, NULL);
    assert_int_equal(b->n, 3);
    assert_int_equal(b->columns[3].s[0].id, declined);
    assert_int_equal(b->columns[3].s[1].id, 0);
    assert_int_equal(b->columns[3].s[2].id, declined);
    assert_true(b->dict_serial == dict_serial(d));
    assert_true(colset_has(&b->with_ids, 3));
    assert_false(colset_has(&b->with_ids, 0));

    /* Rows of another decoder in the same batch: ids would be mixed, so that none counts. */
    struct codec_json *without = codec_json_new(&schema, &all, NULL);
    struct codec_problem problem;
    assert_ok(codec_json_row(without, p, strcspn(lines, "\n"), 9, b, &problem));
    assert_false(colset_has(&b->with_ids, 3));
    codec_json_free(without);
    mem_free(p);
    batch_unref(b);
    codec_json_free(c);
    dict_free(d);
}

int main(void)
{
    CHECK_RUN(TEST(bad_lines_are_told_and_left_out_and_take_their_offset),
              TEST(blank_lines_take_no_offset), TEST(a_line_ends_at_its_newline),
              TEST(a_line_that_spoils_its_block_spoils_no_other),
              TEST(a_batch_takes_1024_rows_and_the_next_goes_on),
              TEST(long_lines_are_taken_up_to_the_limit), TEST(keys_are_found_whatever_came_before),
              TEST(a_long_guess_at_the_end_of_the_text_stays_in_the_padding),
              TEST(more_keys_than_are_remembered_are_no_trouble),
              TEST(ids_are_filled_for_the_columns_that_rules_compare));
}
