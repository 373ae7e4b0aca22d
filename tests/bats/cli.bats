#!/usr/bin/env bats
# The command line: options, exit statuses, refused input, messages. What it does to control groups is in the
# matrix suites.

load helpers

setup() { kc_setup; }
teardown() { kc_teardown; }

@test "usage errors are status 2, and say what is wrong" {
    local arguments wanted
    while IFS='|' read -r arguments wanted; do
        # shellcheck disable=SC2086
        run kc $arguments < /dev/null
        assert_one_error_line 2 "$wanted"
    done <<- END
		|the command is missing
		frobnicate|unknown command: frobnicate; see kata-cgroup --help
		lsit|unknown command: lsit; the nearest is list; see
		help dele|unknown command: dele; the nearest is delete
		help create delete|superfluous argument "delete"
		version 1|superfluous argument "1"
		--log-forma text list|unknown option --log-forma; the nearest is --log-format; see kata-cgroup --help
		create a --dry|create: unknown option --dry; the nearest is --dry-run; see kata-cgroup create --help
		create a --cgroups-pat|unknown option --cgroups-pat; the nearest is --cgroups-path; see
		create a --pid-file 5|unknown option --pid-file; see kata-cgroup create --help
		create a --sandbox-cgroup-onyl|the nearest is --sandbox-cgroup-only
		list --root /x|list: --root goes before the command: kata-cgroup --root ... list
		inspect a --log-format=json|--log-format goes before the command
		create a --strict=1|option --strict takes no argument
		create a -x|unknown option -x
		create a -r|option -r needs an argument
		create -- a --strict|superfluous argument "--strict"
		--frobnicate|unknown option --frobnicate
		--log-format xml list|"xml" is neither text nor json
		create|ID is missing
		create a b|create: superfluous argument "b"
		create a --frobnicate|create: unknown option --frobnicate
		create a --pid|option --pid needs an argument
		create a --stop-timeout -1|"-1" is not a number
		create a --stop-timeout 1x|"1x" is not a number
		create a --sandbox-cgroup-only --overhead-path x|exclude each other
		attach-vcpus a|one of --qmp, --qmp-fd and --vmm-pid is needed
		create a --sandbox-cgroup-only --overhead-resources x|exclude each other
		create a --overhead-resources -|both --resources and --overhead-resources are standard input
		create a --only cpu.cpus,foo|"foo" is no field, nor an object of fields; there are: cpu.cpus, cpu.mems, memory.limit,
		create a --only cpu.|"cpu." is no field
		create a --only cpu.cpusx|"cpu.cpusx" is no field
		attach-vcpus a --qmp x --qmp-fd 3|exclude each other
		attach-vcpus a --vmm-pid 1 --qmp x --vcpu 0:1|--qmp and --vcpu exclude each other
		attach-vcpus a --vmm-pid 1 --qmp-fd 3 --vcpus x|--qmp-fd and --vcpus exclude each other
		attach-vcpus a --vmm-pid 1 --vcpu 0:1 --vcpus x|--vcpu and --vcpus exclude each other
		attach-vcpus a --vcpu 0:1|--vcpu needs --vmm-pid
		attach-vcpus a --vcpus x|--vcpus needs --vmm-pid
		attach-vcpus a --vmm-pid 1 --pin --no-pin|--pin, --pin-map and --no-pin exclude each other
		attach-vcpus a --vmm-pid 1 --pin --pin-map 0=1|--pin, --pin-map and --no-pin exclude each other
		place a|place: --pid is needed
		update a --only ,|"" is no field
		update a --container c --remove --only cpu|--only is for JSON, and none is read
		update a --overhead --container c|--overhead and --container exclude each other
		update a --overhead --add-device /dev/null|--overhead and --add-device exclude each other
		update a --remove|--remove needs --container
		update a --container c --add-device /dev/null|--container beside --add-device needs its JSON
		update a --container c --remove-device /dev/null|--container beside --remove-device needs its JSON
		delete a b|superfluous argument "b"
		exec|ID is missing
		exec a|exec: the command is missing
		inspect|ID is missing
		list a|superfluous argument "a"
		list --format xml|"xml" is neither table nor json
		features a|superfluous argument "a"
	END
}

