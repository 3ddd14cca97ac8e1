/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { POINTS_MAX = 64, NAME_MAX_BYTES = 64 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    bool on;
    char name[NAME_MAX_BYTES];
    unsigned long nth;
    char action[16];
    long delay_ms;
    unsigned npoints;
    struct {
        char name[NAME_MAX_BYTES];
        unsigned long passed;
    } points[POINTS_MAX];
} wish;

static void say_points(void)
{
    for (unsigned i = 0; i < wish.npoints; i++)
        fprintf(stderr, "fault point %s passed %lu times\n", wish.points[i].name,
                wish.points[i].passed);
}

static void read_wish(void)
{
    const char *text = getenv("WEIR_FAULT");
    if (text == NULL)
        return;
    wish.on = sscanf(text, "%63[^:]:%lu:%15s", wish.name, &wish.nth, wish.action) == 3;
    if (wish.on && strncmp(wish.action, "delay=", 6) == 0)
        wish.delay_ms = strtol(wish.action + 6, NULL, 10);
    if (wish.on && strcmp(wish.action, "count") == 0)
        atexit(say_points);
}

static unsigned long pass(const char *name)
{
    unsigned i = 0;
    while (i < wish.npoints && strcmp(wish.points[i].name, name) != 0)
        i++;
    if (i == POINTS_MAX)
        return 0;
    if (i == wish.npoints)
        snprintf(wish.points[wish.npoints++].name, NAME_MAX_BYTES, "%s", name);
    return ++wish.points[i].passed;
}

static enum fault act(void)
{
    const struct timespec t = {wish.delay_ms / 1000, wish.delay_ms % 1000 * 1000000};
    if (strcmp(wish.action, "kill") == 0)
        kill(getpid(), SIGKILL);
    if (wish.delay_ms > 0)
        nanosleep(&t, NULL);
    return strcmp(wish.action, "torn") == 0   ? FAULT_TORN
           : strcmp(wish.action, "fail") == 0 ? FAULT_FAIL
                                              : FAULT_NONE;
}

enum fault fault_at(const char *name)
{
    pthread_once(&once, read_wish);
    if (!wish.on)
        return FAULT_NONE;
    pthread_mutex_lock(&lock);
    unsigned long passed = pass(name);
    pthread_mutex_unlock(&lock);
    if (strcmp(wish.name, name) != 0 || passed < wish.nth ||
        (passed > wish.nth && wish.delay_ms == 0))
        return FAULT_NONE;
    return act();
}

bool fault_wished(const char *name)
{
    pthread_once(&once, read_wish);
    return wish.on && strcmp(wish.name, name) == 0;
}

enum fault fault_number(const char *name, uint64_t number)
{
    return fault_wished(name) && number == wish.nth ? act() : FAULT_NONE;
}
