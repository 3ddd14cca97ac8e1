#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_length.sh - 600 lines are the end of a file and 70 the end of a C function; each C file names its licence, each
# header begins with its card (LAYOUT in CONTRIBUTING.md says why). Files that git tracks, or all when there is no git.
set -eu
cd "$(dirname "$0")/.."
list=$(mktemp)
trap 'rm -f "$list"' EXIT
git ls-files >"$list" 2>/dev/null || find . -type f -not -path './build*' -not -path '*/node_modules/*' \
	-not -path './web/dist/*' | sed 's,^\./,,' >"$list"
bad=0
while read -r file; do
	[ -f "$file" ] || continue
	case $file in
	*.c | *.h | *.re | *.y | *.cpp | *.py | *.ts | *.tsx | *.sh | *.css | *.mjs | Makefile) ;;
	*) continue ;;
	esac
	lines=$(wc -l <"$file")
	if [ "$lines" -gt 600 ]; then
		echo "length: $file has $lines lines; 600 are the end of a file" >&2
		bad=1
	fi
	case $file in
	*.c | *.h | *.cpp | *.re | *.y)
		if ! head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0'; then
			echo "licence: $file lacks its SPDX line at the top" >&2
			bad=1
		fi
		;;
	esac
	case $file in
	*.h)
		if ! head -n 3 "$file" | grep -q "^/\* $(basename "$file") - "; then
			echo "card: $file does not begin with '/* $(basename "$file") - what it is for'" >&2
			bad=1
		fi
		;;
	*.c | *.cpp)
		awk -v file="$file" '
			/^\{/ { from = FNR }
			/^\}/ && from {
				if (FNR - from - 1 > 70) {
					printf "length: the function that ends at %s:%d has %d lines; 70 are its end\n",
						file, FNR, FNR - from - 1
					over = 1
				}
				from = 0
			}
			END { exit over }' "$file" >&2 || bad=1
		;;
	esac
done <"$list"
exit $bad
