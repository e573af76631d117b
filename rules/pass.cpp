#include "core/fail.h"
#include "rules/rules.h"

namespace onnxray {

namespace {

class PassRule final : public Rule {
 public:
  std::string name() const override { return "pass"; }
  void emit(NodeContext& context) const override {
    // R_in = R: activations, and products with a constant, are transparent
    for (size_t i = 0; i < context.input_count(); ++i) {
      if (!context.wants(i)) continue;
      const Var R = context.cotangent();
      const Shape &x = context.b.shape(context.input(i)), z = context.b.shape(R);
      require(
          broadcast_shapes(x, z) == z, ErrorCode::usage,
          "the rule pass cannot hand relevance of shape {} to an input of shape {}, at {}; choose another "
          "rule for this node by a composite",
          to_string(z), to_string(x), context.node.describe());
      return context.send(i, context.b.sum_to_shape(R, x));
    }
  }
};

}  // namespace

std::unique_ptr<Rule> make_pass(const RuleSpec&, const Conventions&) { return std::make_unique<PassRule>(); }

}  // namespace onnxray
