// This program's own image, so that a hostile domain's code can be a function of the test: text, constants and data
// are mapped into other address spaces at the same addresses, data shared with this one.
#pragma once

#include "abi/calls.hpp"

namespace fb::test {

using PagesCap = abi::Cap<abi::ObjectType::Pages>;
using SpaceCap = abi::Cap<abi::ObjectType::AddressSpace>;

/// Replaces the data pages that the kernel loaded, which no handle names, by pages of our own with the same contents.
/// Once, before anything else runs. Errors: those of the calls; BadFormat if the archive's `root` is not this program.
core::Result<> adopt_image();

/// Maps the image into `space`. Errors: those of map_pages.
core::Result<> map_image(SpaceCap space);

/// Pages of this image's text, as mapped: for tests that need executable pages.
struct TextPages {
  PagesCap pages;
  core::PageCount offset, count;
  core::VirtAddr address;
};
TextPages text_pages();

}  // namespace fb::test
