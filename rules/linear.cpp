#include "rules/linear.h"

namespace onnxray {

LinearView::LinearView(NodeContext& context)
    : context_(context), data_(context.wants(0) ? 0 : 1), weight_(data_ == 0 ? 1 : 0) {}

Var LinearView::adjoint(Var s) const { return context_.adjoint(s)[data_]; }

}  // namespace onnxray