@test "--help and --version, of the whole and of each command, are status 0 and on standard output" {
    local command
    for command in "" create attach-vcpus place update delete exec inspect list metrics stats features help version; do
        # shellcheck disable=SC2086
        run --separate-stderr kc $command --help
        assert_success
        assert_equal "$(kc help $command)" "$output"
        assert_line --partial "Usage: kata-cgroup"
        assert_equal "$stderr" ""
        # shellcheck disable=SC2086
        run --separate-stderr kc $command -v
        assert_success
        assert_output --regexp '^kata-cgroup [0-9]+\.[0-9]+\.[0-9]+ \(commit ([0-9a-f]{12}(-dirty)?|unknown), [A-Z].*\)$'
    done
}

@test "sandbox IDs that are none are status 5, for every command" {
    local id command
    for id in "" . .. a/b "a b" "a%" $'a\nb' "$(printf 'x%.0s' {1..256})"; do
        run create_id "$id"
        assert_one_error_line 5 "ID"
    done
    for command in "attach-vcpus --vmm-pid $$" "place --pid $$" update delete inspect; do
        # shellcheck disable=SC2086
        run kc $command ../x < /dev/null
        assert_one_error_line 5 "ID"
    done
    [ ! -e "$ROOT" ] || assert_equal "$(ls -A "$ROOT")" ""
}

create_id() { kc create "$1" < /dev/null; }

@test "cgroup paths that lead elsewhere are status 5, name the option and change nothing" {
    local path
    for path in "" / // ../x a/../b a//b ./a a/. "$(printf 'x%.0s' {1..300})" $'a\nb' tasks a/cgroup.procs \
        a-.slice:x:y .slice:x:y a.slice:x: a.slice:x:y/z a.slice:x/../..:y "a.slice:x:y%i" "a%i.slice:x:y" "a.slice:x:y z" \
        a.slice:x:y@1 "a.slice:x:\$y" $'a.slice:x:y\tz' $'a.slice:x:\xc3\xa9' $'a\xff' "a.slice:x:$(printf 'y%.0s' {1..250})"; do
        run kc create "$ID" --cgroups-path "$path" < /dev/null
        assert_one_error_line 5 "--cgroups-path"
        run kc create "$ID" --overhead-path "$path" < /dev/null
        assert_one_error_line 5 "--overhead-path"
    done
    assert_nothing_left
}

@test "a --root that leads elsewhere, or that others can put something into, is status 5, and nothing is made" {
    local root=$BATS_TEST_TMPDIR path
    mkdir "$root/real" "$root/open" "$root/theirs"
    ln -s real "$root/link"
    chmod 775 "$root/open"
    chown 12345 "$root/theirs"
    for path in "" / "$root/../x" "$root//x" "$root/link" "$root/link/x/y" "$root/open/x" "$root/theirs/x" "$root/theirs" \
        "$root/a"$'\n'b "/$(printf 'x/%.0s' {1..3000})" "$root/$(printf 'x%.0s' {1..256})"; do
        run "$KATA_CGROUP" --root "$path" create "$ID" --cgroups-path "$CGROUPS_PATH" < /dev/null
        assert_one_error_line 5 "--root"
        run "$KATA_CGROUP" --root "$path" list
        assert_one_error_line 5 "--root"
    done
    assert_equal "$(find "$root" -mindepth 1 -printf '%P\n' | sort | xargs)" "link open real theirs"
    assert_nothing_left
    # What is odd but leads nowhere else.
    for path in "$root/new/a/" "$root/./new/b" "$root/new/..c"; do
        "$KATA_CGROUP" --root "$path" create "$ID" --cgroups-path "$CGROUPS_PATH" < /dev/null
        "$KATA_CGROUP" --root "$path" delete "$ID"
    done
    cd "$root/new"
    "$KATA_CGROUP" --root d create "$ID" --cgroups-path "$CGROUPS_PATH" < /dev/null
    assert [ -e "$root/new/d/$ID/state.json" ]
    "$KATA_CGROUP" --root d delete "$ID"
}

