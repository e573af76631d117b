#pragma once

#include <functional>
#include <memory>
#include <span>

#include "core/kernel.h"

namespace onnxray::onednn {

/// Whether a step is a product of so little arithmetic that waking a second thread for it costs more than
/// that thread saves: the steps of a recurrent net.
bool is_small_product(const Primitive& primitive, std::span<const Operand> in, std::span<const Operand> out);

/// What `compile` makes, made for one thread and run on it.
std::unique_ptr<Kernel> on_one_thread(const std::function<std::unique_ptr<Kernel>()>& compile);

}  // namespace onnxray::onednn
