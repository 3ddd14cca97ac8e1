#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench.sh [options] [QUERY...] - what decoding and the reference queries cost here; `weir bench --help` has the options.
# Prints a table and writes build/bench.json.
set -eu
cd "$(dirname "$0")/.."
exec "${WEIR:-./weir}" bench "$@"
