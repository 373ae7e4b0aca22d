#!/usr/bin/env bats
# The package, as an operator has it: installed, upgraded while a sandbox lives, removed. Runs where the job has brought
# packages (fill_packages in scripts/vm/job.bash): ../../packages has this version's, ../../packages/older the one before.

load helpers

setup() {
    kc_setup
    PACKAGES=$BATS_TEST_DIRNAME/../../packages
    KATA_CGROUP=/usr/sbin/kata-cgroup
}

teardown() {
    kc_teardown
    dpkg --purge kata-cgroup > /dev/null 2>&1
}

# The emulated disk is thrown away: nothing has to be on it for certain.
install_package() { dpkg --force-unsafe-io -i "$@" 3>&-; }

# What inspect says of a sandbox, less what changes by itself.
inspect() { kc inspect "$ID" | jq -S .; }

@test "an upgrade leaves a living sandbox as it is: the new version inspects, updates and deletes it" {
    local before
    install_package "$PACKAGES"/older/*.deb
    assert_equal "$(dpkg-query -W -f '${Version}' kata-cgroup)" 0.1.0-1
    create_attached
    before=$(inspect)

    install_package "$PACKAGES"/*.deb
    assert_equal "$(dpkg-query -W -f '${Version}' kata-cgroup)" "$("$KATA_CGROUP" --version | cut -d ' ' -f 2)-1"
    assert_equal "$(inspect)" "$before"
    assert_limits
    assert_in_group "$SHIM" overhead
    assert_in_group "$VMM" sandbox

    kc update "$ID" <<< '{"pids":{"limit":500}}'
    assert_file sandbox pids pids.max 500 pids.max 500
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "the removal leaves no file and harms no sandbox; a package that is installed again deletes it" {
    local files file units=()
    install_package "$PACKAGES"/*.deb
    dpkg -V kata-cgroup | grep -v '^missing .*/usr/share/\(doc\|man\)/' && fail "installed files differ"
    mapfile -t files < <(dpkg -L kata-cgroup | grep kata-cgroup)
    assert [ ${#files[@]} -gt 20 ]
    # What starts by itself is for the operator to enable, and ends with the package.
    for file in "${files[@]}"; do [[ $file != */systemd/system/*.@(service|timer) ]] || units+=("${file##*/}"); done
    if [ ${#units[@]} -gt 0 ]; then
        assert_equal "$(systemctl is-enabled "${units[@]}" | sort -u)" disabled
        systemctl --quiet enable "${units[@]}"
        systemctl start "${units[@]/%.service/.timer}"
    fi
    create_attached

    dpkg --purge kata-cgroup
    for file in "${files[@]}"; do assert [ ! -e "$file" ]; done
    for file in "${units[@]}"; do
        assert_equal "$(find /etc/systemd -name "$file"; systemctl list-units --all --no-legend --plain "$file")" ""
    done
    assert_limits
    assert_in_group "$SHIM" overhead
    assert_in_group "$VMM" sandbox

    install_package "$PACKAGES"/*.deb
    kc delete --force "$ID"
    assert_nothing_left
}
