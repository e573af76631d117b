#pragma once

#include "core/backend.h"

namespace onnxray {

// Each pass keeps what the program computes. One file each, in the order of optimise().

/// A product of a matrix that is 0 but for one entry per row, as the seed of a class is, reads the rows of
/// the other matrix that meet those entries.
void replace_one_hot_products(Program& program);
/// Products of few rows with forms (w+, |w|, ...) of one large constant take the form of each entry as they
/// read it, for backends that do; those that do not need one another read it once for all. Stands in front
/// of fold_constants, which would store the forms.
void join_form_products(Program& program, const PlanOptions& options);
/// Other products take forms of constants as their backend packs them, for backends that pack. Stands there
/// for the same reason.
void take_weight_forms(Program& program, const PlanOptions& options);
/// A convolution under a weight and one under a form of it that the signs of the weights tell apart (w+, w-,
/// |w|, w + gamma w+) become one step where both read the same; so do the adjoints under w+ and w- that are
/// only added. For backends that part the terms of a sum by sign, which then take one pass for two.
void join_by_sign(Program& program, const PlanOptions& options);
/// Takes the former back, and computes the form where it is first read: it need not wait so long then.
void part_by_sign(Program& program);
/// Evaluates steps whose operands are all constant, once, on `backend`. What would grow past the operands'
/// size stays.
void fold_constants(Program& program, Backend& backend);
/// Moves steps of the loop that read nothing of the loop in front of it.
void hoist_invariants(Program& program);
/// Equal primitives on equal operands are computed once.
void eliminate_common_subexpressions(Program& program);
/// Drops steps that no output needs.
void eliminate_dead_code(Program& program);
/// A sum of tensors that are zero but for slices which do not overlap becomes one Concat of the slices: the
/// adjoint of taking a tensor apart.
void join_places(Program& program);
/// Adds the biases of convolutions in elementwise steps of their own, for backends that ask for it.
void separate_bias(Program& program);
/// An elementwise step reads the operand of a Broadcast in place of its result.
void read_broadcasts(Program& program);
/// Merges chains of elementwise steps whose intermediate results nobody else reads.
void fuse_elementwise(Program& program);
/// What every reader can compute from its other operands, in a few instructions, is not stored; where others
/// need it, those readers do not read it.
void recompute_in_readers(Program& program);
/// Joins neighbouring elementwise steps that read the same large operand into one step of several results.
void fuse_siblings(Program& program);
/// Values of at least so many elements that in the end are only compared with numbers, as a Relu's mask does,
/// leave one boolean per element in their place, where other steps want the memory in between.
void keep_masks(Program& program, int64_t least);

/// Marks adjoints of convolutions, and convolutions in loops, that Winograd's minimal filtering computes
/// sooner.
void choose_winograd(Program& program);
/// Takes those marks back: weights then take a quarter of the bytes.
void avoid_winograd(Program& program);

/// All passes, in order.
void optimise(Program& program, Backend& backend);

}  // namespace onnxray
