#include "tests/sweep/model_case.h"

namespace onnxray::sweep {

namespace {

constexpr int kMostNodes = 3;

onnx::NodeProto& node_of(ModelCase& c, int n) { return *c.model.mutable_graph()->mutable_node(n); }

void with_operands(Variants& all, int n, const onnx::NodeProto& node) {
  for (int i = 0; i < node.input_size(); ++i) {
    all.push_back({fmt::format("node {} leaves out input {}", n, i),
                   [=](ModelCase& c) { node_of(c, n).set_input(i, ""); }});
    all.push_back({fmt::format("node {} has {} inputs", n, i), [=](ModelCase& c) {
                     auto& inputs = *node_of(c, n).mutable_input();
                     inputs.DeleteSubrange(i, inputs.size() - i);
                   }});
    for (int j = 0; j < node.input_size(); ++j) {
      if (i == j) continue;
      all.push_back({fmt::format("node {} reads input {} as its {}", n, j, i),
                     [=](ModelCase& c) { node_of(c, n).set_input(i, node_of(c, n).input(j)); }});
    }
  }
  if (node.input_size() == 0) return;
  for (const int more : {1, 2, 8}) {
    all.push_back({fmt::format("node {} has {} more inputs", n, more), [=](ModelCase& c) {
                     for (int k = 0; k < more; ++k) node_of(c, n).add_input(node_of(c, n).input(0));
                   }});
  }
}

void with_outputs(Variants& all, int n, const onnx::NodeProto& node) {
  for (int i = 0; i + 1 < node.output_size(); ++i) {
    all.push_back({fmt::format("node {} leaves out output {}", n, i),
                   [=](ModelCase& c) { node_of(c, n).set_output(i, ""); }});
  }
  for (const int more : {1, 5}) {
    all.push_back({fmt::format("node {} has {} more outputs, read", n, more), [=](ModelCase& c) {
                     for (int k = 0; k < more; ++k) {
                       const std::string name = fmt::format("more {}", k);
                       node_of(c, n).add_output(name);
                       c.model.mutable_graph()->add_output()->set_name(name);
                     }
                   }});
  }
}

}  // namespace

Variants node_variants(const ModelCase& original) {
  Variants all;
  const auto& nodes = original.model.graph().node();
  for (int n = 0; n < std::min(nodes.size(), kMostNodes); ++n) {
    with_operands(all, n, nodes[n]);
    with_outputs(all, n, nodes[n]);
  }
  for (const int64_t version : {int64_t{-1}, int64_t{1}, int64_t{6}, int64_t{9}, int64_t{10}, int64_t{12},
                                int64_t{13}, int64_t{18}, int64_t{28}, int64_t{1} << 40}) {
    all.push_back({fmt::format("the model is of opset {}", version), [=](ModelCase& c) {
                     for (auto& set : *c.model.mutable_opset_import()) set.set_version(version);
                   }});
  }
  return all;
}

}  // namespace onnxray::sweep
