/* SPDX-License-Identifier: Apache-2.0 */
/* How many alerts a core-second the catalogue takes, in batches of 1,000 with two events each: bench_catalog DIR [N]. */
#include "base/mem.h"
#include "base/timebase.h"
#include "state/catalog.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 1000, KEY = 48, EVENT = 200 };

static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    return x * UINT64_C(0xc4ceb9fe1a85ec53);
}

int main(int argc, char **argv)
{
    static char keys[BATCH][KEY], event[EVENT];
    static struct catalog_alert alerts[BATCH];
    struct diag d;
    struct catalog *c = NULL;
    if (argc < 2)
        return 2;
    long rounds = argc > 2 ? atol(argv[2]) / BATCH : 300;
    char *path = mem_printf("%s/bench.db", argv[1]);
    diag_init(&d, NULL, 0);
    if (catalog_open(path, &d, &c) != ERR_OK)
        return 1;
    snprintf(event, sizeof event, "{\"id\":\"tx_1\",\"pad\":\"%0160d\"}", 7);
    const struct catalog_alert_event ev[2] = {
        {.var = "A", .stream = 1, .offset = 5, .json = event, .json_len = EVENT - 10},
        {.var = "B", .stream = 1, .offset = 6, .json = event, .json_len = EVENT - 10}};
    int64_t cpu = timebase_cpu_ns();
    montime wall = timebase_mono_ns();
    for (long r = 0; r < rounds; r++) {
        for (unsigned i = 0; i < BATCH; i++) {
            uint64_t n = (uint64_t)r * BATCH + i;
            snprintf(keys[i], KEY, "{\"card\":\"c_%" PRIu64 "\"}", mix(n) % 1000000);
            alerts[i] =
                (struct catalog_alert){.rule_uid = n % 7 + 1,
                                       .rule_version = 1,
                                       .rule_name = "card_testing",
                                       .severity = "high",
                                       .title = "Card testing on c_1",
                                       .time = (evtime)n,
                                       .created = (evtime)n,
                                       .window_start = EVTIME_MIN,
                                       .window_end = EVTIME_MIN,
                                       .key_json = keys[i],
                                       .row_json = "{\"card\":\"c_17\",\"n\":4,\"sum\":12.50}",
                                       .count = 1,
                                       .nevents = 2,
                                       .events = ev};
            snprintf(alerts[i].id, sizeof alerts[i].id, "alt_%013" PRIx64 "%013" PRIx64,
                     mix(n) & 0xfffffffffffff, mix(~n) & 0xfffffffffffff);
        }
        unsigned added = 0;
        if (catalog_alerts_add(c, alerts, BATCH, &added) != ERR_OK || added != BATCH)
            return 1;
    }
    double cpu_s = (double)(timebase_cpu_ns() - cpu) / 1e9;
    double wall_s = (double)(timebase_mono_ns() - wall) / 1e9;
    printf("{\"alerts\": %ld, \"per_core_second\": %.0f, \"per_second\": %.0f}\n", rounds * BATCH,
           (double)(rounds * BATCH) / cpu_s, (double)(rounds * BATCH) / wall_s);
    catalog_close(c);
    mem_free(path);
    return 0;
}
