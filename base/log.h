/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - one logfmt line for a fact: time, level, process, module, a message that never varies,
 * pairs.
 *
 * Each .c that logs defines LOG_MODULE before including this. No event fields in logs (they are
 * personal and card data): stream, partition, offset, counts. cep/ does not log. Thread: any (one
 * write(2) a line). */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

enum log_level { LOG_DEBUG_LEVEL, LOG_INFO_LEVEL, LOG_WARN_LEVEL, LOG_ERROR_LEVEL };

void log_init(const char *process, enum log_level least); /* process: "coordinator", "worker-0" */
void log_line(enum log_level level, const char *module, const char *message, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* At most one line a second for each call site; how many were left out is said with the next. */
struct log_limiter {
    long long last_ns;
    unsigned long dropped;
};
int log_allow(struct log_limiter *l, unsigned long *dropped);

#define LOG_DEBUG(msg, ...) log_line(LOG_DEBUG_LEVEL, LOG_MODULE, msg, __VA_ARGS__)
#define LOG_INFO(msg, ...) log_line(LOG_INFO_LEVEL, LOG_MODULE, msg, __VA_ARGS__)
#define LOG_WARN(msg, ...) log_line(LOG_WARN_LEVEL, LOG_MODULE, msg, __VA_ARGS__)
#define LOG_ERROR(msg, ...) log_line(LOG_ERROR_LEVEL, LOG_MODULE, msg, __VA_ARGS__)

#endif
