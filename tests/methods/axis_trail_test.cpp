#include "methods/axis_trail.h"

#include "methods/spatial.h"
#include "tests/catch.h"
#include "tests/support/graph_builder.h"

namespace onnxray::test {
namespace {

using Ints = std::vector<int64_t>;

struct Line {
  GraphBuilder g;
  ValueId x;
  explicit Line(const Shape& shape) : x(g.input("x", shape)) {}

  ValueId reshape(ValueId v, const Ints& to) { return g.node("Reshape", {v, g.ints(to)}); }
  ValueId transpose(ValueId v, const Ints& order) { return g.node("Transpose", {v}, {{"perm", order}}); }
  ValueId conv(ValueId v, int64_t channels) {
    return g.node("Conv", {v, g.constant(hashed({4, channels, 3, 3}, 1))}, {{"pads", Ints{1, 1, 1, 1}}});
  }
  /// Of the axes of the one output.
  AxisOrigins origins(ValueId y) {
    const Graph graph = g.build({g.relu(y)});
    const AxisTrail trail(graph, graph.inputs[0].value);
    const AxisOrigins* found = trail.find(graph.outputs[0]);
    REQUIRE(found != nullptr);
    return *found;
  }
  SpatialAxes spatial(ValueId y) {
    const Graph graph = g.build({y});
    return spatial_axes(graph, graph.inputs[0].value, 0);
  }
};

TEST_CASE("axes are followed through shape nodes, convolutions and pools") {
  Line line({2, 8, 6, 3});
  const ValueId first = line.transpose(line.x, {0, 3, 1, 2});
  const ValueId y = line.g.max_pool(line.conv(first, 3));
  SECTION("to a convolution's result") { CHECK(line.origins(y) == AxisOrigins{{0}, {}, {1}, {2}}); }
  SECTION("merged") { CHECK(line.origins(line.reshape(y, {2, 4, 12})) == AxisOrigins{{0}, {}, {1, 2}}); }
  SECTION("made unrecognisable and restored") {
    const ValueId groups = line.reshape(y, {2, 2, 24});
    CHECK(line.origins(groups) == AxisOrigins{{0}, {}, {}});
    CHECK(line.origins(line.reshape(line.g.node("Tanh", {groups}), {2, 4, 4, 3})) ==
          AxisOrigins{{0}, {}, {1}, {2}});
  }
  SECTION("reduced") {
    const ValueId mean = line.g.node("ReduceMax", {y}, {{"axes", Ints{2}}, {"keepdims", int64_t{0}}});
    CHECK(line.origins(mean) == AxisOrigins{{0}, {}, {2}});
  }
}

TEST_CASE("an axis that is cut into blocks runs along the blocks, merged ones come apart again") {
  Line line({2, 3, 8, 6});
  SECTION("blocks") {
    CHECK(line.origins(line.reshape(line.x, {2, 3, 4, 2, 3, 2})) == AxisOrigins{{0}, {1}, {2}, {}, {3}, {}});
  }
  SECTION("apart") {
    const ValueId merged = line.g.node("Tanh", {line.reshape(line.x, {6, 48})});
    CHECK(line.origins(line.reshape(merged, {2, 3, 8, 6})) == AxisOrigins{{0}, {1}, {2}, {3}});
  }
}

TEST_CASE("space is what the first convolution slides along") {
  SECTION("behind arithmetic, a swap of channels and padding, channels last") {
    Line line({1, 8, 6, 3});
    ValueId v = line.g.node("Sub", {line.x, line.g.constant({3}, {1, 2, 3})});
    v = line.g.node("Gather", {v, line.g.ints({2, 1, 0})}, {{"axis", int64_t{3}}});
    v = line.transpose(v, {0, 3, 1, 2});
    v = line.g.node("Pad", {v, line.g.ints({0, 0, 1, 1, 0, 0, 1, 1})});
    const SpatialAxes space = line.spatial(line.conv(v, 3));
    CHECK(space.axes == Ints{1, 2});
    CHECK(space.channels_last);
  }
  SECTION("an image without an axis of channels") {
    Line line({2, 8, 6});
    const SpatialAxes space =
        line.spatial(line.conv(line.g.node("Unsqueeze", {line.x, line.g.ints({1})}), 1));
    CHECK(space.axes == Ints{1, 2});
    CHECK_FALSE(space.channels_last);
  }
  SECTION("frames that go through one by one are places too") {
    Line line({2, 5, 3, 8, 6});
    CHECK(line.spatial(line.conv(line.reshape(line.x, {10, 3, 8, 6}), 3)).axes == Ints{1, 3, 4});
  }
  SECTION("without a convolution, all axes behind the channels") {
    Line line({2, 5, 3});
    CHECK(line.spatial(line.g.relu(line.x)).axes == Ints{2});
  }
}

}  // namespace
}  // namespace onnxray::test
