#!/bin/sh
# memcheck.sh COMMAND...: the command under valgrind, which writes what it finds to $MEMCHECK_LOGS, one file a process.
# Called as kata-cgroup, as the bats suites do with a link of that name, the command is $MEMCHECK_BINARY.
# UNKNOWN_SYSCALLS and RAW_SYSCALL are built from tests/tools. Programs that the command executes run by themselves.
[ "${0##*/}" != kata-cgroup ] || set -- "$MEMCHECK_BINARY" "$@"
LD_PRELOAD=$UNKNOWN_SYSCALLS exec valgrind --quiet --leak-check=full --read-inline-info=no --track-fds=yes --error-exitcode=99 \
    --show-leak-kinds=definite,indirect,possible --errors-for-leak-kinds=definite,indirect,possible \
    --child-silent-after-fork=yes --log-file="$MEMCHECK_LOGS/%p.log" "$@"
