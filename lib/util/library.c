/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a shared library at run time */
#include "util/library.h"

#include <dlfcn.h>

int library_open(const char *soname, const struct library_symbol *symbols, size_t count, struct error *error) {
        void *handle;

        handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (!handle)
                return error_fail(error, 0, "cannot load %s: %s", soname, dlerror());
        for (size_t i = 0; i < count; i++) {
                *symbols[i].address = dlsym(handle, symbols[i].name);
                if (!*symbols[i].address) {
                        (void)dlclose(handle);
                        return error_fail(error, 0, "%s has no function %s", soname, symbols[i].name);
                }
        }
        /* RTLD_NODELETE keeps the library loaded, so the addresses stay valid. */
        (void)dlclose(handle);
        return 0;
}
