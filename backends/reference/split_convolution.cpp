#include "backends/reference/kernels.h"
#include "backends/reference/weight_form.h"
#include "core/fail.h"

namespace onnxray::reference {

namespace {

/// Convolutions under forms of one weight, by their definition: each is a convolution under a copy that holds
/// the form.
template <class T>
class FormOf {
 public:
  FormOf(const WeightForm& form, const Operand& w)
      : form_(form), stored_{w.shape, row_major_strides(w.shape), w.dtype}, from_(w) {
    values_.resize(static_cast<size_t>(element_count(w.shape)));
  }

  const Operand& operand() const { return stored_; }

  const std::byte* take(const std::byte* w) {
    Shape at(stored_.shape.size(), 0);
    for (T& value : values_) {
      int64_t offset = 0;
      for (size_t i = 0; i < at.size(); ++i) offset += at[i] * from_.strides[i];
      value = entry(form_, in_as<T>(w)[offset]);
      for (size_t i = at.size(); i-- > 0;) {
        if (++at[i] < stored_.shape[i]) break;
        at[i] = 0;
      }
    }
    return reinterpret_cast<const std::byte*>(values_.data());
  }

 private:
  WeightForm form_;
  Operand stored_, from_;
  std::vector<T> values_;
};

void require_reals(const Operands& o) {
  for (const Operand& x : o.in)
    require(storage_of(x.dtype) == Storage::real, ErrorCode::unsupported, "a split convolution of {}",
            name_of(x.dtype));
}

}  // namespace

template <class T>
std::unique_ptr<Kernel> compile(const SplitConvolution& p, const Operands& o) {
  require_reals(o);
  FormOf<T> form(p.part, o.in[1]);
  auto whole = compile<T>(Convolution{p.window, 1}, Operands{o.in, {o.out[0]}});
  auto part = compile<T>(Convolution{p.window, 1}, Operands{{o.in[0], form.operand()}, {o.out[1]}});
  return make_kernel([form, whole = std::shared_ptr(std::move(whole)),
                      part = std::shared_ptr(std::move(part))](Sources in, Targets out) mutable {
    whole->run(in, out.first(1));
    const std::byte* const operands[] = {in[0], form.take(in[1])};
    part->run(operands, out.subspan(1));
  });
}

template <class T>
std::unique_ptr<Kernel> compile(const SplitConvolutionInput& p, const Operands& o) {
  require_reals(o);
  FormOf<T> plus({WeightForm::Kind::positive, 0}, o.in[2]), minus({WeightForm::Kind::negative, 0}, o.in[2]);
  const ConvolutionInput adjoint{p.window, 1, p.shape};
  const Operand second{o.out[0].shape, o.out[0].strides, o.out[0].dtype};
  auto first = compile<T>(adjoint, Operands{{o.in[0], plus.operand()}, {o.out[0]}});
  auto other = compile<T>(adjoint, Operands{{o.in[1], minus.operand()}, {second}});
  Expression sum{Expression::Domain::real,
                 {{Opcode::add, {Source::Kind::input, 0, 0}, {Source::Kind::input, 1, 0}, {}}},
                 {0}};
  auto add = compile<T>(Elementwise{sum}, Operands{{o.out[0], second}, {o.out[0]}});
  int64_t extent = 1;
  for (size_t i = 0; i < second.shape.size(); ++i) extent += (second.shape[i] - 1) * second.strides[i];
  return make_kernel([plus, minus, first = std::shared_ptr(std::move(first)),
                      other = std::shared_ptr(std::move(other)), add = std::shared_ptr(std::move(add)),
                      rest = std::vector<T>(static_cast<size_t>(extent))](Sources in, Targets out) mutable {
    const std::byte* const positive[] = {in[0], plus.take(in[2])};
    first->run(positive, out);
    const std::byte* const negative[] = {in[1], minus.take(in[2])};
    std::byte* const held[] = {reinterpret_cast<std::byte*>(rest.data())};
    other->run(negative, held);
    const std::byte* const both[] = {out[0], held[0]};
    add->run(both, out);
  });
}

template std::unique_ptr<Kernel> compile<float>(const SplitConvolution&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const SplitConvolution&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const SplitConvolutionInput&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const SplitConvolutionInput&, const Operands&);

}  // namespace onnxray::reference
