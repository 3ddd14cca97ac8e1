/* SPDX-License-Identifier: Apache-2.0 */
/* lastplace.h - which events a worker is just at work on, in memory that outlives it: however it dies, this can be read.
 *
 * Room:   worker -> [lastplace] -> supervisor, when the worker has died
 * Owns:   a page of memory shared by the two processes
 * Thread: one writes, in the worker; the reader comes when that process is dead.  Time: none. */
#ifndef WEIR_SERVER_LASTPLACE_H
#define WEIR_SERVER_LASTPLACE_H
#include <stdbool.h>
#include <stdint.h>

struct lastplace { /* events of a partition, from offset `first` to `last` */
    uint32_t stream, partition;
    uint64_t first, last;
};

struct lastplace_page;

int lastplace_file(void); /* a descriptor for one page, closed on exec; -1: the system has none */
struct lastplace_page *lastplace_map(int fd); /* NULL: fd is none. The descriptor may be closed */
void lastplace_unmap(struct lastplace_page *p); /* NULL is fine */
/* at NULL: on none. p NULL: nothing happens. */
void lastplace_set(struct lastplace_page *p, const struct lastplace *at);
bool lastplace_get(const struct lastplace_page *p, struct lastplace *out);

#endif
