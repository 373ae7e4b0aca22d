#!/usr/bin/env bash
# Compiles the shims of doc/callers that want a compiler into build/callers, with the distribution's compilers and what
# comes with them; a warning is an error. What is up to date is left alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Not somebody's own toolchain, and nothing from the network.
export PATH=/usr/bin:/bin:$PATH
export GOCACHE=$PWD/build/callers/go-cache GOTOOLCHAIN=local GOPROXY=off GO111MODULE=off CGO_ENABLED=0
mkdir -p build/callers

# build LANGUAGE COMMAND...
build() {
    local source=doc/callers/shim.$1 program=build/callers/shim-$1
    [ ! "$program" -nt "$source" ] || return 0
    "${@:2}" -o "$program.new" "$source"
    mv "$program.new" "$program"
}

build_c() { gcc -O2 -Wall -Wextra -Werror "$@" -ljansson; }

build c build_c
build go go build
build rs rustc --edition 2021 -O -D warnings
