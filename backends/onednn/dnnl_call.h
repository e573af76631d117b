#pragma once

#include <unordered_map>
#include <vector>

#include "backends/onednn/nan_watch.h"
#include "backends/onednn/packed_constants.h"
#include "core/kernel.h"

namespace onnxray::onednn {

/// The engine and stream that all primitives of a compiler share. Copies refer to the same ones.
struct Context {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::shared_ptr<PackedConstants> constants = std::make_shared<PackedConstants>();
  std::shared_ptr<std::vector<float>> scratch =
      std::make_shared<std::vector<float>>();     ///< for the time of a step; kernels grow it when compiled
  std::shared_ptr<NanWatch> nan_watch = nullptr;  ///< null: every kernel must keep NaNs
};

/// The operand's extents and strides as they are.
dnnl::memory::desc describe(const Shape& shape, const Strides& strides);
/// The extents alone: the primitive chooses the layout.
dnnl::memory::desc describe_any(const Shape& shape);

/// A oneDNN primitive with its arguments tied to the operands of a step.
class DnnlCall final : public Kernel {
 public:
  DnnlCall(const Context& context, dnnl::primitive primitive)
      : context_(context), primitive_(std::move(primitive)) {}

  void bind_input(int argument, const dnnl::memory::desc& desc, size_t index);
  void bind_output(int argument, const dnnl::memory::desc& desc, size_t index);
  /// Input `index` lies as `plain` and is wanted as `packed`: reordered now where `constant` holds it, else
  /// in each run. A form is taken of a constant alone.
  void bind_packed(int argument, const dnnl::memory::desc& plain, const dnnl::memory::desc& packed,
                   size_t index, const std::byte* constant, const WeightForm& form = {});
  /// Memory that lies ready.
  void bind_memory(int argument, const dnnl::memory& memory) { arguments_.emplace(argument, memory); }
  /// A constant, packed at most once for all calls of the context. `values` is as in PackedConstants::get.
  void bind_constant(int argument, const PackedConstants::Wanted& wanted,
                     const std::function<const float*()>& values);
  /// The primitive writes output `index` as `packed`; each run reorders it to `plain`.
  void bind_unpacked(int argument, const dnnl::memory::desc& packed, const dnnl::memory::desc& plain,
                     size_t index);
  /// Runs the primitive `count` times; between two, operand addresses advance by these many elements.
  void repeat(const Shape& extents, std::vector<Strides> in_strides, Strides out_strides);

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override;

 private:
  struct Binding {
    dnnl::memory memory;
    size_t index;
  };
  struct Reorder {
    dnnl::reorder reorder;
    dnnl::memory plain, packed;
    size_t index;
  };

  Context context_;
  dnnl::primitive primitive_;
  std::unordered_map<int, dnnl::memory> arguments_;
  std::vector<Binding> inputs_, outputs_;
  std::vector<Reorder> before_, after_;
  Shape repeat_extents_;
  std::vector<Strides> repeat_in_;
  Strides repeat_out_;
};

}  // namespace onnxray::onednn
