#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_layers.sh - a room may include only the rooms named here, and some of them only through the headers named here.
# Arrows point down: server -> rules, io -> cep -> state -> base. That keeps the core without HTTP, files and clocks.
set -eu
cd "$(dirname "$0")/.."

# room: the rooms it may include
allowed() {
	case $1 in
	base) echo "base" ;;
	state) echo "base state" ;;
	cep) echo "base state cep" ;;
	rules) echo "base cep rules" ;;
	io) echo "base cep io" ;;
	server) echo "base state cep rules io server" ;;
	esac
}

# Headers of the system and of libraries that a room has no business with: the core computes, it does not act.
forbidden() {
	case $1 in
	base) echo 'h2o|rocksdb|sqlite3|jansson|yaml|curl|librdkafka|openssl' ;;
	state) echo 'h2o|curl|librdkafka|yaml' ;;
	cep) echo 'h2o|rocksdb|sqlite3|jansson|yaml|curl|librdkafka|openssl|unistd|fcntl|pthread|time|sys/[a-z]*' ;;
	rules) echo 'h2o|rocksdb|sqlite3|yaml|curl|librdkafka|openssl|unistd|fcntl|pthread|time|sys/[a-z]*' ;;
	io) echo 'h2o|rocksdb' ;;
	server) echo 'none' ;;
	esac
}

bad=0
say() {
	echo "layer: $1" >&2
	grep -rnE "$2" --include='*.[chy]' --include='*.re' --include='*.cpp' "$3" >&2
	bad=1
}
for room in base state cep rules io server; do
	[ -d "$room" ] || continue
	# shellcheck disable=SC2013 # rooms are words
	for hit in $(grep -rhoE '^#include "[a-z]+/' --include='*.[chy]' --include='*.re' --include='*.cpp' "$room" |
		sed 's/.*"//; s,/,,' | sort -u); do
		case " $(allowed "$room") " in
		*" $hit "*) ;;
		*) say "$room/ must not include $hit/" "#include \"$hit/" "$room" ;;
		esac
	done
	pattern="^#include <($(forbidden "$room"))(/[a-z0-9_/]*)?\.h>"
	if grep -rqE "$pattern" --include='*.[chy]' --include='*.re' --include='*.cpp' "$room"; then
		say "$room/ has no business with this header" "$pattern" "$room"
	fi
done

# The core reads no clock: it is told the time.
if grep -rnE 'timebase_(now|mono|cpu)_' --include='*.c' cep rules; then
	echo "layer: cep/ and rules/ read no clock" >&2
	bad=1
fi
exit $bad
