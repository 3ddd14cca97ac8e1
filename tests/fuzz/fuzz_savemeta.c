/* SPDX-License-Identifier: Apache-2.0
 *
 * The metadata of savepoints over hostile bytes: what is read can be written, and read again to the same text; what is refused is
 * refused with a sentence. (Their files: fuzz_snapfile, fuzz_flowfile; what stands in them: fuzz_entry.) */
#include "base/bug.h"
#include "base/mem.h"
#include "server/checkpoint/savemeta.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct savemeta *get(const void *p, size_t n)
{
    struct savemeta *m = NULL;
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = savemeta_get(p, n, &d, &m);
    BUG_IF(e != ERR_OK && d.n == 0, "refused without a word");
    BUG_IF((e == ERR_OK) != (m != NULL), "half made");
    diag_fini(&d);
    return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct savemeta *m = get(data, size), *again = NULL;
    struct bytes one = {0}, two = {0};
    if (m != NULL) {
        for (unsigned i = 0; i < m->nfiles; i++)
            BUG_IF(strchr(m->files[i].name, '/') != NULL, "a file elsewhere");
        BUG_IF(m->check->workers == 0 || m->check->workers > TASK_WORKERS_MAX, "workers");
        savemeta_put(m, &one);
        again = get(one.p, one.n);
        BUG_IF(again == NULL, "what was written cannot be read");
        savemeta_put(again, &two);
        BUG_IF(one.n != two.n || memcmp(one.p, two.p, one.n) != 0, "another text");
    }
    savemeta_free(m);
    savemeta_free(again);
    bytes_fini(&one);
    bytes_fini(&two);
    return 0;
}
