#!/usr/bin/env bash
# Static analysis of lib/, cmd/ and the tests' tools (cppcheck: of the unit tests too); any report fails.
#
# usage: analyse.sh [--sample] [gcc] [clang-tidy] [cppcheck]   (default: all)
#   --sample   clang's analyser follows an eighth of the paths that it can at the most, in a third of the time
#
# The checks of clang-tidy are in .clang-tidy, what cppcheck is not asked in .cppcheck-suppressions, each with its
# reason. gcc's -Wanalyzer-malloc-leak is off: gcc 12 takes for lost what is stored behind two of a caller's pointers;
# the leak sanitizer (the debug preset) and valgrind (memcheck.sh) look for leaks.
# What these programs need is in the group "lint" of install-deps.sh.
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top" || exit 1

# A build of its own, so that only what has changed is analysed again.
analyse_gcc() {
    local all=()
    mapfile -t all < <(git ls-files 'cmd/*CMakeLists.txt' 'lib/*CMakeLists.txt' tests/tools/CMakeLists.txt)
    cmake -G Ninja -B build/analyzer -DCMAKE_C_COMPILER=gcc -DKATA_CGROUP_WERROR=ON \
        -DCMAKE_C_FLAGS="-fanalyzer -Wno-analyzer-malloc-leak" > /dev/null &&
        cmake --build build/analyzer --target "${all[@]/%CMakeLists.txt/all}"
}

# The compilation database of a build with gcc's and clang's common options only.
database() {
    cmake -G Ninja -B build/analyse -DCMAKE_C_COMPILER=clang > /dev/null &&
        cmake --build build/analyse --target commit > /dev/null # a header that is made
}

# One file a process: clang-tidy 14 that reads several takes every va_list but the first for not started.
analyse_clang_tidy() {
    database &&
        git ls-files 'lib/*.c' 'cmd/*.c' 'tests/tools/*.c' |
        xargs -P "$(nproc)" -n 1 clang-tidy -p build/analyse --quiet "${depth[@]}" 2> /dev/null
}

# libbpf's headers are not read; its macro for options is told.
analyse_cppcheck() {
    mkdir -p build/cppcheck
    database &&
        cppcheck -j "$(nproc)" --quiet --project=build/analyse/compile_commands.json --cppcheck-build-dir=build/cppcheck \
            '-DLIBBPF_OPTS(type,name,...)=struct type name = {__VA_ARGS__}' --library=gnu,posix \
            --enable=warning,performance,portability,style --suppressions-list=.cppcheck-suppressions \
            --template='{file}:{line}: {severity}: {message} [{id}]' --error-exitcode=1
}

depth=()
if [ "${1:-}" = --sample ]; then
    # By default there are 225000.
    for word in -Xclang -analyzer-config -Xclang max-nodes=28000; do depth+=("--extra-arg=$word"); done
    shift
fi
[ $# -gt 0 ] || set -- gcc clang-tidy cppcheck
status=0
for tool; do
    case "$tool" in
    gcc | clang-tidy | cppcheck) "analyse_${tool//-/_}" || { echo "analyse.sh: $tool has something to say" >&2; status=1; } ;;
    *) echo "analyse.sh: unknown tool $tool" >&2 && exit 2 ;;
    esac
done
exit $status
