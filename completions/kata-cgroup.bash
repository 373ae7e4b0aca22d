# SPDX-License-Identifier: Apache-2.0
# bash completion for kata-cgroup(8): the program itself knows what fits

# The words before the cursor as the program would get them: bash splits at '=', and keeps quotes.
_kata_cgroup_words() {
    local word last='' i
    words=()
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        word=${word//[\\\"\']/}
        if [[ $word == = && $last == --* ]] || [[ $last == --*= && ${COMP_WORDS[i - 1]} == = ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
        last=${words[-1]}
    done
    # The cursor is behind '=': the value has not been begun.
    current=${words[-1]}
    [[ $current != --*=* ]] || current=${current#*=}
}

# bash quotes blanks in what it takes for files.
_kata_cgroup_paths() {
    compopt -o filenames 2> /dev/null
    mapfile -t COMPREPLY < <(compgen "$1" -- "$current")
}

_kata_cgroup() {
    local line prefix='' current words
    _kata_cgroup_words
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
        :file) _kata_cgroup_paths -f ;;
        :directory) _kata_cgroup_paths -d ;;
        :pid) mapfile -t COMPREPLY < <(cd /proc && compgen -W "$(echo [0-9]*)" -- "$current") ;;
        ":command "*)
            # _command_offset is bash-completion's, and counts the program's name and bash's own words.
            if declare -F _command_offset > /dev/null && [[ " ${COMP_WORDS[*]} " != *" = "* ]]; then
                _command_offset $((${line#:command } + 1))
            elif ((${#words[@]} - 1 == ${line#:command })); then
                mapfile -t COMPREPLY < <(compgen -c -- "$current")
            else
                _kata_cgroup_paths -f
            fi
            ;;
        # bash has split the word at '=' itself.
        ":prefix --"*=) ;;
        ":prefix "*) prefix=${line#:prefix } && prefix=${prefix#--*=} ;;
        *) COMPREPLY+=("$prefix${line%%$'\t'*}") ;;
        esac
    done < <("${COMP_WORDS[0]/#\~/$HOME}" complete -- "${words[@]}" 2> /dev/null)
}

complete -F _kata_cgroup kata-cgroup
