"""The kinds of argument that are not capabilities, once for all emitters (abi/calls.toml lists them)."""
from .model import Arg, Call, Contract, Scalar

WORD = "std::uint64_t"

PLAIN = {
    "rights": Scalar("core::cap::Rights", "rights mask",
                     "core::cap::Rights({a}).within(core::cap::kAllRights)"),
    "demand": Scalar("core::cap::Demand", "rights, and bit 32 + n for type n"),
    "authorities": Scalar("core::cap::Authorities", "authority mask",
                          "core::cap::Authorities({a}).within(kAllAuthorities)"),
    "address": Scalar("core::VirtAddr", "user address", "user_address({a})", "BadAddress"),
    "address:page": Scalar("core::VirtAddr", "user address, page aligned", "user_page({a})", "BadAddress"),
    "pages": Scalar("core::PageCount", "pages"),
    "bytes": Scalar("core::ByteCount", "bytes"),
    "word": Scalar(WORD, "64 bits", raw="{a}", make="{a}"),
    "bit": Scalar("Bit", "0 to 63", "{a} < kEventBits", make="Bit(static_cast<std::uint32_t>({a}))"),
    "bits": Scalar("EventBits", "event bits"),
    "deadline": Scalar("core::Nanoseconds", "absolute nanoseconds, ~0 never"),
    "duration": Scalar("core::Nanoseconds", "nanoseconds"),
    "cpu": Scalar("core::CpuId", "CPU number", "{a} < call.cpu_count()",
                  make="core::CpuId(static_cast<std::uint32_t>({a}))"),
    "slot": Scalar("Slot", "slice slot, 0 to 63", "{a} < kSliceSlots",
                   make="Slot(static_cast<std::uint32_t>({a}))"),
}
GROUPED = ("flags", "enum")
RESULTS = ("handle", "word", "bits", "bytes", "pages", "enum", "message")


def scalar_of(contract: Contract, arg: Arg) -> Scalar:
    """The Scalar of an argument that is not a capability."""
    if arg.kind == "flags":
        return Scalar(arg.detail, f"union of {arg.detail}", f"valid({arg.detail}({{a}}))")
    if arg.kind == "enum":
        return Scalar(arg.detail, f"one of {arg.detail}", f"{{a}} < kCountOf<{arg.detail}>",
                      raw="static_cast<std::uint64_t>({a})", make="static_cast<{cpp}>({a})")
    return PLAIN[full_kind(arg)]


def full_kind(arg: Arg) -> str:
    return f"{arg.kind}:{arg.detail}" if arg.detail else arg.kind


def implied_errors(contract: Contract, call: Call) -> list[str]:
    """What the scalars and the authority of a call can be refused with, beside the common errors."""
    scalars = [scalar_of(contract, arg) for arg in call.args if not arg.is_cap]
    found = list(dict.fromkeys(scalar.error for scalar in scalars if scalar.holds))
    return found + (["Authority"] if call.authority else [])