@test "documents that must be refused are status 5, and name the field" {
    local field document
    while IFS=$'\t' read -r field document; do
        [[ $field != \#* ]] || continue
        run create --strict <<< "$document"
        assert_one_error_line 5 "$field"
    done < "$BATS_TEST_DIRNAME/../data/should-fail.txt"
    assert_nothing_left
}

@test "whatever a message quotes, it is one short line without control characters, in text and in JSON" {
    local long
    printf -v long '1,%.0s' {1..200000}
    run create <<< "{\"cpu\":{\"cpus\":\"${long}x\"}}"
    assert_one_error_line 5 "cpu.cpus: \"1,1,1"
    assert [ ${#output} -lt 2200 ]
    # ESC, CSI of C1, a line separator, and what is no UTF-8.
    run create <<< '{"cpu":{"cpus":"\u001b[1m\u009b1m\u2028"}}'
    assert_one_error_line 5 'cpu.cpus: "\x1b[1m\xc2\x9b1m\xe2\x80\xa8" is not'
    run kc create $'a\x9b\xff\n' < /dev/null
    assert_one_error_line 5 'ID: "a\x9b\xff\x0a" is not'
    run kc --log-format json create $'a\x9b\xc2\x9b' < /dev/null
    assert_failure 5
    assert_json .msg '"ID: \"a\\x9b\\xc2\\x9b\" is not 1 to 255 of A-Z a-z 0-9 _ + - . "'
    run bash -c "! LC_ALL=C grep -q '[^ -~]' <<< '$output'"
    assert_success
}

@test "a document of 10 MB and one nested a thousand times are refused" {
    run create < <(printf '{"cpu":{"cpus":"'; head -c 10000000 /dev/zero | tr '\0' 1; printf '"}}')
    assert_one_error_line 5 "larger than"
    run create < <(printf '[%.0s' {1..1000})
    assert_one_error_line 5 "resources"
    assert_nothing_left
}

@test "members that the specification does not know are ignored with a warning each; --strict refuses" {
    local document='{"pids":{"limit":33,"more":1},"somethingNew":{"limit":1},"devices":[{"allow":true,"x":[]}]}' state
    run create --strict <<< "$document"
    assert_one_error_line 5 "pids.more: no such field"
    assert_nothing_left
    run create <<< "$document"
    assert_success
    assert_output "$(printf 'kata-cgroup: warning: %s: no such field; ignored\n' pids.more somethingNew 'devices[0].x')"
    assert_file sandbox pids pids.max 33 pids.max 33
    # They are not kept, and an update of nothing else is none.
    assert_equal "$(kc inspect "$ID" | jq -c .resources)" '{"pids":{"limit":33},"devices":[{"allow":true}]}'
    state=$(stat -c '%i %y' "$ROOT/$ID/state.json")
    run kc --log-format json update "$ID" <<< '{"more":1}'
    assert_success
    assert_json '[.level, .msg]' '["warning","more: no such field; ignored"]'
    assert_equal "$(stat -c '%i %y' "$ROOT/$ID/state.json")" "$state"
    run kc update "$ID" --strict <<< '{"more":1}'
    assert_one_error_line 5 "more: no such field"
}

# at_terminal COMMAND...: with a terminal as standard input, on which nothing is said
at_terminal() { script -qec "$(printf '%q ' "$@")" /dev/null < /dev/null; }

@test "at a terminal, create has no limits, and update says that no JSON was given" {
    run at_terminal "$KATA_CGROUP" --root "$ROOT" create "$ID" --cgroups-path "$CGROUPS_PATH"
    assert_success
    refute_output
    local arguments
    for arguments in "" "-r -" "--container c" "--add-device /dev/null -r -"; do
        # shellcheck disable=SC2086  # words
        run at_terminal "$KATA_CGROUP" --root "$ROOT" update "$ID" $arguments
        assert_one_error_line 2 "update: no JSON was given"
    done
    run at_terminal "$KATA_CGROUP" --root "$ROOT" update "$ID" --add-device /dev/null
    assert_success
    run at_terminal "$KATA_CGROUP" --root "$ROOT" update "$ID" --container c --remove
    assert_success
}

@test "a sandbox that is not there is status 3; one that is there already is status 4" {
    local command
    for command in "attach-vcpus --vmm-pid $$" "place --pid $$" update delete inspect; do
        # shellcheck disable=SC2086
        run kc $command "$ID" < /dev/null
        assert_one_error_line 3 "$ID"
    done
    create < /dev/null
    run create < /dev/null
    assert_one_error_line 4 "$ID"
}

@test "kata runtime #2792: the pause container's limits are not the sandbox's; --only takes cpuset and devices" {
    local bundle=$BATS_TEST_TMPDIR/bundle cpus=''
    mkdir "$bundle"
    # Limits that would strangle a VM, and what this host may not even have.
    cat > "$bundle/config.json" <<- 'END'
		{"linux": {"cgroupsPath": "", "resources": {
		    "devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rwm"}],
		    "cpu": {"shares": 2, "cpus": "0", "quota": 1000, "period": 100000}, "pids": {"limit": 1}, "memory": 7,
		    "annotation": {}}}}
	END
    ! has cpuset || cpus=cpu.cpus,
    run kc create "$ID" --bundle "$bundle" --cgroups-path "$CGROUPS_PATH" --only "${cpus}devices" --only network --strict
    assert_success
    refute_output
    output=$(kc inspect "$ID")
    ! has cpuset || assert_json .resources.cpu '{"cpus":"0"}'
    assert_json '.resources | keys - ["cpu"]' '["devices"]'
    assert_file sandbox pids pids.max max pids.max max
    # An update leaves what it does not take.
    kc update "$ID" --only pids <<< '{"pids":{"limit":44},"devices":[],"cpu":7}'
    assert_file sandbox pids pids.max 44 pids.max 44
    assert_equal "$(kc inspect "$ID" | jq '.resources.devices | length')" 2
}

@test "no limits: empty input, blank input, {} and /dev/null" {
    local text
    for text in "" " " "{}"; do
        create <<< "$text"
        assert_equal "$(kc inspect "$ID" | jq -c .resources)" '{}'
        kc delete "$ID"
    done
    create < /dev/null
    kc delete "$ID"
}

@test "--resources reads a file; one that is not there is an error" {
    echo '{"pids":{"limit":55}}' > "$BATS_TEST_TMPDIR/resources.json"
    create -r "$BATS_TEST_TMPDIR/resources.json" < /dev/null
    assert_file sandbox pids pids.max 55 pids.max 55
    run kc update "$ID" --resources "$BATS_TEST_TMPDIR/none.json" < /dev/null
    assert_one_error_line 1 "none.json: No such file or directory"
}

@test "--bundle takes path and resources from config.json; options win" {
    local bundle=$BATS_TEST_TMPDIR/bundle
    mkdir "$bundle"
    run kc create "$ID" --bundle "$bundle" < /dev/null
    assert_one_error_line 1 "config.json: No such file or directory"
    echo '{"ociVersion":"1.0","linux":{"cgroupsPath":"'"$CGROUPS_PATH"'","resources":{"pids":{"limit":44}}}}' \
        > "$bundle/config.json"
    kc create "$ID" -b "$bundle" < /dev/null
    assert_file sandbox pids pids.max 44 pids.max 44
    kc delete "$ID"
    kc create "$ID" -b "$bundle" -r - <<< '{"pids":{"limit":43}}'
    assert_file sandbox pids pids.max 43 pids.max 43
    kc delete "$ID"
    local field document
    while IFS='|' read -r field document; do
        printf '%s' "$document" > "$bundle/config.json"
        run kc create "$ID" -b "$bundle" < /dev/null
        assert_one_error_line 5 "$field"
    done <<- END
		linux.resources: $bundle/config.json: not an object|{"linux":{"resources":[]}}
		linux: $bundle/config.json: not an object|{"linux":[]}
		linux.cgroupsPath: $bundle/config.json: not a string|{"linux":{"cgroupsPath":7}}
		--bundle: $bundle/config.json: not a JSON object: it ends too early (line 1, column 2)|{
		--bundle: $bundle/config.json: not a JSON object: ':' is missing (line 1, column 9)|{"linux"}
		twice|{"linux":{"resources":{},"resources":{}}}
		cpu.shares: not an integer|{"linux":{"resources":{"cpu":{"shares":"x"}}}}
		resources: not valid JSON: too big integer|{"linux":{"resources":{"cpu":{"shares":18446744073709551615}}}}
	END
    # What options give is not looked at in the bundle.
    kc create "$ID" -b "$bundle" -r /dev/null
}

@test "--bundle skips whatever else config.json holds; it ignores and refuses like --resources" {
    local bundle=$BATS_TEST_TMPDIR/bundle deep
    mkdir "$bundle"
    deep=$(printf '[%.0s' {1..200})$(printf ']%.0s' {1..200})
    cat > "$bundle/config.json" <<- END
		{"process": {"rlimits": [{"type": "RLIMIT_NOFILE", "hard": 18446744073709551615, "soft": 1e400}], "rlimits": -0.5e-7},
		 "deep": $deep, "linux": {"seccomp": {"x": 99999999999999999999999}, "cgroupsPath": "$CGROUPS_PATH",
		  "resources": {"pids": {"limit": 44, "more": 1}}, "mountLabel": "\u0000\ud800"}, "process": null}
	END
    run kc create "$ID" -b "$bundle" < /dev/null
    assert_success
    assert_output "kata-cgroup: warning: pids.more: no such field; ignored"
    assert_file sandbox pids pids.max 44 pids.max 44
    kc delete "$ID"
    run kc create "$ID" -b "$bundle" --strict < /dev/null
    assert_one_error_line 5 "pids.more"
    # The specification's example, with members of a newer one.
    cp "$BATS_TEST_DIRNAME/../data/example-config.json" "$bundle/config.json"
    run --separate-stderr kc create "$ID" -b "$bundle" --dry-run < /dev/null
    if has memory && has cpuset && has hugetlb; then
        assert_success
        assert_equal "$(jq -r '.plan[] | select(.write == "pids.max") | .value' <<< "$output")" 32771
    else # an error that names what the host has not
        assert_failure 1
    fi
    [[ $stderr == *"warning: memory.newLimit: no such field; ignored"*"warning: devices[1].fileMode: no such field; ignored"* ]]
    echo '{"linux":{"cgroupsPath":null,"resources":null}}' > "$bundle/config.json"
    run --separate-stderr kc create "$ID" -b "$bundle" --dry-run < /dev/null
    assert_success
    assert_output --partial "kata_sandboxed_pod/$ID"
}

@test "--log-format json: one object a line, with level, msg, time; errors have code and field" {
    run kc --log-format json create "$ID" <<< '{"cpu":{"cpus":"3-1"}}'
    assert_failure 5
    assert_equal "${#lines[@]}" 1
    assert_json '[.level, .code, .field]' '["error",5,"cpu.cpus"]'
    assert_json '.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\\.[0-9]+)?Z$")' true
    assert_json '.msg | length > 0' true
}

@test "--log-format json --debug: each line of a sandbox's life is an object" {
    run --separate-stderr kc --log-format json --debug create "$ID" --cgroups-path "$CGROUPS_PATH" \
        <<< '{"pids":{"limit":7},"nonsense":1}'
    assert_success
    assert_equal "$(jq -rs 'map(.level) | unique | join(" ")' <<< "$stderr")" "debug warning"
    run --separate-stderr kc --log-format json --debug delete "$ID"
    assert_success
    assert_equal "$(jq -rs 'map(.level) | unique | join(" ")' <<< "$stderr")" debug
}

@test "--log appends to a file, and standard error stays empty" {
    local log=$BATS_TEST_TMPDIR/log
    run --separate-stderr kc --log "$log" inspect "$ID"
    assert_failure 3
    assert_equal "$output$stderr" ""
    run kc --log "$log" inspect "$ID"
    assert_equal "$(grep -c 'kata-cgroup: error: ' "$log")" 2
    run kc --log "$BATS_TEST_TMPDIR/no/log" list
    assert_one_error_line 1 "cannot open log"
}

@test "--debug tells every write before it happens" {
    run --separate-stderr create --debug <<< '{"pids":{"limit":7}}'
    assert_failure 2
    run --separate-stderr kc --debug create "$ID" --cgroups-path "$CGROUPS_PATH" <<< '{"pids":{"limit":7}}'
    assert_success
    [[ $stderr == *"debug: write $(group_dir sandbox pids)/pids.max: 7"* ]]
    [[ $stderr == *"debug: mkdir $(group_dir sandbox pids)"* ]]
}

@test "list: nothing, a table, JSON, and a state that cannot be read" {
    run kc list
    assert_success
    assert_equal "${#lines[@]}" 1
    run kc list --format json
    assert_output "[]"
    create < /dev/null
    run kc list
    assert_line --regexp "^$ID +cgroupfs +ready +yes +[0-9.]+s +[0-9.]+([KM]i)?B +$CGROUPS_PATH$"
    run kc list --quiet
    assert_output "$ID"
    run kc list -q --format json
    assert_one_error_line 2 "--quiet and --format json exclude each other"
    run kc list --format json
    assert_json '.[] | [.id, .driver, .phase, .cgroupsPath, .exists]' "[\"$ID\",\"cgroupfs\",\"ready\",\"$CGROUPS_PATH\",true]"
    mkdir "$ROOT/broken"
    echo '{' > "$ROOT/broken/state.json"
    run --separate-stderr kc list --format json
    assert_success
    assert_json '.[] | select(.id == "broken") | .error | length > 0' true
    run kc list
    assert_line --regexp "^broken .* broken .*delete --force clears it up, if told where its groups are"
    run kc list -q
    assert_output broken$'\n'"$ID"
    rm -r "$ROOT/broken"
}

@test "features: the API's version, each command's options as its --help has them, and what the kernel has" {
    local command
    run --separate-stderr kc features
    assert_success
    assert_equal "kata-cgroup $(jq -r '"\(.version) (commit \(.commit), \(.build))"' <<< "$output")" "$(kc version)"
    assert_json '[.apiVersion, .ociVersionMin, .ociVersionMax]' '[1,"1.0.0","1.3.0"]'
    assert_json '[.kernel[] | type] | unique' '["boolean"]'
    assert_json '.kernel | keys' '["bpf","cgroupKill","cloneIntoCgroup","openat2","pidfd"]'
    # 5.7 has all but cgroup.kill, which is for the v2 tree.
    [ "$(printf '%s\n' 5.14 "$(uname -r)" | sort -V | head -n 1)" != 5.14 ] ||
        assert_json '.kernel | [.pidfd, .openat2, .cloneIntoCgroup]' '[true,true,true]'
    assert_json '.options - ["--root","--log","--log-format","--debug","--help","--version"]' '[]'
    for command in $(jq -r '.commands | keys[]' <<< "$output"); do
        assert_equal "$(jq -r ".commands[\"$command\"].options[]" <<< "$output" | sort)" \
            "$(kc "$command" --help | grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort)"
    done
}

@test "features: version, hierarchies, controllers, drivers and fields" {
    run kc features
    assert_success
    assert_json .cgroupVersion "$HOST_VERSION"
    assert_json '.hierarchies | length' "${#MOUNTS[@]}"
    assert_json .controllers.pids "${VERSION_OF[pids]}"
    assert_json '.drivers | index("cgroupfs")' 0
    assert_json '.fields | map(select(.field == "pids.limit")) | .[0] | [.v1, .v2, .systemdV2]' '["pids.max","pids.max","TasksMax"]'
    if [ -d /run/systemd/system ]; then
        assert_json .systemdVersion "$(systemctl --version | awk 'NR == 1 {print $2}')"
        assert_json .drivers '["cgroupfs","systemd"]'
    else
        assert_json .systemdVersion null
    fi
}

@test "options stand before and behind the ID, whatever POSIXLY_CORRECT says" {
    POSIXLY_CORRECT=1 kc delete --timeout 0 "$ID" --force
    POSIXLY_CORRECT=1 run kc delete "$ID" --forc
    assert_one_error_line 2 "the nearest is --force"
}

@test "closed standard streams are an error where they are needed, and nothing else is written into" {
    run bash -c '"$1" --log "$2" version >&-' bash "$KATA_CGROUP" "$BATS_TEST_TMPDIR/log"
    assert_failure 1
    assert_equal "$(< "$BATS_TEST_TMPDIR/log")" "kata-cgroup: error: standard output: Bad file descriptor"
    run bash -c '"$1" --root "$2" create x <&-' bash "$KATA_CGROUP" "$ROOT"
    assert_one_error_line 1 "standard input: Bad file descriptor"
    "$KATA_CGROUP" --root "$ROOT" list >&- 2>&- <&- || assert_equal $? 1
}

@test "output that cannot be written is an error" {
    run --separate-stderr bash -c '"$1" features > /dev/full' bash "$KATA_CGROUP"
    assert_failure 1
    assert_equal "$stderr" "kata-cgroup: error: standard output: No space left on device"
}

@test "a runtime process that is not there is an error, and nothing is made" {
    start_process
    local pid=$!
    kill -KILL "$pid"
    wait "$pid" 2> /dev/null || true
    run create --pid "$pid" < /dev/null
    assert_failure
    assert_equal "${#lines[@]}" 1
    assert_nothing_left
    run create --pid 0 < /dev/null
    assert_one_error_line 5 "--pid"
}

@test "the state directory is 0700, the state 0600" {
    create < /dev/null
    assert_equal "$(stat -c '%a %a' "$ROOT/$ID")" "700 700"
    assert_equal "$(stat -c %a "$ROOT/$ID/state.json")" 600
}

@test "a QMP socket that nobody serves, and one that says nothing, end with the deadline" {
    create < /dev/null
    run kc attach-vcpus "$ID" --qmp "$SOCKET" --timeout 0
    assert_one_error_line 1 "cannot connect to QMP socket $SOCKET: No such file or directory"
    run kc attach-vcpus "$ID" --vmm-pid 1
    assert_one_error_line 5 "--vmm-pid"
}

@test "--vcpu-subtree is refused where controllers are on v1, with the reason" {
    if [ "$HOST_VERSION" = 2 ]; then
        kc create "$ID" --vcpu-subtree < /dev/null
        return
    fi
    run kc create "$ID" --vcpu-subtree < /dev/null
    assert_failure 5
    assert_output --partial "--vcpu-subtree"
    refute [ -e "$ROOT/$ID" ]
}
