/* SPDX-License-Identifier: Apache-2.0 */
/* config_list.h - every option of `weir serve`: X(name, type, default, least, most, unit, help).
 *
 * Types: TEXT; COUNT; SIZE (bytes; KiB, MiB, GiB may be written); SPAN (ms; "10 s" may be written). On the command line
 * an option is --max-body, in weir.yaml max-body. docs/CONFIGURATION.md is made from this list. */
#ifndef WEIR_SERVER_CONFIG_LIST_H
#define WEIR_SERVER_CONFIG_LIST_H

#define CONFIG_LIST(X)                                                                             \
    X(data, TEXT, "weir-data", 0, 0, "folder",                                                     \
      "Where everything is kept: catalogue, event log, state. Made if it is not there. One "       \
      "server at a time.")                                                                         \
    X(bind, TEXT, "127.0.0.1", 0, 0, "address",                                                    \
      "The address to listen on. There is no login yet: on any other than a loopback address, "    \
      "put a proxy with one before it.")                                                           \
    X(port, COUNT, "8080", 0, 65535, "port", "The port to listen on; 0 takes a free one.")         \
    X(workers, COUNT, "0", 0, 64, "processes",                                                     \
      "How many worker processes share the keys; 0: as many as POST /api/v1/workers:rescale has "  \
      "left, else as many as there are cores.")                                                    \
    X(key_groups, COUNT, "128", 1, 32768, "groups",                                                \
      "Into how many groups keys are dealt, a power of two. Fixed by the first start of a data "   \
      "folder.")                                                                                   \
    X(web, TEXT, "", 0, 0, "folder",                                                               \
      "The dashboard's files. Empty: web/dist beside the program or under its share/weir.")        \
    X(load, TEXT, "", 0, 0, "file",                                                                \
      "A file of CREATE statements, run at the start; what exists already is left as it is.")      \
    X(log_level, TEXT, "info", 0, 0, "debug, info, warn, error",                                   \
      "The least level that is logged.")                                                           \
    X(max_body, SIZE, "10 MiB", 1024, 1073741824, "bytes", "The largest body of a request.")       \
    X(max_events, COUNT, "10000", 1, 1000000, "events",                                            \
      "How many events one request may carry; it is taken whole or not at all.")                   \
    X(max_connections, COUNT, "1000", 1, 100000, "connections",                                    \
      "Open connections; past it new ones wait until another is closed.")                          \
    X(max_live_readers, COUNT, "100", 1, 10000, "connections", "Open server-sent event streams.")  \
    X(request_timeout, SPAN, "10 s", 100, 600000, "ms",                                            \
      "How long a request may take to arrive, and a connection may idle.")                         \
    X(shutdown_timeout, SPAN, "10 s", 0, 600000, "ms",                                             \
      "How long requests under way may take to end after SIGTERM.")                                \
    X(max_backlog, COUNT, "1000000", 1000, 1000000000, "events",                                   \
      "Events in the log that no worker has taken yet; past it intake answers 429, but to a "      \
      "partition that has none of them: others may wait for it.")                                  \
    X(memory_total, SIZE, "0", 0, 1125899906842624, "bytes",                                       \
      "Memory of all processes together. Parts that are not given share what it leaves; 0: there " \
      "is no total, parts that are not given have their usual size. docs/operations.md says what " \
      "each limit does.")                                                                          \
    X(memory_intake, SIZE, "0", 0, 1125899906842624, "bytes",                                      \
      "Bodies of requests that are coming in, and events that were read from the log and that no " \
      "worker has taken yet; 0: 64 MiB.")                                                          \
    X(memory_exchange, SIZE, "0", 0, 1125899906842624, "bytes",                                    \
      "What is on its way between workers, and results that are not stored yet; 0: 128 MiB, more " \
      "with very many workers.")                                                                   \
    X(memory_ordering, SIZE, "0", 0, 1125899906842624, "bytes",                                    \
      "Rows that wait for the watermark; 0: 1 GiB.")                                               \
    X(memory_state, SIZE, "0", 0, 1125899906842624, "bytes",                                       \
      "State of keys: partial matches, windows, rows that rules keep; 0: 2 GiB. With "             \
      "state-backend rocksdb what does not fit is in files.")                                      \
    X(buffer_timeout, SPAN, "10 ms", 0, 10000, "ms",                                               \
      "How long a worker that has more to do may wait for a frame to another worker to be full. "  \
      "One that has nothing else to do sends at once.")                                            \
    X(restart_strategy, TEXT, "exponential-delay", 0, 0,                                           \
      "exponential-delay, fixed-delay, failure-rate, none",                                        \
      "What is done when the workers have failed: started again after growing delays, after the "  \
      "same delay, as long as failures are rare enough, or not.")                                  \
    X(restart_delay, SPAN, "50 ms", 0, 86400000, "ms",                                             \
      "exponential-delay: the first; the others: each.")                                           \
    X(restart_max_delay, SPAN, "5 s", 1, 86400000, "ms", "exponential-delay: the longest.")        \
    X(restart_factor, COUNT, "2", 1, 100, "times", "exponential-delay: by which it grows.")        \
    X(restart_reset_after, SPAN, "60 s", 1, 86400000, "ms",                                        \
      "exponential-delay, fixed-delay: workers that were well for so long make earlier failures "  \
      "forgotten.")                                                                                \
    X(restart_attempts, COUNT, "0", 0, 1000000, "failures",                                        \
      "exponential-delay, fixed-delay: after so many in a row workers stay down until somebody "   \
      "asks (POST /api/v1/workers:restart); 0: never.")                                            \
    X(restart_failures, COUNT, "3", 1, 1000, "failures",                                           \
      "failure-rate: more than these within the interval, and workers stay down.")                 \
    X(restart_interval, SPAN, "1 min", 1, 86400000, "ms", "failure-rate: the interval.")           \
    X(checkpoint_interval, SPAN, "10 s", 0, 86400000, "ms",                                        \
      "From the beginning of one checkpoint to that of the next; 0: only when somebody asks "      \
      "(POST /api/v1/checkpoints).")                                                               \
    X(checkpoint_mode, TEXT, "exactly-once", 0, 0, "exactly-once, at-least-once",                  \
      "exactly-once: sources stand still until the barriers are through. at-least-once: they go "  \
      "on, and after a crash some events may count twice.")                                        \
    X(checkpoint_alignment_timeout, SPAN, "1 s", 0, 86400000, "ms",                                \
      "A worker that has waited for barriers for so long begins without them, and takes what is "  \
      "still on its way into the checkpoint; 0: it waits, however long it takes.")                 \
    X(checkpoint_timeout, SPAN, "10 min", 10, 86400000, "ms",                                      \
      "A checkpoint that is not complete after this has failed.")                                  \
    X(checkpoint_at_end, SPAN, "5 s", 0, 86400000, "ms",                                           \
      "How long the checkpoint may take that is made when the server ends in good order "          \
      "(SIGTERM), so that the next start reads nothing again; 0: none is made.")                   \
    X(checkpoint_min_pause, SPAN, "0 s", 0, 86400000, "ms",                                        \
      "From the end of one checkpoint to the beginning of the next, at least.")                    \
    X(checkpoint_kept, COUNT, "3", 1, 1000, "checkpoints",                                         \
      "How many complete ones are kept; an older one is used when the newest is damaged.")         \
    X(checkpoint_tolerated_failures, COUNT, "10", 0, 1000000, "failures",                          \
      "Past so many failed checkpoints in a row the workers are ended, and begin again from the "  \
      "last complete one.")                                                                        \
    X(from_savepoint, TEXT, "", 0, 0, "name or folder",                                            \
      "Begin with this savepoint: in an empty data folder with its streams, lists and rules, "     \
      "else "                                                                                      \
      "with those that are there. One that was begun with already is left out.")                   \
    X(allow_non_restored_state, SWITCH, "false", 0, 1, "",                                         \
      "from-savepoint: state that no rule here goes on with is left behind.")                      \
    X(max_savepoints, COUNT, "100", 1, 10000, "savepoints",                                        \
      "How many savepoints there may be; past it no more are made until some are deleted.")        \
    X(savepoints_kept, COUNT, "5", 1, 1000, "savepoints",                                          \
      "How many of those made before an activation are kept, the newest.")                         \
    X(sinks_folder, TEXT, "", 0, 0, "folder",                                                      \
      "Below it are the folders of file sinks, and nowhere else. Empty: sinks in the data "        \
      "folder.")                                                                                   \
    X(state_backend, TEXT, "heap", 0, 0, "heap, rocksdb",                                          \
      "What checkpoints are made with. heap: a base and files of changes, merged now and then. "   \
      "rocksdb: its sorted files, and state may be larger than memory-state, since keys that "     \
      "have long not been needed leave memory. Either reads what the other has written.")          \
    X(intake_retention, SPAN, "0 s", 0, 3155760000000, "ms",                                       \
      "Events that came longer ago are deleted from the intake log, once no checkpoint that is "   \
      "kept and no rule needs them; 0: never. Alerts keep the events that made them.")             \
    X(heartbeat_timeout, SPAN, "50 s", 0, 86400000, "ms",                                          \
      "A worker that says nothing for so long is killed, and an attempt begins; 0: never.")        \
    X(max_lists, COUNT, "1000", 1, 100000, "lists", "How many lists there may be.")                \
    X(max_list_items, COUNT, "1000000", 1, 10000000, "items", "How many items one list may hold.") \
    X(max_list_edits, COUNT, "1000000", 1, 100000000, "edits",                                     \
      "Edits of one list that are kept because a replay would need them: those made since the "    \
      "oldest rule that reads it was deployed.")                                                   \
    X(max_partials_per_key, COUNT, "10000", 1, 10000000, "partial matches",                        \
      "How many partial matches of a pattern one key may have, unless the rule says otherwise; "   \
      "past it the oldest are dropped, counted and told in the dead letters.")                     \
    X(max_rows_per_key, COUNT, "1000000", 1, 10000000, "rows",                                     \
      "How many rows a pattern, OVER or a side of a join keeps of one key, unless the rule says "  \
      "otherwise; past it the oldest are dropped, counted and told.")                              \
    X(dead_letters, COUNT, "10000", 0, 10000000, "events",                                         \
      "How many dead letters are kept, the newest: events that were refused or came too late.")    \
    X(timeouts, COUNT, "1000", 0, 100000, "timeouts",                                              \
      "How many timeouts of each rule are kept, those with the latest times.")                     \
    X(approval, TEXT, "none", 0, 0, "none, required",                                              \
      "required: a version of a rule becomes active over REST only when a second person has "      \
      "approved it.")                                                                              \
    X(trial_results, COUNT, "100000", 100, 10000000, "results",                                    \
      "How many results of the two versions of a rule that run side by side are kept for their "   \
      "comparison, the newest; of others the sums by hour.")                                       \
    X(operation_timeout, SPAN, "1 d", 0, 3155760000000, "ms",                                      \
      "An operation that derives state from the log (warm_from_log, a way back) and has not come " \
      "to its end after this fails; until then the log keeps what it needs. 0: never.")            \
    X(max_operations, COUNT, "4", 1, 64, "operations",                                             \
      "How many operations may be under way; past it no more are taken.")                          \
    X(operations_kept, COUNT, "100", 1, 100000, "operations",                                      \
      "How many operations that have ended are kept, the newest.")                                 \
    X(replay_share, COUNT, "20", 1, 100, "per cent",                                               \
      "How much of what workers are sent may be events that an operation reads again, while "      \
      "there are new ones for them; else they get all that they can take.")                        \
    X(rollback_replay_rows, COUNT, "10000000", 0, 1000000000000, "events",                         \
      "A way back for which nobody says what becomes of the state begins with that of a "          \
      "savepoint if at most so many events have come since; else it keeps what it can.")           \
    X(side_retention, SPAN, "30 d", 0, 315360000000, "ms",                                         \
      "Dead letters and timeouts that are older are let go; 0: never.")                            \
    X(backtests_at_once, COUNT, "1", 1, 16, "processes",                                           \
      "How many backtests run at a time, each in a process of its own; others wait.")              \
    X(backtest_queue, COUNT, "100", 1, 10000, "backtests", "How many backtests may wait.")         \
    X(backtests_kept, COUNT, "100", 1, 100000, "backtests",                                        \
      "How many backtests that have ended are kept, the newest.")                                  \
    X(backtest_memory, SIZE, "2 GiB", 33554432, 1125899906842624, "bytes",                         \
      "How much memory the process of a backtest may take; it is in no other budget.")             \
    X(backtest_max_alerts, COUNT, "1000000", 1, 100000000, "alerts",                               \
      "How many alerts a backtest may find, all variants together.")

#endif
