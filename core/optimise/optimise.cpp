#include "core/optimise/optimise.h"

namespace onnxray {

void optimise(Program& program, Backend& backend) {
  eliminate_common_subexpressions(program);
  hoist_invariants(program);
  join_places(program);
  eliminate_dead_code(program);
  replace_one_hot_products(program);
  join_form_products(program, backend.plan_options());
  take_weight_forms(program, backend.plan_options());
  join_by_sign(program, backend.plan_options());
  fold_constants(program, backend);
  if (backend.plan_options().separate_bias) separate_bias(program);
  read_broadcasts(program);
  fuse_elementwise(program);
  recompute_in_readers(program);
  fuse_siblings(program);
  fuse_elementwise(program);  // what only the joined steps read
  eliminate_dead_code(program);
  if (backend.plan_options().winograd) choose_winograd(program);
  if (backend.plan_options().least_mask > 0) keep_masks(program, backend.plan_options().least_mask);
}

}  // namespace onnxray
