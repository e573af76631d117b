#include "backends/onednn/dnnl_call.h"

#include "backends/onednn/loop_nest.h"
#include "core/fail.h"

namespace onnxray::onednn {

namespace {

constexpr auto kReal = dnnl::memory::data_type::f32;

/// oneDNN takes addresses of inputs as mutable ones, but does not write through them.
void* address(const std::byte* data) { return const_cast<std::byte*>(data); }

}  // namespace

dnnl::memory::desc describe(const Shape& shape, const Strides& strides) { return {shape, kReal, strides}; }

dnnl::memory::desc describe_any(const Shape& shape) { return {shape, kReal, dnnl::memory::format_tag::any}; }

void DnnlCall::bind_input(int argument, const dnnl::memory::desc& desc, size_t index) {
  dnnl::memory memory(desc, context_.engine, nullptr);
  arguments_.emplace(argument, memory);
  inputs_.push_back({memory, index});
}

void DnnlCall::bind_output(int argument, const dnnl::memory::desc& desc, size_t index) {
  dnnl::memory memory(desc, context_.engine, nullptr);
  arguments_.emplace(argument, memory);
  outputs_.push_back({memory, index});
}

void DnnlCall::bind_packed(int argument, const dnnl::memory::desc& plain, const dnnl::memory::desc& packed,
                           size_t index, const std::byte* constant, const WeightForm& form) {
  if (plain == packed && form == WeightForm{}) return bind_input(argument, plain, index);
  if (constant)
    return bind_constant(argument, {constant, plain, packed, PackedConstants::Arrangement::as_it_lies, form},
                         [&] { return reinterpret_cast<const float*>(constant); });
  dnnl::memory from(plain, context_.engine, nullptr);
  dnnl::memory to(packed, context_.engine);
  arguments_.emplace(argument, to);
  before_.push_back({dnnl::reorder(from, to), from, to, index});
}

void DnnlCall::bind_constant(int argument, const PackedConstants::Wanted& wanted,
                             const std::function<const float*()>& values) {
  arguments_.emplace(argument, context_.constants->get(wanted, context_.engine, context_.stream, values));
}

void DnnlCall::bind_unpacked(int argument, const dnnl::memory::desc& packed, const dnnl::memory::desc& plain,
                             size_t index) {
  if (plain == packed) return bind_output(argument, plain, index);
  dnnl::memory from(packed, context_.engine);
  dnnl::memory to(plain, context_.engine, nullptr);
  arguments_.emplace(argument, from);
  after_.push_back({dnnl::reorder(from, to), to, from, index});
}

void DnnlCall::repeat(const Shape& extents, std::vector<Strides> in_strides, Strides out_strides) {
  repeat_extents_ = extents;
  repeat_in_ = std::move(in_strides);
  repeat_out_ = std::move(out_strides);
}

void DnnlCall::run(std::span<const std::byte* const> in, std::span<std::byte* const> out) {
  try {
    for (Reorder& r : before_) {
      r.plain.set_data_handle(address(in[r.index]));
      r.reorder.execute(context_.stream, r.plain, r.packed);
    }
    const int64_t times = element_count(repeat_extents_);
    for (int64_t t = 0; t < times; ++t) {
      for (Binding& b : inputs_) {
        const int64_t offset =
            times == 1 ? 0 : offset_of(t, repeat_extents_, repeat_in_[b.index], repeat_extents_.size());
        b.memory.set_data_handle(address(in[b.index] + offset * int64_t{sizeof(float)}));
      }
      const int64_t offset =
          times == 1 ? 0 : offset_of(t, repeat_extents_, repeat_out_, repeat_extents_.size());
      for (Binding& b : outputs_) b.memory.set_data_handle(out[b.index] + offset * int64_t{sizeof(float)});
      primitive_.execute(context_.stream, arguments_);
    }
    for (Reorder& r : after_) {
      r.plain.set_data_handle(out[r.index]);
      r.reorder.execute(context_.stream, r.packed, r.plain);
    }
    context_.stream.wait();
  } catch (const dnnl::error& error) {
    fail(ErrorCode::failed, "oneDNN could not run a primitive: {}; try --backend reference", error.what());
  }
}

}  // namespace onnxray::onednn
