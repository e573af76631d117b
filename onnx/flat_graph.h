#pragma once

#include <onnx/onnx_pb.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/graph.h"
#include "core/growth_budget.h"
#include "onnx/output_info.h"

namespace onnxray {

/// Domain to version; the domain "ai.onnx" is "".
using OpsetImports = std::map<std::string, int64_t>;

std::string normal_domain(const std::string& domain);
/// Error(bad_file) on an opset below 1 or a domain imported with two versions. `where` names the importer.
template <class Proto>
OpsetImports read_opsets(const Proto& proto, const std::string& where);

/// Where a node stands: in the model's graph, or in one call of a local function.
struct CallFrame {
  const CallFrame* caller = nullptr;
  std::string call_name;            ///< "outer/inner" for a call within a call; "" for the graph
  std::vector<std::string> scopes;  ///< module paths of the call
  std::vector<ValueId> outputs;     ///< what the call writes, in the caller's terms
  std::map<std::string, onnx::AttributeProto*, std::less<>> attributes;  ///< what references resolve to
  const OpsetImports* opsets = nullptr;
};

/// " (in the function call 'a/b')", or "" for the model's graph: for messages.
std::string place_of(const CallFrame& frame);

/// The version of a domain that holds at `frame`: its own import, else its caller's, else 0.
int64_t opset_of(const std::string& domain, const CallFrame& frame);

struct FlatBody;

/// A node of the model with every local function call expanded and every name resolved.
struct FlatNode {
  onnx::NodeProto* proto = nullptr;
  const CallFrame* frame = nullptr;
  std::string domain;
  int64_t opset = 0;            ///< 0 where the model does not import the domain
  std::vector<ValueId> inputs;  ///< its own operands, then the outer values that its bodies read
  std::vector<ValueId> outputs;
  size_t operands = 0;           ///< how many inputs are its own
  std::vector<FlatBody> bodies;  ///< of If, Loop and Scan
};

/// A graph attribute. Its nodes read outer values by their ids.
struct FlatBody {
  std::string attribute;
  std::vector<ValueId> inputs, outputs;
  std::vector<FlatNode> nodes;
};

/// Local functions and what is read once of each.
struct LocalFunction {
  onnx::FunctionProto* proto = nullptr;
  OpsetImports opsets;
  std::vector<onnx::AttributeProto> defaults;
  size_t size = 0;    ///< about how many bytes one call takes when it is expanded
  bool open = false;  ///< being expanded: a call of it now would never end
};

/// The graph before anything is judged: values, inputs and outputs are final, `graph.nodes` is empty.
struct FlatGraph {
  Graph graph;
  std::vector<FlatNode> nodes;
  std::map<ValueId, onnx::TensorProto*> initialisers;
  std::map<ValueId, std::string> sparse;  ///< values of sparse initialisers
  std::vector<std::string> problems;      ///< inputs that cannot be supported
  std::vector<OutputInfo> outputs;        ///< as declared, by Graph::outputs
  std::vector<InputInfo> shadowed;        ///< graph inputs that an initialiser makes constant

  // What the nodes point to.
  std::deque<CallFrame> frames;
  std::map<std::string, LocalFunction> functions;
  std::unique_ptr<onnx::NodeProto> identity;
};

}  // namespace onnxray
