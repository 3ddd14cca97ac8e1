/* SPDX-License-Identifier: Apache-2.0 */
#include "server/run/runtimebacktest.h"
#include "server/run/runtimedef.h"
#include "state/intakelogcopy.h"

struct catalog *runtimebacktest_catalog(struct runtime *r)
{
    return r->catalog;
}

enum err runtimebacktest_copy_log(struct runtime *r, const char *path, struct diag *d)
{
    return intakelogcopy(r->log, path, d);
}
