"""A small interpreter of ONNX models in torch, in double, as an independent reference of input gradients.

    net = Net(path); outputs = net({"x": array}, wrt=["x"]); torch.autograd.grad(outputs["y"].flatten()[0], net.leaves["x"])

Floating-point values are double throughout, whatever the model says. What a model quantises stays a double on its grid, and its
gradient is that of the identity inside the grid's range and 0 outside; scales and zero points that are found from the data count
as constants. Subgradients at kinks are those of docs/conventions.md: 0 for Relu, at a Clip's bounds, for the root and the norm of 0. Operators of layers, pools,
recurrence and quantisation are in torch_layers.py.
"""
import numpy as np
import onnx
import torch
from onnx import numpy_helper

OPERATORS = {}
QUANTISED = (onnx.TensorProto.UINT8, onnx.TensorProto.INT8)


def operator(*names):
    def register(function):
        OPERATORS.update({name: function for name in names})
        return function
    return register


class Node:
    """A node's attributes, with its opset and the net it is in (for bodies)."""

    def __init__(self, proto, opset, net):
        self.proto, self.opset, self.net = proto, opset, net
        self.attributes = {a.name: onnx.helper.get_attribute_value(a) for a in proto.attribute}

    def get(self, name, default=None):
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value


def to_torch(array):
    array = np.asarray(array)
    if array.dtype.kind in "fV" or array.dtype.name == "bfloat16":
        array = array.astype(np.float64)
    if array.dtype.kind in "US":
        return array
    return torch.from_numpy(np.array(array if array.dtype not in (np.uint16, np.uint32, np.uint64) else array.astype(np.int64)))


class Net:
    def __init__(self, path):
        model = onnx.load(str(path)) if not isinstance(path, onnx.ModelProto) else path
        self.graph, self.leaves, self.inner = model.graph, {}, ()
        self.opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
        self.functions = {(f.domain, f.name): f for f in model.functions}

    def embeddings(self, ids):
        """The rows that `ids` choose from tables, as the values that hold them: the outputs of Gather over a constant matrix."""
        made = {n.output[0]: n for n in self.graph.node}
        tables = {i.name: i.data_type for i in self.graph.initializer if len(i.dims) == 2 and i.dims[1] > 1}
        tables |= {n.output[0]: a.t.data_type for n in self.graph.node if n.op_type == "Constant" for a in n.attribute if len(a.t.dims) == 2}

        def chosen_by(name):
            while name in made and made[name].op_type != "Shape" and not (made[name].op_type == "Gather" and made[name].input[0] in tables):
                inputs = [i for i in made[name].input if i in made or i in ids]
                if not inputs:
                    return False
                name = inputs[-1] if made[name].op_type == "Where" else inputs[0]
            return name in ids

        chosen = [n for n in self.graph.node if n.op_type == "Gather" and n.input[0] in tables and chosen_by(n.input[1])]
        readers = {name: n for n in self.graph.node for name in n.input}

        def real(n):  # integers become real numbers behind their choice, or behind a change of its shape
            while n.op_type != "DequantizeLinear":
                n = readers[n.output[0]]
            return n.output[0]

        return [real(n) if tables[n.input[0]] in QUANTISED else n.output[0] for n in chosen]

    def __call__(self, feed, wrt=(), inner=()):
        """Outputs by name; `leaves` then holds the inputs `wrt` and the values `inner`, to differentiate by."""
        self.leaves, self.inner = {name: to_torch(feed[name]).requires_grad_() for name in wrt}, inner
        values = {"": None, **{name: self.leaves.get(name, to_torch(a)) for name, a in feed.items()}}
        return self.run(self.graph, values)

    def run(self, graph, values):
        """Evaluates `graph` where `values` holds its inputs and what is visible from outside; returns its outputs by name."""
        values.update({i.name: to_torch(numpy_helper.to_array(i)) for i in graph.initializer if i.name not in values})
        waiting = list(graph.node)
        while waiting:
            proto = waiting.pop(0)
            if any(name not in values for name in proto.input):  # some exporters leave nodes in no order
                waiting.append(proto)
                continue
            node = Node(proto, self.opset, self)
            node.outer = values
            if proto.op_type not in OPERATORS:
                raise NotImplementedError(f"{proto.domain}:{proto.op_type}")
            inputs = [values[name] if name else None for name in proto.input]
            try:
                results = OPERATORS[proto.op_type](node, *inputs)
            except Exception as error:
                raise type(error)(f"{proto.op_type} {proto.name}: {error}") from error
            results = results if isinstance(results, (tuple, list)) else (results,)
            for name, value in zip(proto.output, results):
                if name in self.inner:
                    value = self.leaves[name] = value.detach().requires_grad_()
                values[name] = value
        return {o.name: values[o.name] for o in graph.output}


