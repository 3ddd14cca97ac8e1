/* SPDX-License-Identifier: Apache-2.0 */
/* snapfile_format.h - inside of a state file: the sizes that its writer and its reader agree on.
 *
 * Room:   snapwriter.c, snapfile.c.  The format is in state/README.md.
 * Owns:   nothing.  Thread: any.  Time: none. */
#ifndef WEIR_STATE_SNAPFILE_FORMAT_H
#define WEIR_STATE_SNAPFILE_FORMAT_H

#define SNAPFILE_HEAD "WEIRSNAP"
#define SNAPFILE_TAIL "WEIRSEND"

enum {
    SNAPFILE_MAGIC_BYTES = 8,
    SNAPFILE_HEAD_BYTES = 16, /* magic, version (u32), 0 (u32) */
    SNAPFILE_BLOCK_BYTES = 40, /* before each payload */
    SNAPFILE_TAIL_BYTES =
        32, /* start of the index (u64), its bytes (u64), XXH3 of it (u64), magic */
    SNAPFILE_BLOCK_RAW_MAX = (1 << 30) + (2 << 20) /* one entry of the largest key and value */
};
enum { SNAPFILE_PACKED = 1 };

#endif
