#include "backends/onednn/small_product.h"

#include "backends/onednn/thread_scope.h"

namespace onnxray::onednn {

namespace {

/// Some 5 us of one core; two threads that are awake meet in 1 to 2 us, and later where others share the
/// cores.
constexpr int64_t kSmallProduct = 500'000;

/// Multiplications and additions; 0 for what is no product.
struct Arithmetic {
  std::span<const Operand> in, out;

  int64_t operator()(const MatMul& p) const {
    const Shape& a = in[0].shape;
    return 2 * element_count(out[0].shape) * a[a.size() - (p.transpose_a ? 2 : 1)];
  }
  int64_t operator()(const Convolution&) const { return of_windows(out[0].shape, in[1].shape); }
  int64_t operator()(const ConvolutionInput&) const { return of_windows(in[0].shape, in[1].shape); }
  int64_t operator()(const ConvolutionWeight&) const { return of_windows(in[1].shape, out[0].shape); }
  template <class P>
  int64_t operator()(const P&) const {
    return 0;
  }

  /// Each of the places meets one filter's weights [M, C/groups, k...].
  static int64_t of_windows(const Shape& places, const Shape& w) {
    return 2 * element_count(places) * count_between(w, 1, w.size());
  }
};

class OnOneThread final : public Kernel {
 public:
  explicit OnOneThread(std::unique_ptr<Kernel> inner) : inner_(std::move(inner)) {}
  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    const ThreadScope scope(1);
    inner_->run(in, out);
  }

 private:
  std::unique_ptr<Kernel> inner_;
};

}  // namespace

bool is_small_product(const Primitive& primitive, std::span<const Operand> in, std::span<const Operand> out) {
  const int64_t arithmetic = std::visit(Arithmetic{in, out}, primitive);
  return arithmetic > 0 && arithmetic <= kSmallProduct;
}

std::unique_ptr<Kernel> on_one_thread(const std::function<std::unique_ptr<Kernel>()>& compile) {
  const ThreadScope scope(1);
  auto kernel = compile();
  return kernel ? std::make_unique<OnOneThread>(std::move(kernel)) : nullptr;
}

}  // namespace onnxray::onednn
