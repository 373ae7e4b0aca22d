# Where kata-cgroup, runc and crun deliberately differ; sourced by run.sh. A difference that is not here fails.
#
# explain TOOL FILE OURS THEIRS: sets REASON where the difference is known. To be read with it: DRIVER, VERSION (of
# cgroup), STEP (create or update), DOCUMENT (what was asked for in this step) and FORMER (by create).
explain() {
    local tool=$1 file=$2 ours=$3 theirs=$4 shares
    REASON=
    case "$tool $file" in
    *" cpu.weight")
        # runc 1.1 and crun 1.8 (Debian 12), runc 1.1 (Debian 13): before the formula of 2025.
        shares=$(jq -r '.cpu.shares // empty' <<< "$DOCUMENT")
        [ -n "$shares" ] || shares=$(jq -r '.cpu.shares // empty' <<< "$FORMER")
        [ -z "$shares" ] || [ "$theirs" != $((1 + (shares - 2) * 9999 / 262142)) ] ||
            REASON="shares are converted linearly, 1 + (s - 2) * 9999 / 262142, by releases before 2025"
        ;;
    *" cpu.max" | *" cpu.cfs_quota_us")
        [ "$DRIVER:$ours:${theirs%% *}" != "systemd:max 100000:max" ] ||
            REASON="without a quota systemd writes its default period; the other tools' lasts until a daemon-reload"
        # The quota is rounded as systemd rounds it, so that unit and file agree after daemon-reload.
        if [ "$DRIVER" = systemd ] && [[ ${ours%% *}${theirs%% *} =~ ^[0-9]+$ ]] &&
            [ "${ours%% *}" -gt "${theirs%% *}" ] && [ $((${ours%% *} - ${theirs%% *})) -le 10000 ]; then
            REASON="under systemd the file gets the quota that the unit rounds up to (10 ms a second)"
        fi
        ;;
    *" cpu.cfs_period_us")
        [ "$DRIVER:$ours" != systemd:100000 ] || [ "$(jq '.cpu.quota // -1' <<< "$DOCUMENT")" != -1 ] ||
            REASON="without a quota systemd writes its default period; the other tools' lasts until a daemon-reload"
        ;;
    *" pids.max")
        # kata-cgroup-resources(7): a field that is not given is not limited, and -1 is no limit.
        [ "$DRIVER" != systemd ] || [ "$ours" != max ] ||
            REASON="without a limit the other tools leave systemd's DefaultTasksMax on the scope"
        ;;
    "crun blkio.bfq.weight")
        # systemd 252 gives a scope with IOAccounting a weight of its own default on v1.
        [ "$DRIVER:$theirs" != systemd:100 ] ||
            REASON="crun's limits are in a group below the scope, which has systemd's default weight"
        ;;
    *" io.weight")
        # systemd writes both files for IOWeight, which kata-cgroup sends so that the unit knows the weight.
        [ "$DRIVER" != systemd ] ||
            REASON="with bfq the other tools write io.bfq.weight alone, which the unit then knows nothing of"
        ;;
    *" hugetlb.2MB.rsvd."*)
        # runtime-spec: "limit of reservations and page faults"; kata-cgroup writes both files on v1 and v2.
        case $theirs in
        max | 9223372036852678656) REASON="the packaged runc and crun do not always limit reservations as well" ;;
        esac
        ;;
    esac
    [ -z "$REASON" ] || return 0
    case "$STEP $tool" in
    "update runc")
        case $file in
        blkio.throttle.* | io.max | hugetlb.* | net_cls.classid)
            REASON="runc 1.1's update leaves out throttles, huge pages and network" ;;
        blkio.bfq.weight | io.bfq.weight | io.weight)
            REASON="runc 1.1's update takes a weight from its own option only" ;;
        esac
        ;;
    esac
    [ -n "$REASON" ]
}

# explain_failure TOOL MESSAGE: the same for a document that kata-cgroup has taken and the tool has not.
explain_failure() {
    REASON=
    if [ "$1:$VERSION" = crun:1 ] &&
        [ "$(jq '.cpu.quota == -1 or .pids.limit == -1 or (.network.classID | . != null)' <<< "$DOCUMENT")" = true ]; then
        REASON="crun 1.8 refuses quota -1, pids -1 and any class ID on v1"
    fi
    case $1:$2 in
    "crun:opening file \`blkio.weight\`"*) REASON="crun 1.8 knows no bfq on v1, and the kernel has no other weight" ;;
    esac
    [ -n "$REASON" ]
}