def ints(value):
    return [int(v) for v in (value.reshape(-1) if hasattr(value, "reshape") else value)]


def axes_of(node, given, rank, default=None):
    axes = node.get("axes") if given is None else ints(given)
    return default if axes is None else [a % rank for a in axes]


def floating(x):
    return x if x.is_floating_point() else x.double()


UNARY = {"Neg": torch.neg, "Abs": torch.abs, "Sqrt": lambda x: torch.where(x > 0, torch.sqrt(torch.where(x > 0, x, 1.0)), torch.sqrt(x.detach())), "Reciprocal": torch.reciprocal, "Exp": torch.exp, "Log": torch.log,
         "Erf": torch.erf, "Tanh": torch.tanh, "Sigmoid": torch.sigmoid, "Relu": torch.relu, "Sin": torch.sin, "Cos": torch.cos,
         "Softplus": torch.nn.functional.softplus, "Softsign": torch.nn.functional.softsign, "Not": torch.logical_not,
         "Floor": torch.floor, "Ceil": torch.ceil, "Round": torch.round, "Sign": torch.sign, "IsNaN": torch.isnan,
         "HardSwish": lambda x: x * torch.clamp(x / 6 + 0.5, 0, 1), "Identity": lambda x: x, "Atan": torch.atan}
for name, function in UNARY.items():
    OPERATORS[name] = lambda node, x, f=function: f(x)
OPERATORS["Dropout"] = lambda node, x, *_: x

BINARY = {"Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Equal": lambda a, b: torch.as_tensor(a == b), "Less": torch.lt,
          "Greater": torch.gt, "LessOrEqual": torch.le, "GreaterOrEqual": torch.ge, "And": torch.logical_and, "Or": torch.logical_or,
          "MatMul": torch.matmul, "Pow": lambda a, b: torch.pow(a, b)}
for name, function in BINARY.items():
    OPERATORS[name] = lambda node, a, b, f=function: f(a, b)


@operator("Div")
def divide(node, a, b):
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


@operator("Max", "Min", "Sum")
def fold(node, *inputs):
    result = inputs[0]
    for x in inputs[1:]:
        first = {"Max": result >= x, "Min": result <= x}.get(node.proto.op_type)
        result = result + x if first is None else torch.where(first, result, x)
    return result


@operator("Clip")
def clip(node, x, low=None, high=None):
    low, high = node.get("min") if low is None else low, node.get("max") if high is None else high
    x = x if low is None else torch.where(x > low, x, torch.as_tensor(low, dtype=x.dtype))
    return x if high is None else torch.where(x < high, x, torch.as_tensor(high, dtype=x.dtype))


@operator("LeakyRelu")
def leaky(node, x):
    return torch.where(x >= 0, x, x * node.get("alpha", 0.01))


@operator("PRelu")
def prelu(node, x, slope):
    return torch.where(x >= 0, x, x * slope)


@operator("HardSigmoid")
def hard_sigmoid(node, x):
    return torch.clamp(x * node.get("alpha", 0.2) + node.get("beta", 0.5), 0, 1)


@operator("Where")
def where(node, condition, a, b):
    return torch.where(condition, a, b)


@operator("Cast")
def cast(node, x):
    kind = onnx.TensorProto.DataType.Name(node.get("to"))
    if kind in ("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16"):
        return x.double()
    if kind == "BOOL":
        return x != 0
    if x.requires_grad:  # integers on a grid, as quantised nets carry them, keep their gradient
        return x
    return x.to({"INT32": torch.int32, "INT64": torch.int64, "UINT8": torch.uint8, "INT8": torch.int8}[kind])


