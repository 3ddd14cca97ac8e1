/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.h - the folder in which checkpoints lie: which of them are complete, found without the catalogue.
 *
 * Room:   coordinator, workers -> [checkpoint] -> <data>/checkpoints, and a start that looks for the newest
 * Owns:   nothing open; the folder is the coordinator's, each worker writes its own files in one checkpoint's
 * Thread: one.  Time: none.
 *
 *   checkpoints/chk-00000012/_metadata    the last file to be written: with it the checkpoint is complete
 *                            worker-0…    state, as the backend writes it (snapfile.h, RocksDB)
 *
 * A crash at any instant leaves the last complete one usable: a new one is complete by one rename, an old one is taken out
 * by one rename before its files are deleted. Fault points: checkpoint.begin, checkpoint.remove and those of durable.h. */
#ifndef WEIR_STATE_CHECKPOINT_H
#define WEIR_STATE_CHECKPOINT_H
#include "base/bytes.h"
#include "base/diag.h"

enum { CHECKPOINT_METADATA_MAX = 64 << 20 };

/* Makes the folder of all, if it is not there, and deletes what no crash should have left: parts of removals, and
 * checkpoints that were never complete. */
enum err checkpoint_open(const char *root, struct diag *d);

char *checkpoint_folder(const char *root, uint64_t id); /* its path; freed by mem_free */
/* An empty folder for checkpoint `id`. */
enum err checkpoint_begin(const char *root, uint64_t id, struct diag *d);
/* Its files are there and fsynced: it is complete when this returns ERR_OK. metadata: a text (JSON), kept with a checksum. */
enum err checkpoint_complete(const char *root, uint64_t id, const char *metadata, size_t n,
                             struct diag *d);
/* The file _metadata of any such folder, with its checksum. */
enum err checkpoint_put_metadata(const char *folder, const char *metadata, size_t n,
                                 struct diag *d);
enum err checkpoint_get_metadata(const char *folder, struct bytes *out, struct diag *d);
/* ERR_NOT_FOUND: there is no complete checkpoint of that number. ERR_CORRUPT: its metadata are damaged. */
enum err checkpoint_metadata(const char *root, uint64_t id, struct bytes *out, struct diag *d);
/* Numbers of those that are complete, ascending, into *ids (freed by mem_free); how many. Damaged ones are left out and
 * said in d as warnings (may be NULL). */
size_t checkpoint_list(const char *root, uint64_t **ids, struct diag *d);
/* It is gone, also after a crash, when this returns; it need not be complete. */
enum err checkpoint_remove(const char *root, uint64_t id, struct diag *d);

#endif
