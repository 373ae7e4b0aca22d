#!/usr/bin/env bats
# v2: controllers are enabled from the top down, only where needed, and what is in the way has a name.

load helpers

setup() {
    kc_setup
    TOP=${MOUNT_OF[pids]}
    PARENT=$TOP/$PARENT_DIR
    mkdir -p "$PARENT"
}
teardown() { kc_teardown; }

# no_sandbox_left: what the test itself made stays
no_sandbox_left() { assert_equal "$(find "$TOP" -type d -name "*$ID*")" ""; }

# pass_on CONTROLLER: down to the children of the parent
pass_on() {
    local dir
    for dir in "$TOP" "${PARENT%/*}" "$PARENT"; do echo "+$1" > "$dir/cgroup.subtree_control"; done
}

@test "controllers are enabled on the way down, and only those that are needed" {
    echo +pids > "$TOP/cgroup.subtree_control"
    create <<< '{"pids":{"limit":5}}'
    assert_equal "$(< "$TOP/$SANDBOX_DIR/pids.max")" 5
    [[ " $(< "$PARENT/cgroup.subtree_control") " == *" pids "* ]]
    # Nothing is enabled for the sandbox's own children.
    assert_equal "$(< "$TOP/$SANDBOX_DIR/cgroup.subtree_control")" ""
}

@test "a parent with processes of its own is an error that says so" {
    start_process
    echo $! > "$PARENT/cgroup.procs"
    run create <<< '{"pids":{"limit":5}}'
    assert_failure 1
    assert_equal "${#lines[@]}" 1
    assert_output --partial "$PARENT_DIR"
    assert_output --partial "processes"
    kill -KILL "${STARTED[@]}"
    wait "${STARTED[@]}" 2> /dev/null || true
    no_sandbox_left
}

@test "a threaded parent is an error that says so" {
    echo threaded > "$PARENT/cgroup.type"
    run create <<< '{"memory":{"limit":50000000}}'
    assert_failure 1
    assert_equal "${#lines[@]}" 1
    assert_output --partial "threaded"
    no_sandbox_left
}

@test "a parent that may have no more descendants, or none so deep, is an error that names the file, at once" {
    local file began
    for file in cgroup.max.descendants cgroup.max.depth; do
        echo 0 > "$PARENT/$file"
        began=$SECONDS
        run create <<< '{"pids":{"limit":5}}'
        assert_one_error_line 1 "cannot make cgroup $PARENT/$ID: $PARENT/$file is reached: Resource temporarily unavailable"
        # Further up.
        CGROUPS_PATH=$PARENT_DIR/between/$ID
        run create <<< '{"pids":{"limit":5}}'
        assert_one_error_line 1 "$PARENT/$file is reached: Resource temporarily unavailable"
        assert [ $((SECONDS - began)) -lt 20 ]
        CGROUPS_PATH=$PARENT_DIR/$ID
        no_sandbox_left
        refute [ -d "$PARENT/between" ]
        echo max > "$PARENT/$file"
    done
    # One more is allowed, which the way to the sandbox takes.
    echo 1 > "$PARENT/cgroup.max.descendants"
    CGROUPS_PATH=$PARENT_DIR/between/$ID
    run create <<< '{"pids":{"limit":5}}'
    assert_one_error_line 1 "$PARENT/cgroup.max.descendants is reached: Resource temporarily unavailable"
    no_sandbox_left
    refute [ -d "$PARENT/between" ]
    CGROUPS_PATH=$PARENT_DIR/$ID
    create <<< '{"pids":{"limit":5}}'
    kc delete "$ID"
    no_sandbox_left
}

# container SCRIPT: run by bash as in a container: in a cgroup namespace whose root is the group ct, with the
# container's own processes in its group "init"
container() {
    CT=$PARENT/ct-$ID
    mkdir "$CT"
    cat > "$BATS_TEST_TMPDIR/container.sh" <<- END
		umount -l $TOP && mount -t cgroup2 cgroup2 $TOP || exit
		mkdir $TOP/init && echo \$\$ > $TOP/init/cgroup.procs || exit
		kc() { "$KATA_CGROUP" --root "$ROOT" "\$@"; }
		ID=$ID TOP=$TOP
		$1
	END
    bash -c 'echo $$ > "$0/cgroup.procs" && exec unshare --cgroup --mount bash "$1"' \
        "$CT" "$BATS_TEST_TMPDIR/container.sh" 3>&-
}

@test "a controller that the parent does not pass on is an error that names it" {
    pass_on pids
    # shellcheck disable=SC2016
    run container 'kc create "$ID" --sandbox-cgroup-only --cgroups-path pod/sb <<< "{\"memory\":{\"limit\":50000000}}"'
    assert_failure 1
    assert_output --partial "memory.limit: the memory controller is mounted nowhere on this host"
    refute [ -e "$PARENT/ct-$ID/pod" ]
}

@test "a container whose root has an init group: sandboxes go beside it, and everything is taken down again" {
    pass_on pids
    # shellcheck disable=SC2016
    run container 'kc create "$ID" --sandbox-cgroup-only --cgroups-path pod/sb <<< "{\"pids\":{\"limit\":9}}" &&
        cat "$TOP/pod/sb/pids.max" && kc delete "$ID" && ls -d "$TOP"/*/'
    assert_success
    assert_line 9
    assert_line "$TOP/init/"
    refute_line --partial pod
}
