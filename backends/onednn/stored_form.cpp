#include <stdexcept>
#include <vector>

#include "backends/onednn/kernels.h"
#include "backends/onednn/weight_form.h"

namespace onnxray::onednn {

namespace {

/// A product whose kernel takes no form of its weights, over a copy of them that holds the form.
class StoredForm final : public Kernel {
 public:
  StoredForm(KernelCompiler& compiler, const Primitive& primitive, Operands in, Operands out) {
    const Operand& w = in[1];
    if (!w.constant || !same_layout(w.shape, w.strides, row_major_strides(w.shape)))
      throw std::logic_error("a form of weights that are no constant");
    const auto* data = reinterpret_cast<const float*>(w.constant);
    weights_.assign(data, data + element_count(w.shape));
    take_form(form_of(primitive), weights_.data(), element_count(w.shape));
    std::vector<Operand> operands(in.begin(), in.end());
    operands[1].constant = bytes();
    kernel_ = compiler.compile(with_form(primitive, {}), operands, out);
  }

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    std::vector<const std::byte*> operands(in.begin(), in.end());
    operands[1] = bytes();
    kernel_->run(operands, out);
  }

 private:
  const std::byte* bytes() const { return reinterpret_cast<const std::byte*>(weights_.data()); }

  std::vector<float> weights_;
  std::unique_ptr<Kernel> kernel_;
};

}  // namespace

std::unique_ptr<Kernel> compile_with_stored_form(KernelCompiler& compiler, const Primitive& p, Operands in,
                                                 Operands out) {
  return std::make_unique<StoredForm>(compiler, p, in, out);
}

}  // namespace onnxray::onednn
