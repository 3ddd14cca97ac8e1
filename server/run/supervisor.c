/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "supervisor"
#include "server/run/supervisor.h"
#include "base/log.h"
#include "base/mem.h"
#include "cep/task/task.h"
#include "server/worker/worker.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LAST_WORDS_MS = 200,
    SOCKET_BYTES = 1 << 20,
    ENDED_TEXT = 64,
    EXEC_FAILED = 127,
};

struct process {
    pid_t pid; /* 0: none */
    char ended[ENDED_TEXT];
    bool crashed;
    struct lastplace_page *page;
};
struct supervisor {
    unsigned workers;
    struct process *processes;
};

/* The ends of the sockets of one attempt, by worker: [0] is the coordinator's, [1 + j] that to worker j. */
struct sockets {
    int ours[TASK_WORKERS_MAX];
    int theirs[TASK_WORKERS_MAX][2 + TASK_WORKERS_MAX]; /* behind them a page (lastplace.h) */
};

struct supervisor *supervisor_new(unsigned workers)
{
    struct supervisor *s = mem_new(sizeof *s);
    s->workers = workers;
    s->processes = mem_array(TASK_WORKERS_MAX, sizeof *s->processes);
    return s;
}

void supervisor_scale(struct supervisor *s, unsigned workers)
{
    for (unsigned i = workers; i < s->workers; i++) {
        lastplace_unmap(s->processes[i].page);
        s->processes[i] = (struct process){0};
    }
    s->workers = workers;
}

void supervisor_free(struct supervisor *s)
{
    if (s == NULL)
        return;
    supervisor_kill(s, -1);
    for (unsigned i = 0; i < s->workers; i++)
        lastplace_unmap(s->processes[i].page);
    mem_free(s->processes);
    mem_free(s);
}

/* --- starting ---------------------------------------------------------------------------------------------------- */

static enum err make_pair(int *a, int *b)
{
    int fd[2], size = SOCKET_BYTES;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0)
        return err_from_errno(errno);
    for (int i = 0; i < 2; i++)
        (void)setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &size,
                         sizeof size); /* the system may allow less */
    *a = fd[0];
    *b = fd[1];
    return ERR_OK;
}

static void close_if(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_theirs(struct sockets *k, unsigned workers)
{
    for (unsigned i = 0; i < workers; i++)
        for (unsigned j = 0; j <= workers + 1; j++)
            close_if(&k->theirs[i][j]);
}

static enum err make_sockets(struct sockets *k, unsigned workers)
{
    enum err e = ERR_OK;
    memset(k, 0xff, sizeof *k); /* -1 everywhere */
    for (unsigned i = 0; i < workers && e == ERR_OK; i++) {
        e = make_pair(&k->ours[i], &k->theirs[i][0]);
        k->theirs[i][1 + workers] = lastplace_file(); /* without it deaths leave no place */
        for (unsigned j = i + 1; j < workers && e == ERR_OK; j++)
            e = make_pair(&k->theirs[i][1 + j], &k->theirs[j][1 + i]);
    }
    return e;
}

/* In the child: only calls that are safe after a fork of a process with threads, up to the exec. */
__attribute__((noreturn)) static void become_worker(const int *fds, unsigned workers, pid_t parent,
                                                    char *const *argv)
{
    int high[2 + TASK_WORKERS_MAX];
    int first_free = WORKER_FD + 2 + (int)workers;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXEC_FAILED); /* it died before the death signal was set */
    /* The ends may lie on the very numbers that they are to get: first all out of the way. */
    for (unsigned j = 0; j <= workers + 1; j++)
        high[j] = fds[j] >= 0 ? fcntl(fds[j], F_DUPFD, first_free) : -1;
    for (unsigned j = 0; j <= workers + 1; j++) {
        close(WORKER_FD + (int)j);
        if (high[j] >= 0 && dup2(high[j], WORKER_FD + (int)j) < 0)
            _exit(EXEC_FAILED);
    }
    close_range((unsigned)first_free, ~0U, 0); /* listeners, the database, other workers' sockets */
    execv("/proc/self/exe", argv);
    _exit(EXEC_FAILED);
}

