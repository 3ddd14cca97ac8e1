/* SPDX-License-Identifier: Apache-2.0 */
/* eval.h - `weir eval`: rules over files of events, in event time, to the end; results as JSON lines.
 *
 * The language's reference says what it prints (docs/language.md, "Evaluating a file"). */
#ifndef WEIR_SERVER_EVAL_H
#define WEIR_SERVER_EVAL_H

int eval_main(int argc,
              char **argv); /* exit code, see args.h: ARGS_FAILED when a rule does not compile */

#endif
