/* SPDX-License-Identifier: Apache-2.0 */
/* map.h - hash tables of structs that carry their own link, typed by the struct that is stored.
 *
 * Owns:   the buckets; never the items nor their keys.  Thread: one at a time.
 *
 * uthash behind a few macros, so that out of memory means the same everywhere (it ends the process)
 * and no caller has to know uthash's many forms. A map is a pointer to its first item, NULL when
 * empty:
 *
 *     struct account { char *id; int seen; MAP_LINK; };
 *     struct account *map = NULL, *a, *next;
 *     MAP_PUT_STR(map, a, a->id);      // the key must stay where it is while the item is in the map
 *     a = MAP_GET_STR(map, "acc-7");   // NULL: none
 *     MAP_EACH(map, a, next) { MAP_DEL(map, a); mem_free(a); }   // in the order of insertion
 *
 * Not for the event path: the key table there is made for it. Equal keys may be put twice and are
 * then both kept, so ask MAP_GET first. */
#ifndef WEIR_BASE_MAP_H
#define WEIR_BASE_MAP_H
#include "base/bug.h"
#include "base/mem.h"
#include <string.h>

#define uthash_malloc(size) mem_alloc(size)
#define uthash_free(p, size) mem_free(p)
#define uthash_fatal(msg) bug_abort(__FILE__, __LINE__, "map: %s", msg)
#include <uthash.h>

#define MAP_LINK UT_hash_handle hh

/* `key` points at n bytes that stay valid while the item is in the map. Both are read once. */
#define MAP_PUT(map, item, key, n)                                                                 \
    do {                                                                                           \
        __typeof__(map) map_item_ = (item);                                                        \
        const void *map_key_ = (key);                                                              \
        unsigned map_n_ = (unsigned)(n);                                                           \
        HASH_ADD_KEYPTR(hh, (map), map_key_, map_n_, map_item_);                                   \
    } while (0)
#define MAP_GET(map, key, n)                                                                       \
    __extension__({                                                                                \
        __typeof__(map) map_found_ = NULL;                                                         \
        const void *map_key_ = (key);                                                              \
        unsigned map_n_ = (unsigned)(n);                                                           \
        HASH_FIND(hh, (map), map_key_, map_n_, map_found_);                                        \
        map_found_;                                                                                \
    })
#define MAP_DEL(map, item) HASH_DELETE(hh, (map), (item))

#define MAP_PUT_STR(map, item, str)                                                                \
    do {                                                                                           \
        const char *map_str_ = (str);                                                              \
        MAP_PUT(map, item, map_str_, strlen(map_str_));                                            \
    } while (0)
#define MAP_GET_STR(map, str)                                                                      \
    __extension__({                                                                                \
        const char *map_str_ = (str);                                                              \
        MAP_GET(map, map_str_, strlen(map_str_));                                                  \
    })

/* The item of this turn may be taken out in the body. */
#define MAP_EACH(map, item, next) HASH_ITER(hh, (map), (item), (next))
#define MAP_COUNT(map) ((size_t)HASH_COUNT(map))

#endif
