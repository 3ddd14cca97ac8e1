#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install_deps.sh GROUP... - install the Debian packages that weir needs and this machine lacks.
#
# Groups: build (compile the server), web (build the dashboard), run (the demo), test (`make test`), lint (`make lint`,
# `make fuzz`, `make coverage`). Nothing is asked of the network when nothing is missing. `a|b`: either will do, a is
# installed. `command:a`: package a, unless the command is there from somewhere else.
set -eu

packages() {
	case $1 in
	build)
		echo "gcc g++ make command:pkg-config re2c lemon libc6-dev uthash-dev libh2o-evloop-dev libssl-dev" \
			"zlib1g-dev libsqlite3-dev libpq-dev librocksdb-dev libjansson-dev libyaml-dev" \
			"libcurl4-openssl-dev|libcurl4-gnutls-dev|libcurl4-nss-dev libxxhash-dev libzstd-dev" \
			"libsimdjson-dev libre2-dev tzdata"
		;;
	web) echo "command:node=nodejs command:npm" ;;
	run) echo "command:curl ca-certificates" ;;
	test) echo "libcmocka-dev python3 python3-pytest python3-pytest-xdist python3-requests python3-yaml python3-jsonschema command:curl command:chromium postgresql" ;;
	lint)
		echo "clang libclang-rt-14-dev clang-format clang-tidy cppcheck shellcheck gcovr"
		;;
	*)
		echo "install_deps.sh: no group '$1' (build, web, run, test, lint)" >&2
		exit 2
		;;
	esac
}

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# The package to install for one entry of a list, or nothing.
missing() {
	case $1 in
	command:*=*)
		name=${1#command:}
		command -v "${name%%=*}" >/dev/null 2>&1 || echo "${name#*=}"
		;;
	command:*)
		command -v "${1#command:}" >/dev/null 2>&1 || echo "${1#command:}"
		;;
	*)
		for one in $(echo "$1" | tr '|' ' '); do
			if installed "$one"; then
				return
			fi
		done
		echo "${1%%|*}"
		;;
	esac
}

if ! command -v dpkg-query >/dev/null 2>&1; then
	echo "This is not a Debian system, so packages are not installed here. weir is built on Debian 12; in CONTRIBUTING.md" >&2
	echo "is what it needs. Going on with what there is." >&2
	exit 0
fi

wanted=""
for group in "$@"; do
	for entry in $(packages "$group"); do
		wanted="$wanted $(missing "$entry")"
	done
done
# shellcheck disable=SC2086 # one word for each package
wanted=$(printf '%s\n' $wanted | sort -u | tr '\n' ' ')
[ -n "${wanted# }" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "These packages are missing, and there is neither root nor sudo to install them with:" >&2
		echo "    apt-get install --no-install-recommends $wanted" >&2
		exit 1
	fi
	as_root=sudo
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() {
	if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 \
		-o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1; then
		cat "$log" >&2
		return 1
	fi
}
echo "installing: $wanted"
# An old list is often good enough, and a broken source must not stop what the others have.
quietly update || echo "some package lists could not be read; trying with those that could" >&2
# shellcheck disable=SC2086 # one word for each package
if ! quietly install -y --no-install-recommends $wanted; then
	echo "These packages could not be installed:" >&2
	echo "    apt-get install --no-install-recommends $wanted" >&2
	exit 1
fi
