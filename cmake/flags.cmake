# SPDX-License-Identifier: Apache-2.0
# Warnings, hardening and sanitizers for every target, and the helpers that make a room and a test.

add_compile_options(
        -Wall -Wextra -Wpedantic -Wno-gnu-statement-expression -Wshadow -Wconversion -Wstrict-prototypes
        -Wmissing-prototypes -Wvla -Wundef -Wpointer-arith -Wwrite-strings -fno-common)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        # GNU C is what the sources are written in (statement expressions, typeof, cleanup); -Wpedantic
        # of gcc has no switch for one extension, so it is told which are meant by __extension__ or off.
        add_compile_options(-Wno-pedantic -Wlogical-op -Wduplicated-cond)
endif()
if(KATA_CGROUP_WERROR)
        add_compile_options(-Werror)
endif()
add_compile_definitions(_GNU_SOURCE)

if(KATA_CGROUP_HARDEN)
        set(CMAKE_POSITION_INDEPENDENT_CODE ON)
        add_compile_options(-fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2
                            -Wformat -Werror=format-security)
        add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
endif()
if(KATA_CGROUP_SANITIZE)
        add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
        add_link_options(-fsanitize=address,undefined)
endif()

if(KATA_CGROUP_FUZZ)
        if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
                message(FATAL_ERROR "KATA_CGROUP_FUZZ needs clang, which brings libFuzzer")
        endif()
        # Coverage for the libraries; libFuzzer itself, which has a main(), only in the targets of tests/fuzz.
        add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
                            -fno-omit-frame-pointer)
        add_link_options(-fsanitize=address,undefined)
endif()

# kata_cgroup_room(NAME SOURCES file... DEPENDS room...): a static library of one room of lib/.
function(kata_cgroup_room name)
        cmake_parse_arguments(ROOM "" "" "SOURCES;DEPENDS" ${ARGN})
        add_library(${name} STATIC ${ROOM_SOURCES})
        target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/lib)
        target_link_libraries(${name} PUBLIC PkgConfig::JANSSON ${ROOM_DEPENDS})
endfunction()

# kata_cgroup_unit_test(NAME ROOM...): tests/unit/…/NAME.c, a cmocka program run by ctest.
function(kata_cgroup_unit_test name)
        add_executable(${name} ${name}.c)
        target_link_libraries(${name} PRIVATE ${ARGN} PkgConfig::CMOCKA)
        add_test(NAME ${name} COMMAND ${name})
        set_tests_properties(${name} PROPERTIES ENVIRONMENT "CMOCKA_MESSAGE_OUTPUT=TAP")
endfunction()
