# SPDX-License-Identifier: Apache-2.0
# fish completion for kata-cgroup(8): the program itself knows what fits

function __kata_cgroup_complete
    set -l words (commandline -opc) (string unescape -- (commandline -ct))
    set -l current $words[-1]
    set -l prefix ''
    for line in ($words[1] complete -- $words[2..-1] 2>/dev/null)
        switch $line
            case ':file'
                for path in (__fish_complete_path (string replace -- "$prefix" '' "$current"))
                    echo -- $prefix$path
                end
            case ':directory'
                for path in (__fish_complete_directories (string replace -- "$prefix" '' "$current"))
                    echo -- $prefix$path
                end
            case ':pid'
                for pid in (__fish_complete_pids)
                    echo -- $prefix$pid
                end
            case ':command *'
                set -l first (math (string replace ':command ' '' -- $line) + 2)
                complete -C (string join -- ' ' (string escape -- $words[$first..-1]))
            case ':prefix *'
                set prefix (string replace ':prefix ' '' -- $line)
            case '*'
                printf '%s%s\n' $prefix $line
        end
    end
end

complete -c kata-cgroup -f -a '(__kata_cgroup_complete)'
