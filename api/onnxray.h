#pragma once

/// onnxray explains the predictions of ONNX models. This is its public C++ interface:
///
///   auto model = onnxray::Model::load("resnet50.onnx");
///   auto session = onnxray::Session(model, {.backend = "auto", .threads = 2});
///   auto result = session.explain(x, {.method = "lrp_epsilon_0_1", .target = onnxray::Target::argmax()});
///   // result.attribution is a Tensor like x, result.output the model's output
///
/// Every function may throw onnxray::Error.

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/assumption.h"
#include "core/error.h"
#include "core/range.h"
#include "core/step_time.h"
#include "core/tensor.h"

namespace onnxray {

struct TargetSpec;
struct BatchGroups;
struct FixedBatch;
struct PlanKey;

std::string version();

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// A model's input or output as its file declares it. An extent is a number, or the name of a symbol.
struct ValueInfo {
  std::string name;
  std::optional<DType> dtype;
  std::vector<std::variant<int64_t, std::string>> extents;
  bool has_shape = false;
  /// An input that does nothing but start recurrent layers or loops, as zeros do where nothing came before.
  bool is_state = false;
};

struct LoadOptions {
  /// Bytes that the model may grow by before it runs: constants that are computed, loops that are unrolled,
  /// tables. Beyond them it is refused: Error(unsupported). 0: 64 times the file's size, and 1 GB at least.
  int64_t max_growth = 0;
};

/// A loaded model. Immutable; copies share it, between threads too.
class Model {
 public:
  /// Weights are read where the file is mapped: while the model lives, put another file in its place rather
  /// than write into it. Errors: bad_file, unsupported.
  static Model load(const std::filesystem::path& path, const LoadOptions& options = {});
  /// The same of a file's bytes, which are copied. External data is looked up in `folder`; none refuses it.
  static Model from_bytes(std::span<const std::byte> bytes, const LoadOptions& options = {},
                          const std::filesystem::path& folder = {});

  std::vector<ValueInfo> inputs() const;
  std::vector<ValueInfo> outputs() const;
  /// Inputs that the file gives a value: constants of the model, not among inputs().
  std::vector<ValueInfo> defaults() const;
  /// The model with some of its defaults() behind its other inputs, to be given like those. Errors: usage.
  Model with_inputs(const std::vector<std::string>& names) const;
  /// Zeros for input number `input`, as it is declared; extents that are symbols are those of the inputs that
  /// are `given`, by their numbers. Errors: usage where these do not tell.
  Tensor zeros(size_t input, const std::map<size_t, Tensor>& given) const;
  int64_t opset() const;
  std::string producer() const;
  std::vector<std::string> notes() const;  ///< what the importer wants people to know
  /// What load() read: the file itself, and those of external data.
  std::vector<std::filesystem::path> files() const;

 private:
  friend class Session;
  template <class Import>
  static Model loaded_by(const LoadOptions& options, const Import& import);

  struct Data;
  std::shared_ptr<const Data> data_;
};

/// What to explain: one entry of each sample's output, or a weighting of all of them (docs/targets.md). Axes
/// and indices are those of one sample's output, which has all axes but the samples'; negative ones count
/// from the end. A single sample's axis may be named too, by an index or range of its own.
class Target {
 public:
  /// The largest entry of each sample; the first on ties.
  static Target argmax();
  /// The largest entry within ranges, one for each axis: of a detector's [84,8400] with class scores from row
  /// 4 on, argmax_in({Range::from(4), Range::all()}).
  static Target argmax_in(std::vector<Range> ranges);
  /// At every place the largest entry along an axis; what is explained is their sum. Of a segmentation's
  /// [classes,H,W], argmax_along(0): each pixel's class. With ranges, only entries within them.
  static Target argmax_along(int64_t axis, std::vector<Range> ranges = {});
  /// The sum of the entries within ranges, one for each axis: of [classes,H,W] the scores of class 2 in a
  /// box, sum({Range::at(2), {10, 20}, {30, 40}}).
  static Target sum(std::vector<Range> ranges);
  /// Row-major entry of one sample's output.
  static Target index(int64_t index);
  /// The entry of a class, for outputs with one axis: Error(usage) for others.
  static Target class_index(int64_t index);
  /// One entry per sample of the batch.
  static Target indices(std::vector<int64_t> indices);
  /// The entry at an index tuple of one sample's output, for outputs with more than one axis.
  static Target entry(std::vector<int64_t> tuple);
  /// Weights over the output, or over one sample's.
  static Target mask(Tensor weights);

