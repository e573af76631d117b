#include "core/number_range.h"

#include <charconv>
#include <cmath>

#include "core/fail.h"

namespace onnxray {

bool NumberRange::holds(double number) const {
  if (std::isnan(number) || number > high || (excludes_low ? number <= low : number < low)) return false;
  return !is_whole || number == std::floor(number);
}

std::string NumberRange::text() const {
  return fmt::format("a {} {} {:.15g} {} {:.15g}", is_whole ? "whole number" : "number",
                     excludes_low ? "above" : "from", low, excludes_low ? "and at most" : "to", high);
}

double checked_number(double number, const NumberRange& range, std::string_view what) {
  require(range.holds(number), ErrorCode::usage, "{}: expected {}, not {:.15g}", what, range.text(), number);
  return number;
}

double read_number(std::string_view text, const NumberRange& range, std::string_view what) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  constexpr size_t kMostQuoted = 40;
  require(error == std::errc() && end == text.data() + text.size() && range.holds(number), ErrorCode::usage,
          "{}: expected {}, not '{}'", what, range.text(), text.substr(0, kMostQuoted));
  return number;
}

}  // namespace onnxray
