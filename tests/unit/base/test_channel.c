/* SPDX-License-Identifier: Apache-2.0 */
#include "base/channel.h"
#include "base/mem.h"
#include "tests/lib/check.h"
#include <sys/socket.h>
#include <unistd.h>

enum { WINDOW = 1000 };

struct pair {
    struct channel *a, *b;
};

static int set_up(void **state)
{
    int fd[2];
    struct pair *p = mem_new(sizeof *p);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    p->a = channel_new(fd[0], WINDOW);
    p->b = channel_new(fd[1], WINDOW);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *p = *state;
    channel_free(p->a);
    channel_free(p->b);
    mem_free(p);
    return 0;
}

static void send_text(struct channel *c, uint8_t kind, bool counted, const char *text)
{
    channel_send(c, &(struct channel_frame){.kind = kind,
                                            .counted = counted,
                                            .epoch = 7,
                                            .p = (const uint8_t *)text,
                                            .n = (uint32_t)strlen(text)});
}

/* Reads until a frame is whole. */
static struct channel_frame next(struct channel *from, struct channel *to)
{
    struct channel_frame f;
    enum err e = ERR_OK;
    while ((e = channel_peek(to, &f)) == ERR_END) {
        assert_ok(channel_flush(from));
        assert_ok(channel_read(to));
    }
    assert_ok(e);
    return f;
}

static void frames_arrive_in_order_with_their_header(void **state)
{
    struct pair *p = *state;
    send_text(p->a, 3, false, "one");
    send_text(p->a, 255, true, "");
    struct channel_frame f = next(p->a, p->b);
    assert_int_equal(f.kind, 3);
    assert_int_equal(f.epoch, 7);
    assert_int_equal(f.n, 3);
    assert_memory_equal(f.p, "one", 3);
    assert_false(f.counted);
    channel_drop(p->b);
    f = next(p->a, p->b);
    assert_int_equal(f.kind, 255);
    assert_int_equal(f.n, 0);
    assert_true(f.counted);
    channel_drop(p->b);
    assert_err(channel_peek(p->b, &f), ERR_END);
    assert_err(channel_read(p->b), ERR_AGAIN);
}

static void a_frame_larger_than_the_socket_takes_waits_here(void **state)
{
    struct pair *p = *state;
    enum { BIG = 3 << 20 };
    uint8_t *big = mem_alloc(BIG);
    for (unsigned i = 0; i < BIG; i++)
        big[i] = (uint8_t)(i * 7);
    channel_send(p->a, &(struct channel_frame){.kind = 1, .p = big, .n = BIG});
    send_text(p->a, 2, false, "after");
    assert_ok(channel_flush(p->a));
    assert_true(channel_queued(p->a) > 0);
    assert_false(channel_ready(p->a));
    struct channel_frame f = next(p->a, p->b);
    assert_int_equal(f.n, BIG);
    assert_memory_equal(f.p, big, BIG);
    channel_drop(p->b);
    f = next(p->a, p->b);
    assert_memory_equal(f.p, "after", 5);
    channel_drop(p->b);
    mem_free(big);
}

static void credit_is_used_up_and_comes_back(void **state)
{
    struct pair *p = *state;
    unsigned sent = 0;
    for (; channel_ready(p->a); sent++)
        send_text(p->a, 1, true,
                  "0123456789012345678901234567890123456789012345678901234567890123456789"
                  "01234567890");
    assert_int_equal(sent, 10); /* 101 bytes each */
    send_text(p->a, 2, false, "control passes");
    assert_ok(channel_flush(p->a));
    for (unsigned i = 0; i < sent; i++) {
        assert_int_equal(next(p->a, p->b).kind, 1);
        channel_drop(p->b);
    }
    assert_int_equal(next(p->a, p->b).kind, 2);
    channel_drop(p->b);
    assert_ok(channel_flush(p->b));
    struct channel_frame f;
    assert_ok(channel_read(p->a));
    assert_err(channel_peek(p->a, &f), ERR_END); /* grants are the channel's own business */
    assert_true(channel_ready(p->a));
}

static void fill(struct pair *p)
{
    while (channel_ready(p->a))
        send_text(p->a, 1, true,
                  "0123456789012345678901234567890123456789012345678901234567890123");
}

