/* SPDX-License-Identifier: Apache-2.0
 *
 * The supervisor starts /proc/self/exe, which is this program: called as a worker it does what the first byte from its
 * coordinator says. */
#include "server/run/supervisor.h"
#include "server/worker/worker.h"
#include "tests/lib/check.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WORKERS = 3 };

/* 'p': says which descriptors are open, and a byte over each socket to another worker. 'x': ends with code 9. */
static int be_a_worker(unsigned index)
{
    char c = 0;
    while (read(WORKER_FD, &c, 1) == 1) {
        if (c == 'x')
            return 9;
        char open[16] = {0};
        for (int fd = WORKER_FD; fd < WORKER_FD + 8; fd++)
            open[fd - WORKER_FD] = fcntl(fd, F_GETFD) >= 0 ? 'o' : '-';
        for (unsigned i = 0; i < WORKERS; i++) {
            char mine = (char)('0' + index), theirs = 0;
            int fd = WORKER_FD + 1 + (int)i;
            if (i == index)
                continue;
            if (write(fd, &mine, 1) != 1 || read(fd, &theirs, 1) != 1 || theirs != (char)('0' + i))
                return 1;
        }
        if (write(WORKER_FD, open, sizeof open) != sizeof open)
            return 1;
    }
    return 0; /* the coordinator has closed */
}

static void each_worker_has_its_sockets_and_no_others(void **state)
{
    (void)state;
    static const char *const expected[WORKERS] = {"o-ooo---", "oo-oo---", "ooo-o---"};
    struct supervisor *s = supervisor_new(WORKERS);
    int fds[WORKERS];
    assert_ok(supervisor_start(s, fds));
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_true(supervisor_pid(s, i) > 0);
        assert_int_equal(write(fds[i], "p", 1), 1);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        char open[16] = {0};
        assert_int_equal(recv(fds[i], open, sizeof open, MSG_WAITALL), sizeof open);
        assert_string_equal(open, expected[i]);
        close(fds[i]);
    }
    supervisor_join(s, 5000);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_string_equal(supervisor_ended(s, i), "ended with code 0");
    supervisor_free(s);
}

static void how_a_worker_ended_is_told(void **state)
{
    (void)state;
    struct supervisor *s = supervisor_new(WORKERS);
    int fds[WORKERS];
    char c;
    assert_ok(supervisor_start(s, fds));
    pid_t pid = supervisor_pid(s, 1);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(read(fds[1], &c, 1), 0); /* its end is seen on the socket */
    supervisor_kill(s, 1);
    assert_string_equal(supervisor_ended(s, 1), "ended with code 9");
    assert_string_equal(supervisor_ended(s, 0), "");
    assert_int_equal(kill(pid, 0), -1); /* reaped */
    for (unsigned i = 0; i < WORKERS; i++)
        close(fds[i]);
    assert_ok(supervisor_start(s, fds));
    kill(supervisor_pid(s, 2), SIGKILL);
    supervisor_kill(s, 2);
    assert_non_null(strstr(supervisor_ended(s, 2), "signal 9"));
    for (unsigned i = 0; i < WORKERS; i++)
        close(fds[i]);
    supervisor_free(s);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "worker") == 0)
        return be_a_worker((unsigned)atoi(argv[5]));
    CHECK_RUN(TEST(each_worker_has_its_sockets_and_no_others), TEST(how_a_worker_ended_is_told));
}
