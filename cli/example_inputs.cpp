#include "cli/example_inputs.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "core/fail.h"

namespace onnxray::cli {

namespace {

/// "1x8000" or "1,8000".
Shape parse_shape(const std::string& given, std::string_view text) {
  Shape shape;
  while (true) {
    int64_t extent = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), extent);
    require(error == std::errc{} && extent >= 0, ErrorCode::usage,
            "--shape '{}': expected NAME=NUMBERxNUMBERx..., as in NAME=1x8000", given);
    shape.push_back(extent);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (text.empty()) return shape;
    require(text[0] == 'x' || text[0] == ',', ErrorCode::usage,
            "--shape '{}': expected NAME=NUMBERxNUMBERx..., as in NAME=1x8000", given);
    text.remove_prefix(1);
  }
}

/// What --shape says of inputs and of the symbols in their declared shapes, by name.
class OpenExtents {
 public:
  OpenExtents(const std::vector<std::string>& given, const std::vector<ValueInfo>& inputs) {
    for (const std::string& text : given) {
      const size_t equals = text.rfind('=');  // names may hold one
      const bool is_bare = equals == std::string::npos && inputs.size() == 1;
      require(is_bare || equals != std::string::npos, ErrorCode::usage,
              "--shape '{}': the model has {} inputs; say which by NAME={}", text, inputs.size(), text);
      const std::string name = is_bare ? inputs[0].name : text.substr(0, equals);
      require(is_known(name, inputs), ErrorCode::usage,
              "--shape '{}': the model has no input and no open extent '{}'; {}", text, name, names(inputs));
      const Shape shape = parse_shape(text, std::string_view(text).substr(is_bare ? 0 : equals + 1));
      require(said_.emplace(name, shape).second, ErrorCode::usage, "--shape says '{}' twice", name);
    }
  }

  Shape shape_of(const ValueInfo& input, int64_t batch) const {
    if (const auto whole = said_.find(input.name); whole != said_.end()) return fitting(input, whole->second);
    require(input.has_shape, ErrorCode::usage,
            "input '{0}' declares no shape; give -i {0}=FILE or --shape {0}=...", input.name);
    Shape shape;
    for (const auto& extent : input.extents) {
      if (const auto* number = std::get_if<int64_t>(&extent)) {
        shape.push_back(*number);
        continue;
      }
      const auto symbol = said_.find(std::get<std::string>(extent));
      if (symbol != said_.end()) {
        require(symbol->second.size() == 1, ErrorCode::usage,
                "--shape: the extent '{}' is one number, not {}", symbol->first, to_string(symbol->second));
        shape.push_back(symbol->second[0]);
        continue;
      }
      require(shape.empty(), ErrorCode::usage,
              "input '{0}' leaves extent {1} open; give -i {0}=FILE or --shape {0}={2}", input.name,
              shape.size(), example(input, batch));
      shape.push_back(std::max<int64_t>(1, batch));
    }
    return shape;
  }

 private:
  static bool is_known(const std::string& name, const std::vector<ValueInfo>& inputs) {
    return std::ranges::any_of(inputs, [&](const ValueInfo& input) {
      return input.name == name || std::ranges::any_of(input.extents, [&](const auto& extent) {
               const auto* symbol = std::get_if<std::string>(&extent);
               return symbol && !symbol->empty() && *symbol == name;
             });
    });
  }

  static std::string names(const std::vector<ValueInfo>& inputs) {
    std::string text = "its inputs are";
    for (const ValueInfo& input : inputs) text += fmt::format(" '{}'", input.name);
    return text;
  }

  /// The declared shape with 100 for what else is open.
  static std::string example(const ValueInfo& input, int64_t batch) {
    std::vector<int64_t> extents;
    for (const auto& extent : input.extents) {
      const auto* number = std::get_if<int64_t>(&extent);
      extents.push_back(number ? *number : extents.empty() ? std::max<int64_t>(1, batch) : 100);
    }
    return fmt::format("{}", fmt::join(extents, "x"));
  }

  static Shape fitting(const ValueInfo& input, const Shape& shape) {
    bool fits = !input.has_shape || shape.size() == input.extents.size();
    for (size_t i = 0; fits && input.has_shape && i < shape.size(); ++i) {
      const auto* number = std::get_if<int64_t>(&input.extents[i]);
      fits = number == nullptr || *number == shape[i];
    }
    require(fits, ErrorCode::usage, "--shape: {} does not fit input '{}', which declares {}",
            to_string(shape), input.name, to_string(input.extents));
    return shape;
  }

  std::map<std::string, Shape> said_;
};

/// Throws where made-up inputs would take more than 4 GiB.
void check_size(const ValueInfo& input, const Shape& shape) {
  constexpr double kMostElements = 1LL << 30;
  double count = 1;
  for (const int64_t extent : shape) count *= static_cast<double>(extent);
  require(count <= kMostElements, ErrorCode::usage,
          "input '{}' {} would be made up of more than 2^30 numbers: give smaller extents by --batch or "
          "--shape",
          input.name, to_string(shape));
}

Tensor noise_like(DType dtype, const Shape& shape) {
  if (!is_floating(dtype)) return Tensor(dtype, shape);
  Tensor tensor(DType::f32, shape);
  auto out = tensor.mutable_data<float>();
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(std::sin(0.37 * static_cast<double>(i)) +
                                0.5 * std::sin(1.93 * static_cast<double>(i)));
  return tensor.to(dtype);
}

}  // namespace

std::vector<Tensor> example_inputs(const Options& options, const Model& model) {
  const std::vector<ValueInfo> inputs = model.inputs();
  const OpenExtents extents(options.shapes, inputs);
  std::vector<Tensor> tensors;
  for (const ValueInfo& input : inputs) {
    const Shape shape = extents.shape_of(input, options.batch);
    check_size(input, shape);
    tensors.push_back(noise_like(input.dtype.value_or(DType::f32), shape));
  }
  return tensors;
}

}  // namespace onnxray::cli
