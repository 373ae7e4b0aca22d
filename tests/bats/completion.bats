#!/usr/bin/env bats
# Completion: what the program offers for a word, and the three shells that show it.

load helpers

setup() {
    kc_setup
    ln -s "$KATA_CGROUP" "$BATS_TEST_TMPDIR/kata-cgroup"
    PATH=$BATS_TEST_TMPDIR:$PATH
    mkdir "$BATS_TEST_TMPDIR/in"
    cd "$BATS_TEST_TMPDIR/in"
    touch "my file.json" "my other.json"
}
teardown() { kc_teardown; }

# offers WORD...: the candidates for the last word, in one line
offers() { kata-cgroup complete -- "$@" | cut -f 1 | xargs; }

@test "every command, option and word of an option comes from the tables" {
    local command
    assert_equal "$(offers "")" "$("$KATA_CGROUP" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' | xargs)"
    for command in $(offers ""); do
        assert_equal "$(offers "$command" --)" "$("$KATA_CGROUP" "$command" --help | grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | xargs)"
    done
    assert_equal "$(offers help delet)" delete
    assert_equal "$(offers --log-format "")" "text json"
    assert_equal "$(offers --log-format=j)" ":prefix --log-format= json"
    assert_equal "$(offers create --only cpu.cpus,cpu.m)" ":prefix cpu.cpus, cpu.mems"
    assert_equal "$(offers create --only=cpu.cpus,cpu.m)" ":prefix --only=cpu.cpus, cpu.mems"
    assert_equal "$(offers create -r "")" :file
    assert_equal "$(offers create --bundle=x)" ":prefix --bundle= :directory"
    assert_equal "$(offers create --pid "")" :pid
    assert_equal "$(offers exec a -- qemu -nam)" ":command 3"
    assert_equal "$(offers exec a "")" ":command 2"
    assert_equal "$(offers create "")" ""
    assert_equal "$(offers frobnicate "")" ""
    assert_equal "$(offers list a "")" ""
}

@test "IDs are those of the --root that was named" {
    "$KATA_CGROUP" --root "$ROOT" create "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" < /dev/null
    assert_equal "$(offers --root "$ROOT" inspect "")" "$ID"
    assert_equal "$(offers "--root=$ROOT" delete --force kc-)" "$ID"
    assert_equal "$(offers --root "$ROOT" delete -- kc-)" "$ID"
    assert_equal "$(offers --root "$ROOT" delete "$ID" "")" ""
    assert_equal "$(offers --root "$ROOT" stats --no-stream other kc-)" "$ID"
    assert_equal "$(offers --root "$BATS_TEST_TMPDIR" inspect kc-)" ""
}

# in_bash LINE: with the cursor at its end; bash splits it at blanks, '=' and ':'
in_bash() {
    bash --norc -c 'source "$0"; COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDBREAKS=$'"' \t\n:='"'
        mapfile -t COMP_WORDS < <(sed -E "s/([=:])/\n\1\n/g; s/([^\\]) +/\1\n/g; s/\n+/\n/g" <<< "$1")
        [[ $1 == *[=:] ]] && unset "COMP_WORDS[-1]"
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _kata_cgroup; printf "%s\n" "${COMPREPLY[@]}"' \
        "$BATS_TEST_DIRNAME/../../completions/kata-cgroup.bash" "$1"
}

@test "bash: values behind '=', words with ':', files with blanks, the command of exec" {
    assert_equal "$(in_bash 'kata-cgroup li')" list
    assert_equal "$(in_bash 'kata-cgroup --log-format ' | xargs)" "text json"
    assert_equal "$(in_bash 'kata-cgroup --log-format=' | xargs)" "text json"
    assert_equal "$(in_bash 'kata-cgroup --log-format=j')" json
    assert_equal "$(in_bash 'kata-cgroup create --only=cpu.cpus,cpu.m')" cpu.cpus,cpu.mems
    assert_equal "$(in_bash 'kata-cgroup create -r my\ f')" "my file.json"
    assert_equal "$(in_bash 'kata-cgroup create --resources=my\ f')" "my file.json"
    assert_equal "$(in_bash 'kata-cgroup delete --cgroups-path a.slice:b:c --forc')" --force
    touch a:bc
    assert_equal "$(in_bash 'kata-cgroup create -r a:b')" bc
    assert_equal "$(in_bash 'kata-cgroup exec a -- tests-no-such-command')" ""
    assert_equal "$(in_bash 'kata-cgroup exec a -- mktem' | sort -u)" mktemp
    "$KATA_CGROUP" --root "$ROOT" create "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" < /dev/null
    assert_equal "$(in_bash "kata-cgroup --root=$ROOT watch --psi memory:1s/2s ")" "$ID"
}

@test "fish: the same" {
    in_fish() { fish --no-config -c "source $BATS_TEST_DIRNAME/../../completions/kata-cgroup.fish; complete -C '$1'" | cut -f 1; }
    assert_equal "$(in_fish 'kata-cgroup li')" list
    assert_equal "$(in_fish 'kata-cgroup --log-format=j')" --log-format=json
    assert_equal "$(in_fish 'kata-cgroup create --only=cpu.cpus,cpu.m')" --only=cpu.cpus,cpu.mems
    assert_equal "$(in_fish 'kata-cgroup create --resources=my\ f')" "--resources=my file.json"
    assert_equal "$(in_fish 'kata-cgroup exec a -- mktem')" mktemp
}

@test "zsh: the same, typed at a terminal" {
    mkdir "$BATS_TEST_TMPDIR/functions"
    ln -s "$BATS_TEST_DIRNAME/../../completions/kata-cgroup.zsh" "$BATS_TEST_TMPDIR/functions/_kata-cgroup"
    run /usr/bin/python3 "$BATS_TEST_DIRNAME/../tools/zsh-complete.py" "$BATS_TEST_TMPDIR/functions" 'kata-cgroup li' \
        'kata-cgroup --log-format=j' 'kata-cgroup create --only=cpu.cpus,cpu.m' 'kata-cgroup create --resources=my\ f' \
        'kata-cgroup exec a -- mktem'
    assert_success
    assert_line --index 0 "kata-cgroup list"
    assert_line --index 1 "kata-cgroup --log-format=json"
    assert_line --index 2 "kata-cgroup create --only=cpu.cpus,cpu.mems"
    assert_line --index 3 "kata-cgroup create --resources=my\\ file.json"
    assert_line --index 4 "kata-cgroup exec a -- mktemp"
}
