#pragma once

#include <span>
#include <string_view>

#include "core/graph.h"

namespace onnxray {

class Backend;

struct PassOptions {
  bool fold_batchnorm = true;  ///< off where a rule needs BatchNormalization as a node of its own
  Backend* folder = nullptr;   ///< computes what is known before running, best in double; null: nothing does
  const Graph* imported = nullptr;  ///< whose constants have the types that the file stores them in
};

/// One rewriting of a graph whose values all have shapes. Returns whether it changed anything; the fixpoint
/// of all passes is what the rest of the engine sees. A pass keeps Graph::outputs and their names, and gives
/// every node that replaces others their origins. Values that a pass creates may lack a shape; `specialise`
/// infers it.
struct Pass {
  std::string_view name;
  bool (*run)(Graph&, const PassOptions&);
};

/// All rewriting passes in the order in which they run.
std::span<const Pass> all_passes();

bool remove_identities(Graph& graph, const PassOptions& options);
bool merge_reshapes(Graph& graph, const PassOptions& options);
bool merge_transposes(Graph& graph, const PassOptions& options);
bool fuse_layer_norm(Graph& graph, const PassOptions& options);
bool fuse_rms_norm(Graph& graph, const PassOptions& options);
bool fuse_activations(Graph& graph, const PassOptions& options);
bool fuse_softmax(Graph& graph, const PassOptions& options);
bool gemm_to_plain_weights(Graph& graph, const PassOptions& options);
bool moving_bias_to_add(Graph& graph, const PassOptions& options);
bool matmul_add_to_gemm(Graph& graph, const PassOptions& options);
bool matmul_add_to_bias(Graph& graph, const PassOptions& options);
bool add_to_bias(Graph& graph, const PassOptions& options);
bool reduce_mean_to_global_average_pool(Graph& graph, const PassOptions& options);
bool fuse_integer_products(Graph& graph, const PassOptions& options);
bool fuse_quantisation(Graph& graph, const PassOptions& options);
bool rectify_grids(Graph& graph, const PassOptions& options);
bool sink_grids(Graph& graph, const PassOptions& options);
bool fuse_batchnorm(Graph& graph, const PassOptions& options);
bool fold_batchnorm(Graph& graph, const PassOptions& options);

/// Fills Value::sign of every value; runs once, after all others. Returns false: the graph's nodes stay.
bool sign_analysis(Graph& graph, const PassOptions& options);

}  // namespace onnxray