@operator("Constant")
def constant(node):
    name, value = next((k, v) for k, v in node.attributes.items())
    if name == "value":
        return to_torch(numpy_helper.to_array(value))
    return to_torch(np.array(value, np.int64 if "int" in name else np.float64))


@operator("ConstantOfShape")
def constant_of_shape(node, shape):
    value = to_torch(numpy_helper.to_array(node.get("value"))) if "value" in node.attributes else torch.zeros(1, dtype=torch.float64)
    return value.reshape(()).expand(ints(shape)).clone()


@operator("Shape")
def shape(node, x):
    return torch.tensor(list(x.shape)[node.get("start", 0):node.get("end")], dtype=torch.int64)


@operator("Size")
def size(node, x):
    return torch.tensor(x.numel())


@operator("Range")
def arange(node, start, limit, step):
    return torch.arange(start.item(), limit.item(), step.item(), dtype=start.dtype)


@operator("Reshape")
def reshape(node, x, target):
    target = ints(target)
    return x.reshape([x.shape[i] if d == 0 and not node.get("allowzero", 0) else d for i, d in enumerate(target)])


@operator("Flatten")
def flatten(node, x):
    axis = node.get("axis", 1) % (x.ndim + 1)
    return x.reshape(int(np.prod(x.shape[:axis])), -1)


@operator("Transpose")
def transpose(node, x):
    return x.permute(node.get("perm") or list(range(x.ndim))[::-1])


@operator("Squeeze")
def squeeze(node, x, axes=None):
    axes = axes_of(node, axes, x.ndim, [i for i, d in enumerate(x.shape) if d == 1])
    return x.reshape([d for i, d in enumerate(x.shape) if i not in axes])


@operator("Unsqueeze")
def unsqueeze(node, x, axes=None):
    for axis in sorted(axes_of(node, axes, x.ndim + len(ints(node.get("axes") if axes is None else axes)))):
        x = x.unsqueeze(axis)
    return x


@operator("Slice")
def slices(node, x, starts=None, ends=None, axes=None, steps=None):
    starts, ends = ints(node.get("starts") if starts is None else starts), ints(node.get("ends") if ends is None else ends)
    axes = axes_of(node, axes, x.ndim, list(range(len(starts))))
    for start, end, axis, step in zip(starts, ends, axes, ints(steps) if steps is not None else [1] * len(starts)):
        n = x.shape[axis]
        picked = list(range(n))[slice(start, end if end >= -n else None, step)] if step < 0 else list(range(n))[start:end:step]
        x = x.index_select(axis, torch.tensor(picked, dtype=torch.int64))
    return x


@operator("Concat")
def concat(node, *inputs):
    return torch.cat(inputs, node.get("axis"))


