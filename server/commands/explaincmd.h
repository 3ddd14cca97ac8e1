/* SPDX-License-Identifier: Apache-2.0 */
/* explaincmd.h - `weir explain`: what the rules of files have become.  Thread: main. */
#ifndef WEIR_SERVER_EXPLAINCMD_H
#define WEIR_SERVER_EXPLAINCMD_H

int explaincmd_main(int argc, char **argv);

#endif
