/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "io/codec_json.h"
#include "server/wire/control.h"
#include "tests/lib/check.h"

static const struct job_mark marks[] = {{0, 17, 1000, 5}, {3, UINT64_MAX, EVTIME_MIN, 6}};
static const struct job_cut cuts[] = {{true, RULE_ACTIVE, 999, 2, marks, JOB_HANDOVER_NONE, 0},
                                      {true, RULE_PAUSED, EVTIME_MAX, 0, NULL, JOB_HANDOVER_COPY,
                                       8}};
static const struct control_stream streams[] = {{1, 4, "CREATE STREAM s (…)"}};
static const struct control_rule rules[] = {{7, 2, "seq", "SELECT 1", 9, 2, cuts, 2, 0},
                                            {8, 1, "other", "", 0, 0, NULL, 0, 7}};
static const uint64_t removed[] = {5, 6};
static const struct control_open opens[] = {{1, 3, 42, -7}};
static const struct control_table tables[] = {{3, "CREATE TABLE t (…)"}, {9, ""}};
static const struct control_fork forks[] = {{134217728, 1, 12}};
static const struct control_change change = {1,      2,     2,       2, 1,     streams,
                                             tables, rules, removed, 1, forks, opens};

static void assert_change(const struct control_change *c)
{
    assert_int_equal(c->nstreams, 1);
    assert_int_equal(c->streams[0].partitions, 4);
    assert_string_equal(c->streams[0].sql, streams[0].sql);
    assert_int_equal(c->ntables, 2);
    assert_int_equal(c->tables[0].uid, 3);
    assert_string_equal(c->tables[0].sql, tables[0].sql);
    assert_int_equal(c->nrules, 2);
    assert_int_equal(c->rules[0].uid, 7);
    assert_int_equal(c->rules[0].version, 2);
    assert_string_equal(c->rules[0].name, "seq");
    assert_int_equal(c->rules[0].lists_seq, 9);
    assert_int_equal(c->rules[0].ncuts, 2);
    assert_int_equal(c->rules[0].cuts[0].marks[1].partition, 3);
    assert_int_equal(c->rules[0].cuts[0].marks[1].stream, 6);
    assert_true(c->rules[0].cuts[0].marks[1].offset == UINT64_MAX);
    assert_true(c->rules[0].cuts[0].marks[1].w == EVTIME_MIN);
    assert_int_equal(c->rules[0].cuts[1].mode, RULE_PAUSED);
    assert_true(c->rules[0].cuts[1].w == EVTIME_MAX);
    assert_int_equal(c->rules[0].cuts[1].handover, JOB_HANDOVER_COPY);
    assert_int_equal(c->rules[0].cuts[1].from, 8);
    assert_string_equal(c->rules[1].sql, "");
    assert_int_equal(c->nremoved, 2);
    assert_int_equal(c->removed[1], 6);
    assert_int_equal(c->nforks, 1);
    assert_int_equal(c->forks[0].id, 134217728);
    assert_int_equal(c->forks[0].stream, 1);
    assert_int_equal(c->forks[0].lane, 12);
    assert_int_equal(c->nopens, 1);
    assert_int_equal(c->opens[0].offset, 42);
    assert_int_equal(c->opens[0].w, -7);
    assert_int_equal(c->rules[1].stands_for, 7);
}

static void a_change_arrives_as_it_was_sent(void **state)
{
    (void)state;
    struct bytes b = {0};
    struct arena *a = arena_new(4096, 0);
    struct control_change out;
    control_put_change(&change, &b);
    assert_ok(control_get_change(b.p, b.n, a, &out));
    assert_change(&out);
    bytes_fini(&b);
    arena_free(a);
}

