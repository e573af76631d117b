#include "onnx/import.h"

#include <google/protobuf/io/coded_stream.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <climits>
#include <optional>

#include "core/fail.h"
#include "onnx/build_graph.h"
#include "onnx/embedded_weights.h"
#include "onnx/file_kind.h"
#include "onnx/inline_functions.h"
#include "onnx/mapped_file.h"
#include "onnx/tensor_proto.h"

namespace onnxray {

namespace {

using Folder = std::optional<std::filesystem::path>;

void check_size(std::span<const std::byte> bytes) {
  require(!bytes.empty(), ErrorCode::bad_file, "the file is empty");
  require(bytes.size() <= INT_MAX, ErrorCode::bad_file,
          "the file has {} bytes, but an ONNX file cannot exceed 2 GB: store the weights as external data",
          bytes.size());
  constexpr std::string_view kPointer = "version https://git-lfs";
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  require(!text.starts_with(kPointer), ErrorCode::bad_file,
          "this is a Git LFS pointer, not the model: fetch it with 'git lfs pull'");
}

/// `file_size` is for the message.
onnx::ModelProto parse_model(std::span<const std::byte> bytes, size_t file_size) {
  constexpr int kDeepestMessage = 100;
  const auto size = static_cast<int>(bytes.size());
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t*>(bytes.data()), size);
  stream.SetTotalBytesLimit(size);
  stream.SetRecursionLimit(kDeepestMessage);
  onnx::ModelProto model;
  const bool parsed = model.MergeFromCodedStream(&stream) && stream.ConsumedEntireMessage();
  require(parsed, ErrorCode::bad_file,
          "not an ONNX file, or cut short: the {} bytes cannot be parsed as a protobuf ModelProto",
          file_size);
  return model;
}

void check_header(const onnx::ModelProto& model, ImportedModel& result) {
  constexpr int64_t kNewestIr = 14;
  require(model.has_graph(), ErrorCode::bad_file, "not an ONNX model: it has no graph");
  require(model.ir_version() >= 1 && model.ir_version() < 1000, ErrorCode::bad_file,
          "the model has the impossible IR version {}", model.ir_version());
  if (model.ir_version() > kNewestIr) {
    result.notes.push_back(fmt::format("IR version {} is newer than any known here", model.ir_version()));
  }
  if (model.training_info_size() > 0) result.notes.push_back("training information is ignored");
  result.opsets = read_opsets(model, "the model");
  // Opset imports are newer than the first two IR versions.
  if (model.ir_version() < 3) result.opsets.emplace("", 1);
  require(!result.opsets.empty(), ErrorCode::bad_file, "the model imports no opset");
}

/// Which operators an opset changes is known only of those that were published before this was written.
/// `opsets`: of the model; nodes from its functions may have others.
void assume_unchanged(std::map<std::string, int64_t> opsets, Graph& graph) {
  constexpr int64_t kNewestMlOpset = 5;
  for (const Node& node : graph.nodes) {
    int64_t& opset = opsets[node.domain];
    opset = std::max(opset, node.opset);
  }
  for (const auto& [domain, newest] : {std::pair{"", kNewestOpset}, {"ai.onnx.ml", kNewestMlOpset}}) {
    const int64_t opset = opsets[domain];
    if (opset <= newest) continue;
    const std::string of = *domain ? fmt::format(" of {}", domain) : "";
    assume(graph.assumptions,
           {.what = fmt::format("operators of opset {}{}", opset, of),
            .value = fmt::format("as in opset {}", newest),
            .why = "the newest that is known here; a model exported with that opset is read as it says"});
  }
}

/// `owner` keeps `bytes` alive for weights that stay there; without one, weights are copied.
ImportedModel import_bytes(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                           const Folder& folder, const OpRegistry& ops, int64_t max_growth) {
  check_size(bytes);
  const std::optional<LeanModel> lean = without_weights(bytes);
  onnx::ModelProto model = parse_model(lean ? std::as_bytes(std::span(lean->bytes)) : bytes, bytes.size());
  ImportedModel result;
  check_header(model, result);
  result.ir_version = model.ir_version();
  result.producer = model.producer_name();
  if (!model.producer_version().empty()) result.producer += " " + model.producer_version();
  result.max_growth = max_growth > 0 ? max_growth : GrowthBudget::of_file(std::ssize(bytes));
  GrowthBudget budget(result.max_growth);
  TensorReader tensors(folder);
  for (int i = 0; lean && i < model.graph().initializer_size(); ++i) {
    const std::span<const std::byte> weights = lean->weights[static_cast<size_t>(i)];
    if (!weights.empty()) tensors.lend(model.graph().initializer(i), weights, owner);
  }
  FlatGraph flat = flatten(model, result.opsets, budget);
  result.outputs = flat.outputs;
  result.defaults = flat.shadowed;
  result.graph = build_graph(std::move(flat), ops, tensors, budget, result.notes);
  for (const std::string& location : tensors.external_files()) result.files.push_back(*folder / location);
  assume_unchanged(result.opsets, result.graph);
  return result;
}

}  // namespace

ImportedModel import_onnx(const std::filesystem::path& path, const OpRegistry& ops, int64_t max_growth) {
  try {
    const auto file = MappedFile::open(path);
    ImportedModel model = import_bytes(file->bytes(), file, path.parent_path(), ops, max_growth);
    model.files.push_back(path);
    return model;
  } catch (const Error& error) {
    const std::string advice = error.code() == ErrorCode::bad_file ? export_advice(path) : "";
    throw Error(error.code(), path.string() + ": " + error.what() + (advice.empty() ? "" : "; " + advice));
  }
}

ImportedModel import_onnx(std::span<const std::byte> bytes,
                          const std::filesystem::path& folder_of_external_data, const OpRegistry& ops,
                          int64_t max_growth) {
  const bool has_folder = !folder_of_external_data.empty();
  return import_bytes(bytes, nullptr, has_folder ? Folder(folder_of_external_data) : std::nullopt, ops,
                      max_growth);
}

}  // namespace onnxray
