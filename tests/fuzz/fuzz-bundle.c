/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bundle's config.json
 *
 * jansson is the judge: what it reads is found by the scanner as well, with the same values; what only the scanner takes
 * has what jansson does not take as a value, not as a structure.
 */
#include "fuzz.h"

#include "oci/resources.h"

/* What the scanner skips without a look: numbers of any size, members given twice, what is no UTF-8, half a surrogate
 * pair, levels beyond jansson's. */
static bool is_value_fault(const json_error_t *cause, const char *text) {
        switch (json_error_code(cause)) {
        case json_error_numeric_overflow:
        case json_error_duplicate_key:
        case json_error_invalid_utf8:
        case json_error_stack_overflow:
                return true;
        default:
                return strstr(text, "\\u") || strstr(cause->text, "Unicode");
        }
}

static void check_refused(const json_t *config, const struct error *error) {
        const json_t *linux_object = json_object_get(config, "linux");
        const json_t *path = json_object_get(linux_object, "cgroupsPath"),
                     *resources = json_object_get(linux_object, "resources");

        if (!json_is_object(config) || strstr(error->message, "nested too deep"))
                return;
        CHECK((linux_object && !json_is_object(linux_object)) || (path && !json_is_string(path)) ||
              (resources && !json_is_object(resources)) ||
              /* A NUL in the path, which is allowed elsewhere. */
              (path && strlen(json_string_value(path)) != json_string_length(path)));
}

static void check_found(const json_t *config, const struct oci_bundle *bundle) {
        const json_t *linux_object = json_object_get(config, "linux");
        const json_t *path = json_object_get(linux_object, "cgroupsPath"),
                     *resources = json_object_get(linux_object, "resources");
        _cleanup_json_ json_t *found = NULL;

        CHECK(json_is_object(config));
        CHECK(json_is_string(path) == (bundle->cgroups_path != NULL));
        CHECK(!bundle->cgroups_path || strcmp(bundle->cgroups_path, json_string_value(path)) == 0);
        CHECK(json_is_object(resources) == (bundle->resources.size > 0));
        if (!json_is_object(resources))
                return;
        found = json_loadb(bundle->resources.text, bundle->resources.size,
                           JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        CHECK(found && json_equal(found, resources));
}

/* The text may be refused by now; but it is read within its bounds, and errors name a place. */
static void parse_resources(const struct oci_bundle *bundle) {
        _cleanup_(oci_resources_freep) struct oci_resources *resources = NULL;
        struct oci_unknown unknown = {0};
        _cleanup_error_ struct error error = ERROR_INIT;
        int r = oci_resources_parse(&bundle->resources, NULL, &unknown, &resources, &error);

        fuzz_check_error(r, &error);
        oci_unknown_clear(&unknown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size);
        _cleanup_json_ json_t *config = NULL;
        _cleanup_error_ struct error error = ERROR_INIT;
        struct oci_bundle bundle;
        json_error_t cause;
        int r;

        r = oci_bundle_parse(text, size, "config.json", &bundle, &error);
        fuzz_check_error(r, &error);
        config = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &cause);
        if (r < 0) {
                CHECK(!bundle.cgroups_path);
                /* jansson takes NUL between values. */
                if (config && strlen(text) == size)
                        check_refused(config, &error);
                return 0;
        }
        if (config)
                check_found(config, &bundle);
        else
                CHECK(is_value_fault(&cause, text));
        parse_resources(&bundle);
        free(bundle.cgroups_path);
        return 0;
}
