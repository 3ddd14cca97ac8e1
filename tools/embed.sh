#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed.sh FILE - a text file as one C string: catalog.sql becomes `static const char catalog_sql[]`.
set -eu
name=$(basename "$1" | tr -c 'a-zA-Z0-9\n' _)
printf 'static const char %s[] =\n' "$name"
sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/    "&\\n"/' "$1"
printf '    "";\n'
