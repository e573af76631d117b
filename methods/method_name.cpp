#include "methods/method_name.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <utility>

#include "core/fail.h"

namespace onnxray {

namespace {

/// Reads a name from left to right.
class Cursor {
 public:
  explicit Cursor(std::string_view rest) : rest_(rest) {}

  bool done() const { return rest_.empty(); }
  bool eat(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    const std::string_view after = rest_.substr(word.size());
    if (!after.empty() && after.front() != '_' && word.back() != '_') return false;
    rest_ = after;
    return true;
  }

  /// DIGITS ["_" DIGITS]: the second group holds the decimals, verbatim. "0_25" is 0.25, "10" is 10.
  std::optional<double> unsigned_number() {
    std::string text = digits();
    if (text.empty()) return std::nullopt;
    if (rest_.size() > 1 && rest_[0] == '_' && is_digit(rest_[1])) {
      rest_.remove_prefix(1);
      text += "." + digits();
    }
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }

  std::optional<double> number() {
    const bool negative = eat("neg_");
    const auto value = unsigned_number();
    return value && negative ? -*value : value;
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  std::string digits() {
    size_t n = 0;
    while (n < rest_.size() && is_digit(rest_[n])) ++n;
    std::string text(rest_.substr(0, n));
    rest_.remove_prefix(n);
    return text;
  }

  std::string_view rest_;
};

/// ["_x_input"] ["_x_sign" ["_mu" ["_" num]]]; a bare "_mu" means 0.
bool parse_modifiers(Cursor& cursor, Modifiers& modifiers) {
  modifiers.x_input |= cursor.eat("_x_input");
  if (!cursor.eat("_x_sign")) return true;
  modifiers.x_sign = true;
  if (!cursor.eat("_mu")) return true;
  modifiers.mu = 0;
  if (!cursor.eat("_")) return true;
  modifiers.mu = cursor.number();
  return modifiers.mu.has_value();
}

std::optional<MethodName> parse_gradient(std::string_view name) {
  MethodName method{MethodName::Family::gradient, {}, {}};
  if (name == "input_t_gradient") {
    method.modifiers.x_input = true;
    return method;
  }
  Cursor cursor(name);
  if (!cursor.eat("gradient") || !parse_modifiers(cursor, method.modifiers) || !cursor.done()) return std::nullopt;
  return method;
}

/// "z" | "epsilon_" unum ["_std_x"]
std::optional<RuleSpec> parse_rule(Cursor& cursor) {
  if (cursor.eat("z")) return RuleSpec{"z"};
  if (!cursor.eat("epsilon_")) return std::nullopt;
  const auto number = cursor.unsigned_number();
  if (!number) return std::nullopt;
  if (cursor.eat("_std_x")) return RuleSpec{"epsilon_std_x", {{"factor", *number}}};
  return RuleSpec{"epsilon", {{"epsilon", *number}}};
}

std::optional<MethodName> parse_lrp(std::string_view name) {
  Cursor cursor(name);
  const bool sign = cursor.eat("lrpsign_");
  if (!sign && !cursor.eat("lrp_")) return std::nullopt;
  const auto rule = parse_rule(cursor);
  if (!rule) return std::nullopt;
  MethodName method{MethodName::Family::lrp, {}, {std::string(name), {}}};
  if (sign) {
    RuleSpec input_rule{"sign"};
    if (cursor.eat("_mu_")) {
      const auto mu = cursor.number();
      if (!mu) return std::nullopt;
      input_rule = {"sign_mu", {{"mu", *mu}}};
    }
    method.composite.entries.push_back({{.relevance = RelevanceClass::linear, .ops = {}, .input_layer = true}, input_rule});
  }
  method.composite.entries.push_back({{.relevance = RelevanceClass::linear, .ops = {}}, *rule});
  if (!parse_modifiers(cursor, method.modifiers) || !cursor.done()) return std::nullopt;
  return method;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

std::vector<std::string> nearest(std::string_view name) {
  std::vector<std::string> known{"gradient",      "input_t_gradient", "gradient_x_sign", "gradient_x_sign_mu_0_5",
                                 "lrp_z",         "lrp_epsilon_0_1",  "lrpsign_z",       "lrpsign_epsilon_0_1",
                                 "lrp_epsilon_0_25_std_x", "lrpsign_epsilon_0_25_std_x", "lrpsign_epsilon_0_1_mu_0_5"};
  std::ranges::stable_sort(known, {}, [&](const std::string& k) { return edit_distance(name, k); });
  known.resize(3);
  return known;
}

}  // namespace

MethodName parse_method_name(std::string_view name) {
  if (auto method = parse_gradient(name)) return *method;
  if (auto method = parse_lrp(name)) return *method;
  fail(ErrorCode::usage, "unknown method '{}'; the nearest are {}; `onnxray methods` lists all", name, fmt::join(nearest(name), ", "));
}

std::vector<MethodInfo> method_list() {
  return {
      {"gradient", "df/dx", "", "Simonyan et al. 2014"},
      {"input_t_gradient | gradient_x_input", "x * df/dx", "", "Shrikumar et al. 2016"},
      {"gradient_x_sign", "df/dx * sgn(x), sgn(0) = +1", "", "Gumpfer et al. 2023"},
      {"gradient_x_sign_mu[_NUM]", "df/dx * (x >= mu ? +1 : -1)", "mu (0)", "Gumpfer et al. 2023"},
      {"lrp_z", "R_in = x * T(w, R / safe(z))", "", "Bach et al. 2015"},
      {"lrp_epsilon_NUM", "R_in = x * T(w, R / (z + epsilon sgn(z)))", "epsilon", "Bach et al. 2015"},
      {"lrp_epsilon_NUM_std_x", "as lrp_epsilon, epsilon = NUM * std(x) of each layer", "factor", "Gumpfer et al. 2023"},
      {"lrpsign_RULE[_mu_NUM]", "RULE, and at the input layer R_in = sgn(x) * T(w, R / safe(z))", "mu", "Gumpfer et al. 2023"},
  };
}

}  // namespace onnxray
