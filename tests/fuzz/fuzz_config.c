/* SPDX-License-Identifier: Apache-2.0
 *
 * Options of `weir serve` out of hostile bytes: as a YAML file, and line by line as flags. What is refused is refused with
 * a sentence; what is taken lies within the limits that the list of options gives. */
#include "base/bug.h"
#include "base/mem.h"
#include "base/size.h"
#include "base/timebase.h"
#include "server/config.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FLAGS_MAX = 16 };

static void check(const struct config *c)
{
#define within_TEXT(v, least, most) ((v) != NULL)
#define within_COUNT(v, least, most)                                                               \
    ((v) - (uint64_t)(least) <= (uint64_t)(most) - (uint64_t)(least))
#define within_SIZE within_COUNT
#define within_SPAN within_COUNT
#define within_SWITCH(v, least, most) ((v) <= 1)
#define CHECK_FIELD(name, type, value, least, most, unit, help)                                    \
    BUG_IF(!within_##type(c->name, least, most), "option " #name);
    CONFIG_LIST(CHECK_FIELD)
#undef CHECK_FIELD
}

static void try_file(const uint8_t *data, size_t size)
{
    struct config c;
    struct diag d;
    char path[64];
    int fd = memfd_create("config", MFD_CLOEXEC);
    BUG_IF(fd < 0, "no memory file");
    BUG_IF(write(fd, data, size) != (ssize_t)size, "a short write");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    diag_init(&d, NULL, 0);
    config_init(&c);
    enum err e = config_file(&c, path, &d);
    BUG_IF((e == ERR_OK) != (d.errors == 0), "refused without a word, or taken with one");
    check(&c);
    config_fini(&c);
    diag_fini(&d);
    close(fd);
}

static void try_flags(char *text)
{
    char *argv[FLAGS_MAX + 1] = {text};
    struct config c;
    struct diag d;
    bool help = false;
    int n = 0;
    for (char *line = strtok(text, "\n"); line != NULL && n < FLAGS_MAX; line = strtok(NULL, "\n"))
        if (strncmp(line, "--config", 8) != 0) /* it would read a file of this machine */
            argv[n++] = line;
    diag_init(&d, NULL, 0);
    config_init(&c);
    enum err e = config_flags(&c, n, argv, &d, &help);
    BUG_IF((e == ERR_OK) != (d.errors == 0), "refused without a word, or taken with one");
    check(&c);
    config_fini(&c);
    diag_fini(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_dup(data, size);
    uint64_t bytes = 0;
    int64_t ms = 0;
    try_file(data, size);
    (void)size_parse(text, &bytes);
    (void)timebase_parse_duration((const char *)data, size, &ms);
    try_flags(text);
    mem_free(text);
    return 0;
}
