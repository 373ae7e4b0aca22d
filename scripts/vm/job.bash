# shellcheck shell=bash
# What the job of a virtual machine is made of; sourced by test.sh and coverage.sh.

job_tools=(attach-programs mark named-threads qmp-command qmp-connect qmp-shim random-resources scripted-vmm stuck-process touch-memory)

# fill_job JOB BUILD-DIRECTORY: the binary, its tools, and the suites with all that they need
fill_job() {
    mkdir -p "$1/tests"
    cp "$2/kata-cgroup" "${job_tools[@]/#/$2/}" "$1"
    cp -r tests/bats tests/data tests/differential tests/reliability tests/vm "$1/tests"
    # Whose examples are run.
    cp -r README.md man "$1"
}

# fill_packages JOB BUILD-DIRECTORY: the .deb, and one that is older, for tests/bats/package.bats
fill_packages() {
    local pack=(cpack -G DEB --config "$2/CPackConfig.cmake")
    "${pack[@]}" -B "$1/packages" && "${pack[@]}" -D CPACK_PACKAGE_VERSION=0.1.0 -B "$1/packages/older" || return 1
    rm -rf "$1"/packages/{,older/}_CPack_Packages
}

# host_cgroups: "v1" where this machine has all that the suites need of v1, for KC_HOST of run-suites.sh
host_cgroups() {
    local controller
    for controller in cpu cpuset devices memory pids; do
        grep -q " - cgroup .*[ ,]rw.*,$controller\(,\|$\)" /proc/self/mountinfo || return 0
    done
    echo v1
}