static void credit_is_kept_back_while_it_is_held(void **state)
{
    struct pair *p = *state;
    struct channel_stats s;
    struct channel_frame f;
    channel_hold(p->b, true);
    fill(p);
    channel_stats(p->a, &s);
    assert_int_equal(s.window, WINDOW);
    assert_true(s.credit <= 0 && s.queued > WINDOW);
    assert_false(channel_overdrawn(p->a));
    assert_ok(channel_flush(p->a));
    assert_ok(channel_read(p->b));
    while (channel_peek(p->b, &f) == ERR_OK)
        channel_drop(p->b);
    send_text(p->b, 2, false, "what is sent carries none either");
    assert_int_equal(next(p->b, p->a).kind, 2);
    assert_false(channel_ready(p->a));
    channel_stats(p->b, &s);
    assert_true(s.owed >= WINDOW);
    channel_hold(p->b, false);
    assert_ok(channel_flush(p->b));
    channel_drop(p->a);
    assert_ok(channel_read(p->a));
    assert_err(channel_peek(p->a, &f), ERR_END);
    assert_true(channel_ready(p->a));
    channel_stats(p->a, &s);
    assert_int_equal(s.credit, WINDOW);
}

static void another_window_moves_the_credit_with_it(void **state)
{
    struct pair *p = *state;
    struct channel_stats s;
    channel_set_window(p->a, 2 * WINDOW);
    channel_set_window(p->b, 2 * WINDOW);
    fill(p);
    channel_stats(p->a, &s);
    assert_true(s.queued > 2 * WINDOW);
    while (!channel_overdrawn(p->a))
        send_text(p->a, 1, true, "a step makes more than there is credit for");
    channel_stats(p->a, &s);
    assert_true(s.credit < -2 * WINDOW);
}

static void what_a_frame_grants_is_taken_once_however_often_it_is_looked_at(void **state)
{
    struct pair *p = *state;
    struct channel_frame f;
    struct channel_stats s;
    send_text(p->a, 1, true, "uses up credit");
    assert_int_equal(next(p->a, p->b).kind, 1);
    channel_drop(p->b);
    send_text(p->b, 2, false, "gives it back, and waits");
    f = next(p->b, p->a);
    for (unsigned i = 0; i < 3; i++) {
        send_text(p->b, 3, false, "more comes behind it");
        assert_ok(channel_flush(p->b));
        assert_ok(channel_read(p->a));
        assert_ok(channel_peek(p->a, &f));
        assert_int_equal(f.kind, 2);
        channel_stats(p->a, &s);
        assert_int_equal(s.credit, s.window);
    }
    channel_drop(p->a);
    assert_int_equal(next(p->b, p->a).kind, 3);
}

static void the_other_side_closing_is_seen_after_its_last_frame(void **state)
{
    struct pair *p = *state;
    send_text(p->a, 1, false, "last words");
    assert_ok(channel_flush(p->a));
    channel_free(p->a);
    p->a = NULL;
    assert_ok(channel_read(p->b));
    assert_err(channel_read(p->b), ERR_CLOSED);
    struct channel_frame f;
    assert_ok(channel_peek(p->b, &f));
    assert_int_equal(f.n, strlen("last words"));
    channel_drop(p->b);
    send_text(p->b, 1, false, "anybody?");
    assert_err(channel_flush(p->b), ERR_CLOSED);
}

static void write_raw(struct pair *p, const uint8_t *bytes, size_t n)
{
    assert_int_equal(write(channel_fd(p->a), bytes, n), n);
    assert_ok(channel_read(p->b));
}

static void what_is_no_frame_is_refused(void **state)
{
    struct pair *p = *state;
    struct channel_frame f;
    uint8_t header[CHANNEL_HEADER_BYTES] = {CHANNEL_VERSION + 1, 1};
    write_raw(p, header, sizeof header);
    assert_err(channel_peek(p->b, &f), ERR_VERSION);
}

static void a_length_past_the_limit_is_refused(void **state)
{
    struct pair *p = *state;
    struct channel_frame f;
    uint8_t header[CHANNEL_HEADER_BYTES] = {
        CHANNEL_VERSION, 1, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
    write_raw(p, header, sizeof header);
    assert_err(channel_peek(p->b, &f), ERR_CORRUPT);
}

static void credit_that_was_never_owed_is_refused(void **state)
{
    struct pair *p = *state;
    struct channel_frame f;
    uint8_t header[CHANNEL_HEADER_BYTES] = {CHANNEL_VERSION};
    header[16] = 1;
    write_raw(p, header, sizeof header);
    assert_err(channel_peek(p->b, &f), ERR_CORRUPT);
}

#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    CHECK_RUN(PAIR_TEST(frames_arrive_in_order_with_their_header),
              PAIR_TEST(a_frame_larger_than_the_socket_takes_waits_here),
              PAIR_TEST(credit_is_used_up_and_comes_back),
              PAIR_TEST(credit_is_kept_back_while_it_is_held),
              PAIR_TEST(another_window_moves_the_credit_with_it),
              PAIR_TEST(what_a_frame_grants_is_taken_once_however_often_it_is_looked_at),
              PAIR_TEST(the_other_side_closing_is_seen_after_its_last_frame),
              PAIR_TEST(what_is_no_frame_is_refused), PAIR_TEST(a_length_past_the_limit_is_refused),
              PAIR_TEST(credit_that_was_never_owed_is_refused));
}
