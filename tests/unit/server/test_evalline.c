/* SPDX-License-Identifier: Apache-2.0 */
#include "server/eval/evalline.h"
#include "tests/lib/check.h"

static struct evalline read_text(const char *text)
{
    return evalline_read(text, strlen(text));
}

static void words_about_time_stand_alone(void **state)
{
    (void)state;
    assert_int_equal(read_text("{\"watermark\": 12}").kind, EVALLINE_WATERMARK);
    assert_int_equal(read_text("{\"watermark\": 12}").time, 12);
    assert_int_equal(read_text(" { \"watermark\" : -9223372036854775808 } ").time, INT64_MIN);
    assert_int_equal(read_text("{\"processing_time\":9223372036854775807}").kind,
                     EVALLINE_PROCESSING_TIME);
    assert_int_equal(read_text("{\"_stream\":\"a\",\"watermark\":3}").kind, EVALLINE_WATERMARK);
}

static void all_else_is_an_event(void **state)
{
    (void)state;
    static const char *const events[] = {"",
                                         "x",
                                         "{",
                                         "{}",
                                         "[1]",
                                         "{\"watermark\":",
                                         "{\"watermark\":1",
                                         "{\"watermark\":1.5}",
                                         "{\"watermark\":\"1\"}",
                                         "{\"watermark\":1,\"id\":2}",
                                         "{\"id\":{\"watermark\":1}}",
                                         "{\"watermark\":9223372036854775808}",
                                         "{\"watermark\":-}",
                                         "{\"watermark\":}",
                                         "{\"watermark\":1,\"watermark\":2}",
                                         "{\"a\":\"\\",
                                         "{\"a\":\"b}",
                                         "{\"a\":[1,{\"b\":2}}",
                                         "{\"note\":\"{\\\"watermark\\\": 1}\"}"};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        assert_int_equal(read_text(events[i]).kind, EVALLINE_EVENT);
}

static void an_event_names_its_stream_wherever_the_key_stands(void **state)
{
    (void)state;
    static const char *const events[] = {
        "{\"_stream\":\"pay\",\"id\":1}", "{\"id\":[1,{\"_stream\":\"no\"}],\"_stream\" : \"pay\"}",
        "{\"text\":\"\\\"_stream\\\":\\\"no\\\"\", \"_stream\": \"pay\" }",
        "{\"a\":\"}\",\"b\":\"{\",\"_stream\":\"pay\",\"c\":null}"};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct evalline line = read_text(events[i]);
        assert_int_equal(line.kind, EVALLINE_EVENT);
        assert_int_equal(line.stream_len, 3);
        assert_memory_equal(line.stream, "pay", 3);
    }
    assert_null(read_text("{\"a\":{\"_stream\":\"no\"}}").stream);
    assert_null(read_text("{\"_stream\":7}").stream);
}

int main(void)
{
    CHECK_RUN(TEST(words_about_time_stand_alone), TEST(all_else_is_an_event),
              TEST(an_event_names_its_stream_wherever_the_key_stands));
}
