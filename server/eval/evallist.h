/* SPDX-License-Identifier: Apache-2.0 */
/* evallist.h - `weir eval --list NAME=FILE.jsonl`: items of a list, one JSON object a line, with the list's columns.
 *
 * Room:   file -> [evallist: evalinput, codec_json] -> list.  Owns: nothing.  Thread: one. */
#ifndef WEIR_SERVER_EVALLIST_H
#define WEIR_SERVER_EVALLIST_H
#include "rules/compile.h"

/* Prints its own messages. Exit code, see args.h. A line that is no item ends it. */
int evallist_load(const struct script *script, const char *name_and_file);

#endif
