// The table of /proc.
#include "libos/posix/procfs/writers.hpp"

namespace fb::libos::posix::procfs {
namespace {

constexpr std::uint32_t kRegular = vfs::mode::kRegular, kLink = kLinkMode;
constexpr std::uint32_t kPrivateDirectory = vfs::mode::kDirectory | 0500;

namespace fixed {
constexpr char kEmpty[] = "", kZero[] = "0\n", kOne[] = "1\n", kZeroOnly[] = "0", kTwo[] = "2\n";
constexpr char kGroup[] = "0::/\n", kIds[] = "         0          0 4294967295\n",
               kPersonality[] = "00000000\n";
constexpr char kFileSystems[] = "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevpts\n";
constexpr char kDevices[] =
    "Character devices:\n  1 mem\n  4 tty\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n\n"
    "Block devices:\n";
constexpr char kSelfMounts[] = "self/mounts", kSelfNet[] = "self/net";
constexpr char kSwaps[] = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
constexpr char kLinux[] = "Linux\n", kDomain[] = "(none)\n", kHighPid[] = "32768\n", kCapability[] = "40\n",
               kGroups[] = "65536\n", kThreads[] = "1024\n", kSharedMost[] = "18446744073692774399\n",
               kSharedPages[] = "18446744073692774399\n", kSegments[] = "4096\n",
               kSemaphores[] = "32000\t1024000000\t500\t32000\n", kMessage[] = "8192\n",
               kQueueBytes[] = "16384\n", kQueues[] = "32000\n", kPattern[] = "core\n",
               kOverflowId[] = "65534\n", kEntropy[] = "256\n", kPrintk[] = "7\t4\t1\t7\n";
constexpr char kMaps[] = "65530\n", kLowest[] = "65536\n", kRatio[] = "50\n", kSwappiness[] = "60\n";
constexpr char kFiles[] = "1048576\n", kFileState[] = "0\t0\t1048576\n", kPipe[] = "1048576\n",
               kInstances[] = "128\n", kWatches[] = "65536\n";
constexpr char kBacklog[] = "4096\n", kPorts[] = "32768\t60999\n", kFirstPort[] = "1024\n",
               kBuffer[] = "212992\n";
constexpr char kNetDevices[] =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls "
    "carrier compressed\n";
constexpr char kRoutes[] =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
    "                                                       \n";
constexpr char kSockets[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
constexpr char kSixSockets[] =
    "  sl  local_address                         remote_address                        st tx_queue rx_queue "
    "tr tm->when retrnsmt   uid  timeout inode\n";
constexpr char kLocalSockets[] = "Num       RefCount Protocol Flags    Type St Inode Path\n";
}  // namespace fixed

/// Of /proc/N and of /proc/N/task/N.
constexpr std::array kProcess{
    Row{.path = "attr", .mode = kDirectoryMode},
    Row{.path = "auxv", .mode = kRegular | 0400, .write = write_auxiliary},
    Row{.path = "cgroup", .write = write_fixed<fixed::kGroup>},
    Row{.path = "cmdline", .write = write_arguments},
    Row{.path = "comm", .mode = kRegular | 0644, .write = write_comm, .store = store_comm},
    Row{.path = "cwd", .mode = kLink, .write = write_directory, .follow = follow_directory},
    Row{.path = "environ", .mode = kRegular | 0400, .write = write_environment},
    Row{.path = "exe", .mode = kLink, .write = write_executable, .follow = follow_executable},
    Row{.path = "fd", .mode = kPrivateDirectory},
    Row{.path = "fd/#",
        .mode = kLink,
        .write = write_descriptor,
        .follow = follow_descriptor,
        .wild = Wild::Descriptor},
    Row{.path = "fdinfo", .mode = kDirectoryMode},
    Row{.path = "fdinfo/#", .write = write_descriptor_state, .wild = Wild::Descriptor},
    Row{.path = "gid_map", .write = write_fixed<fixed::kIds>},
    Row{.path = "io", .mode = kRegular | 0400, .write = write_transfers},
    Row{.path = "limits", .write = write_limits},
    Row{.path = "maps", .write = write_maps},
    Row{.path = "mountinfo", .write = write_mount_states},
    Row{.path = "mounts", .write = write_mounts},
    Row{.path = "net/dev", .write = write_fixed<fixed::kNetDevices>},
    Row{.path = "net/if_inet6", .write = write_fixed<fixed::kEmpty>},
    Row{.path = "net/route", .write = write_fixed<fixed::kRoutes>},
    Row{.path = "net/tcp", .write = write_fixed<fixed::kSockets>},
    Row{.path = "net/tcp6", .write = write_fixed<fixed::kSixSockets>},
    Row{.path = "net/udp", .write = write_fixed<fixed::kSockets>},
    Row{.path = "net/udp6", .write = write_fixed<fixed::kSixSockets>},
    Row{.path = "net/unix", .write = write_fixed<fixed::kLocalSockets>},
    Row{.path = "oom_score", .write = write_fixed<fixed::kZero>},
    Row{.path = "oom_score_adj",
        .mode = kRegular | 0644,
        .write = write_oom_adjustment,
        .store = store_oom_adjustment},
    Row{.path = "personality", .mode = kRegular | 0400, .write = write_fixed<fixed::kPersonality>},
    Row{.path = "root", .mode = kLink, .write = write_root, .follow = follow_root},
    Row{.path = "schedstat", .write = write_schedule},
    Row{.path = "smaps", .write = write_detailed_maps},
    Row{.path = "stat", .write = write_stat},
    Row{.path = "statm", .write = write_statm},
    Row{.path = "status", .write = write_status},
    Row{.path = "task", .mode = kDirectoryMode, .process_only = true},
    Row{.path = "task/#", .mode = kDirectoryMode, .wild = Wild::Thread, .process_only = true, .again = true},
    Row{.path = "uid_map", .write = write_fixed<fixed::kIds>},
    Row{.path = "wchan", .write = write_fixed<fixed::kZeroOnly>},
};

constexpr std::array kSystem{
    Row{.path = "cmdline", .write = write_command_line},
    Row{.path = "cpuinfo", .write = write_processors},
    Row{.path = "devices", .write = write_fixed<fixed::kDevices>},
    Row{.path = "diskstats", .write = write_fixed<fixed::kEmpty>},
    Row{.path = "filesystems", .write = write_fixed<fixed::kFileSystems>},
    Row{.path = "interrupts", .write = write_interrupts},
    Row{.path = "loadavg", .write = write_load},
    Row{.path = "meminfo", .write = write_memory},
    Row{.path = "mounts", .mode = kLink, .write = write_fixed<fixed::kSelfMounts>},
    Row{.path = "net", .mode = kLink, .write = write_fixed<fixed::kSelfNet>},
    Row{.path = "partitions", .write = write_fixed<fixed::kEmpty>},
    Row{.path = "self", .mode = kLink, .write = write_self},
    Row{.path = "stat", .write = write_system_stat},
    Row{.path = "swaps", .write = write_fixed<fixed::kSwaps>},
    Row{.path = "sys/fs/file-max", .write = write_fixed<fixed::kFiles>},
    Row{.path = "sys/fs/file-nr", .write = write_fixed<fixed::kFileState>},
    Row{.path = "sys/fs/inotify/max_user_instances", .write = write_fixed<fixed::kInstances>},
    Row{.path = "sys/fs/inotify/max_user_watches", .write = write_fixed<fixed::kWatches>},
    Row{.path = "sys/fs/nr_open", .write = write_fixed<fixed::kFiles>},
    Row{.path = "sys/fs/overflowgid", .write = write_fixed<fixed::kOverflowId>},
    Row{.path = "sys/fs/overflowuid", .write = write_fixed<fixed::kOverflowId>},
    Row{.path = "sys/fs/pipe-max-size", .write = write_fixed<fixed::kPipe>},
    Row{.path = "sys/fs/protected_hardlinks", .write = write_fixed<fixed::kZero>},
    Row{.path = "sys/fs/protected_symlinks", .write = write_fixed<fixed::kZero>},
    Row{.path = "sys/fs/suid_dumpable", .write = write_fixed<fixed::kZero>},
    Row{.path = "sys/kernel/cap_last_cap", .write = write_fixed<fixed::kCapability>},
    Row{.path = "sys/kernel/core_pattern", .write = write_fixed<fixed::kPattern>},
    Row{.path = "sys/kernel/domainname", .write = write_fixed<fixed::kDomain>},
    Row{.path = "sys/kernel/hostname", .write = write_host},
    Row{.path = "sys/kernel/msgmax", .write = write_fixed<fixed::kMessage>},
    Row{.path = "sys/kernel/msgmnb", .write = write_fixed<fixed::kQueueBytes>},
    Row{.path = "sys/kernel/msgmni", .write = write_fixed<fixed::kQueues>},
    Row{.path = "sys/kernel/ngroups_max", .write = write_fixed<fixed::kGroups>},
    Row{.path = "sys/kernel/osrelease", .write = write_release},
    Row{.path = "sys/kernel/ostype", .write = write_fixed<fixed::kLinux>},
    Row{.path = "sys/kernel/overflowgid", .write = write_fixed<fixed::kOverflowId>},
    Row{.path = "sys/kernel/overflowuid", .write = write_fixed<fixed::kOverflowId>},
    Row{.path = "sys/kernel/perf_event_paranoid", .write = write_fixed<fixed::kTwo>},
    Row{.path = "sys/kernel/pid_max", .write = write_fixed<fixed::kHighPid>},
    Row{.path = "sys/kernel/printk", .write = write_fixed<fixed::kPrintk>},
    Row{.path = "sys/kernel/random/boot_id", .write = write_boot_id},
    Row{.path = "sys/kernel/random/entropy_avail", .write = write_fixed<fixed::kEntropy>},
    Row{.path = "sys/kernel/random/poolsize", .write = write_fixed<fixed::kEntropy>},
    Row{.path = "sys/kernel/random/uuid", .write = write_new_uuid},
    Row{.path = "sys/kernel/randomize_va_space", .write = write_fixed<fixed::kZero>},
    Row{.path = "sys/kernel/sem", .write = write_fixed<fixed::kSemaphores>},
    Row{.path = "sys/kernel/shmall", .write = write_fixed<fixed::kSharedPages>},
    Row{.path = "sys/kernel/shmmax", .write = write_fixed<fixed::kSharedMost>},
    Row{.path = "sys/kernel/shmmni", .write = write_fixed<fixed::kSegments>},
    Row{.path = "sys/kernel/threads-max", .write = write_fixed<fixed::kThreads>},
    Row{.path = "sys/kernel/version", .write = write_build},
    Row{.path = "sys/net/core/rmem_max", .write = write_fixed<fixed::kBuffer>},
    Row{.path = "sys/net/core/somaxconn", .write = write_fixed<fixed::kBacklog>},
    Row{.path = "sys/net/core/wmem_max", .write = write_fixed<fixed::kBuffer>},
    Row{.path = "sys/net/ipv4/ip_local_port_range", .write = write_fixed<fixed::kPorts>},
    Row{.path = "sys/net/ipv4/ip_unprivileged_port_start", .write = write_fixed<fixed::kFirstPort>},
    Row{.path = "sys/vm/max_map_count", .write = write_fixed<fixed::kMaps>},
    Row{.path = "sys/vm/mmap_min_addr", .write = write_fixed<fixed::kLowest>},
    Row{.path = "sys/vm/overcommit_memory", .write = write_fixed<fixed::kOne>},
    Row{.path = "sys/vm/overcommit_ratio", .write = write_fixed<fixed::kRatio>},
    Row{.path = "sys/vm/swappiness", .write = write_fixed<fixed::kSwappiness>},
    Row{.path = "thread-self", .mode = kLink, .write = write_thread_self},
    Row{.path = "uptime", .write = write_uptime},
    Row{.path = "version", .write = write_version},
    Row{.path = "vmstat", .write = write_paging},
    Row{.path = "#", .mode = kDirectoryMode, .table = kProcess, .wild = Wild::Process},
};

}  // namespace

Table proc_table() { return kSystem; }

}  // namespace fb::libos::posix::procfs