static enum err start_one(struct supervisor *s, unsigned i, const int *fds)
{
    char workers[16], index[16];
    snprintf(workers, sizeof workers, "%u", s->workers);
    snprintf(index, sizeof index, "%u", i);
    char *argv[] = {(char[]){"weir"},
                    (char[]){"worker"},
                    (char[]){"--workers"},
                    workers,
                    (char[]){"--worker"},
                    index,
                    NULL};
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        return err_from_errno(errno);
    if (pid == 0)
        become_worker(fds, s->workers, parent, argv);
    s->processes[i].pid = pid;
    s->processes[i].ended[0] = '\0';
    s->processes[i].crashed = false;
    lastplace_unmap(s->processes[i].page);
    s->processes[i].page = lastplace_map(fds[1 + s->workers]);
    return ERR_OK;
}

enum err supervisor_start(struct supervisor *s, int *fds)
{
    struct sockets *k = mem_alloc(sizeof *k);
    enum err e = make_sockets(k, s->workers);
    for (unsigned i = 0; i < s->workers && e == ERR_OK; i++)
        e = start_one(s, i, k->theirs[i]);
    close_theirs(k, s->workers);
    for (unsigned i = 0; i < s->workers; i++)
        if (e == ERR_OK)
            fds[i] = k->ours[i];
        else
            close_if(&k->ours[i]);
    if (e != ERR_OK)
        supervisor_kill(s, -1);
    mem_free(k);
    return e;
}

pid_t supervisor_pid(const struct supervisor *s, unsigned i)
{
    return s->processes[i].pid;
}

/* --- ending ------------------------------------------------------------------------------------------------------ */

static void note_ended(struct process *p, int status)
{
    if (WIFSIGNALED(status))
        snprintf(p->ended, sizeof p->ended, "ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(p->ended, sizeof p->ended, "ended with code %d", WEXITSTATUS(status));
    p->crashed = WIFSIGNALED(status);
    p->pid = 0;
}

/* True: it has ended and is reaped. */
static bool reap(struct process *p, int flags)
{
    int status = 0;
    pid_t pid = 0;
    if (p->pid == 0)
        return true;
    while ((pid = waitpid(p->pid, &status, flags)) < 0 && errno == EINTR)
        ;
    if (pid == p->pid)
        note_ended(p, status);
    else if (pid < 0)
        p->pid = 0; /* reaped by somebody else */
    return p->pid == 0;
}

/* Until all of [from, to) have ended. */
static bool wait_for(struct supervisor *s, unsigned from, unsigned to, int wait_ms)
{
    montime until = timebase_mono_ns() + (montime)wait_ms * 1000000;
    for (;;) {
        bool all = true;
        for (unsigned i = from; i < to; i++)
            all = reap(&s->processes[i], WNOHANG) && all;
        if (all || timebase_mono_ns() >= until)
            return all;
        poll(NULL, 0, 1);
    }
}

void supervisor_kill(struct supervisor *s, int failed)
{
    if (failed >= 0)
        wait_for(s, (unsigned)failed, (unsigned)failed + 1, LAST_WORDS_MS);
    wait_for(s, 0, s->workers, 0);
    for (unsigned i = 0; i < s->workers; i++)
        if (s->processes[i].pid > 0)
            kill(s->processes[i].pid, SIGKILL);
    for (unsigned i = 0; i < s->workers; i++)
        if (s->processes[i].pid > 0) {
            reap(&s->processes[i], 0);
            s->processes[i].ended[0] = '\0'; /* it did not end by itself */
            s->processes[i].crashed = false;
        }
}

void supervisor_join(struct supervisor *s, int wait_ms)
{
    if (!wait_for(s, 0, s->workers, wait_ms))
        LOG_WARN("workers did not end by themselves", "wait_ms=%d", wait_ms);
    supervisor_kill(s, -1);
}

const char *supervisor_ended(const struct supervisor *s, unsigned i)
{
    return s->processes[i].ended;
}

bool supervisor_crashed(const struct supervisor *s, unsigned i)
{
    return s->processes[i].crashed;
}

bool supervisor_place(const struct supervisor *s, unsigned i, struct lastplace *out)
{
    return lastplace_get(s->processes[i].page, out);
}
