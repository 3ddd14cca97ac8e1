/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "server/wire/inspectwire.h"
#include "tests/lib/check.h"
#include <string.h>

static void an_ask_and_its_answer_arrive_as_they_were_sent(void **state)
{
    (void)state;
    struct bytes b = {0};
    struct arena *a = arena_new(4096, 0);
    const struct inspectwire_ask m = {7, 1234, "key\0s", 5, 99, 20, 30, "B", 60000, false, NULL, 0};
    struct inspectwire_ask ask;
    inspectwire_put_ask(&m, &b);
    assert_ok(inspectwire_get_ask(b.p, b.n, a, &ask));
    assert_int_equal(ask.number, 7);
    assert_int_equal(ask.uid, 1234);
    assert_int_equal(ask.key_n, 5);
    assert_memory_equal(ask.key, "key\0s", 5);
    assert_int_equal(ask.from, 99);
    assert_int_equal(ask.keys, 20);
    assert_int_equal(ask.items, 30);
    assert_string_equal(ask.at, "B");
    assert_int_equal(ask.older_ms, 60000);
    assert_false(ask.counts);
    const struct taskcount_state states[2] = {{0}, {TASKCOUNT_LOST, 5, UINT64_MAX}};
    bytes_reset(&b);
    inspectwire_put_ask(
        &(struct inspectwire_ask){.number = 9, .counts = true, .states = states, .nstates = 2}, &b);
    assert_ok(inspectwire_get_ask(b.p, b.n, a, &ask));
    assert_true(ask.counts);
    assert_int_equal(ask.nstates, 2);
    assert_int_equal(ask.states[1].flags, TASKCOUNT_LOST);
    assert_int_equal(ask.states[1].known, 5);
    assert_true(ask.states[1].next == UINT64_MAX);
    bytes_reset(&b);
    inspectwire_put_ask(&(struct inspectwire_ask){.number = 8}, &b);
    assert_ok(inspectwire_get_ask(b.p, b.n, a, &ask));
    assert_null(ask.key);
    assert_null(ask.at);
    struct inspectwire_answer answer;
    bytes_reset(&b);
    inspectwire_put_answer(&(struct inspectwire_answer){7, 3, 2, "{}", 2}, &b);
    assert_ok(inspectwire_get_answer(b.p, b.n, &answer));
    assert_int_equal(answer.number, 7);
    assert_int_equal(answer.next, 3);
    assert_int_equal(answer.keys, 2);
    assert_memory_equal(answer.json, "{}", answer.json_n);
    bytes_fini(&b);
    arena_free(a);
}

/* ASan looks on. */
static void what_is_cut_short_is_refused(void **state)
{
    (void)state;
    struct bytes b = {0};
    struct arena *a = arena_new(4096, 0);
    struct inspectwire_ask ask;
    const struct taskcount_state state_of = {TASKCOUNT_FRESH, 1, 2};
    inspectwire_put_ask(&(struct inspectwire_ask){7, 1234, "key", 3, 99, 20, 30, "B", 60000, true,
                                                  &state_of, 1},
                        &b);
    for (size_t n = 0; n < b.n; n++) {
        uint8_t *cut = mem_alloc(n);
        memcpy(cut, b.p, n);
        assert_err(inspectwire_get_ask(cut, n, a, &ask), ERR_CORRUPT);
        mem_free(cut);
    }
    bytes_u8(&b, 0);
    assert_err(inspectwire_get_ask(b.p, b.n, a, &ask), ERR_CORRUPT);
    bytes_fini(&b);
    arena_free(a);
}

int main(void)
{
    CHECK_RUN(TEST(an_ask_and_its_answer_arrive_as_they_were_sent),
              TEST(what_is_cut_short_is_refused));
}
