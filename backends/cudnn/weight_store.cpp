#include "backends/cudnn/weight_store.h"

namespace onnxray::cudnn {

std::shared_ptr<const std::byte> WeightStore::hold(const Tensor& t) {
  std::weak_ptr<const Held>& entry = held_[{t.bytes(), t.byte_size()}];
  auto held = entry.lock();
  if (!held) {
    const Memory memory(t.byte_size(), Memory::Place::device, "the model's weights");
    if (t.byte_size() > 0) {
      check(cudaMemcpy(memory.data(), t.bytes(), static_cast<size_t>(t.byte_size()), cudaMemcpyHostToDevice),
            "copying weights");
    }
    held = std::make_shared<const Held>(Held{t, memory});
    entry = held;
  }
  return {held, held->memory.data()};
}

}  // namespace onnxray::cudnn
