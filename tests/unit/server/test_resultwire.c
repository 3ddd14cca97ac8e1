/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "server/wire/resultwire.h"
#include "tests/lib/check.h"

static const struct value values[] = {
    {.type = {TYPE_STRING, 0, 0}, .c.s = {"c_17", 4, 9}},
    {.type = {TYPE_DECIMAL, 12, 2}, .c.i = -1250},
    {.type = {TYPE_DOUBLE, 0, 0}, .c.d = 0.5},
    {.type = {TYPE_BIGINT, 0, 0}, .null = true},
};
static const struct result_row rows[] = {{0, {1, 2, 3}, 1000}, {-1, {1, 0, UINT64_MAX}, -5}};

static const uint8_t replaced[2][RESULT_ID_BYTES] = {{1, 2}, {3}};

static struct result sample(void)
{
    struct result r = {.rule_uid = 7,
                       .kind = RESULT_UPDATE,
                       .mode = RULE_SHADOW,
                       .time = 2000,
                       .step = EVTIME_MAX,
                       .key = (const uint8_t *)"\x05\x00key",
                       .key_len = 5,
                       .nvalues = 4,
                       .values = values,
                       .nrows = 2,
                       .rows = rows,
                       .window_start = 0,
                       .window_end = EVTIME_MIN,
                       .revision = 3,
                       .retracted = true,
                       .nreplaces = 2,
                       .replaces = replaced};
    memset(r.id, 0xab, sizeof r.id);
    return r;
}

static void a_result_arrives_as_it_was_sent(void **state)
{
    (void)state;
    struct result r = sample(), out;
    struct bytes b = {0};
    struct arena *a = arena_new(4096, 0);
    resultwire_put(&r, &b);
    r.kind = RESULT_ERROR;
    r.reason = "no way on";
    resultwire_put(&r, &b);
    struct bytes_reader in = bytes_read(b.p, b.n);
    assert_ok(resultwire_get(&in, a, &out));
    assert_int_equal(out.rule_uid, 7);
    assert_int_equal(out.kind, RESULT_UPDATE);
    assert_int_equal(out.mode, RULE_SHADOW);
    assert_true(out.step == EVTIME_MAX && out.window_end == EVTIME_MIN);
    assert_memory_equal(out.id, r.id, sizeof out.id);
    assert_int_equal(out.key_len, 5);
    assert_memory_equal(out.key, r.key, 5);
    assert_int_equal(out.nvalues, 4);
    assert_memory_equal(out.values[0].c.s.p, "c_17", 4);
    assert_int_equal(out.values[0].c.s.id, 0); /* ids do not leave the process */
    assert_int_equal(out.values[1].c.i, -1250);
    assert_int_equal(out.values[1].type.scale, 2);
    assert_true(out.values[2].c.d == 0.5);
    assert_true(out.values[3].null);
    assert_int_equal(out.nrows, 2);
    assert_int_equal(out.rows[0].var, 0);
    assert_int_equal(out.rows[1].var, -1);
    assert_true(out.rows[1].place.offset == UINT64_MAX);
    assert_int_equal(out.revision, 3);
    assert_true(out.retracted);
    assert_int_equal(out.nreplaces, 2);
    assert_int_equal(out.replaces[0][1], 2);
    assert_int_equal(out.replaces[1][0], 3);
    assert_null(out.reason);
    assert_ok(resultwire_get(&in, a, &out));
    assert_string_equal(out.reason, "no way on");
    assert_err(resultwire_get(&in, a, &out), ERR_END);
    bytes_fini(&b);
    arena_free(a);
}

static void what_is_cut_short_is_refused(void **state)
{
    (void)state;
    struct result r = sample(), out;
    struct bytes b = {0};
    struct arena *a = arena_new(4096, 0);
    resultwire_put(&r, &b);
    for (size_t n = 1; n < b.n; n++) {
        uint8_t *cut = mem_alloc(n);
        memcpy(cut, b.p, n);
        struct bytes_reader in = bytes_read(cut, n);
        assert_err(resultwire_get(&in, a, &out), ERR_CORRUPT);
        mem_free(cut);
    }
    bytes_fini(&b);
    arena_free(a);
}

static void a_kind_that_is_none_is_refused(void **state)
{
    (void)state;
    struct result r = sample(), out;
    struct bytes b = {0};
    struct arena *a = arena_new(4096, 0);
    resultwire_put(&r, &b);
    b.p[12] = RESULT_ERROR + 1; /* behind the rule and its version */
    struct bytes_reader in = bytes_read(b.p, b.n);
    assert_err(resultwire_get(&in, a, &out), ERR_CORRUPT);
    bytes_fini(&b);
    arena_free(a);
}

int main(void)
{
    CHECK_RUN(TEST(a_result_arrives_as_it_was_sent), TEST(what_is_cut_short_is_refused),
              TEST(a_kind_that_is_none_is_refused));
}
