#include "onnx/file_kind.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>

#include "core/fail.h"

namespace onnxray {

namespace {

struct Kind {
  std::string_view names;  ///< extensions, between spaces
  std::string_view what, how;
};

constexpr std::string_view kTorch =
    "export it where its class is known: torch.onnx.export(model.eval(), example, \"model.onnx\")";
constexpr std::string_view kKeras =
    "export it with model.export(\"model.onnx\", format=\"onnx\"), or with tf2onnx.convert.from_keras(model)";

constexpr Kind kKinds[] = {
    {" .pt .pth .ckpt .torchscript .pt2 ", "a PyTorch file", kTorch},
    {" .keras .h5 .hdf5 ", "a Keras file", kKeras},
    {" .tflite ", "a TensorFlow Lite model",
     "convert it: python -m tf2onnx.convert --tflite model.tflite --output model.onnx"},
    {" .safetensors ", "weights without their graph",
     "load them into their model and export that; of the Hugging Face hub: optimum-cli export onnx --model "
     "NAME DIR"},
    {" .gguf .ggml ", "weights without their graph", "export the model that they belong to"},
    {" .pb ", "a TensorFlow graph, it seems",
     "convert it: python -m tf2onnx.convert --graphdef model.pb --output model.onnx --inputs X:0 --outputs "
     "Y:0"},
    {" .pkl .pickle .joblib ", "a pickled Python object",
     "export it where it was made: skl2onnx.to_onnx(model, example) for scikit-learn"},
    {" .mlmodel .mlpackage ", "a Core ML model", "export the model that it was made of"},
    {" .pdmodel .pdiparams ", "a Paddle model", "convert it with paddle2onnx"},
    {" .xml ", "an OpenVINO model, it seems", "export the model that it was made of"},
    {" .ort ", "an ONNX Runtime file", "explain the .onnx file that it was made of"},
    {" .engine .trt .plan ", "a TensorRT engine", "explain the .onnx file that it was made of"},
};

std::string lower_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

/// The extension that a file of these first bytes should have; empty where they say nothing.
std::string extension_by_bytes(const std::filesystem::path& path) {
  std::array<char, 16> bytes{};
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), std::ssize(bytes));
  const std::string_view head(bytes.data(), static_cast<size_t>(file.gcount()));
  if (head.starts_with("\x89HDF\r\n\x1a\n")) return ".h5";
  if (head.size() >= 8 && head.substr(4, 4) == "TFL3") return ".tflite";
  if (head.size() >= 8 && head.substr(4, 4) == "ORTM") return ".ort";
  if (head.starts_with("GGUF")) return ".gguf";
  // A file of safetensors begins with the length of its JSON header.
  if (head.size() >= 10 && head.substr(8, 2) == "{\"") return ".safetensors";
  // PyTorch's and Keras's files are zip archives, told apart by their names.
  if (head.starts_with("PK\x03\x04")) return lower_extension(path) == ".keras" ? ".keras" : ".pt";
  return {};
}

std::string advice_by_extension(const std::string& extension) {
  if (extension.empty()) return {};
  const auto found = std::ranges::find_if(kKinds, [&](const Kind& kind) {
    return kind.names.find(" " + extension + " ") != std::string_view::npos;
  });
  return found == std::end(kKinds) ? "" : fmt::format("this is {}: {}", found->what, found->how);
}

}  // namespace

std::string export_advice(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    if (std::filesystem::exists(path / "saved_model.pb", ignored))
      return fmt::format(
          "this is a TensorFlow SavedModel: convert it with python -m tf2onnx.convert --saved-model {} "
          "--output "
          "model.onnx",
          path.string());
    const std::string by_name = advice_by_extension(lower_extension(path));
    return by_name.empty() ? "this is a folder: give the .onnx file in it" : by_name;
  }
  const std::string by_bytes = advice_by_extension(extension_by_bytes(path));
  return by_bytes.empty() ? advice_by_extension(lower_extension(path)) : by_bytes;
}

}  // namespace onnxray
