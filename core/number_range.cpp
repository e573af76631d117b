#include "core/number_range.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "core/fail.h"

namespace onnxray {

namespace {

std::optional<double> number_in(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  return is_number ? std::optional(number) : std::nullopt;
}

}  // namespace

bool NumberRange::holds(double number) const {
  if (std::isnan(number) || number > high || (excludes_low ? number <= low : number < low)) return false;
  return !is_whole || number == std::floor(number);
}

std::string NumberRange::text() const {
  return fmt::format("a {} {} {:.17g} {} {:.17g}", is_whole ? "whole number" : "number",
                     excludes_low ? "above" : "from", low, excludes_low ? "and at most" : "to", high);
}

double checked_number(double number, const NumberRange& range, std::string_view what) {
  require(range.holds(number), ErrorCode::usage, "{}: expected {}, not {:.15g}", what, range.text(), number);
  return number;
}

bool NumberRange::holds(std::string_view text) const {
  const std::optional<double> number = number_in(text);
  return number && holds(*number);
}

double read_number(std::string_view text, const NumberRange& range, std::string_view what) {
  constexpr size_t kMostQuoted = 40;
  require(range.holds(text), ErrorCode::usage, "{}: expected {}, not '{}'", what, range.text(),
          text.substr(0, kMostQuoted));
  return *number_in(text);
}

}  // namespace onnxray
