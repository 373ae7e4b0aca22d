# SPDX-License-Identifier: Apache-2.0
# bash completion for kata-cgroup(8): the program itself knows what fits

# The words before the cursor as the program would get them. bash splits at COMP_WORDBREAKS, ':' and '=' for instance, and keeps
# quotes: what has no blank between it in the line is one word. Sets words, first (where each begins in COMP_WORDS) and current.
_kata_cgroup_words() {
    local line=${COMP_LINE:0:COMP_POINT} word i
    words=() first=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i == 0)) || [ -z "$word" ] || [[ $line == [[:space:]]* ]]; then
            words+=("$word") && first+=("$i")
        else
            words[-1]+=$word
        fi
        line=${line#*"$word"}
    done
    words=("${words[@]:1}")
    words=("${words[@]//[\\\"\']/}")
    current=${words[-1]}
    [[ $current != --*=* ]] || current=${current#*=}
}

# bash quotes blanks in what it takes for files.
_kata_cgroup_paths() {
    compopt -o filenames 2> /dev/null
    mapfile -t COMPREPLY < <(compgen "$1" -- "$current")
}

_kata_cgroup() {
    local line prefix='' current words first
    _kata_cgroup_words
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
        :file) _kata_cgroup_paths -f ;;
        :directory) _kata_cgroup_paths -d ;;
        :pid) mapfile -t COMPREPLY < <(cd /proc && compgen -W "$(echo [0-9]*)" -- "$current") ;;
        ":command "*)
            # _command_offset is bash-completion's, and counts bash's own words.
            if declare -F _command_offset > /dev/null; then
                _command_offset "${first[${line#:command } + 1]}"
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
    # bash replaces what is behind the last ':'.
    [[ $current != *:* || $COMP_WORDBREAKS != *:* ]] || COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*:}"}"}")
}

complete -F _kata_cgroup kata-cgroup
