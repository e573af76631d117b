#include "api/model_data.h"
#include "api/turn.h"
#include "core/fail.h"
#include "methods/method_spec.h"
#include "onnx/states.h"

namespace onnxray {

std::string version() { return ONNXRAY_VERSION; }

template <class Import>
Model Model::loaded_by(const LoadOptions& options, const Import& import) {
  require(options.max_growth >= 0, ErrorCode::usage, "max_growth is {}, less than 0", options.max_growth);
  Model model;
  model.data_ = std::make_shared<const Data>(Data{guarded(import)});
  return model;
}

Model Model::load(const std::filesystem::path& path, const LoadOptions& options) {
  return loaded_by(options, [&] { return import_onnx(path, OpRegistry::builtin(), options.max_growth); });
}

Model Model::from_bytes(std::span<const std::byte> bytes, const LoadOptions& options,
                        const std::filesystem::path& folder) {
  return loaded_by(options,
                   [&] { return import_onnx(bytes, folder, OpRegistry::builtin(), options.max_growth); });
}

namespace {

ValueInfo info_of(const Graph& graph, const InputInfo& input) {
  return {graph[input.value].name, graph[input.value].dtype, input.extents, input.has_shape};
}

std::string text_of(const ValueInfo& info) {
  return fmt::format("'{}' {}{}", info.name, info.dtype ? name_of(*info.dtype) : "", to_string(info.extents));
}

/// The extent that inputs with values have where they are declared with this symbol.
std::optional<int64_t> extent_of(const std::string& symbol, const std::vector<ValueInfo>& inputs,
                                 const std::map<size_t, Tensor>& given) {
  for (const auto& [i, tensor] : given) {
    const auto& extents = inputs.at(i).extents;
    for (size_t axis = 0; axis < extents.size() && axis < tensor.shape().size(); ++axis) {
      const auto* name = std::get_if<std::string>(&extents[axis]);
      if (name && !name->empty() && *name == symbol) return tensor.shape()[axis];
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<ValueInfo> Model::inputs() const {
  std::vector<ValueInfo> result;
  const Graph& graph = data_->imported.graph;
  const std::vector<ValueId> states = state_inputs(graph, OpRegistry::builtin());
  for (const InputInfo& input : graph.inputs) {
    result.push_back(info_of(graph, input));
    result.back().is_state = std::ranges::find(states, input.value) != states.end();
  }
  return result;
}

std::vector<ValueInfo> Model::defaults() const {
  std::vector<ValueInfo> result;
  for (const InputInfo& input : data_->imported.defaults)
    result.push_back(info_of(data_->imported.graph, input));
  return result;
}

Model Model::with_inputs(const std::vector<std::string>& names) const {
  auto data = std::make_shared<Data>(*data_);
  Graph& graph = data->imported.graph;
  std::vector<InputInfo>& defaults = data->imported.defaults;
  for (const std::string& name : names) {
    const auto found =
        std::ranges::find(defaults, name, [&](const InputInfo& input) { return graph[input.value].name; });
    require(found != defaults.end(), ErrorCode::usage, "the model has no input '{}' that it gives a value",
            name);
    graph[found->value].constant.reset();
    graph[found->value].shape.reset();
    graph.inputs.push_back(*found);
    defaults.erase(found);
  }
  Model model;
  model.data_ = std::move(data);
  return model;
}

Tensor Model::zeros(size_t input, const std::map<size_t, Tensor>& given) const {
  const std::vector<ValueInfo> all = inputs();
  const ValueInfo& info = all.at(input);
  require(info.has_shape, ErrorCode::usage, "the input '{}' declares no shape that zeros could have",
          info.name);
  Shape shape;
  for (const auto& extent : info.extents) {
    const auto* number = std::get_if<int64_t>(&extent);
    const std::string symbol = number ? "" : std::get<std::string>(extent);
    const std::optional<int64_t> known = number ? *number : extent_of(symbol, all, given);
    require(known.has_value(), ErrorCode::usage,
            "zeros for the input {}: no input that is given says how long its axis {} is", text_of(info),
            shape.size());
    shape.push_back(*known);
  }
  return Tensor(info.dtype.value_or(DType::f32), shape);
}

std::vector<ValueInfo> Model::outputs() const {
  std::vector<ValueInfo> result;
  for (const auto& [declared, dtype] : data_->imported.outputs) {
    result.push_back(
        {data_->imported.graph[declared.value].name, dtype, declared.extents, declared.has_shape});
  }
  return result;
}

int64_t Model::opset() const {
  const auto it = data_->imported.opsets.find("");
  return it == data_->imported.opsets.end() ? 0 : it->second;
}

std::string Model::producer() const { return data_->imported.producer; }
std::vector<std::string> Model::notes() const { return data_->imported.notes; }

std::vector<std::filesystem::path> Model::files() const { return data_->imported.files; }

Target Target::argmax() { return {}; }

Target Target::argmax_in(std::vector<Range> ranges) {
  Target target;
  target.ranges_ = std::move(ranges);
  return target;
}

Target Target::argmax_along(int64_t axis, std::vector<Range> ranges) {
  Target target = argmax_in(std::move(ranges));
  target.axis_ = axis;
  return target;
}

Target Target::sum(std::vector<Range> ranges) {
  Target target = argmax_in(std::move(ranges));
  target.kind_ = Kind::mask;
  return target;
}

Target Target::index(int64_t index) { return indices({index}); }

Target Target::class_index(int64_t index) {
  Target target = indices({index});
  target.is_class_ = true;
  return target;
}

Target Target::indices(std::vector<int64_t> indices) {
  Target target;
  target.kind_ = Kind::index;
  target.indices_ = std::move(indices);
  return target;
}

Target Target::entry(std::vector<int64_t> tuple) {
  Target target;
  target.kind_ = Kind::index;
  target.tuple_ = std::move(tuple);
  return target;
}

Target Target::mask(Tensor weights) {
  Target target;
  target.kind_ = Kind::mask;
  target.mask_ = std::move(weights);
  return target;
}

std::vector<MethodDescription> methods() {
  std::vector<MethodDescription> result;
  for (const MethodInfo& method : method_list()) {
    std::vector<MethodDescription::Parameter> parameters;
    for (const ParameterInfo& p : method.parameters) parameters.push_back({p.name, p.default_value});
    result.push_back(
        {method.pattern, method.example, method.formula, std::move(parameters), method.citation});
  }
  return result;
}

}  // namespace onnxray
