/* SPDX-License-Identifier: Apache-2.0 */
/* savepoint.h - the folder in which savepoints lie: each written whole or not there, in one form whatever backend wrote it.
 *
 * Room:   a checkpoint's files -> [savepoint] -> <data>/savepoints/NAME, and a start that goes on from one
 * Owns:   nothing open; the folder is the coordinator's
 * Thread: one at a time for each name.  Time: none.
 *
 *   savepoints/NAME/_metadata      JSON with a checksum; with the folder's name the savepoint is complete
 *                   worker-0.0000  keyed state of one range of key groups: a file of state (snapfile.h), its entries sorted by
 *                                  operator, key group and key
 *                   worker-0.flow  rows that waited (flowfile.h)
 *                   cooldown, definitions.db
 *              .part-NAME/         one that is being written, or was when the process ended
 *
 * Fault points: savepoint.rename and those of durable.h. */
#ifndef WEIR_STATE_SAVEPOINT_H
#define WEIR_STATE_SAVEPOINT_H
#include "base/bytes.h"
#include "base/diag.h"
#include <stdbool.h>

enum { SAVEPOINT_NAME_MAX = 64 };

/* Letters, digits, '.', '_', '-', not a '.' at the beginning. */
bool savepoint_is_name(const char *name);

/* Makes the folder of all, if it is not there, and deletes what was not completed. */
enum err savepoint_open(const char *root, struct diag *d);
char *savepoint_folder(const char *root, const char *name); /* freed by mem_free */
/* An empty folder for it, until it is complete; *part is freed by mem_free. ERR_EXISTS: there is one of that name. */
enum err savepoint_begin(const char *root, const char *name, char **part, struct diag *d);
void savepoint_abandon(const char *root, const char *name);
/* Its files are there and fsynced: it has its name when this returns ERR_OK. */
enum err savepoint_complete(const char *root, const char *name, const char *metadata, size_t n,
                            struct diag *d);
/* Names of all that are complete, sorted, into *names (each and all freed by mem_free); how many. */
size_t savepoint_list(const char *root, char ***names);
/* How many are complete, and the bytes of all their files. */
size_t savepoint_usage(const char *root, uint64_t *bytes);
/* It is gone, also after a crash, when this returns. ERR_NOT_FOUND. */
enum err savepoint_remove(const char *root, const char *name, struct diag *d);

/* All files and folders in `from` stand in `to` too, which is there: as hard links, or as copies where links cannot be. */
enum err savepoint_link(const char *from, const char *to, struct diag *d);

/* One of them. */
enum err savepoint_link_file(const char *from, const char *to, struct diag *d);

/* A copy of its own, fsynced, whole or not there. */
enum err savepoint_copy_file(const char *from, const char *to, struct diag *d);

/* What a part has of one operator. */
typedef void savepoint_operator(void *ctx, const char *op, uint64_t entries, uint64_t bytes);
/* The entries of one worker of a checkpoint (state/store.h) as one sorted file; `each` is told of its operators. Takes the
 * memory of one key group. */
enum err savepoint_sort(const char *folder, const char *name, unsigned files, const char *to,
                        savepoint_operator *each, void *ctx, struct diag *d);
/* Of a whole file. ERR_NOT_FOUND, ERR_IO. */
enum err savepoint_sum(const char *path, uint64_t *bytes, uint64_t *xxh3);

#endif
