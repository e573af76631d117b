#include "core/find_node.h"

#include "tests/catch.h"
#include "tests/support/error_of.h"

namespace onnxray::test {
namespace {

/// x -> Conv -> Relu, both in the module "body.0", as exporters name them.
Graph two_nodes() {
  Graph graph;
  const ValueId x = graph.add_value("x"), c = graph.add_value("c"), y = graph.add_value("y");
  graph.inputs.push_back({x, {}, false});
  Node conv, relu;
  conv.op = "Conv";
  conv.inputs = {x};
  conv.outputs = {c};
  conv.origin = {{"/body/body.0/Conv", "/body/body.0/BatchNormalization"}, {"body", "body.0"}};
  relu.op = "Relu";
  relu.inputs = {c};
  relu.outputs = {y};
  relu.origin = {{"/body/body.0/Relu"}, {"body", "body.0"}};
  graph.nodes = {conv, relu};
  graph.outputs = {y};
  return graph;
}

TEST_CASE("a node is found by every name that it stands for, by its value and by its module") {
  const Graph graph = two_nodes();
  CHECK(find_node(graph, "/body/body.0/Conv") == 0);
  CHECK(find_node(graph, "/body/body.0/BatchNormalization") == 0);
  CHECK(find_node(graph, "c") == 0);
  CHECK(find_node(graph, "body.0") == 1);  // the module's last node is its output
  CHECK(find_node(graph, "Relu") == 1);
  CHECK(find_node(graph, "body.1") == -1);
  CHECK(graph[find_value(graph, "body")].name == "y");
  CHECK(graph[find_value(graph, "x")].name == "x");
}

TEST_CASE("an unknown node is an error that names the nearest") {
  const Graph graph = two_nodes();
  CHECK(
      says(error_of([&] { find_value(graph, "/body/body.0/Relo"); }), ErrorCode::usage, "/body/body.0/Relu"));
  CHECK(says(error_of([&] { find_value(graph, "body.1"); }), ErrorCode::usage, "body.0"));
}

}  // namespace
}  // namespace onnxray::test
