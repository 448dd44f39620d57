# The toolchain of the kernel preset: the same clang, with no system beneath.
# The triple stays the host's: it is what makes clang find libstdc++, and with -ffreestanding -nostdlib
# nothing of Linux is left in the output (see zones.cmake).
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_ASM_COMPILER clang-19)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
