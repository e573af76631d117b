#include "cli/inputs.h"

#include <algorithm>

#include "cli/command_files.h"
#include "cli/csv.h"
#include "cli/example_inputs.h"
#include "cli/npy.h"
#include "cli/npz.h"
#include "cli/output_file.h"
#include "cli/to_tensor.h"
#include "core/fail.h"
#include "core/samples.h"

namespace onnxray::cli {

namespace {

/// A file of several inputs, by name.
bool is_bare_npz(const std::string& given) {
  return extension_of(given) == ".npz" && given.find('=') == std::string::npos;
}

/// Whether an axis that is declared so may be that of the batch: its extent is open, or 1.
bool may_be_batch(const std::variant<int64_t, std::string>& extent) {
  const auto* number = std::get_if<int64_t>(&extent);
  return number == nullptr || *number == 1;
}

bool fits(const Shape& shape, const ValueInfo& input) {
  for (size_t i = 0; i < shape.size(); ++i) {
    const auto* number = std::get_if<int64_t>(&input.extents[i]);
    if (number && *number != shape[i]) return false;
  }
  return shape.size() == input.extents.size();
}

/// Adds the batch axis that one sample lacks: where the model calls one so, else the first that fits.
Tensor with_batch_axis(Tensor tensor, const ValueInfo& input) {
  if (!input.has_shape || tensor.shape().size() + 1 != input.extents.size()) return tensor;
  Shape chosen = tensor.shape();
  chosen.insert(chosen.begin(), 1);
  bool is_chosen = false;
  for (size_t axis = 0; axis < input.extents.size(); ++axis) {
    Shape shape = tensor.shape();
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), 1);
    const auto* symbol = std::get_if<std::string>(&input.extents[axis]);
    const bool is_named = symbol && means_batch(*symbol);
    if (!fits(shape, input) || !may_be_batch(input.extents[axis]) || (is_chosen && !is_named)) continue;
    chosen = std::move(shape);
    is_chosen = true;
    if (is_named) break;
  }
  return tensor.reshaped(chosen);
}

Tensor in_declared_type(Tensor tensor, const ValueInfo& input) {
  if (!input.dtype || *input.dtype == tensor.dtype()) return tensor;
  if (is_floating(*input.dtype) != is_floating(tensor.dtype()) && is_floating(tensor.dtype())) {
    fail(ErrorCode::usage, "input '{}' wants {}, the file holds {}", input.name, name_of(*input.dtype),
         name_of(tensor.dtype()));
  }
  return tensor.to(*input.dtype);
}

/// "NAME=FILE", "FILE": the input's index and the path. Bare files take the inputs in order.
std::pair<size_t, std::string> resolve(const std::string& given, const std::vector<ValueInfo>& inputs,
                                       const std::vector<bool>& taken) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (given.starts_with(inputs[i].name + "=")) return {i, given.substr(inputs[i].name.size() + 1)};
  }
  std::error_code ignored;
  if (const size_t equals = given.find('=');
      equals != std::string::npos && !std::filesystem::exists(given, ignored)) {
    std::vector<std::string> names;
    for (const ValueInfo& input : inputs) names.push_back(input.name);
    fail(ErrorCode::usage, "'-i {}': the model has no input '{}'; its inputs are {}", given,
         given.substr(0, equals), fmt::join(names, ", "));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!taken[i]) return {i, given};
  }
  fail(ErrorCode::usage, "'-i {}': the model has {} inputs only", given, inputs.size());
}

Shape shape_of(const ValueInfo& input) {
  Shape shape;
  for (const auto& extent : input.extents)
    shape.push_back(std::holds_alternative<int64_t>(extent) ? std::get<int64_t>(extent) : -1);
  return shape;
}

Tensor load(const std::string& path, const ValueInfo& input, const std::optional<Preprocess>& preprocess,
            const std::string& columns, std::vector<std::string>& notes) {
  const std::string extension = extension_of(path);
  if (extension == ".npy") return with_batch_axis(read_array(path), input);
  if (extension == ".csv" || extension == ".tsv")
    return table_to_tensor(read_csv(path, columns), preprocess.value_or(Preprocess{}), shape_of(input));
  require(extension == ".png" || extension == ".jpg" || extension == ".jpeg", ErrorCode::usage,
          "'{}': inputs are .npy, .npz, .csv, .tsv, .png or .jpg", path);
  require(preprocess.has_value(), ErrorCode::usage,
          "an image needs to know its preprocessing: give --preprocess torchvision, keras-caffe, keras-tf, "
          "none or a JSON file, "
          "or put MODEL.json beside the model");
  const Image image = read_image(path);
  if (!image.note.empty()) notes.push_back(image.note);
  return image_to_tensor(image, *preprocess, shape_of(input));
}

}  // namespace