 private:
  friend class Session;
  enum class Kind : uint8_t { argmax, index, mask } kind_ = Kind::argmax;
  std::vector<int64_t> indices_, tuple_;
  Tensor mask_;
  std::vector<Range> ranges_;
  std::optional<int64_t> axis_;
  bool is_class_ = false;
};

struct SessionOptions {
  std::string backend = "auto";    ///< auto, onednn, reference
  std::string precision = "fp32";  ///< fp32, double (reference only)
  int threads = 0;                 ///< at most 1024; 0: as many as the machine has cores
  /// Bytes that a plan may take (docs/performance.md); 0: no bound. A batch that takes more is explained in
  /// groups of samples; where that is not enough, or not possible, Error(failed) before anything runs.
  int64_t max_memory = 0;
  /// Samples of a batch that run at once, where each one's results come of it alone; 0: as many as the cache
  /// holds, or all where that is no faster (docs/performance.md).
  int64_t samples_at_once = 0;
  /// The axis of an input or output, by name, that its samples lie along, or none where all of it is of one;
  /// what is not named is found (docs/conventions.md).
  std::map<std::string, std::optional<int64_t>> sample_axes = {};
};

struct ExplainOptions {
  std::string method = "gradient";
  Target target = Target::argmax();
  /// signxai, zennit or innvestigate (docs/conventions.md). Empty: signxai, or zennit for a composite by
  /// Zennit's own name.
  std::string convention = {};
  std::map<std::string, std::string> parameters = {};  ///< of the method, and switches of the convention
  /// Which output: its name, or that of an inner value or node; empty: the first of real numbers.
  std::string output = {};
  /// Explain the probability instead of what goes into a final softmax or sigmoid, where it saturates.
  bool keep_softmax = false;
  std::string at = {};  ///< attribute to this inner value or node instead of the input
};

/// Several methods for several targets over one forward pass.
struct ExplainManyOptions {
  std::vector<std::string> methods = {};  ///< names; "NAME:key=value,key=value" sets parameters for one
  std::vector<Target> targets = {Target::argmax()};
  std::string convention = {};                         ///< as in ExplainOptions
  std::map<std::string, std::string> parameters = {};  ///< go to every method that has them
  std::string output = {};
  bool keep_softmax = false;
  std::string at = {};
  /// Attribute to these inputs alone; the others stay as they are. Empty: to all that can be.
  std::vector<std::string> attribute = {};
  std::vector<std::string> not_attributed = {};  ///< of all that can be: inputs that stay as they are
  std::vector<Tensor> baselines =
      {};  ///< of integrated gradients and occlusion, one per explained input, or its embeddings; or none
  std::vector<Tensor> noise =
      {};  ///< likewise [samples, ...] for SmoothGrad and kin, added as it is; none: drawn
  /// Values that the model's input can take: bounds of the box rule where a method gives no low and high.
  std::vector<double> input_low = {}, input_high = {};
  bool report_layers = false;  ///< fill Attribution::layers; costs a reduction per node
};

/// What LRP did at one node; sums over the batch. Where a rule shares out all that it gets,
/// relevance = sent + to_bias + to_stabiliser.
struct LayerRelevance {
  std::string name, op, rule;
  double relevance = 0;             ///< what arrived at its outputs
  int64_t not_finite = 0;           ///< how many of its entries are NaN or infinite
  std::optional<double> sent = {};  ///< to its inputs; unset where the node keeps its derivative
  double to_bias = 0;               ///< the share of the bias, or of constants among the terms of a sum
  double to_stabiliser = 0;         ///< of what was added to denominators, and of units without contributions
  std::optional<double> smallest_denominator = {};
  /// Denominators whose sign is not that of the contributions that they divide: relevance changes its sign
  /// and can explode there.
  int64_t crossings = 0;
};

struct Attribution {
  std::string method;
  size_t target = 0;                        ///< which of ExplainManyOptions::targets
  std::string input;                        ///< the input (or inner value) that it is over
  Tensor values;                            ///< in that value's shape
  std::vector<double> sums;                 ///< per sample; one where they share the input
  std::vector<LayerRelevance> layers = {};  ///< LRP with ExplainManyOptions::report_layers, output to input
  /// Where the input holds ids: the embeddings that they choose. What arrived there counts as one number for
  /// each id (docs/methods.md, `tokens`).
  std::vector<std::string> embeddings = {};
  std::vector<double> completeness_gap = {};  ///< integrated gradients, per sample: all sums - (f(x) -
                                              ///< f(baseline)); one where samples share an input
  /// The axis of `values` that the samples lie along; unset where they are one sample's, or shared by all.
  std::optional<int64_t> sample_axis = {};
  /// Relevance that starts with the score and is shared out among the inputs: what does not arrive is lost.
  bool shares_score = false;
};

struct ExplainedTarget {
  std::vector<int64_t> indices;  ///< per sample; empty where a sample has not one entry: a mask, a sum
  std::vector<double> scores;    ///< the logit, or the weighted sum, per sample
};

/// What the numbers of an output are.
enum class ScoreKind : uint8_t {
  value,    ///< a regression's, a detector's, or those of a classifier that ends at its logits
  softmax,  ///< probabilities of classes that exclude each other
  sigmoid,  ///< probabilities that are independent of each other
};

/// The output that was explained.
struct ExplainedOutput {
  std::string name = {};  ///< of one of Explanations::outputs
  ScoreKind kind = ScoreKind::value;
  bool logarithm = false;  ///< the output holds logarithms of probabilities
  /// Of a softmax: the output's axes along which probabilities add up to 1; empty where the model parts them.
  std::vector<int64_t> class_axes = {};
  bool is_whole = true;  ///< every entry is of that kind; else some are values, as boxes beside scores are
  bool is_kept = false;  ///< targets index the output itself; else the logits before its softmax or sigmoid
};

struct Explanations {
  std::vector<NamedTensor> outputs;  ///< the model's outputs
  Tensor logits;                     ///< what targets index, in the shape of the explained output
  ExplainedOutput explained = {};
  std::optional<int64_t> sample_axis = {};  ///< of the logits, as of an attribution
  std::vector<ExplainedTarget> targets;
  std::vector<Attribution> attributions;  ///< targets outermost, then methods, then inputs
  /// About the run: steps that a device left to the CPU; samples that ran one after the other.
  std::vector<std::string> notes;
  /// A sentence for each input, output and map that holds NaN or infinite numbers.
  std::vector<std::string> not_finite = {};
  std::vector<Assumption> assumptions;  ///< what could be read otherwise, and how to say so
};

struct Explanation {
  Tensor attribution;  ///< over the model's first floating input
  Tensor output;       ///< the output that was explained
  ExplainedTarget target;
};

/// What a session will do with a node, for people.
struct NodeReport {
  std::string name, op, output, rule;
  Shape shape;
  std::vector<std::string> names;  ///< every ONNX name that the node stands for
};

struct Inspection {
  std::vector<NodeReport> nodes;
  std::string graph;                          ///< the canonical graph as text
  std::string program;                        ///< the optimised program as text
  std::vector<Assumption> assumptions;        ///< what could be read otherwise
  std::map<std::string, int64_t> primitives;  ///< how often each primitive runs
  int64_t samples_at_once = 1;                ///< of the batch: the program is for these ...
  int64_t arena_bytes = 0;
  double flops = 0, bytes = 0;  ///< ... counted for the whole batch: arithmetic; operands moved
  int64_t planned_bytes = 0;    ///< weights that the program reads and their packed copies, its arena, its
                                ///< inputs and outputs, all groups' results; of these ...
  int64_t model_bytes = 0;      ///< ... weights that the loaded model holds in memory, not in its file
};

/// Runs and explains one model. One thread at a time: while one is at work a call from another, or from
/// on_progress, is Error(usage). Several sessions may share a model.
class Session {
 public:
  explicit Session(Model model, const SessionOptions& options = {});
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  /// The model's outputs, in their declared types (reals as double under that precision). Inputs in the order
  /// of Model::inputs(), in their declared types and shapes. Where a file fixes the batch at 1 its inputs may
  /// hold several samples all the same, here and in explanations. `output` alone where it is named, which may
  /// be an inner value or a node, too.
  std::vector<NamedTensor> run(const std::vector<Tensor>& inputs, const std::string& output = {});
  /// What to know about the last run(): that the samples ran one after the other, and why.
  std::vector<std::string> notes() const;
  Explanation explain(const Tensor& input, const ExplainOptions& options = {});
  Explanations explain_many(const std::vector<Tensor>& inputs, const ExplainManyOptions& options);
  /// What explain_many would do for the first method, and those that share its program, without running it.
  Inspection inspect(const std::vector<Tensor>& inputs, const ExplainManyOptions& options);
  /// The model and its explanations as one ONNX model of standard operators, for inputs of these shapes: the
  /// bytes of the file. Its outputs are the model's own, and "attribution", or where there are several
  /// `method[@target][:input]` with targets counted from 0. Targets other than argmax, baselines and noise
  /// become constants.
  std::string export_onnx(const std::vector<Tensor>& inputs, const ExplainManyOptions& options);

