/* SPDX-License-Identifier: Apache-2.0 */
/* alertjson.h - an alert as JSON: the short form that lists, the page of one alert and the live stream share.
 *
 * Room:   catalogue, alert writer -> [alertjson] -> API, server-sent events.  Owns: nothing.  Thread: any. */
#ifndef WEIR_SERVER_ALERTJSON_H
#define WEIR_SERVER_ALERTJSON_H
#include "base/bytes.h"
#include "state/catalog.h"

enum { ALERTJSON_RULE_ID = 32 };

void alertjson_rule_id(uint64_t uid, char out[ALERTJSON_RULE_ID]); /* "rul_…" */
bool alertjson_rule_uid(const char *id, uint64_t *uid); /* false: not such an id */

/* {"id": …, "seq": …, …}; see docs/rest.md. The members alone leave the object open for more. */
void alertjson_short(const struct catalog_alert *a, struct bytes *out);
void alertjson_members(const struct catalog_alert *a, struct bytes *out);

/* Of a sink's line: the same but for what depends on the moment, and not on the input. */
void alertjson_line(const struct catalog_alert *a, struct bytes *out);

/* "revisions": what it was before it was changed. */
void alertjson_revisions(const struct catalog_alert *a, struct bytes *out);

#endif
