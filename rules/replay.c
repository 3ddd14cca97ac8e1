/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/replay.h"
#include "cep/window/windowprog.h"
#include <string.h>
#include <strings.h>

const char *replay_differs(const struct rule_plan *p)
{
    const char *follow = schema_option(p->input, "follow");
    if (p->nlookups > 0)
        return "tables are asked again, as they are then";
    if (p->shape == RULE_WINDOW && p->window.trigger == TRIGGER_PROCESSING_TIME)
        return "its windows fire by the worker's clock";
    if (windowprog_by_arrival(p) && p->input->partitions > 1)
        return "rows count in the order in which partitions happen to be read";
    if (strcmp(p->input->connector, "file") == 0 && p->input->idle_timeout_ms > 0 &&
        follow != NULL && strcasecmp(follow, "true") == 0)
        return "when a file is idle is decided by the clock, and a file keeps no record of it";
    return NULL;
}
