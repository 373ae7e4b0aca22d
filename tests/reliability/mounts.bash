# Sets `mounts`, where control groups are mounted; sourced by run.sh and many.sh.
# shellcheck shell=bash disable=SC2034
mounts=()
while read -r line; do
    case $line in *" - cgroup2 "* | *" - cgroup "*) ;; *) continue ;; esac
    mount=${line#* * * * }
    mounts+=("${mount%% *}")
done < /proc/self/mountinfo
