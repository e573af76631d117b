#include <algorithm>
#include <numeric>
#include <ranges>

#include "core/fail.h"
#include "core/per_sample.h"
#include "methods/axis_trail.h"
#include "methods/cam_layer.h"
#include "ops/interpolation.h"
#include "rules/embeddings.h"

namespace onnxray {

namespace {

/// M / max M per sample, in [0, 1]; zeros where no entry is positive.
Var normalised(Builder& b, Var map, const std::optional<SampleAxis>& at) {
  const Var largest = reduce_per_sample(b, Reduce::Kind::max, map, at);
  return b.div(map, b.select(b.less(0.0, largest), largest, b.scalar(1, b.dtype(map))));
}

/// [N, 1, s..], of any scale.
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
  return b.max(b.sum(b.mul(w, A), {1}), 0.0);
}

/// A map whose axes are those of an input, but for extents: 1 where the layer has nothing that runs along.
struct PlacedMap {
  Var map;
  std::vector<size_t> space;  // axes that the map has places along
};

/// One axis of the layer, or a part of one, and the input's axis that it runs along.
struct Place {
  size_t axis;
  int64_t extent;
};

/// The places of one axis of the layer; nothing where it does not run along axes of the input, or along
/// merged ones of which it has not kept every place.
std::vector<Place> places_of(const std::vector<size_t>& origins, int64_t extent, const Shape& input) {
  if (origins.size() == 1) return {{origins[0], extent}};
  std::vector<Place> places;
  int64_t product = 1;
  for (const size_t axis : origins) {
    places.push_back({axis, input[axis]});
    product *= input[axis];
  }
  return product == extent ? places : std::vector<Place>{};
}

/// Puts the axes of a map [N, 1, s..] where the input has them; what the input lacks is averaged.
PlacedMap placed(const MethodSpec& method, Builder& b, Var map, const AxisOrigins& origins,
                 const Shape& input, std::optional<int64_t> samples) {
  std::vector<Place> places;
  std::vector<int64_t> lost;
  PlacedMap result{map, {}};
  for (size_t i = 0; i < origins.size(); ++i) {
    if (i == 1) continue;
    const int64_t extent = b.shape(map)[i];
    const std::vector<Place> own = places_of(origins[i], extent, input);
    const auto is_known = [&](const Place& p) {
      return std::ranges::find(places, p.axis, &Place::axis) != places.end();
    };
    if (own.empty() || std::ranges::any_of(own, is_known)) {
      require(i > 0 || extent == 1, ErrorCode::unsupported,
              "'{}': the samples of the layer's output are not those of an input {}; resize=false keeps the "
              "layer's axes",
              method.text, to_string(input));
      lost.push_back(static_cast<int64_t>(i));
      continue;
    }
    for (size_t k = 0; k < own.size(); ++k) {
      places.push_back(own[k]);
      const bool is_place = samples ? static_cast<int64_t>(own[k].axis) != *samples : i > 0 || k > 0;
      if (is_place) result.space.push_back(own[k].axis);
    }
  }
  map = lost.empty() ? map : b.mean(map, lost);
  Shape apart, whole(input.size(), 1);
  std::vector<int64_t> order(places.size());
  for (const Place& p : places) {
    apart.push_back(p.extent);
    whole[p.axis] = p.extent;
  }
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](int64_t k) { return places[static_cast<size_t>(k)].axis; });
  result.map = b.reshape(b.transpose(b.reshape(map, apart), order), whole);
  return result;
}

/// To the extents and the layout of `value`. Images: half-pixel centres; series: ends on ends.
Var resized(const MethodSpec& method, const MethodContext& context, Var map, ValueId layer, ValueId value) {
  Builder& b = context.b;
  const Shape input = b.shape(context.var(value));
  const AxisTrail trail(context.graph, value);
  const AxisOrigins* origins = trail.find(layer);
  const auto has_places = [&] {
    return std::ranges::any_of(*origins | std::views::drop(2),
                               [](const auto& axis) { return !axis.empty(); });
  };
  require(origins && has_places(), ErrorCode::unsupported,
          "'{}': the places of a map {} are not those of an input {}; resize=false keeps the layer's extents",
          method.text, to_string(b.shape(map)), to_string(input));
  const std::optional<int64_t> samples = context.samples.plain_axis(value);
  PlacedMap placed_map = placed(method, b, map, *origins, input, samples);
  Var result = normalised(b, placed_map.map, samples ? std::optional(SampleAxis{*samples}) : std::nullopt);
  const bool series = method.name.timeseries || placed_map.space.size() == 1;
  const Interpolation how{.mode = Interpolation::Mode::linear,
                          .coordinates = series ? "align_corners" : "half_pixel"};
  std::ranges::sort(placed_map.space);
  for (const size_t axis : placed_map.space) {
    const int64_t in = b.shape(result)[axis], out = input[axis];
    const ResizeAxis extents{
        .in = in, .out = out, .scale = static_cast<double>(out) / static_cast<double>(in)};
    auto table = std::make_shared<AxisTable>(interpolate(how, extents).table);
    if (!is_identity(*table)) result = b.axis_map(result, static_cast<int64_t>(axis), std::move(table));
  }
  return result;
}

/// Whether the value is an input of the model, or what its tokens are embedded as.
bool is_input(const MethodContext& context, ValueId id) {
  const Graph& graph = context.graph;
  if (std::ranges::find(graph.inputs, id, &InputInfo::value) != graph.inputs.end()) return true;
  const std::vector<Embedding> embeddings = find_embeddings(graph, context.ops).found;
  return std::ranges::find(embeddings, id, &Embedding::vectors) != embeddings.end();
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
    require(is_input(context, id), ErrorCode::usage,
            "'{}' is a map over the input: choose the layer by layer=NAME, not by at", method.text);
  }
  const bool resize = wants_resize(method);
  require(resize || !guided, ErrorCode::usage,
          "'{}' multiplies by an attribution of the input: it cannot do without resize", method.text);
  const ValueId layer = cam_layer(method, context);
  const Var map = class_activation_map(method, context, layer);
  std::vector<Var> maps;
  for (const ValueId id : context.explained)
    maps.push_back(resize ? resized(method, context, map, layer, id)
                          : normalised(context.b, map, context.samples.of(layer)));
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
