// The table of /sys: what programs ask of processors and memory.
#include "libos/posix/procfs/writers.hpp"

namespace fb::libos::posix::procfs {
namespace {

constexpr char kNothing[] = "\n", kZero[] = "0\n", kOne[] = "1\n", kHighest[] = "255\n";
constexpr char kHugePages[] = "always madvise [never]\n", kHugeSize[] = "2097152\n", kPackage[] = "0\n";

constexpr std::array kProcessor{
    Row{.path = "cpufreq/cpuinfo_max_freq", .write = write_core_frequency},
    Row{.path = "cpufreq/cpuinfo_min_freq", .write = write_core_frequency},
    Row{.path = "cpufreq/scaling_cur_freq", .write = write_core_frequency},
    Row{.path = "online", .write = write_fixed<kOne>},
    Row{.path = "topology/core_cpus", .write = write_core_mask},
    Row{.path = "topology/core_cpus_list", .write = write_core},
    Row{.path = "topology/core_id", .write = write_core},
    Row{.path = "topology/core_siblings", .write = write_processor_mask},
    Row{.path = "topology/core_siblings_list", .write = write_processor_list},
    Row{.path = "topology/package_cpus", .write = write_processor_mask},
    Row{.path = "topology/package_cpus_list", .write = write_processor_list},
    Row{.path = "topology/physical_package_id", .write = write_fixed<kPackage>},
    Row{.path = "topology/thread_siblings", .write = write_core_mask},
    Row{.path = "topology/thread_siblings_list", .write = write_core},
};

constexpr std::array kSystem{
    Row{.path = "block", .mode = kDirectoryMode},
    Row{.path = "bus", .mode = kDirectoryMode},
    Row{.path = "class/net", .mode = kDirectoryMode},
    Row{.path = "class/tty", .mode = kDirectoryMode},
    Row{.path = "dev/block", .mode = kDirectoryMode},
    Row{.path = "dev/char", .mode = kDirectoryMode},
    Row{.path = "devices/system/cpu/isolated", .write = write_fixed<kNothing>},
    Row{.path = "devices/system/cpu/kernel_max", .write = write_fixed<kHighest>},
    Row{.path = "devices/system/cpu/offline", .write = write_fixed<kNothing>},
    Row{.path = "devices/system/cpu/online", .write = write_processor_list},
    Row{.path = "devices/system/cpu/possible", .write = write_processor_list},
    Row{.path = "devices/system/cpu/present", .write = write_processor_list},
    Row{.path = "devices/system/cpu/cpu#",
        .mode = kDirectoryMode,
        .table = kProcessor,
        .wild = Wild::Processor},
    Row{.path = "devices/system/node/has_cpu", .write = write_fixed<kZero>},
    Row{.path = "devices/system/node/node0/cpulist", .write = write_processor_list},
    Row{.path = "devices/system/node/node0/cpumap", .write = write_processor_mask},
    Row{.path = "devices/system/node/online", .write = write_fixed<kZero>},
    Row{.path = "devices/system/node/possible", .write = write_fixed<kZero>},
    Row{.path = "firmware", .mode = kDirectoryMode},
    Row{.path = "fs/cgroup", .mode = kDirectoryMode},
    Row{.path = "kernel/mm/transparent_hugepage/enabled", .write = write_fixed<kHugePages>},
    Row{.path = "kernel/mm/transparent_hugepage/hpage_pmd_size", .write = write_fixed<kHugeSize>},
    Row{.path = "module", .mode = kDirectoryMode},
    Row{.path = "power", .mode = kDirectoryMode},
};

}  // namespace

Table sysfs_table() { return kSystem; }

}  // namespace fb::libos::posix::procfs