static void the_first_message_says_who_the_worker_is(void **state)
{
    (void)state;
    struct bytes b = {0};
    struct arena *a = arena_new(4096, 0);
    struct control_init m = {.task = {.worker = 1,
                                      .workers = 3,
                                      .key_groups = 128,
                                      .max_ordering_rows = 1000,
                                      .max_partials_per_key = 50},
                             .budget = {.peer_window = 1000,
                                        .results_window = 2000,
                                        .ordering_bytes = 3000,
                                        .state_bytes = 4000},
                             .buffer_timeout_ms = 7,
                             .first = change},
                        out;
    control_put_init(&m, &b);
    assert_ok(control_get_init(b.p, b.n, a, &out));
    assert_int_equal(out.task.worker, 1);
    assert_int_equal(out.task.workers, 3);
    assert_int_equal(out.task.key_groups, 128);
    assert_int_equal(out.task.max_partials_per_key, 50);
    assert_int_equal(out.buffer_timeout_ms, 7);
    assert_int_equal(out.budget.peer_window, 1000);
    assert_int_equal(out.budget.results_window, 2000);
    assert_int_equal(out.budget.state_bytes, 4000);
    assert_int_equal(out.task.max_ordering_bytes, 3000);
    assert_change(&out.first);
    bytes_reset(&b);
    m.task.worker = 3;
    control_put_init(&m, &b);
    assert_err(control_get_init(b.p, b.n, a, &out), ERR_CORRUPT);
    bytes_reset(&b);
    m.task.worker = 0;
    m.budget.peer_window = 0; /* nobody could ever send */
    control_put_init(&m, &b);
    assert_err(control_get_init(b.p, b.n, a, &out), ERR_CORRUPT);
    bytes_reset(&b);
    m.budget.peer_window = 1000;
    m.task.key_groups = 100; /* no power of two */
    control_put_init(&m, &b);
    assert_err(control_get_init(b.p, b.n, a, &out), ERR_CORRUPT);
    bytes_fini(&b);
    arena_free(a);
}

static void rows_arrive_with_bytes_to_read_past_each(void **state)
{
    (void)state;
    struct bytes b = {0};
    struct control_rows *m = mem_new(sizeof *m), *out = mem_new(sizeof *out);
    *m = (struct control_rows){
        .stream = 1, .partition = 2, .end_of_input = true, .first = 100, .before = 77, .n = 2};
    const evtime arrivals[] = {5000, -6};
    m->texts[0] = "{\"a\":1}";
    m->lengths[0] = 7;
    m->texts[1] = "";
    control_put_rows(m, NULL, &b);
    assert_ok(control_get_rows(b.p, b.n, out));
    assert_null(out->arrivals);
    bytes_reset(&b);
    control_put_rows(m, arrivals, &b);
    assert_ok(control_get_rows(b.p, b.n, out));
    assert_int_equal(out->n, 2);
    assert_int_equal(out->before, 77);
    assert_int_equal(control_rows_arrival(out, 0), 5000);
    assert_int_equal(control_rows_arrival(out, 1), -6);
    assert_true(out->end_of_input);
    assert_int_equal(out->bytes, 7);
    assert_memory_equal(out->texts[0], "{\"a\":1}", 7);
    assert_true((const uint8_t *)out->texts[1] + CODEC_PADDING <= b.p + b.n);
    assert_err(control_get_rows(b.p, b.n - 1, out), ERR_CORRUPT);
    m->n = 0;
    bytes_reset(&b);
    control_put_rows(m, arrivals, &b);
    assert_ok(control_get_rows(b.p, b.n, out));
    mem_free(m);
    mem_free(out);
    bytes_fini(&b);
}

static void a_status_carries_positions_and_counters(void **state)
{
    (void)state;
    struct bytes b = {0};
    struct arena *a = arena_new(4096, 0);
    struct control_position at[] = {{1, 0, 10, 5, 10, 1, 0}, {1, 2, 7, EVTIME_MAX, 7, 0, 4096}};
    struct control_rule_stats of_rules[] = {{9, 1, 2, 3, 4, 5, true, {6, 7, 8, 9}, 10}};
    struct control_status m = {.task = {.rows_in = 3,
                                        .windows_open = 4,
                                        .watermark = -1,
                                        .due = 5000},
                               .cpu_ns = 77,
                               .npositions = 2,
                               .positions = at,
                               .nrules = 1,
                               .rules = of_rules},
                          out;
    control_put_status(&m, &b);
    assert_ok(control_get_status(b.p, b.n, a, &out));
    assert_int_equal(out.task.rows_in, 3);
    assert_int_equal(out.task.windows_open, 4);
    assert_int_equal(out.task.watermark, -1);
    assert_int_equal(out.task.due, 5000);
    assert_int_equal(out.cpu_ns, 77);
    assert_int_equal(out.npositions, 2);
    assert_true(out.positions[1].w == EVTIME_MAX);
    assert_int_equal(out.positions[1].end, 4096);
    assert_int_equal(out.rules[0].partials, 2);
    assert_int_equal(out.rules[0].keys, 10);
    bytes_fini(&b);
    arena_free(a);
}

