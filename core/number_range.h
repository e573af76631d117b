#pragma once

#include <string>
#include <string_view>

namespace onnxray {

/// The numbers that an option or a parameter takes, both ends among them.
struct NumberRange {
  double low, high;
  bool is_whole = false;
  bool excludes_low = false;

  /// False for NaN.
  bool holds(double number) const;
  bool holds(std::string_view text) const;
  /// "a whole number from 1 to 1024"
  std::string text() const;
};

constexpr NumberRange whole_numbers(double low, double high) { return {low, high, true}; }
constexpr NumberRange numbers_above(double low, double high) { return {low, high, false, true}; }

/// What a share, a scale or a weight may be where nothing bounds it by its meaning: finite, and so small that
/// float32 can square it.
constexpr double kLargestNumber = 1e12;

/// Throws Error(usage) that begins with `what` unless the number is in the range.
double checked_number(double number, const NumberRange& range, std::string_view what);
/// The same of a text.
double read_number(std::string_view text, const NumberRange& range, std::string_view what);

}  // namespace onnxray
