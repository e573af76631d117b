#include <algorithm>

#include "core/fail.h"
#include "methods/cam_layer.h"
#include "methods/spatial.h"
#include "ops/interpolation.h"

namespace onnxray {

namespace {

/// M / max M per sample, in [0, 1]; zeros where no entry is positive.
Var normalised(Builder& b, Var map) {
  const Var largest = b.reduce(Reduce::Kind::max, map, axes_from(1, b.rank(map)));
  return b.div(map, b.select(b.less(0.0, largest), largest, b.scalar(1, b.dtype(map))));
}

Var class_activation_map(const MethodSpec& method, const MethodContext& context, ValueId layer) {
  Builder& b = context.b;
  const Var A = context.var(layer);
  const size_t rank = b.rank(A);
  require(rank >= 3, ErrorCode::usage,
          "'{}': the layer's output {} has no spatial axes; choose another by layer=NAME", method.text,
          to_string(b.shape(A)));
  ReverseWalk walk(context.graph, context.forward, b, {});
  walk.seed(context.logits(), seed(method, context));
  const Var wanted[] = {A};
  const Var gradient = walk.run(wanted)[0];
  Shape single = b.shape(A);
  single[1] = 1;
  if (!gradient) return b.filled(0, single, b.dtype(A));
  // w_c = mean of df/dA_c over space;  M = relu(sum of w_c A_c)
  std::vector<int64_t> space;
  for (size_t i = 2; i < rank; ++i) space.push_back(static_cast<int64_t>(i));
  const Var w = b.mean(gradient, space);
  return normalised(b, b.max(b.sum(b.mul(w, A), {1}), 0.0));
}

/// [N, 1, s..] to the extents and the layout of `value`. Images: half-pixel centres; series: ends on ends.
Var resized(const MethodSpec& method, const MethodContext& context, Var map, ValueId value) {
  Builder& b = context.b;
  const SpatialAxes space = spatial_axes(context.graph, value);
  const Shape target = b.shape(context.var(value));
  require(target.size() == b.rank(map), ErrorCode::unsupported,
          "'{}': a map {} does not fit an input {}; resize=false keeps the layer's extents", method.text,
          to_string(b.shape(map)), to_string(target));
  const bool series = method.name.timeseries || space.axes.size() == 1;
  const Interpolation how{.mode = Interpolation::Mode::linear,
                          .coordinates = series ? "align_corners" : "half_pixel"};
  for (size_t i = 0; i < space.axes.size(); ++i) {
    const int64_t in = b.shape(map)[i + 2], out = target[static_cast<size_t>(space.axes[i])];
    const ResizeAxis axis{.in = in, .out = out, .scale = static_cast<double>(out) / static_cast<double>(in)};
    auto table = std::make_shared<AxisTable>(interpolate(how, axis).table);
    if (!is_identity(*table)) map = b.axis_map(map, static_cast<int64_t>(i) + 2, std::move(table));
  }
  if (!space.channels_last) return map;
  Shape last = b.shape(map);
  last.erase(last.begin() + 1);
  last.push_back(1);
  return b.reshape(map, last);
}

bool wants_resize(const MethodSpec& method) {
  const std::string text = method.string("resize", "true");
  require(text == "true" || text == "false", ErrorCode::usage, "resize={}: the choices are true and false",
          text);
  return text == "true";
}

}  // namespace

std::vector<Var> emit_grad_cam(const MethodSpec& method, const MethodContext& context) {
  const bool guided = method.name.family == MethodName::Family::guided_grad_cam;
  for (const ValueId id : context.explained) {
    const auto is_it = [&](const InputInfo& input) { return input.value == id; };
    require(std::ranges::any_of(context.graph.inputs, is_it), ErrorCode::usage,
            "'{}' is a map over the input: choose the layer by layer=NAME, not by at", method.text);
  }
  const bool resize = wants_resize(method);
  require(resize || !guided, ErrorCode::usage,
          "'{}' multiplies by an attribution of the input: it cannot do without resize", method.text);
  const Var map = class_activation_map(method, context, cam_layer(method, context.graph, context.ops));
  std::vector<Var> maps;
  for (const ValueId id : context.explained) maps.push_back(resize ? resized(method, context, map, id) : map);
  if (!guided) return maps;
  MethodSpec backprop = method;
  if (backprop.conventions.seed_value == Conventions::SeedValue::by_method)
    backprop.conventions.seed_value = Conventions::SeedValue::one;
  const std::vector<Var> gradients = emit_guided(backprop, context);
  for (size_t i = 0; i < maps.size(); ++i)
    maps[i] = gradients[i] ? context.b.mul(maps[i], gradients[i]) : Var{};
  return maps;
}

}  // namespace onnxray
