#include "methods/parameter_ranges.h"

#include <algorithm>

#include "core/fail.h"
#include "core/number_range.h"

namespace onnxray {

namespace {

struct Entry {
  std::string_view parameter;
  NumberRange range;
};

constexpr NumberRange kWeight{0, kLargestNumber}, kAny{-kLargestNumber, kLargestNumber};
constexpr double kLargestSeed = 9007199254740991;  // 2^53 - 1: beyond, doubles skip whole numbers

// Switches that are numbers (steps, samples, noise_scale, sign_of_zero) have theirs in rules/conventions.cpp.
constexpr Entry kEntries[] = {
    {"mu", kAny},
    {"epsilon", kWeight},
    {"alpha", kWeight},
    {"beta", kWeight},
    {"gamma", kWeight},
    {"until_layer_idx", whole_numbers(0, 1e6)},
    {"seed", whole_numbers(0, kLargestSeed)},
    {"micro_batch", whole_numbers(0, 1e6)},
    {"window", whole_numbers(1, 1e9)},
    {"stride", whole_numbers(1, 1e9)},
    {"baseline", kAny},
    {"low", kAny},
    {"high", kAny},
};

/// Parameters that may also be one number per channel.
bool may_be_list(std::string_view parameter) { return parameter == "low" || parameter == "high"; }

/// Parameters that may also name an array's file; the array itself comes beside the parameters.
bool may_be_file(std::string_view parameter) { return parameter == "baseline" || may_be_list(parameter); }

}  // namespace

void check_parameter(std::string_view parameter, std::string_view text, std::string_view method) {
  const auto* entry = std::ranges::find(kEntries, parameter, &Entry::parameter);
  if (entry == std::end(kEntries) || (may_be_file(parameter) && text.ends_with(".npy"))) return;
  const std::string what = fmt::format("{} of '{}'", parameter, method);
  while (may_be_list(parameter) && text.find_first_of(",;") != std::string_view::npos) {
    const size_t end = text.find_first_of(",;");
    read_number(text.substr(0, end), entry->range, what);
    text.remove_prefix(end + 1);
  }
  read_number(text, entry->range, what);
}

}  // namespace onnxray
