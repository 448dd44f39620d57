# What a zone's code is compiled with. Ring 0 and ring 3 differ in code model, red zone and where the
# vector registers are allowed; the language subset is the same.
#
# The standard library. libstdc++ 14 is used in its freestanding form: with -ffreestanding it defines
# _GLIBCXX_HOSTED=0, and then <expected>, <span>, <atomic>, <array>, <bit>, <optional>, <algorithm>,
# <ranges>, <string_view>, <functional> ... work, while a hosted header such as <chrono>, <string>
# or <mutex> is an #error. That is the guard we want, so no private list of headers is kept. Under
# -ffreestanding clang does not know memcpy and its family as built-ins: write __builtin_memcpy where a
# constant size should become a register move (the calls that remain need a memcpy in the image).
#
# General registers only. clang's -mgeneral-regs-only also takes away x87, and with it the type
# long double, which <bits/stl_algobase.h> names in an inline function: <span> and <atomic> no longer
# compile. So SSE and MMX are taken away by flags, which leaves x87 to anyone who writes floating
# point; tools/check_image.py looks for that (and for vector registers in assembly) in each image.

set(fb_freestanding_flags -ffreestanding -nostdlib -fno-exceptions -fno-rtti -fno-pic -fno-pie
    -fno-stack-protector -fno-asynchronous-unwind-tables -fno-threadsafe-statics
    -fno-strict-aliasing -fno-delete-null-pointer-checks -fno-omit-frame-pointer
    -ffunction-sections -fdata-sections -ftrivial-auto-var-init=zero)
set(fb_general_registers -mno-mmx -mno-sse -mno-sse2 -mno-avx -msoft-float)

function(fb_zone_flags target)
  set(language $<COMPILE_LANGUAGE:C,CXX>)
  set(flags ${ARGN})
  # C has no RTTI and no guarded statics: clang rejects or warns about those flags there.
  set(c_flags ${flags})
  list(REMOVE_ITEM c_flags -fno-rtti -fno-threadsafe-statics)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${flags}>
                                           $<$<COMPILE_LANGUAGE:C>:${c_flags}>)
  fb_common_flags(${target})
endfunction()

# Ring 0: linked into the top 2 GiB, interrupted on its own stack (hence no red zone). No vector registers, so nothing
# needs a stack aligned to more than a word, and no function that calls another one has to see to it.
function(fb_kernel_flags target)
  fb_zone_flags(${target} ${fb_freestanding_flags} ${fb_general_registers}
                -mno-red-zone -mcmodel=kernel -mstack-alignment=8)
  target_compile_definitions(${target} PRIVATE FB_RING0=1 $<$<BOOL:${FB_CHECKED}>:FB_CHECKED=1>)
endfunction()

# Ring 3 inside FeuerBird. VECTOR: a domain that owns its vector state (drivers, cryptography); a LibOS
# does not, because its programs' vector registers stay live while it runs. Optimised across files when an image is linked:
# a system call passes through a dozen of them, and a tenth of its instructions were calls and frames.
function(fb_ring3_flags target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "VECTOR" "" "")
  set(registers ${fb_general_registers})
  if(arg_VECTOR)
    set(registers -mno-avx)
  endif()
  fb_zone_flags(${target} ${fb_freestanding_flags} ${registers} -mno-red-zone -fomit-frame-pointer -flto=thin)
  target_compile_definitions(${target} PRIVATE FB_RING3=1)
endfunction()

# Linux. Libraries keep the language subset of the zones, so that the same source serves both.
function(fb_host_flags target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "EXCEPTIONS" "" "")
  fb_common_flags(${target})
  if(NOT arg_EXCEPTIONS)
    target_compile_options(${target} PRIVATE -fno-exceptions $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>)
  endif()
  target_compile_definitions(${target} PRIVATE FB_HOSTED=1)
  target_link_libraries(${target} PRIVATE Threads::Threads)
endfunction()