@operator("Split")
def split(node, x, sizes=None):
    axis, count = node.get("axis", 0), len(node.proto.output)
    sizes = node.get("split") if sizes is None else ints(sizes)
    part = -(-x.shape[axis] // (node.get("num_outputs") or count))
    return torch.split(x, sizes or part, axis)


@operator("Gather")
def gather(node, x, indices):
    axis = node.get("axis", 0) % x.ndim
    picked = x.index_select(axis, indices.reshape(-1).long() % x.shape[axis])
    return picked.reshape([*x.shape[:axis], *indices.shape, *x.shape[axis + 1:]])


@operator("GatherND")
def gather_nd(node, x, indices):
    batch = node.get("batch_dims", 0)
    if batch == 0:
        return x[tuple(indices.long().unbind(-1))]
    rows = int(np.prod(x.shape[:batch]))
    flat, picks = x.reshape(rows, *x.shape[batch:]), indices.reshape(rows, *indices.shape[batch:])
    return torch.stack([v[tuple(i.long().unbind(-1))] for v, i in zip(flat, picks)]).reshape(*indices.shape[:-1], *x.shape[batch + indices.shape[-1]:])


@operator("GatherElements")
def gather_elements(node, x, indices):
    axis = node.get("axis", 0)
    return x.gather(axis, indices.long() % x.shape[axis])


REDUCTIONS = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


@operator("ScatterElements")
def scatter_elements(node, x, indices, updates):
    axis, how = node.get("axis", 0), node.get("reduction", "none")
    indices = indices.long() % x.shape[axis]
    return x.scatter(axis, indices, updates) if how == "none" else x.scatter_reduce(axis, indices, updates, REDUCTIONS[how])


@operator("ScatterND")
def scatter_nd(node, x, indices, updates):
    return x.index_put(tuple(indices.long().unbind(-1)), updates, accumulate=node.get("reduction", "none") == "add")


@operator("Expand")
def expand(node, x, target):
    return x * torch.ones(ints(target), dtype=x.dtype) if x.dtype != torch.bool else x & torch.ones(ints(target), dtype=torch.bool)


@operator("Tile")
def tile(node, x, repeats):
    return x.repeat(ints(repeats))


@operator("Pad")
def pad(node, x, pads=None, value=None, axes=None):
    pads = node.get("pads") if pads is None else ints(pads)
    axes = list(range(x.ndim)) if axes is None else axes_of(node, axes, x.ndim)
    for i, axis in enumerate(axes):
        before, after, n = pads[i], pads[i + len(axes)], x.shape[axis]
        where = torch.arange(-before, n + after)
        mode = node.get("mode", "constant")
        if mode == "reflect":
            where = (n - 1) - ((n - 1) - where.abs() % (2 * n - 2)).abs() if n > 1 else where * 0
        outside = (where < 0) | (where >= n)
        x = x.index_select(axis, where.clamp(0, n - 1))
        if mode == "constant" and outside.any():
            fill = 0.0 if value is None else value
            x = torch.where(outside.reshape([-1 if a == axis else 1 for a in range(x.ndim)]), torch.as_tensor(fill, dtype=x.dtype), x)
    return x


@operator("CumSum")
def cumulative(node, x, axis):
    axis, flip = int(axis), (lambda v: torch.flip(v, [int(axis)])) if node.get("reverse", 0) else (lambda v: v)
    return flip(torch.cumsum(flip(x), axis)) - (x if node.get("exclusive", 0) else 0)


@operator("OneHot")
def one_hot(node, indices, depth, values):
    hot = torch.nn.functional.one_hot(indices.long() % int(depth), int(depth)).movedim(-1, node.get("axis", -1))
    return torch.where(hot.bool(), values[1], values[0])


@operator("NonZero")
def non_zero(node, x):
    return torch.nonzero(x).T


@operator("ArgMax")
def argmax(node, x):
    return x.argmax(node.get("axis", 0), keepdim=bool(node.get("keepdims", 1)))


REDUCE = {"ReduceSum": torch.sum, "ReduceMean": torch.mean, "ReduceMax": torch.amax, "ReduceMin": torch.amin,
          "ReduceL2": lambda x, a, k: torch.linalg.vector_norm(x, dim=a, keepdim=k), "ReduceSumSquare": lambda x, a, k: (x * x).sum(a, keepdim=k)}


@operator(*REDUCE, "ReduceProd")
def reduce(node, x, axes=None):
    keep = bool(node.get("keepdims", 1))
    axes = axes_of(node, axes, x.ndim)
    if not axes and node.get("noop_with_empty_axes", 0):
        return x
    axes = axes or list(range(x.ndim))
    if node.proto.op_type in REDUCE:
        return REDUCE[node.proto.op_type](x, axes, keep) if axes else x
    for axis in sorted(axes, reverse=True):
        x = x.prod(axis, keepdim=keep)
    return x


@operator("If")
def branch(node, condition):
    return tuple(node.net.run(node.get("then_branch" if bool(condition) else "else_branch"), dict(node.outer)).values())


@operator("Loop")
def loop(node, trips, condition, *carried):
    body, collected = node.get("body"), []
    count, going = 0, True if condition is None else bool(condition)
    while going and (trips is None or count < int(trips)):
        inside = {**node.outer, **dict(zip([i.name for i in body.input], [torch.tensor(count), torch.tensor(True), *carried]))}
        results = list(node.net.run(body, inside).values())
        going, carried = bool(results[0]), results[1:1 + len(carried)]
        collected.append(results[1 + len(carried):])
        count += 1
    return (*carried, *[torch.stack(c) for c in zip(*collected)])
