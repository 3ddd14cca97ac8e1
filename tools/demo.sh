#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh - weir with the example rules, and traffic for it, until Ctrl-C. Started again, it goes on where it ended: what
# it keeps is in ./demo-data ($WEIR_DATA). WEIR_PORT, WEIR_RATE (events a second) and WEIR (the program) may be set too.
set -u
cd "$(dirname "$0")/.." || exit 1
data=${WEIR_DATA:-demo-data}
port=${WEIR_PORT:-8080}
rate=${WEIR_RATE:-500}
url=http://127.0.0.1:$port
ready_seconds=60
stop_seconds=20
weir=${WEIR:-./weir}
server=""
gen=""

alive() {
	[ -n "$1" ] && kill -0 "$1" 2>/dev/null
}

# shellcheck disable=SC2317 # called by the trap
# Ends what this script started, and only that; first the traffic, then the server, which writes a last checkpoint.
stop() {
	trap '' INT TERM HUP
	for pid in $gen $server; do
		alive "$pid" && kill -TERM "$pid" 2>/dev/null
		for _ in $(seq $((stop_seconds * 10))); do
			alive "$pid" || break
			sleep 0.1
		done
		if alive "$pid"; then
			echo "demo: process $pid did not end in $stop_seconds s, killing it" >&2
			kill -KILL "$pid" 2>/dev/null
		fi
		wait "$pid" 2>/dev/null
	done
	gen=""
	server=""
}
trap stop EXIT
trap 'echo; echo "demo: stopping"; exit 0' INT TERM HUP

fail() {
	echo "demo: $*" >&2
	exit 1
}

[ -x "$weir" ] || fail "there is no $weir; run make first"
[ -f examples/demo.sql ] || fail "there is no examples/demo.sql"
mkdir -p "$data" || fail "cannot make the folder $data"

"$weir" serve --data "$data" --workers 2 --port "$port" --load examples/demo.sql &
server=$!
for ((tenths = 0; ; tenths++)); do
	alive "$server" || fail "the server has ended; what it said is above (is port $port in use?)"
	[ "$(curl -s -o /dev/null -m 2 -w '%{http_code}' "$url/readyz")" = 200 ] && break
	[ "$tenths" -lt $((ready_seconds * 10)) ] || fail "the server was not ready within $ready_seconds s"
	sleep 0.1
done

"$weir" gen --url "$url" --stream payments --rate "$rate" --live &
gen=$!
cat <<EOF

  weir is running. The dashboard:  $url/
  $rate payments a second are posted to it; the first alerts come within half a minute.
  Data: $data (the next run goes on from there).  Ctrl-C ends the demo.

EOF

# Either of them ending by itself ends the demo. A signal interrupts the wait, and its trap exits.
wait -n "$server" "$gen"
status=$?
alive "$server" || fail "the server has ended (status $status)"
fail "the generator has ended (status $status)"
