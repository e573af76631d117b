#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include "backends/onednn/dnnl_compat.h"
#include "core/primitive.h"

namespace onnxray::onednn {

/// Constants in the order that primitives want: one copy for all steps of a plan that want the same.
class PackedConstants {
 public:
  /// How a constant is rearranged before oneDNN packs it.
  enum class Arrangement : uint8_t { as_it_lies, rotated, winograd, rotated_winograd, split, rotated_split };

  struct Wanted {
    const std::byte* constant = nullptr;  ///< stays where it is as long as this object lives
    dnnl::memory::desc plain, packed;     ///< what `values` lie as, and the order asked for
    Arrangement arrangement = Arrangement::as_it_lies;
    WeightForm form = {};  ///< what the copy holds of each entry
    bool operator==(const Wanted&) const = default;
  };

  /// The packed copy; `pack` fills it where there is none yet.
  dnnl::memory get(const Wanted& wanted, const dnnl::engine& engine,
                   const std::function<void(dnnl::memory&)>& pack);
  /// The packed copy; `values` is called for what is to be packed where there is none yet. Its form is taken
  /// here.
  dnnl::memory get(const Wanted& wanted, const dnnl::engine& engine, dnnl::stream& stream,
                   const std::function<const float*()>& values);

 private:
  struct Entry {
    Wanted wanted;
    dnnl::memory memory;
  };
  std::unordered_map<const std::byte*, std::vector<Entry>> entries_;
};

}  // namespace onnxray::onednn
