# Tests. Every name begins with the preset, so that one ctest run over all of them stays readable.
#
#   fb_test(<name> SOURCES .. DEPS .. [LIBS ..] [LABEL unit] [TIMEOUT 120])
#       GoogleTest and RapidCheck; one ctest entry per case: <preset>/<name>/Suite.Case
#   fb_fuzz(<name> SOURCES .. DEPS .. [LIBS ..] [CORPUS dir] [DICTIONARY file] [MAX_LENGTH n])
#       libFuzzer, in the asan preset: asan/fuzz/<name>, FB_FUZZ_SECONDS (10) long
#   fb_command_test(<name> LABEL label COMMAND .. [TIMEOUT 300] [DEPENDS_ON name ..] [SERIAL])
#       anything with an exit status: <preset>/<name>
#
# Labels are the kinds of ./fb test: unit, system, fuzz, tools, soak.
include(GoogleTest)
enable_testing()

if(FB_ZONE STREQUAL "host")
  find_package(GTest REQUIRED)
  find_package(rapidcheck REQUIRED)
  # rapidcheck's GoogleTest glue is a header of its own; its include directory is the compiler's.
endif()

function(fb_test name)
  if(NOT FB_ZONE STREQUAL "host")
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT" "SOURCES;DEPS;LIBS")
  fb_no_rest("fb_test(${name})" ${arg_UNPARSED_ARGUMENTS})
  fb_default(arg_LABEL unit)
  fb_default(arg_TIMEOUT 120)
  set(target "test_${name}")
  string(REPLACE "/" "_" target "${target}")
  add_executable(${target} ${arg_SOURCES})
  fb_host_flags(${target} EXCEPTIONS)
  # The macros of GoogleTest and of RapidCheck are not written for these.
  target_compile_options(${target} PRIVATE -Wno-missing-prototypes -Wno-zero-as-null-pointer-constant
                                           -Wno-unreachable-code -Wno-deprecated-declarations)
  fb_link_folders(${target} PRIVATE host ${arg_DEPS})
  target_link_libraries(${target} PRIVATE ${arg_LIBS} rapidcheck GTest::gmock GTest::gtest_main)
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/test")
  gtest_discover_tests(${target} TEST_PREFIX "${FB_PRESET}/${name}/" DISCOVERY_TIMEOUT 60
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    PROPERTIES LABELS "${arg_LABEL}" TIMEOUT "${arg_TIMEOUT}" ENVIRONMENT "${fb_test_environment}")
endfunction()

function(fb_fuzz name)
  if(NOT FB_FUZZ)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "CORPUS;DICTIONARY;MAX_LENGTH" "SOURCES;DEPS;LIBS")
  fb_no_rest("fb_fuzz(${name})" ${arg_UNPARSED_ARGUMENTS})
  fb_default(arg_MAX_LENGTH 4096)
  set(target "fuzz_${name}")
  string(REPLACE "/" "_" target "${target}")
  add_executable(${target} ${arg_SOURCES})
  fb_host_flags(${target})
  target_compile_options(${target} PRIVATE -Wno-missing-prototypes)
  target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  fb_link_folders(${target} PRIVATE host ${arg_DEPS})
  target_link_libraries(${target} PRIVATE ${arg_LIBS})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzz")
  set(arguments "-max_len=${arg_MAX_LENGTH}")
  if(arg_DICTIONARY)
    cmake_path(ABSOLUTE_PATH arg_DICTIONARY BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
    list(APPEND arguments "-dict=${arg_DICTIONARY}")
  endif()
  set(corpus "")
  if(arg_CORPUS)
    cmake_path(ABSOLUTE_PATH arg_CORPUS BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
    set(corpus "${arg_CORPUS}")
  endif()
  fb_command_test(fuzz/${name} LABEL fuzz TIMEOUT 3600
    COMMAND sh "${PROJECT_SOURCE_DIR}/tools/fuzz.sh" $<TARGET_FILE:${target}>
            "${PROJECT_BINARY_DIR}/fuzz/${target}.corpus" "${corpus}" ${arguments})
endfunction()

function(fb_command_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL" "LABEL;TIMEOUT" "COMMAND;DEPENDS_ON")
  fb_no_rest("fb_command_test(${name})" ${arg_UNPARSED_ARGUMENTS})
  fb_default(arg_TIMEOUT 300)
  set(full "${FB_PRESET}/${name}")
  add_test(NAME "${full}" COMMAND ${arg_COMMAND} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties("${full}" PROPERTIES LABELS "${arg_LABEL}" TIMEOUT "${arg_TIMEOUT}"
                                            ENVIRONMENT "${fb_test_environment}")
  if(arg_SERIAL)
    set_tests_properties("${full}" PROPERTIES RUN_SERIAL ON)
  endif()
  if(arg_DEPENDS_ON)
    list(TRANSFORM arg_DEPENDS_ON PREPEND "${FB_PRESET}/")
    set_tests_properties("${full}" PROPERTIES DEPENDS "${arg_DEPENDS_ON}")
  endif()
endfunction()

function(fb_default variable value)
  if(NOT DEFINED ${variable} OR "${${variable}}" STREQUAL "")
    set(${variable} "${value}" PARENT_SCOPE)
  endif()
endfunction()

set(fb_test_environment
    "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
    "UBSAN_OPTIONS=print_stacktrace=1" "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")
