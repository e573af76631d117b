#include "onnx/passes/constants.h"
#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

class Fusion {
 public:
  explicit Fusion(Graph& graph) : edit_(graph), graph_(graph) {}

  bool run() {
    for (Node& node : graph_.nodes) {
      edit_.refresh(node);
      if (node.op == "Mul" && node.domain.empty() && node.inputs.size() == 2) match(node);
    }
    return edit_.apply();
  }

 private:
  /// Scales of the product's two operands; unset where they count as 1.
  struct Scales {
    ValueId a = kNoValue, b = kNoValue;
  };

  bool is_number(ValueId id) const { return element_count(*graph_[id].shape) == 1; }

  bool equal(ValueId a, ValueId b) const {
    const Tensor *ta = graph_.constant(a), *tb = graph_.constant(b);
    return a == b || (ta && tb && ta->size() == 1 && tb->size() == 1 && ta->as_double(0) == tb->as_double(0));
  }

  /// The scale of the integers `id`, where this graph made them.
  ValueId scale_of(ValueId id) const {
    const Node* dynamic = edit_.producer(id, "DynamicQuantizeLinear");
    if (dynamic != nullptr) return dynamic->outputs.at(1);
    const Node* fixed = edit_.producer(id, "QuantizeLinear");
    return fixed != nullptr && is_number(fixed->inputs[1]) ? fixed->inputs[1] : kNoValue;
  }

  /// A product of integers, and integers that are added to it where there are any.
  struct Product {
    const Node* node = nullptr;
    ValueId bias = kNoValue;
  };

  const Node* product(ValueId id) const {
    const Node* matmul = edit_.producer(id, "MatMulInteger");
    return matmul != nullptr ? matmul : edit_.producer(id, "ConvInteger");
  }

  /// The product whose result is cast to real numbers.
  Product product_behind(ValueId id) const {
    const Node* cast = edit_.producer(id, "Cast");
    if (cast == nullptr || !is_floating(*graph_[id].dtype)) return {};
    if (const Node* alone = product(cast->inputs[0])) return {alone};
    const Node* add = edit_.producer(cast->inputs[0], "Add");
    for (const size_t i : {0, 1}) {
      const Node* found = add != nullptr ? edit_.producer(add->inputs[i], "ConvInteger") : nullptr;
      if (found != nullptr) return {found, add->inputs[1 - i]};
    }
    return {};
  }

  /// Whether both are the same product of scales.
  bool same_scale(ValueId a, ValueId b) const {
    const Node *ma = edit_.producer(a, "Mul"), *mb = edit_.producer(b, "Mul");
    if (equal(a, b) || ma == nullptr || mb == nullptr) return equal(a, b);
    return (equal(ma->inputs[0], mb->inputs[0]) && equal(ma->inputs[1], mb->inputs[1])) ||
           (equal(ma->inputs[0], mb->inputs[1]) && equal(ma->inputs[1], mb->inputs[0]));
  }

  /// The constant of which `steps` [1,C,1...] counts whole steps `total`, rounded down, as a vector [C].
  ValueId real_bias(ValueId steps, ValueId total, const Shape& result) {
    while (const Node* reshape = edit_.producer(steps, "Reshape")) steps = reshape->inputs[0];
    const Node* cast = edit_.producer(steps, "Cast");
    const Node* floor = cast != nullptr ? edit_.producer(cast->inputs[0], "Floor") : nullptr;
    const Node* div = floor != nullptr ? edit_.producer(floor->inputs[0], "Div") : nullptr;
    if (div == nullptr || !is_number(total) || !same_scale(div->inputs[1], total)) return kNoValue;
    const Tensor* c = graph_.constant(div->inputs[0]);
    if (c == nullptr || c->size() != result[1]) return kNoValue;
    return edit_.add_constant(graph_[div->inputs[0]].name,
                              from_doubles(c->dtype(), {result[1]}, c->to_doubles()));
  }

  /// It stays on the grid of the sum, of which the layer is told no more.
  ValueId on_grid(const Node& mul, ValueId bias, ValueId total) {
    const Value& value = graph_[bias];
    const ValueId y = edit_.add_value(value.name + "/RoundToGrid", *value.dtype, *value.shape);
    edit_.insert_after(
        *(&mul - 1),
        Node{.op = "RoundToGrid",
             .opset = 1,
             .domain = "onnxray",
             .attributes = {{"low", -2147483648.0}, {"high", 2147483647.0}, {"floor", int64_t{1}}},
             .inputs = {bias, total},
             .outputs = {y},
             .origin = mul.origin});
    return y;
  }

