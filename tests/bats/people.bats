#!/usr/bin/env bats
# What people see on a terminal, and what other programs make of what is printed for them: on the host only.

load helpers

setup() { kc_setup; }
teardown() { kc_teardown; }

@test "promtool and the parser of OpenMetrics are content with metrics, and read the same" {
    create_attached
    kc create "$ID.2" --cgroups-path "kctest/pod$NUMBER/$ID.2" --sandbox-cgroup-only < /dev/null
    kc metrics --output "$BATS_TEST_TMPDIR/kata.prom"
    run promtool check metrics < "$BATS_TEST_TMPDIR/kata.prom"
    assert_success
    refute_output
    kc metrics --format openmetrics > "$BATS_TEST_TMPDIR/kata.om"
    run /usr/bin/python3 - "$BATS_TEST_TMPDIR"/kata.{prom,om} <<- 'END'
		import sys
		from prometheus_client import openmetrics, parser
		import prometheus_client.openmetrics.parser

		def names(families):
		    families = list(families)
		    assert all(family.documentation for family in families)
		    return {(sample.name, family.type, tuple(sorted(sample.labels.items())))
		            for family in families for sample in family.samples}

		prometheus = names(parser.text_string_to_metric_families(open(sys.argv[1]).read()))
		strict = list(openmetrics.parser.text_string_to_metric_families(open(sys.argv[2]).read()))
		assert prometheus == names(strict), prometheus ^ names(strict)
		assert {family.unit for family in strict} == {"", "seconds", "bytes"}
		print(len({labels for name, kind, labels in prometheus if ("group", "sandbox") in labels and name.endswith("tasks")}))
	END
    assert_success
    assert_output 2
    kc delete "$ID.2"
}

@test "sandboxes that come, change and go meanwhile are neither an error of metrics, list, stats and inspect, nor broken" {
    local round
    for round in {1..20}; do
        kc create "$ID" --cgroups-path "$CGROUPS_PATH" --sandbox-cgroup-only < /dev/null
        kc update "$ID" <<< '{"pids":{"limit":100}}'
        kc delete "$ID"
    done &
    STARTED+=($!)
    while kill -0 $! 2> /dev/null; do
        kc metrics > "$BATS_TEST_TMPDIR/kata.prom"
        refute grep 'healthy{.*} 0$' "$BATS_TEST_TMPDIR/kata.prom"
        run --separate-stderr kc list --format json
        assert_success
        assert_json 'map(.problem // .error | values)' '[]'
        run --separate-stderr kc inspect "$ID"
        [ "$status" -eq 3 ] || assert_json .problem null
    done
    wait $!
}

# on_terminal COMMAND-LINE: as a terminal has it, without the carriage returns
on_terminal() { script -qec "'$KATA_CGROUP' --root '$ROOT' $1" /dev/null < /dev/null 3>&- | tr -d '\r'; }

@test "on a terminal documents are indented; elsewhere they are one line" {
    create < /dev/null
    run on_terminal "inspect $ID"
    assert_success
    assert_line --index 0 "{"
    assert_line --index 2 "  \"id\": \"$ID\","
    assert_equal "$(jq -c .sandbox <<< "$output")" "$(kc inspect "$ID" | jq -c .sandbox)"
    run on_terminal "list --format json"
    assert_line --index 1 "  {"
    run on_terminal features
    assert_line --index 0 "{"
    run kc inspect "$ID"
    assert_equal "${#lines[@]}" 1
}

@test "the lines of inspect --tree go with the locale" {
    create < /dev/null
    LC_ALL=C.UTF-8 run kc inspect "$ID" --tree
    assert_line --regexp "^├─ overhead  /.*kata_overhead/$ID$"
    assert_line --regexp "^└─ sandbox  /.*/$ID$"
    LC_ALL=C run kc inspect "$ID" --tree
    assert_line --regexp "^\`- sandbox  /.*/$ID$"
    run kc inspect "$ID" --tree --stats
    assert_one_error_line 2 "--stats and --tree exclude each other"
}

# refreshes FILE COUNT: whether the screen was cleared so often
refreshes() { [ "$(grep -c $'^\e\[H\e\[JID ' "$1")" -ge "$2" ]; }

@test "stats refreshes on a terminal until SIGINT, and is there once with --no-stream" {
    local screen=$BATS_TEST_TMPDIR/screen terminal status=0
    create < /dev/null
    # What a shell starts in the background ignores SIGINT otherwise.
    env --default-signal=INT script -qefc "exec '$KATA_CGROUP' --root '$ROOT' stats --all" "$screen" < /dev/null 3>&- > /dev/null &
    terminal=$!
    STARTED+=("$terminal")
    wait_until refreshes "$screen" 2
    pkill -INT -P "$terminal"
    wait "$terminal" || status=$?
    assert_equal "$status" 130
    run on_terminal "stats $ID --no-stream"
    assert_success
    assert_equal "${#lines[@]}" 2
    refute_output --partial $'\e'
}
