#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_names.sh OBJECT... - a global symbol carries the name of the file it lives in (or its plural, for a set of them),
# so a stack trace is a map; and no two files have one name. C++ inside a shim has its own mangled names, only what it shows to C is held to this.
set -eu
bad=0
for obj in "$@"; do
	stem=$(basename "$obj" .o)
	for sym in $(nm --defined-only --extern-only "$obj" | awk 'NF == 3 && $2 != "W" && $2 != "V" && $2 != "u" {print $3}'); do
		case $sym in
		"$stem" | "$stem"_* | "$stem"s_* | main | _Z* | __*) ;;
		*)
			echo "name: $sym is global in $stem.c; call it ${stem}_..." >&2
			bad=1
			;;
		esac
	done
done
for stem in $(for obj in "$@"; do basename "$obj" .o; done | sort | uniq -d); do
	echo "name: there are two files $stem.c; stems are unique in the tree" >&2
	bad=1
done
exit $bad
