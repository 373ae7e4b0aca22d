# Where control groups are mounted, and what in there is a test's own; sourced by run.sh, many.sh and the bats helpers.
# A host may have sandboxes of others, whose groups are below the same parents: only what carries the test's own ID goes,
# and of the parents those that were not there before, once they are empty.
# shellcheck shell=bash disable=SC2034

# Sets `mounts`.
read_mounts() {
    local line mount
    mounts=()
    while read -r line; do
        case $line in *" - cgroup2 "* | *" - cgroup "*) ;; *) continue ;; esac
        mount=${line#* * * * }
        mounts+=("${mount%% *}")
    done < /proc/self/mountinfo
}

# Sets FORMER_PARENTS to the parents that somebody else has made: to be called before the first test.
note_parents() {
    local mount parent
    FORMER_PARENTS=" "
    for mount in "${mounts[@]}"; do
        for parent in "$mount"/{kata_overhead,kata.slice/kata-overhead.slice,kctest,kctest/*,kctest.slice,kctest.slice/*}; do
            [ ! -d "$parent" ] || FORMER_PARENTS+="$parent "
        done
    done
}

was_there() { [[ $FORMER_PARENTS == *" $1 "* ]]; }

# remove_parents PARENT...: below each mount, the deepest first
remove_parents() {
    local mount parent mine=()
    for mount in "${mounts[@]}"; do
        for parent; do
            [ ! -d "$mount/$parent" ] || was_there "$mount/$parent" || mine+=("$mount/$parent")
        done
    done
    [ ${#mine[@]} -eq 0 ] || rmdir "${mine[@]}" 2> /dev/null || true
}

# remove_groups ID: those that carry it, with what is below them
remove_groups() {
    local mount top tops=()
    for mount in "${mounts[@]}"; do
        for top in "$mount"/k*; do [ ! -d "$top" ] || tops+=("$top"); done
    done
    [ ${#tops[@]} -eq 0 ] || find "${tops[@]}" -depth -type d -path "*$1*" -delete 2> /dev/null || true
}

# Slices stay when their scopes go. A stop would end whatever is below, so only what is empty is stopped.
stop_own_slices() {
    local mount dir child stopped=" " names=()
    for mount in "${mounts[@]}"; do
        for dir in "$mount"/{kata.slice/kata-overhead.slice,kctest.slice/*.slice,kctest.slice}; do
            [ -d "$dir" ] && ! was_there "$dir" && [[ $stopped != *" ${dir##*/} "* ]] || continue
            if is_empty_slice "${dir#"$mount/"}"; then
                stopped+="${dir##*/} "
                names+=("${dir##*/}")
            fi
        done
    done
    [ ${#names[@]} -eq 0 ] || systemctl stop "${names[@]}" 2> /dev/null || true
    # On v1 systemd leaves those that it has not made.
    for mount in "${mounts[@]}"; do
        for dir in "$mount"/kctest.slice/*.slice; do
            [[ $stopped != *" ${dir##*/} "* ]] || remove_parents "${dir#"$mount/"}"
        done
    done
    [[ $stopped != *" kctest.slice "* ]] || remove_parents kctest.slice
}

# is_empty_slice PATH: in all hierarchies, slices apart that are stopped anyway
is_empty_slice() {
    local mount child
    for mount in "${mounts[@]}"; do
        for child in "$mount/$1"/*/; do
            child=${child%/}
            [ ! -d "$child" ] || [[ $stopped == *" ${child##*/} "* ]] || return 1
        done
    done
}
