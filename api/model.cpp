#include "api/model_data.h"
#include "methods/method_spec.h"

namespace onnxray {

std::string version() { return ONNXRAY_VERSION; }

Model Model::load(const std::filesystem::path& path) {
  Model model;
  model.data_ = std::make_shared<const Data>(Data{import_onnx(path, OpRegistry::builtin())});
  return model;
}

std::vector<ValueInfo> Model::inputs() const {
  std::vector<ValueInfo> result;
  const Graph& graph = data_->imported.graph;
  for (const InputInfo& input : graph.inputs) {
    result.push_back({graph[input.value].name, graph[input.value].dtype, input.extents, input.has_shape});
  }
  return result;
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

Target Target::argmax() { return {}; }

Target Target::index(int64_t index) { return indices({index}); }

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