static void holds_and_bad_rows_arrive(void **state)
{
    (void)state;
    struct bytes told = {0};
    struct control_advance advance;
    control_put_advance(&(struct control_advance){4, 1, 12345}, &told);
    assert_ok(control_get_advance(told.p, told.n, &advance));
    assert_int_equal(advance.stream, 4);
    assert_int_equal(advance.partition, 1);
    assert_int_equal(advance.w, 12345);
    assert_err(control_get_advance(told.p, told.n - 1, &advance), ERR_CORRUPT);
    bytes_fini(&told);
    struct bytes b = {0};
    struct arena *a = arena_new(4096, 0);
    struct control_hold hold;
    struct control_bad_row row;
    control_put_hold(&(struct control_hold){1, 2, true}, &b);
    assert_ok(control_get_hold(b.p, b.n, &hold));
    assert_true(hold.held);
    assert_int_equal(hold.partition, 2);
    bytes_reset(&b);
    control_put_bad_row(&(struct control_bad_row){1, 2, 3, "not-json", "no", "{x\0", 3}, &b);
    assert_ok(control_get_bad_row(b.p, b.n, a, &row));
    assert_string_equal(row.code, "not-json");
    assert_int_equal(row.text_len, 3);
    bytes_fini(&b);
    arena_free(a);
}

/* Every message cut short at every byte is refused, and nothing past its end is read (ASan looks on). */
static void what_is_cut_short_is_refused(void **state)
{
    (void)state;
    struct bytes b = {0};
    struct arena *a = arena_new(4096, 0);
    struct control_change out;
    struct control_status status;
    control_put_change(&change, &b);
    for (size_t n = 0; n < b.n; n++) {
        uint8_t *cut = mem_alloc(n);
        memcpy(cut, b.p, n);
        assert_err(control_get_change(cut, n, a, &out), ERR_CORRUPT);
        mem_free(cut);
    }
    bytes_u8(&b, 0); /* and so is one with more behind it */
    assert_err(control_get_change(b.p, b.n, a, &out), ERR_CORRUPT);
    bytes_reset(&b);
    control_put_status(&(struct control_status){.task.rows_in = 300, .rss_bytes = 1 << 20}, &b);
    for (size_t n = 0; n < b.n; n++) {
        uint8_t *cut = mem_alloc(n);
        memcpy(cut, b.p, n);
        assert_err(control_get_status(cut, n, a, &status), ERR_CORRUPT);
        mem_free(cut);
    }
    bytes_fini(&b);
    arena_free(a);
}

static void a_count_that_the_bytes_cannot_hold_asks_for_no_memory(void **state)
{
    (void)state;
    struct bytes b = {0};
    struct arena *a = arena_new(4096, 1 << 20); /* past its cap the process would end */
    struct control_change out;
    bytes_varint(&b, UINT64_C(1) << 40);
    assert_err(control_get_change(b.p, b.n, a, &out), ERR_CORRUPT);
    bytes_fini(&b);
    arena_free(a);
}

int main(void)
{
    CHECK_RUN(TEST(a_change_arrives_as_it_was_sent), TEST(the_first_message_says_who_the_worker_is),
              TEST(rows_arrive_with_bytes_to_read_past_each),
              TEST(a_status_carries_positions_and_counters), TEST(holds_and_bad_rows_arrive),
              TEST(what_is_cut_short_is_refused),
              TEST(a_count_that_the_bytes_cannot_hold_asks_for_no_memory));
}
