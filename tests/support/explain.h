#pragma once

#include <functional>
#include <map>

#include "core/backend.h"
#include "methods/explain.h"

namespace onnxray::test {

using Results = std::map<std::string, Tensor>;

/// One method ("NAME" or "NAME:key=value"), one target, the signxai convention.
ExplainSpec explain_spec(const std::string& method, TargetForm kind = TargetForm::Kind::index);
/// The optimised program of a method on a graph, for one target.
Program explanation_program(const Graph& graph, const std::string& method,
                            TargetForm kind = TargetForm::Kind::index);
/// The same without the optimiser's passes.
Program raw_program(const Graph& graph, const std::string& method, TargetForm kind = TargetForm::Kind::index);

/// Runs a program on the reference backend in double; results by the names of its outputs.
Results run(const Program& program, const std::vector<Tensor>& inputs);

/// The attribution of the graph's first input for one entry of its first output.
Tensor explain(const Graph& graph, const std::string& method, const Tensor& x, int64_t target);
/// The attribution of every input.
std::vector<Tensor> explain_all(const Graph& graph, const std::string& method,
                                const std::vector<Tensor>& inputs, int64_t target);
/// Everything that the explanation program yields for a target of any kind.
Results explain_results(const Graph& graph, const std::string& method, const std::vector<Tensor>& inputs,
                        const TargetSpec& target);

/// How a compiled program is run.
using Runner = std::function<std::vector<Tensor>(Executable&, std::span<const Tensor>)>;
inline std::vector<Tensor> run_once(Executable& executable, std::span<const Tensor> inputs) {
  return executable.run(inputs);
}

/// The attribution of the first input by each of several methods, on `backend`; one program but for
/// methods with a loop.
std::vector<Tensor> explain_together(Backend& backend, const Graph& graph,
                                     const std::vector<std::string>& methods, const Tensor& x,
                                     const TargetSpec& target, const std::string& convention = "signxai",
                                     const Runner& run = run_once);

TargetSpec target_index(std::vector<int64_t> indices);
TargetSpec target_mask(Tensor mask);

/// How often each primitive occurs.
std::map<std::string, int64_t> count_primitives(const Program& program);

// Comparing attributions.

/// As core/difference.h says.
double difference(const Tensor& a, const Tensor& b);
double difference(const Tensor& a, const std::vector<double>& b);
double sum(const Tensor& t);
/// One sample of a batch, with batch extent 1.
Tensor sample(const Tensor& batch, int64_t index);
/// Elementwise f(a, b), in double.
template <class F>
Tensor zip(const Tensor& a, const Tensor& b, F f) {
  std::vector<double> values;
  for (int64_t i = 0; i < a.size(); ++i) values.push_back(f(a.as_double(i), b.as_double(i)));
  return Tensor::of<double>(a.shape(), values);
}

}  // namespace onnxray::test