  /// Time and arithmetic of every step of the program that explains by the first method, or of the model's
  /// own where there is none, for the samples that run at once; steps run one by one. Empty where a backend
  /// does not measure.
  StepTimes profile(const std::vector<Tensor>& inputs, const ExplainManyOptions& options);

  /// Of the last run or explanation's last program: on the device alone, without copies; 0 on a CPU.
  double device_milliseconds() const;

  /// Called with (done, total) during long loops.
  std::function<void(int64_t, int64_t)> on_progress;
  /// "onednn: oneDNN 2.6.3, ..."
  std::string backend_description() const;

 private:
  static std::vector<TargetSpec> specs_of(const std::vector<Target>& targets);

  std::vector<NamedTensor> run_samples(const std::vector<Tensor>& inputs, const std::string& output);
  /// run and explain_many for a batch that the graph takes at once, and for one that it does not.
  std::vector<NamedTensor> run_batch(const std::vector<Tensor>& inputs, const std::string& output);
  std::vector<NamedTensor> run_group(const std::vector<Tensor>& inputs, const std::string& output);
  std::vector<NamedTensor> run_one_by_one(const std::vector<Tensor>& inputs, const std::string& output,
                                          const FixedBatch& batch);
  /// explain_many without its notes on what is not finite.
  Explanations explain_samples(const std::vector<Tensor>& inputs, const ExplainManyOptions& options);
  Explanations explain_batch(const std::vector<Tensor>& inputs, const ExplainManyOptions& options);
  Explanations explain_one_by_one(const std::vector<Tensor>& inputs, const ExplainManyOptions& options,
                                  const FixedBatch& batch);
  int64_t logits_size(const std::vector<Tensor>& inputs, const ExplainManyOptions& options,
                      const FixedBatch& batch);
  /// explain_batch for samples that run at once.
  Explanations explain_group(const std::vector<Tensor>& inputs, const ExplainManyOptions& options,
                             const std::function<void(int64_t, int64_t)>& progress);
  Explanations explain_in_groups(const std::vector<Tensor>& inputs, const ExplainManyOptions& options,
                                 const BatchGroups& batch);
  /// How a batch is run.
  BatchGroups groups_of(const std::vector<Tensor>& inputs, const ExplainManyOptions& options);
  /// The samples that run first.
  struct Group {
    std::vector<Tensor> inputs;
    int64_t samples = 0;  ///< 0: all
    double share = 1;     ///< how often they go into the batch
  };
  Group first_group(const std::vector<Tensor>& inputs, const ExplainManyOptions& options);
  /// The programs that explain, or the model's own where there are no methods.
  static std::vector<PlanKey> keys_of(const ExplainManyOptions& options);
  /// What the largest of them takes.
  int64_t bytes_needed(const std::vector<Tensor>& inputs, const ExplainManyOptions& options);

  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// GFLOP/s of large matrix products on the backend that `options` choose: the best of a few tries.
double measured_peak_gflops(const SessionOptions& options);

/// The methods that explain() knows, as data: defaults are those of the signxai convention, `example` is a
/// name that the pattern stands for.
struct MethodDescription {
  struct Parameter {
    std::string name, default_value;
  };
  std::string pattern, example, formula;
  std::vector<Parameter> parameters;
  std::string citation;
};
std::vector<MethodDescription> methods();

/// One line per usable backend.
std::vector<std::string> backends();

}  // namespace onnxray
