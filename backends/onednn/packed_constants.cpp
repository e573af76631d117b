#include "backends/onednn/packed_constants.h"

#include <algorithm>

#include "backends/onednn/weight_form.h"

namespace onnxray::onednn {

dnnl::memory PackedConstants::get(const Wanted& wanted, const dnnl::engine& engine,
                                  const std::function<void(dnnl::memory&)>& pack) {
  std::vector<Entry>& entries = entries_[wanted.constant];
  const auto known = std::ranges::find(entries, wanted, &Entry::wanted);
  if (known != entries.end()) return known->memory;
  dnnl::memory packed(wanted.packed, engine);
  pack(packed);
  entries.push_back({wanted, packed});
  return packed;
}

dnnl::memory PackedConstants::get(const Wanted& wanted, const dnnl::engine& engine, dnnl::stream& stream,
                                  const std::function<const float*()>& values) {
  return get(wanted, engine, [&](dnnl::memory& to) {
    // oneDNN takes addresses of inputs as mutable ones, but does not write through them.
    dnnl::memory from(wanted.plain, engine, const_cast<float*>(values()));
    dnnl::reorder(from, to).execute(stream, from, to);
    stream.wait();
    // The order's padding is 0, of which every form is 0.
    const auto stored = static_cast<int64_t>(wanted.packed.get_size() / sizeof(float));
    take_form(wanted.form, static_cast<float*>(to.get_data_handle()), stored);
  });
}

}  // namespace onnxray::onednn
