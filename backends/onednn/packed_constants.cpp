#include "backends/onednn/packed_constants.h"

#include <algorithm>

namespace onnxray::onednn {

dnnl::memory PackedConstants::get(const Wanted& wanted, const dnnl::engine& engine, dnnl::stream& stream,
                                  const std::function<const float*()>& values) {
  std::vector<Entry>& entries = entries_[wanted.constant];
  const auto known = std::ranges::find(entries, wanted, &Entry::wanted);
  if (known != entries.end()) return known->memory;
  // oneDNN takes addresses of inputs as mutable ones, but does not write through them.
  dnnl::memory from(wanted.plain, engine, const_cast<float*>(values()));
  dnnl::memory to(wanted.packed, engine);
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
  entries.push_back({wanted, to});
  return to;
}

}  // namespace onnxray::onednn
