#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/graph.h"
#include "onnx/output_info.h"
#include "ops/op.h"

namespace onnxray {

/// An ONNX model as a Graph, and what its file says about itself.
struct ImportedModel {
  Graph graph;
  std::vector<OutputInfo> outputs;  ///< by Graph::outputs
  /// Inputs that the file gives a value: constants of the graph, in none of its lists.
  std::vector<InputInfo> defaults;
  int64_t ir_version = 0;
  std::map<std::string, int64_t> opsets;     ///< domain to version; "" is ai.onnx
  std::string producer;                      ///< "pytorch 2.5"
  std::vector<std::filesystem::path> files;  ///< what was read: the model, and its external data
  std::vector<std::string> notes;            ///< what a user may want to know, in sentences
  int64_t max_growth = 0;  ///< bytes that it may grow by before it runs (core/growth_budget.h)
};

/// Reads an ONNX file: local functions are expanded, constants are read in their own element type, and
/// nodes that no output needs are dropped. Throws Error(bad_file) where the file cannot be read or is
/// corrupt, and Error(unsupported) with all that `ops` lacks, or where it grows by more than `max_growth`
/// bytes; 0: what suits its size.
ImportedModel import_onnx(const std::filesystem::path& path, const OpRegistry& ops, int64_t max_growth = 0);

/// The same from memory. External data is looked up in `folder_of_external_data`; empty refuses it.
ImportedModel import_onnx(std::span<const std::byte> bytes,
                          const std::filesystem::path& folder_of_external_data, const OpRegistry& ops,
                          int64_t max_growth = 0);

}  // namespace onnxray
