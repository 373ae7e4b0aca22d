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

@test "sandboxes that come and go meanwhile are no error of metrics, list and stats" {
    local round
    for round in {1..20}; do
        kc create "$ID" --cgroups-path "$CGROUPS_PATH" --sandbox-cgroup-only < /dev/null
        kc delete "$ID"
    done &
    STARTED+=($!)
    while kill -0 $! 2> /dev/null; do
        kc metrics > /dev/null
        kc list > /dev/null
    done
    wait $!
}
