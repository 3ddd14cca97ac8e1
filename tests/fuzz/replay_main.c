/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands in for libFuzzer's main where there is only gcc: each file (or each file of each folder) named on the command
 * line goes through the target once, and the empty input always does. */
#include "base/mem.h"
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return 1;
    }
    size_t n = 0, cap = 0;
    uint8_t *data = NULL;
    for (size_t got = 1; got > 0; n += got) {
        data = mem_grow(data, n, 65536, &cap, 1);
        got = fread(data + n, 1, 65536, f);
    }
    fclose(f);
    /* Of its own size, so that a sanitizer sees a read past the end. */
    data = mem_resize(data, n);
    LLVMFuzzerTestOneInput(data, n);
    mem_free(data);
    return 0;
}

static int replay_folder(const char *path, int *files)
{
    DIR *dir = opendir(path);
    if (!dir) {
        perror(path);
        return 1;
    }
    int failed = 0;
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (e->d_name[0] == '.')
            continue;
        char *file = mem_printf("%s/%s", path, e->d_name);
        failed |= replay_file(file);
        mem_free(file);
        ++*files;
    }
    closedir(dir);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0, files = 0;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode)) {
            failed |= replay_folder(argv[i], &files);
        } else {
            failed |= replay_file(argv[i]);
            files++;
        }
    }
    printf("ok    %s (%d inputs)\n", argv[0], files);
    return failed;
}
