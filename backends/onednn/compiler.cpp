#include <algorithm>
#include <type_traits>

#include "backends/onednn/dnnl_call.h"
#include "backends/onednn/ending.h"
#include "backends/onednn/invalid_flag.h"
#include "backends/onednn/kernels.h"
#include "backends/onednn/onednn.h"
#include "backends/onednn/small_product.h"
#include "backends/reference/reference.h"
#include "core/fail.h"

namespace onnxray {

namespace {

using namespace onednn;

class NoKernel final : public Kernel {
 public:
  void run(std::span<const std::byte* const>, std::span<std::byte* const>) override {}
};

/// One overload per primitive with a kernel here; any other goes to the last.
struct Dispatch {
  const Context& context;
  Operands in, out;

  using Result = std::unique_ptr<Kernel>;
  Result operator()(const Convolution& p) const { return compile_convolution(context, p, in, out); }
  Result operator()(const ConvolutionInput& p) const {
    return compile_convolution_input(context, p, in, out);
  }
  Result operator()(const SplitConvolution& p) const {
    return compile_split_convolution(context, p, {}, in, out);
  }
  Result operator()(const SplitConvolutionInput& p) const {
    return compile_split_convolution_input(context, p, in, out);
  }
  Result operator()(const ConvolutionWeight& p) const {
    return compile_convolution_weight(context, p, in, out);
  }
  Result operator()(const MatMul& p) const { return compile_matmul(context, p, in, out); }
  Result operator()(const FormProducts& p) const { return compile_form_products(p, in, out); }
  Result operator()(const Elementwise& p) const { return compile_elementwise(p, in, out); }
  Result operator()(const MaxPool& p) const { return compile_max_pool(p, in, out); }
  Result operator()(const MaxPoolScatter& p) const { return compile_max_pool_scatter(p, in, out); }
  Result operator()(const MaxPoolGather& p) const { return compile_max_pool_gather(p, in, out); }
  Result operator()(const SumPool& p) const { return compile_sum_pool(p, in, out); }
  Result operator()(const SumPoolInput& p) const { return compile_sum_pool_input(p, in, out); }
  Result operator()(const Reduce& p) const { return compile_reduce(p, in, out); }
  Result operator()(const TopK& p) const { return compile_top_k(p, in, out); }
  Result operator()(const Softmax& p) const { return compile_softmax(p, in, out); }
  Result operator()(const Reshape& p) const { return compile_reshape(p, in, out); }
  Result operator()(const Transpose& p) const { return compile_transpose(p, in, out); }
  Result operator()(const Broadcast& p) const { return compile_broadcast(p, in, out); }
  Result operator()(const Slice& p) const { return compile_slice(p, in, out); }
  Result operator()(const Place& p) const { return compile_place(p, in, out); }
  Result operator()(const Concat& p) const { return compile_concat(p, in, out); }
  Result operator()(const Gather& p) const { return compile_gather(p, in, out); }
  Result operator()(const AxisMap& p) const { return compile_axis_map(p, in, out); }
  Result operator()(const Noise& p) const { return compile_noise(p, in, out); }
  template <class P>
  Result operator()(const P&) const {
    return nullptr;
  }
};

/// A kernel of the reference backend, on this thread alone.
class ReferenceKernel final : public Kernel {
 public:
  explicit ReferenceKernel(std::unique_ptr<Kernel> inner) : inner_(std::move(inner)) {}
  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    const KeptInvalidFlag kept;
    inner_->run(in, out);
  }

 private:
  std::unique_ptr<Kernel> inner_;
};

class OneDnnCompiler final : public KernelCompiler {
 public:
  explicit OneDnnCompiler(std::shared_ptr<NanWatch> watch) { context_.nan_watch = std::move(watch); }

  std::unique_ptr<Kernel> compile(const Primitive& primitive, Operands in, Operands out) override {
    if (std::ranges::all_of(out, [](const Operand& o) { return element_count(o.shape) == 0; }))
      return std::make_unique<NoKernel>();
    const auto dispatched = [&] { return std::visit(Dispatch{context_, in, out}, primitive); };
    if (auto kernel = unless_refused(primitive, in, out, dispatched)) return kernel;
    if (form_of(primitive) != WeightForm{}) return compile_with_stored_form(*this, primitive, in, out);
    return std::make_unique<ReferenceKernel>(reference_->compile(primitive, in, out));
  }

  std::unique_ptr<Kernel> compile_with_epilogue(const Primitive& primitive, const Expression& epilogue,
                                                Operands in, Operands out) override {
    if (element_count(out[0].shape) == 0) return nullptr;
    return unless_refused(primitive, in, out, [&]() -> std::unique_ptr<Kernel> {
      if (const auto* p = std::get_if<Convolution>(&primitive))
        return compile_ended_convolution(context_, *p, epilogue, in, out);
      if (const auto* p = std::get_if<ConvolutionInput>(&primitive))
        return compile_ended_convolution_input(context_, *p, epilogue, in, out);
      if (const auto* p = std::get_if<SplitConvolution>(&primitive)) {
        const auto ending = ending_of(epilogue);
        if (ending && !ending->adds) return compile_split_convolution(context_, *p, ending->cap, in, out);
      }
      return nullptr;
    });
  }

 private:
  template <class Compile>
  static std::unique_ptr<Kernel> unless_refused(const Primitive& primitive, Operands in, Operands out,
                                                const Compile& compile) {
    try {
      return is_small_product(primitive, in, out) ? on_one_thread(compile) : compile();
    } catch (const dnnl::error& error) {
      // What a version of oneDNN has no kernel for, or refuses, is not our caller's concern.
      if (error.status == dnnl_unimplemented || error.status == dnnl_invalid_arguments) return nullptr;
      fail(ErrorCode::failed, "oneDNN could not prepare {} ({}): {}; try --backend reference",
           name_of(primitive), attributes_text(primitive), error.what());
    }
  }

  Context context_;
  std::unique_ptr<KernelCompiler> reference_ = make_reference_compiler_f32();
};

}  // namespace

std::unique_ptr<KernelCompiler> make_onednn_compiler(std::shared_ptr<NanWatch> watch) {
  return std::make_unique<OneDnnCompiler>(std::move(watch));
}

}  // namespace onnxray
