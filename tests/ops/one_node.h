#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backends/reference/reference.h"
#include "core/error.h"
#include "core/plan.h"
#include "ops/op.h"

namespace onnxray {

/// One node, of ai.onnx where no other domain is given, with its operands, run by the reference backend in
/// double.
class OneNode {
 public:
  OneNode(std::string op, int64_t opset, std::string domain = "") {
    node_.op = std::move(op);
    node_.opset = opset;
    node_.domain = std::move(domain);
  }

  OneNode& attr(const std::string& name, Attribute value) {
    node_.attributes[name] = std::move(value);
    return *this;
  }
  /// An operand that the program reads when it runs.
  OneNode& input(Tensor value) { return operand(std::move(value), false); }
  OneNode& input(Shape shape, const std::vector<double>& values) {
    return input(Tensor::of<double>(std::move(shape), values));
  }
  /// An operand that is known when the node is lowered.
  OneNode& constant(Tensor value) { return operand(std::move(value), true); }
  OneNode& constant(const std::vector<int64_t>& values) {
    return constant(Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
  }
  OneNode& omit() {
    operands_.push_back({});
    return *this;
  }
  OneNode& outputs(size_t count) {
    output_count_ = count;
    return *this;
  }

  /// The program of the node alone.
  Program lower() {
    Program program;
    Builder builder(program);
    std::vector<Var> inputs;
    node_.outputs.assign(output_count_, 0);
    fed_.clear();
    for (const Operand& o : operands_) {
      if (!o.given)
        inputs.push_back({});
      else if (o.known)
        inputs.push_back(builder.constant(o.value));
      else {
        inputs.push_back(
            builder.input("x" + std::to_string(inputs.size()), o.value.shape(), o.value.dtype()));
        fed_.push_back(o.value);
      }
    }
    for (const Var v : lower_node(OpRegistry::builtin(), node_, builder, inputs)) builder.output("y", v);
    return program;
  }

  std::vector<Tensor> run_all() {
    const auto backend = make_reference_backend(true);
    return backend->compile(make_plan(lower(), backend->plan_options()))->run(fed_);
  }
  Tensor run() { return run_all().front(); }

  /// The message of the Error that lowering throws; empty where it throws none.
  std::string error() {
    try {
      lower();
    } catch (const Error& e) {
      return e.what();
    }
    return {};
  }

 private:
  struct Operand {
    Tensor value;
    bool given = false, known = false;
  };

  OneNode& operand(Tensor value, bool known) {
    operands_.push_back({std::move(value), true, known});
    return *this;
  }

  Node node_;
  std::vector<Operand> operands_;
  std::vector<Tensor> fed_;
  size_t output_count_ = 1;
};

/// 1, 2, ..., n in the given shape.
inline Tensor counting(const Shape& shape) {
  std::vector<double> values;
  for (int64_t i = 0; i < element_count(shape); ++i) values.push_back(static_cast<double>(i + 1));
  return Tensor::of<double>(shape, values);
}

}  // namespace onnxray