  /// `total` as the scale of a times that of b.
  std::optional<Scales> parted(const Node& product, ValueId total) {
    const ValueId a = scale_of(product.inputs[0]), b = scale_of(product.inputs[1]);
    if (const Node* mul = edit_.producer(total, "Mul")) {
      for (const size_t i : {0, 1}) {
        const ValueId one = mul->inputs[i], other = mul->inputs[1 - i];
        if (a != kNoValue && equal(one, a)) return Scales{a, other};
        if (b != kNoValue && equal(one, b) && is_number(other)) return Scales{other, b};
      }
    }
    if (a != kNoValue && equal(total, a)) return Scales{a, kNoValue};
    if (a == kNoValue) return Scales{kNoValue, total};
    const auto step = scalar_constant(graph_, a);
    const Tensor* all = graph_.constant(total);
    if (!step || *step == 0 || all == nullptr) return std::nullopt;
    std::vector<double> rest = all->to_doubles();
    for (double& v : rest) v /= *step;
    return Scales{a, edit_.add_constant(graph_[total].name + "/of_weight",
                                        from_doubles(all->dtype(), all->shape(), rest))};
  }

  /// The scale of b as one number, or as one for each of b's filters or columns, which `axis` of the result
  /// counts.
  ValueId of_weight(ValueId scale, const Shape& result, size_t axis) {
    if (scale == kNoValue || is_number(scale)) return scale;
    const Tensor* t = graph_.constant(scale);
    const auto each = t != nullptr ? along_axis(*t, result.size(), axis, result[axis]) : std::nullopt;
    if (!each) return kNoValue;
    return edit_.add_constant(graph_[scale].name, from_doubles(t->dtype(), {result[axis]}, *each));
  }

  /// A zero point of rank 1 counts the rows of a, the columns of b, the filters of a convolution.
  ValueId real(const Node& mul, const Node& product, size_t i, ValueId scale, int64_t axis) {
    const DType type = *graph_[mul.outputs[0]].dtype;
    if (scale == kNoValue) scale = edit_.add_constant("", Tensor::filled(type, {}, 1));
    const ValueId q = product.inputs[i];
    const ValueId y = edit_.add_value(graph_[q].name + "/DequantizeLinear", type, *graph_[q].shape);
    Node node{.op = "DequantizeLinear",
              .opset = 21,
              .domain = {},
              .attributes = {{"axis", axis}},
              .inputs = {q, scale},
              .outputs = {y},
              .origin = product.origin};
    if (product.input(i + 2) != kNoValue) node.inputs.push_back(product.input(i + 2));
    edit_.insert_after(*(&mul - 1), std::move(node));  // it has the product before it
    graph_[y].shape.reset();                           // so that it is inferred: the weight is a constant
    return y;
  }

  void match(Node& mul) {
    for (const size_t i : {0, 1}) {
      const auto [product, steps] = product_behind(mul.inputs[i]);
      if (product == nullptr) continue;
      const ValueId total = mul.inputs[1 - i];
      const Shape result = *graph_[mul.outputs[0]].shape;
      if (graph_[product->outputs[0]].shape != result || !is_floating(*graph_[total].dtype)) continue;
      const bool matmul = product->op == "MatMulInteger";
      const auto rank = [&](size_t k) {
        return static_cast<int64_t>(graph_[product->inputs[k]].shape->size());
      };
      if (matmul && (rank(0) < 2 || rank(1) < 2)) continue;
      const auto scales = parted(*product, total);
      if (!scales) continue;
      const ValueId weight = of_weight(scales->b, result, matmul ? result.size() - 1 : 1);
      if (scales->b != kNoValue && weight == kNoValue) continue;
      const ValueId bias = steps == kNoValue ? kNoValue : real_bias(steps, total, result);
      if (steps != kNoValue && bias == kNoValue) continue;
      std::vector<ValueId> operands{real(mul, *product, 0, scales->a, matmul ? rank(0) - 2 : 1),
                                    real(mul, *product, 1, weight, matmul ? rank(1) - 1 : 0)};
      if (bias != kNoValue) operands.push_back(on_grid(mul, bias, total));
      edit_.rewrite(mul, matmul ? "MatMul" : "Conv", 13, std::move(operands),
                    Attributes(product->attributes));
      return;
    }
  }

  GraphEdit edit_;
  Graph& graph_;
};

}  // namespace

/// Mul(Cast(MatMulInteger(a, w)), scale of a * scale of w) is the product of the real numbers that the
/// integers stand for: one linear layer over real weights. Likewise ConvInteger, also with a bias that was
/// made integer by the same scales: Cast(Floor(bias / scales)).
bool fuse_integer_products(Graph& graph, const PassOptions&) { return Fusion(graph).run(); }

}  // namespace onnxray
