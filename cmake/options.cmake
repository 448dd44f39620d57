# What is the same for every target: language, diagnostics, sanitizers, linker, cache.

set(FB_ZONE host CACHE STRING "host: programs and tests for Linux; kernel: the machine")
set_property(CACHE FB_ZONE PROPERTY STRINGS host kernel)
set(FB_PRESET "${FB_ZONE}" CACHE STRING "prefix of the test names")
set(FB_SANITIZE "" CACHE STRING "argument of -fsanitize=")
option(FB_FUZZ "build the fuzz targets (needs the address sanitizer)" OFF)
option(FB_CHECKED "ring 0 checks its own invariants: lock ranks" OFF)
option(FB_CHECK_HEADERS "compile every header alone" OFF)

set(CMAKE_C_STANDARD 17)
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
# A misspelt folder in DEPS is an error here, and not a missing -l later. LIBS: targets, or "-lname".
set(CMAKE_LINK_LIBRARIES_ONLY_TARGETS ON)
set(CMAKE_COLOR_DIAGNOSTICS ON)

# Static libraries may be circular for CMake, but not for us: one folder, one target, arrows down.
set_property(GLOBAL PROPERTY GLOBAL_DEPENDS_NO_CYCLES ON)

foreach(language IN ITEMS C CXX)
  set(CMAKE_${language}_FLAGS_RELEASE "-O2 -g -DNDEBUG")
  set(CMAKE_${language}_FLAGS_SANITIZE "-O1 -g -fno-omit-frame-pointer")
endforeach()
set(CMAKE_ASM_FLAGS_RELEASE "-g")

find_program(FB_CCACHE ccache)
if(FB_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${FB_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${FB_CCACHE}")
endif()

# Paths in binaries are relative to the source: output does not depend on where the checkout is.
add_compile_options($<$<COMPILE_LANGUAGE:C,CXX>:-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=>)
add_link_options(-fuse-ld=lld)

if(FB_ZONE STREQUAL "host")
  find_package(Threads REQUIRED)
  if(FB_SANITIZE)
    # Tests have RTTI and libraries have not, so that the check of dynamic types would lack what it compares.
    add_compile_options(-fsanitize=${FB_SANITIZE} -fno-sanitize-recover=all -fno-sanitize=vptr)
    add_link_options(-fsanitize=${FB_SANITIZE})
    add_compile_definitions(_GLIBCXX_ASSERTIONS)
  endif()
  if(FB_FUZZ)
    # Coverage feedback must be in the libraries too, not only in the fuzz target.
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_link_options(-fsanitize=fuzzer-no-link)
  endif()
endif()

set(fb_warnings_c -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wundef -Wvla
    -Wcast-align -Wcast-qual -Wformat=2 -Wimplicit-fallthrough -Wnull-dereference
    -Wunreachable-code -Wthread-safety -Werror)
set(fb_warnings_cxx ${fb_warnings_c} -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual
    -Wextra-semi -Wzero-as-null-pointer-constant -Wmissing-prototypes -Wdeprecated
    -Wrange-loop-analysis -Wimplicit-int-conversion)

# Warnings, the include root and the generated headers: every target of ours gets these.
function(fb_common_flags target)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${fb_warnings_cxx}>
                                           $<$<COMPILE_LANGUAGE:C>:${fb_warnings_c}>)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}/gen")
endfunction()
