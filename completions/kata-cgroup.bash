# SPDX-License-Identifier: Apache-2.0
# bash completion for kata-cgroup(8)

_kata_cgroup() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command='' root=/run/kata-cgroup i options='' ids=false
    local commands="create attach-vcpus place update delete exec inspect list features"

    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --root) root=${COMP_WORDS[i + 1]} && i=$((i + 1)) ;;
        --log | --log-format) i=$((i + 1)) ;;
        -*) ;;
        *) command=${COMP_WORDS[i]} && break ;;
        esac
    done

    case $previous in
    --root | -b | --bundle)
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        return
        ;;
    --log | -r | --resources | --overhead-resources | --qmp | --vcpus | --add-device | --remove-device)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    --log-format)
        mapfile -t COMPREPLY < <(compgen -W "text json" -- "$current")
        return
        ;;
    --format)
        mapfile -t COMPREPLY < <(compgen -W "table json" -- "$current")
        return
        ;;
    --pid | --vmm-pid)
        mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$current")
        return
        ;;
    --only)
        mapfile -t COMPREPLY < <(compgen -W "$(kata-cgroup features 2> /dev/null | jq -r '.fields[].field' 2> /dev/null)" -- "$current")
        return
        ;;
    --cgroups-path | --overhead-path | --stop-timeout | --timeout | --expect | --qmp-fd | --vcpu | --pin-map | --container) return ;;
    esac

    case $command in
    '') options="--root --log --log-format --debug" ;;
    create) options="--cgroups-path --resources --bundle --sandbox-cgroup-only --overhead-path --overhead-resources --pid --hypervisor-devices --vcpu-subtree --stop-timeout --only --strict --dry-run" ;;
    attach-vcpus) options="--qmp --qmp-fd --vmm-pid --vcpu --vcpus --expect --timeout --pin --pin-map --no-pin" ids=true ;;
    place) options="--pid" ids=true ;;
    update) options="--container --remove --overhead --add-device --remove-device --resources --only --strict --dry-run" ids=true ;;
    delete) options="--force --timeout --cgroups-path --overhead-path --sandbox-cgroup-only" ids=true ;;
    exec) ids=true ;;
    inspect) options="--stats" ids=true ;;
    list) options="--format" ;;
    esac
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options --help --version" -- "$current")
    elif [ -z "$command" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
    elif [ "$ids" = true ] && [ -d "$root" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(cd "$root" && for i in */; do [ ! -d "$i" ] || echo "${i%/}"; done)" -- "$current")
    fi
}

complete -F _kata_cgroup kata-cgroup
