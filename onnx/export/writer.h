#pragma once

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/tensor.h"

namespace onnx {
class GraphProto;
}

namespace onnxray::exporting {

/// What a value is in the written model. All reals share one type, all integers are int64: as a running
/// program holds them (dtype.h).
enum class Kind : uint8_t { real, integer, boolean };

Kind kind_of(DType dtype);

/// A value of the written graph.
struct Value {
  std::string name;
  Kind kind = Kind::real;
  Shape shape;
  /// A max-pool's winner, held as ONNX's flat index into the pooled tensor; only the pool translators read
  /// it.
  bool is_winner = false;
};
using Values = std::vector<Value>;

using Attribute = std::variant<int64_t, std::vector<int64_t>, std::string>;
using Attributes = std::vector<std::pair<std::string, Attribute>>;

/// Appends nodes and initialisers to an ONNX graph. Names are unique over all writers of one `Names`.
class Writer {
 public:
  /// `constants` takes the initialisers; a loop's body writes them to the graph around it.
  struct Store {
    onnx::GraphProto* constants;
    int64_t last = 0;                                             ///< name counter
    std::map<std::pair<Kind, double>, Value> scalars;             ///< by value
    std::map<std::pair<const std::byte*, Shape>, Value> tensors;  ///< by the elements' address
    std::vector<Tensor> kept;                                     ///< so that no address is used twice
  };
  Writer(onnx::GraphProto& graph, Store& store) : graph_(graph), store_(store) {}

  /// A node with one result.
  Value node(const std::string& op, const Values& inputs, Kind kind, Shape shape,
             const Attributes& attributes = {});
  /// A node with several; empty names are left out.
  Values nodes(const std::string& op, const Values& inputs, Values results, const Attributes& attributes);
  /// `value` again under a given name, as `type` (an ONNX number).
  void named(const Value& value, const std::string& name, int32_t type);

  Value constant(const Tensor& tensor, Kind kind);
  Value scalar(double value, Kind kind);
  Value ints(const std::vector<int64_t>& values);
  Value cast(const Value& value, Kind kind);
  /// Numpy broadcasting; the value itself where it has the shape.
  Value expand(const Value& value, const Shape& shape);
  Value reshape(const Value& value, const Shape& shape);
  Value transpose(const Value& value, const std::vector<int64_t>& permutation);
  /// Pads by `begin` and `end` per axis; negative amounts cut off.
  Value pad(const Value& value, const std::vector<int64_t>& begin, const std::vector<int64_t>& end,
            double fill);
  /// y[i] = x[starts + i * steps] for i < shape.
  Value slice(const Value& value, const std::vector<int64_t>& starts, const std::vector<int64_t>& steps,
              const Shape& shape);

  std::string fresh_name();
  int32_t onnx_type(Kind kind) const;
  onnx::GraphProto& graph() { return graph_; }
  Store& store() { return store_; }

 private:
  onnx::GraphProto& graph_;
  Store& store_;
};

/// ONNX's number of a type.
int32_t onnx_type_of(DType dtype);

}  // namespace onnxray::exporting
