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
    require(error == std::errc() && end == field.data() + field.size(), ErrorCode::usage,
            "--target '{}': expected argmax, a number, numbers with commas, name:LABEL, [i,j,...] or @mask.npy", target);
    numbers.push_back(number);
    list.remove_prefix(std::min(list.size(), field.size() + 1));
  }
  return numbers;
}

int64_t find_label(const std::string& label, const std::vector<std::string>& labels) {
  require(!labels.empty(), ErrorCode::usage, "--target name:{}: no labels are known; put them into MODEL.json beside the model", label);
  const auto it = std::ranges::find(labels, label);
  require(it != labels.end(), ErrorCode::usage, "--target name:{}: the labels are {}", label, fmt::join(labels, ", "));
  return it - labels.begin();
}

/// The row-major index of a tuple inside one sample's output.
int64_t flat_index(const std::vector<int64_t>& tuple, const Shape& output, const std::string& target) {
  require(!output.empty() && tuple.size() + 1 == output.size(), ErrorCode::usage, "--target '{}': the output has shape {}; give one index per axis after the batch", target,
          to_string(output));
  int64_t flat = 0;
  for (size_t i = 0; i < tuple.size(); ++i) {
    require(tuple[i] >= 0 && tuple[i] < output[i + 1], ErrorCode::usage, "--target '{}' is outside the output's shape {}", target, to_string(output));
    flat = flat * output[i + 1] + tuple[i];
  }
  return flat;
}

}  // namespace

Target parse_target(const std::string& text, const std::vector<std::string>& labels, const Shape& output) {
  if (text == "argmax") return Target::argmax();
  if (text.starts_with("name:")) return Target::index(find_label(text.substr(5), labels));
  if (text.starts_with('@')) return Target::mask(read_array(text.substr(1)));
  if (text.starts_with('[') && text.ends_with(']')) {
    return Target::index(flat_index(parse_list(std::string_view(text).substr(1, text.size() - 2), text), output, text));
  }
  std::vector<int64_t> indices = parse_list(text, text);
  require(!indices.empty(), ErrorCode::usage, "--target is empty");
  return Target::indices(std::move(indices));
}

}  // namespace onnxray::cli