std::optional<Preprocess> choose_preprocess(const Options& options) {
  if (!options.preprocess.empty()) return load_preprocess(options.preprocess);
  const std::optional<std::string> sidecar = find_sidecar(options.model);
  return sidecar ? std::optional(load_preprocess(*sidecar)) : std::nullopt;
}

Tensor read_array(const std::string& path) {
  if (extension_of(path) != ".npz") return read_npy(path);
  const std::vector<NamedTensor> arrays = read_npz(path);
  require(arrays.size() == 1, ErrorCode::usage, "'{}' holds {} arrays, expected one", path, arrays.size());
  return arrays[0].value;
}

Model load_model(const Options& options) {
  const Model model = Model::load(options.model, options.load);
  check_spares_model(options, model);
  const std::vector<ValueInfo> defaults = model.defaults();
  std::vector<std::string> wanted;
  const auto want = [&](const std::string& name) {
    const bool is_known = std::ranges::find(defaults, name, &ValueInfo::name) != defaults.end();
    if (is_known && std::ranges::find(wanted, name) == wanted.end()) wanted.push_back(name);
  };
  for (const std::string& given : options.inputs) {
    if (defaults.empty()) break;
    want(given.substr(0, given.find('=')));
    if (!is_bare_npz(given)) continue;
    for (const NamedTensor& array : read_npz(given)) want(array.name);
  }
  return wanted.empty() ? model : model.with_inputs(wanted);
}

namespace {

/// The layout of images and series: of the first input and those with as many axes, as it is declared.
std::vector<std::string> layouts_of(const std::vector<ValueInfo>& inputs,
                                    const std::optional<Preprocess>& preprocess) {
  std::vector<std::string> layouts;
  for (const ValueInfo& input : inputs) {
    const bool like_first = input.extents.size() == inputs[0].extents.size();
    layouts.push_back(preprocess && like_first ? preprocess->layout : "");
    if (layouts.back().empty()) layouts.back() = image_layout(shape_of(input));
  }
  return layouts;
}

std::string declared_text(const ValueInfo& input) {
  return fmt::format("{}{}", input.dtype ? name_of(*input.dtype) : "",
                     input.has_shape ? to_string(input.extents) : "");
}

}  // namespace

LoadedInputs load_inputs(const Options& options, const Model& model,
                         const std::optional<Preprocess>& preprocess) {
  const std::vector<ValueInfo> inputs = model.inputs();
  LoadedInputs loaded{std::vector<Tensor>(inputs.size()), layouts_of(inputs, preprocess)};
  std::vector<bool> taken(inputs.size(), false);
  std::map<size_t, Tensor> given_tensors;
  std::vector<size_t> zeros;
  const auto take = [&](size_t i, Tensor tensor) {
    given_tensors[i] = loaded.tensors[i] = in_declared_type(std::move(tensor), inputs[i]);
    taken[i] = true;
  };
  for (const std::string& given : options.inputs) {
    if (is_bare_npz(given)) {
      for (const auto& [name, tensor] : read_npz(given)) {
        const auto it = std::ranges::find(inputs, name, &ValueInfo::name);
        require(it != inputs.end(), ErrorCode::usage, "'{}' holds '{}', which is no input of the model",
                given, name);
        take(static_cast<size_t>(it - inputs.begin()), with_batch_axis(tensor, *it));
      }
      continue;
    }
    const auto [i, path] = resolve(given, inputs, taken);
    if (path == "zeros" && given != path) {
      taken[i] = true;
      zeros.push_back(i);
      continue;
    }
    take(i, load(path, inputs[i], preprocess, options.columns, loaded.notes));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (taken[i]) continue;
    require(inputs[i].is_state, ErrorCode::usage,
            "the model's input '{}' {} was not given; use -i {}=FILE, or -i {}=zeros", inputs[i].name,
            declared_text(inputs[i]), inputs[i].name, inputs[i].name);
    zeros.push_back(i);
    loaded.left_out.push_back(inputs[i].name);
  }
  for (const size_t i : zeros) loaded.tensors[i] = model.zeros(i, given_tensors);
  return loaded;
}

LoadedInputs inputs_or_examples(const Options& options, const Model& model,
                                const std::optional<Preprocess>& preprocess) {
  if (!options.inputs.empty()) return load_inputs(options, model, preprocess);
  return {example_inputs(options, model), layouts_of(model.inputs(), preprocess)};
}

std::vector<std::string> notes_on(const LoadedInputs& loaded, const Model& model) {
  std::vector<std::string> notes;
  const std::vector<ValueInfo> inputs = model.inputs();
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (std::ranges::find(loaded.left_out, inputs[i].name) != loaded.left_out.end())
      notes.push_back(
          fmt::format("input '{}' is not given: the state starts with zeros {}, and nothing is "
                      "attributed to it",
                      inputs[i].name, to_string(loaded.tensors[i].shape())));
  }
  return notes;
}

}  // namespace onnxray::cli
