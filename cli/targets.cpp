#include "cli/targets.h"

#include <algorithm>
#include <charconv>

#include "cli/inputs.h"
#include "core/fail.h"

namespace onnxray::cli {

namespace {

std::vector<int64_t> parse_list(std::string_view list, const std::string& target) {
  std::vector<int64_t> numbers;
  while (!list.empty()) {
    const std::string_view field = list.substr(0, list.find(','));
    int64_t number = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), number);
    require(
        error == std::errc() && end == field.data() + field.size(), ErrorCode::usage,
        "--target '{}': expected argmax, a number, numbers with commas, name:LABEL, [i,j,...] or @mask.npy",
        target);
    numbers.push_back(number);
    list.remove_prefix(std::min(list.size(), field.size() + 1));
  }
  return numbers;
}

int64_t find_label(const std::string& label, const std::vector<std::string>& labels) {
  require(!labels.empty(), ErrorCode::usage,
          "--target name:{}: no labels are known; put them into MODEL.json beside the model", label);
  const auto it = std::ranges::find(labels, label);
  require(it != labels.end(), ErrorCode::usage, "--target name:{}: the labels are {}", label,
          fmt::join(labels, ", "));
  return it - labels.begin();
}

}  // namespace

Target parse_target(const std::string& text, const std::vector<std::string>& labels) {
  if (text == "argmax") return Target::argmax();
  if (text.starts_with("name:")) return Target::index(find_label(text.substr(5), labels));
  if (text.starts_with('@')) return Target::mask(read_array(text.substr(1)));
  if (text.starts_with('[') && text.ends_with(']')) {
    return Target::entry(parse_list(std::string_view(text).substr(1, text.size() - 2), text));
  }
  std::vector<int64_t> indices = parse_list(text, text);
  require(!indices.empty(), ErrorCode::usage, "--target is empty");
  return Target::indices(std::move(indices));
}

}  // namespace onnxray::cli
