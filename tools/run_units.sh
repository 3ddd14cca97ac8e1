#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run_units.sh TEST... - run the unit tests, show the output of those that fail.
set -u
ran=0
failed=0
cases=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for test in "$@"; do
	ran=$((ran + 1))
	if "$test" >"$log" 2>&1; then
		n=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log")
		cases=$((cases + ${n:-0}))
		echo "ok    $test (${n:-0})"
	else
		failed=$((failed + 1))
		echo "FAIL  $test"
		cat "$log"
	fi
done
if [ "$ran" -eq 0 ]; then
	echo "no unit test was asked for: is T= part of a path under tests/unit/?" >&2
	exit 1
fi
echo "unit: $((ran - failed)) of $ran programs passed, $cases cases in them"
[ "$failed" -eq 0 ]
