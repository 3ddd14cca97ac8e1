/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h - the server's figures in Prometheus' text form (version 0.0.4).
 *
 * Room:   runtime, catalogue, http, sse -> [metrics] -> GET /metrics.  Owns: nothing.  Thread: the HTTP thread. */
#ifndef WEIR_SERVER_METRICS_H
#define WEIR_SERVER_METRICS_H
#include "server/api/api.h"

void metrics_write(struct api *a, struct bytes *out);

#endif
