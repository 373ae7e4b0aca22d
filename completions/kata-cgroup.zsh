#compdef kata-cgroup
# SPDX-License-Identifier: Apache-2.0
# zsh completion for kata-cgroup(8): the program itself knows what fits

_kata-cgroup() {
    local line
    local -a candidates
    for line in "${(@f)$(_call_program complete "${(q)words[1]}" complete -- "${(@q)${(@Q)words[2,CURRENT-1]}}" "${(q)${(Q)PREFIX}}" 2> /dev/null)}"; do
        case $line in
        '') ;;
        :file) _files ;;
        :directory) _files -/ ;;
        :pid) _pids ;;
        ':command '*)
            shift "${line#:command }" words
            shift words
            ((CURRENT -= ${line#:command } + 1))
            _normal
            ;;
        ':prefix '*) compset -P "${(b)line#:prefix }" ;;
        *) candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        esac
    done
    ((${#candidates} == 0)) || _describe -V 'kata-cgroup' candidates
}

_kata-cgroup "$@"
