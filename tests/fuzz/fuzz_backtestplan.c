/* SPDX-License-Identifier: Apache-2.0
 *
 * What a backtest is asked to do, as any JSON text: refused with a sentence, or a plan whose request can be shown, whose
 * counts are within their limits, and which is read from what is kept of it. */
#include "base/bug.h"
#include "server/backtest/backtestplan.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err get(json_t *json, struct backtestplan *p)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = backtestplan_read(json, &d, p);
    BUG_IF(e != ERR_OK && d.errors == 0, "refused without a word");
    diag_fini(&d);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct backtestplan p = {0}, again = {0};
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (json == NULL)
        return 0;
    if (get(json, &p) == ERR_OK) {
        BUG_IF(p.streams && json_array_size(p.streams) > BACKTESTPLAN_STREAMS_MAX, "streams");
        BUG_IF(p.files && json_array_size(p.files) > BACKTESTPLAN_FILES_MAX, "files");
        BUG_IF(p.warm_up_ms < 0, "rows from the future");
        json_t *request = backtestplan_request(&p);
        char *kept = json_dumps(p.json, JSON_COMPACT);
        BUG_IF(request == NULL || kept == NULL, "it cannot be shown");
        BUG_IF(get(json_loads(kept, 0, NULL), &again) != ERR_OK, "it is not what was kept");
        backtestplan_fini(&again);
        free(kept);
        json_decref(request);
    }
    backtestplan_fini(&p);
    return 0;
}
