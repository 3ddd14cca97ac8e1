/* SPDX-License-Identifier: Apache-2.0
 *
 * A text with :names and the values of their request, one behind the other with a NUL between them: what is left of the
 * names is a text that leaves none open. */
#include "base/bug.h"
#include "base/mem.h"
#include "server/backtest/backtestparam.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_variant(const char *sql, const json_t *parameters, unsigned variant)
{
    struct bytes text = {0}, again = {0}, values = {0};
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = backtestparam_text(sql, parameters, variant, &d, &text);
    BUG_IF(e != ERR_OK && d.errors == 0, "refused without a word");
    if (e == ERR_OK) {
        BUG_IF(text.n == 0 || text.p[text.n - 1] != 0, "no end");
        backtestparam_values(parameters, variant, &values);
        e = backtestparam_text((const char *)text.p, NULL, 0, &d, &again);
        BUG_IF(e != ERR_OK, "a name is left open");
    }
    bytes_fini(&text);
    bytes_fini(&again);
    bytes_fini(&values);
    diag_fini(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *sql = mem_dup(data, size);
    size_t n = strlen(sql);
    json_t *parameters = n < size ? json_loadb(sql + n + 1, size - n - 1, 0, NULL) : NULL;
    struct diag d;
    unsigned variants = 0;
    diag_init(&d, NULL, 0);
    if (backtestparam_count(parameters, &d, &variants) == ERR_OK) {
        try_variant(sql, parameters, 0);
        try_variant(sql, parameters, variants - 1);
    }
    diag_fini(&d);
    json_decref(parameters);
    mem_free(sql);
    return 0;
}
