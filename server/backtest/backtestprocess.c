/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backtest/backtestprocess.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXEC_FAILED = 127, FIRST_FREE_FD = 3 };

/* In the child: only calls that are safe after a fork of a process with threads, up to the exec. */
__attribute__((noreturn)) static void become(int out, pid_t parent, char *const *argv)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || dup2(out, STDOUT_FILENO) < 0)
        _exit(EXEC_FAILED);
    close_range(FIRST_FREE_FD, ~0U, 0); /* listeners, the database, sockets of workers */
    execv("/proc/self/exe", argv);
    _exit(EXEC_FAILED);
}

enum err backtestprocess_start(const char *folder, const char *catalogue, pid_t *pid, int *fd)
{
    int ends[2];
    char *argv[] = {(char[]){"weir"},          (char[]){"backtest"},         (char[]){"--job"},
                    (char *)(uintptr_t)folder, (char *)(uintptr_t)catalogue, NULL};
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_from_errno(errno);
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        become(ends[1], parent, argv);
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return ERR_IO;
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    *pid = child;
    *fd = ends[0];
    return ERR_OK;
}

char *backtestprocess_reap(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        return mem_printf("its process ended by signal %d (%s)", WTERMSIG(status),
                          strsignal(WTERMSIG(status)));
    return WEXITSTATUS(status) == 0
               ? NULL
               : mem_printf("its process ended with code %d", WEXITSTATUS(status));
}
