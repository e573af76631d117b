#include "cli/targets.h"

#include <algorithm>
#include <charconv>

#include "cli/inputs.h"
#include "core/fail.h"
#include "core/nearest.h"

namespace onnxray::cli {

namespace {

/// Reads one --target; every complaint quotes it.
class TargetReader {
 public:
  TargetReader(const std::string& text, const std::vector<std::string>& labels)
      : text_(text), labels_(labels) {}

  Target read() const {
    std::string_view rest = text_;
    if (rest.starts_with("argmax")) return argmax(rest.substr(6));
    if (rest.starts_with("name:")) return Target::class_index(label(text_.substr(5)));
    if (rest.starts_with('@')) return Target::mask(read_array(text_.substr(1)));
    if (rest.starts_with('[')) return entries(rest);
    std::vector<int64_t> indices;
    for (const std::string_view field : fields(rest)) indices.push_back(number(field));
    require(!indices.empty(), ErrorCode::usage, "--target is empty");
    return Target::indices(std::move(indices));
  }

 private:
  [[noreturn]] void complain() const {
    fail(ErrorCode::usage,
         "--target '{}': expected argmax, argmax[4:,:], argmax:axis=0, a number, numbers with commas, "
         "name:LABEL, [i,j,...], [2,:,10:20] or @mask.npy",
         text_);
  }

  /// What follows "argmax": ":axis=K", "[RANGES]", both or nothing.
  Target argmax(std::string_view rest) const {
    constexpr std::string_view kAxis = ":axis=";
    std::optional<int64_t> axis;
    if (rest.starts_with(kAxis)) {
      rest.remove_prefix(kAxis.size());
      const size_t end = std::min(rest.find('['), rest.size());
      axis = number(rest.substr(0, end));
      rest.remove_prefix(end);
    }
    std::vector<Range> chosen;
    if (!rest.empty()) chosen = ranges(rest);
    if (axis) return Target::argmax_along(*axis, std::move(chosen));
    return chosen.empty() ? Target::argmax() : Target::argmax_in(std::move(chosen));
  }

  /// "[0,12,40]" is one entry, "[2,:,10:20]" all within ranges.
  Target entries(std::string_view rest) const {
    if (rest.find(':') != std::string_view::npos) return Target::sum(ranges(rest));
    std::vector<int64_t> tuple;
    for (const std::string_view field : bracketed(rest)) tuple.push_back(number(field));
    return Target::entry(std::move(tuple));
  }

  std::vector<std::string_view> bracketed(std::string_view rest) const {
    if (!rest.starts_with('[') || !rest.ends_with(']')) complain();
    return fields(rest.substr(1, rest.size() - 2));
  }

  static std::vector<std::string_view> fields(std::string_view list) {
    std::vector<std::string_view> all;
    while (!list.empty()) {
      all.push_back(list.substr(0, list.find(',')));
      list.remove_prefix(std::min(list.size(), all.back().size() + 1));
    }
    return all;
  }

  std::vector<Range> ranges(std::string_view rest) const {
    std::vector<Range> all;
    for (const std::string_view field : bracketed(rest)) all.push_back(range(field));
    if (all.empty()) complain();
    return all;
  }

  /// "5", ":", "4:", ":-1", "10:20:2"
  Range range(std::string_view field) const {
    const size_t first = field.find(':');
    if (first == std::string_view::npos) return Range::at(number(field));
    const size_t second = std::min(field.find(':', first + 1), field.size());
    const auto bound = [&](std::string_view part) {
      const bool is_left_out = part.find_first_not_of(' ') == std::string_view::npos;
      return is_left_out ? std::optional<int64_t>() : number(part);
    };
    Range range{bound(field.substr(0, first)), bound(field.substr(first + 1, second - first - 1))};
    if (second < field.size()) range.step = bound(field.substr(second + 1)).value_or(1);
    return range;
  }

  int64_t number(std::string_view field) const {
    while (field.starts_with(' ')) field.remove_prefix(1);
    while (field.ends_with(' ')) field.remove_suffix(1);
    int64_t value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    constexpr int64_t kLargest = int64_t{1} << 53;  // so that sums of them are numbers, too
    const bool fits = value >= -kLargest && value <= kLargest;
    if (error != std::errc() || end != field.data() + field.size() || !fits) complain();
    return value;
  }

  int64_t label(const std::string& label) const {
    require(!labels_.empty(), ErrorCode::usage,
            "--target {}: no labels are known; give --labels FILE, or put them into MODEL.json beside the "
            "model",
            text_);
    const auto it = std::ranges::find(labels_, label);
    constexpr size_t kMostListed = 20;
    require(it != labels_.end(), ErrorCode::usage, "--target {}: {} {}", text_,
            labels_.size() > kMostListed ? "no such label; the nearest are" : "the labels are",
            fmt::join(labels_.size() > kMostListed ? nearest(label, labels_) : labels_, ", "));
    return it - labels_.begin();
  }

  const std::string& text_;
  const std::vector<std::string>& labels_;
};

}  // namespace

Target parse_target(const std::string& text, const std::vector<std::string>& labels) {
  return TargetReader(text, labels).read();
}

}  // namespace onnxray::cli
