"""What PyTorch's and Python's messages mean: a pattern, and a sentence that may quote what it found."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from lessonkit.checks.lines import meets_what_lost_an_axis
from lessonkit.checks.outcome import Failure


@dataclass(frozen=True)
class Rule:
    """One meaning of a message. `needs` is what else the learner's line must hold; `{0}` ... is what was found."""

    pattern: str
    sentence: str
    needs: str = ""
    when: Callable[[Failure], bool] = lambda failure: True


_AXES = (
    "Write down both shapes; often an axis of length 1 is missing (`unsqueeze`, or `keepdim=True` in a sum, mean or "
    "norm), or axes are swapped (`.T` turns round *all* axes of a stack, `.mT` the last two)."
)
EXPLANATIONS = (  # raised by the learner's function
    Rule(
        r"<locals>\.(\w+)\(\) missing \d+ required positional arguments?: (.*)",
        "`{0}`, which the check hands over, is called without its {1}.",
    ),
    Rule(
        r"<locals>\.(\w+)\(\) (?:takes|got)",
        "`{0}`, which the check hands over, is called with other arguments than it has. By position, in the "
        "order that the task names.",
    ),
    Rule(
        r"Sizes of tensors must match except in dimension 0",
        "`torch.cat` joins along the first axis, the batch, unless you name another: put features side by side with "
        "`dim=-1`.",
        needs="cat",
        when=lambda failure: "dim" not in failure.line,
    ),
    Rule(
        r"Sizes of tensors must match except in dimension (\d+)\. Expected size (\d+) but got size (\d+)",
        "What is joined along axis {0} must have equal lengths everywhere else, and {1} meets {2}. Is it the right "
        "axis?",
    ),
    Rule(
        r"Tensors must have same number of dimensions: got (\d+) and (\d+)",
        "What is joined must have equally many axes; here {0} meet {1}: add one with `unsqueeze` (and `expand` it).",
    ),
    Rule(
        r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton dimension (\d+)",
        "One of two tensors is empty: {0} entries meet {1} in dimension {2}. Is there a slice that takes nothing? One "
        "that begins below 0 counts from the end.",
        when=lambda failure: bool(re.search(r"tensor [ab] \(0\)", failure.message)),
    ),
    Rule(
        r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton dimension (\d+)",
        "Two tensors don't fit together: {0} entries meet {1}. After a sum, mean or norm over an axis, that axis is "
        "gone: `keepdim=True` keeps it, with length 1.",
        when=lambda failure: meets_what_lost_an_axis(failure.line),
    ),
    Rule(
        r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton dimension (\d+)",
        "Two tensors don't fit together: in dimension {2} one has {0} entries, the other {1}. " + _AXES,
    ),
    Rule(
        r"mat1 and mat2 shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)",
        "A matrix product of ({0}, {1}) and ({2}, {3}): {1} and {2} should be equal. {1} and {3} are: does the second "
        "need a transpose (`.T`), or are the factors in the wrong order?",
        when=lambda failure: bool(re.search(r"\((\d+)x(\d+) and (\d+)x\2\)", failure.message)),
    ),
    Rule(
        r"mat1 and mat2 shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)",
        "A matrix product of ({0}, {1}) and ({2}, {3}): {1} and {2} should be equal. Is a transpose missing (`.T`, "
        "`.mT`), or an axis (`unsqueeze`: PyTorch flattens the front axes of a stack), or are the factors in the wrong "
        "order?",
    ),
    Rule(
        r"size mismatch, got input \((\d+)\), mat \((\d+)x(\d+)\), vec \((\d+)\)",
        "A matrix of ({1}, {2}) times a vector of {3}: {2} and {3} should be equal. Is the matrix turned round?",
    ),
    Rule(
        r"Expected size for first two dimensions of batch2 tensor to be: \[(\d+), (\d+)\] but got: \[(\d+), (\d+)\]",
        "A product of stacks of matrices: the second should be a stack of {0} with {1} rows, and is one of {2} with "
        "{3}. Is a transpose missing, or `.T` where `.mT` is meant?",
    ),
    Rule(
        r"(batch1|batch2|self|mat2|input|vec2?) must be a (3D tensor|matrix|vector|1D tensor)|must be 3D|2D tensors",
        "This product takes tensors of one number of axes only. `@` and `torch.matmul` take any number of leading "
        "axes.",
    ),
    Rule(
        r"contracted dimensions need to match, but first has size (\d+) in dim -?\d+ and second has size (\d+)",
        "`tensordot` sums over axes that must have equal lengths, and here {0} meets {1}. It knows no batch: `@` and "
        "`einsum` do.",
    ),
    Rule(
        r"expanded size of the tensor \((\d+)\) must match the existing size \((\d+)\) at non-singleton dim\w* (\d+)",
        "A tensor should be stretched, or written into another, and doesn't fit: in dimension {2} it has {1} entries, "
        "and {0} are wanted. " + _AXES,
    ),
    Rule(
        r"shape mismatch: value tensor of shape \[(.*?)\] cannot be broadcast to indexing result of shape \[(.*?)\]",
        "You write a tensor of shape ({0}) into a place of shape ({1}).",
    ),
    Rule(
        r"shape mismatch: indexing tensors could not be broadcast together with shapes (.*)",
        "Two indices of different lengths, {0}, are used side by side. To index two axes at once they go in pairs.",
    ),
    Rule(
        r"shape of the mask \[(.*?)\] at index (\d+) does not match the shape of the indexed tensor \[(.*?)\] at index",
        "A mask of shape ({0}) can't choose along axis {1} of a tensor of shape ({2}): say which axis it is for, as in "
        "`z[:, mask]`.",
    ),
    Rule(
        r"shape '\[(.*?)\]' is invalid for input of size (\d+)",
        "`view` and `reshape` keep the number of entries: {1} don't fit into ({0}).",
    ),
    Rule(
        r"view size is not compatible with input tensor's size and stride",
        "After a transpose the entries no longer lie in that order, so `view` refuses: use `reshape` or `flatten`, "
        "and see that the axes are those you mean.",
    ),
    Rule(
        r"Given groups=1, weight of size \[.*?\], expected input\[.*?\] to have (\d+) channels, but got (\d+) channels",
        "A convolution takes its features on axis 1, and weights (out, features, window). Here the weights expect {0} "
        "features, and the input has {1}: turn the last two axes of both (`.mT`).",
    ),
    Rule(
        r"Kernel size can't be greater than actual input size",
        "The window is longer than what it is laid over: zeros are missing on both sides, (k − 1) / 2 for an odd k.",
    ),
    Rule(
        r"Expected \dD or \dD \(batch mode\).*\b0\b[,\]]",
        "A piece is empty: a slice that begins below 0 counts from the end, and takes nothing. What lies outside needs "
        "zeros (`F.pad`).",
    ),
    Rule(
        r"stack expects each tensor to be equal size, but got \[(.*?)\] at entry 0 and \[(.*?)\] at entry (\d+)",
        "`torch.stack` lays equal tensors on one another; the first is ({0}), number {2} is ({1}). Pieces of different "
        "lengths are joined end to end by `torch.cat`, along the axis in which they differ.",
    ),
    Rule(
        r"expected a non-empty (list|TensorList)|stack expects a non-empty",
        "The list of tensors is empty: the loop that should fill it had no turn.",
    ),
    Rule(
        r"division by zero|integer modulo by zero",
        "A plain number is divided by 0. Is it a sum or a count that began at 0 and never got anything, since the loop "
        "had no turn?",
    ),
    Rule(
        r"Expected target size \[(.*?)\], got \[(.*?)\]",
        "`cross_entropy` wants the classes on axis 1: flatten the logits to (words, V) and the targets to (words,).",
    ),
    Rule(
        r"Expected input batch_size \((\d+)\) to match target batch_size \((\d+)\)",
        "`cross_entropy` got {0} predictions and {1} targets: both must be flattened in the same way.",
    ),
    Rule(
        r"Dimension out of range \(expected to be in range of \[(-?\d+), (-?\d+)\], but got (-?\d+)\)",
        "There is no axis {2} in this tensor: its axes are numbered from {0} to {1}.",
    ),
    Rule(
        r"too many indices for tensor of dimension (\d+)",
        "There are more indices than axes: the tensor has {0}.",
    ),
    Rule(
        r"index -(\d+) is out of bounds for (?:dimension|axis) (\d+)",
        "An index on axis {1} is −{0}: no such place. It was computed: is it a count of 0, of which 1 was taken away?",
        needs=r"gather|scatter|take_along|index_",
    ),
    Rule(
        r"Index tensor must have the same number of dimensions as",
        "`gather` and `scatter` want an index with as many axes as the tensor: keep the axis (`keepdim=True`), or add "
        "one with `unsqueeze`.",
    ),
    Rule(
        r"index (-?\d+) is out of bounds for (?:dimension|axis) (\d+) with size (\d+)",
        "Index {0} is used on axis {1}, which has {2} entries, counted from 0. Are two axes swapped, or is it one too "
        "far?",
    ),
    Rule(
        r"(max|min)\(\) (?:arg|iterable argument) is (?:an )?empty",
        "`{0}` gets an empty list: nothing is left to choose from. Is there a case in which nothing was collected?",
    ),
    Rule(
        r"too many values to unpack \(expected (\d+)\)",
        "On the left of the `=` stand {0} names, and what is taken apart has more than {0} parts: is it one thing, and "
        "no pair?",
    ),
    Rule(
        r"not enough values to unpack \(expected (?:at least )?(\d+), got (\d+)\)",
        "On the left of the `=` stand {0} names, and what is taken apart has {1} part(s).",
    ),
    Rule(r"list index out of range|index out of range|pop from empty list", "An index goes past the end of its list."),
    Rule(
        r"tensors used as indices must be long",
        "An index must hold whole numbers (int64) or booleans: is it a float?",
    ),
    Rule(
        r"number of subscripts in the equation \((\d+)\).*dimensions \((\d+)\) for operand (\d+)",
        "In the einsum, operand {2} has {1} axes and {0} letters.",
    ),
    Rule(
        r"subscript (\w) has size (\d+) for operand (\d+) which does not broadcast with previously seen size (\d+)",
        "In the einsum, the letter {0} stands for {1} and for {3} entries. Are two letters swapped?",
    ),
    Rule(
        r"Boolean value of Tensor with more than one value is ambiguous",
        "Python's `if`, `and`, `or`, `not`, `max` and `min` want one yes or no, and a tensor has many. Use "
        "`torch.where`, `&`, `|`, `~`, `torch.relu`, `torch.clamp` ...",
    ),
    Rule(
        r"only (integer tensors of a single element|one element tensors)|Tensor with \d+ elements cannot be",
        "One number is wanted here, and the tensor has several (or none).",
    ),
    Rule(
        r"Subtraction, the `-` operator, with (a|two) bool", "Booleans can't be subtracted: turn a mask round with `~`."
    ),
    Rule(
        r"~ \(operator\.invert\) is only implemented on integer and Boolean|\"bitwise_\w+\" not implemented for|"
        r"unsupported operand type\(s\) for &",
        "`~`, `&` and `|` join masks of booleans, and one of these isn't: compare first, and put each comparison in "
        "brackets, since `&` binds tighter than `<=`.",
    ),
    Rule(
        r"masked_fill.*bool|expects? .*boolean mask|where expected condition to be a boolean",
        "The mask must be boolean here: leave out `.float()` and `.int()`, or compare (`== 1`).",
    ),
    Rule(
        r"expected scalar type Long but found|following scalar types: Long|not implemented for '(Float|Double)'",
        "Whole numbers (int64) are wanted here, and these are decimal ones.",
    ),
    Rule(
        r"same dtype|scalar type|dtypes match|Float.*Double|Double.*Float",
        "Two precisions meet in one operation: make both the same, `.to(x.dtype)`.",
    ),
    Rule(
        r"torch\.return_types\.(\w+)",
        "Along an axis `{0}` gives two things, the values and their places: take `.values` (or `.indices`).",
    ),
    Rule(
        r"argument '\w+' (?:\(position \d\) )?must be Tensor, not (?:float|int)\b",
        "This function of torch wants a Tensor, and gets a plain number. For a number take Python's own: `math.log`, "
        "`math.exp`, `abs`, `max` ...",
    ),
    Rule(
        r"must be Tensor, not (?:list|tuple)",
        "A list is given where one Tensor is wanted: `torch.stack(...)` makes one of a list of tensors.",
    ),
    Rule(
        r"must be tuple of Tensors, not Tensor",
        "`torch.stack` and `torch.cat` take a list of tensors, and get a single one.",
    ),
    Rule(
        r"could not infer output dtype.*Got: (\w+)",
        "A mean needs decimal numbers, and these are {0}: `.float()` first.",
    ),
    Rule(
        r"not implemented for 'Bool'|only supports floating.*Bool|_loss.*Bool",
        "That can't be done with booleans: make numbers of them first, `.float()`.",
    ),
    Rule(
        r"'Tensor' object is not callable",
        "A tensor is called like a function. Did you hand over a function's *result* where the function itself is "
        "asked for (`lambda y: ...`)?",
    ),
    Rule(
        r"'(list|tuple)' object has no attribute '(\w+)'",
        "A {0} is used like a tensor (`.{1}`). A function that returns several things gives a tuple: take the one you "
        "want out of it, `[0]`; a list of tensors becomes one by `torch.stack`.",
    ),
    Rule(
        r"'(?:builtin_function_or_method|method|function)' object (?:is not subscriptable|has no attribute)"
        r"|unsupported operand type\(s\) for .*'(?:builtin_function_or_method|method|function)'",
        "A function stands where its result is meant: are the round brackets missing (`x.sum()`, not `x.sum`)?",
    ),
    Rule(
        r"'NoneType' object|and 'NoneType'|'NoneType' and",
        "Something is None here: an argument that may be None (a mask?), or a function without a return.",
    ),
    Rule(
        r"element 0 of tensors does not require grad|One of the differentiated Tensors does not require grad",
        "No gradient can be asked for: the tensor was made without `requires_grad=True`, or the way to it is cut.",
    ),
    Rule(
        r"grad can be implicitly created only for scalar outputs",
        "A gradient is asked of several numbers at once: sum them first.",
    ),
    Rule(
        r"appears to not have been used in the graph",
        "A gradient is asked for a tensor that the result doesn't depend on: is it another one that was handed on?",
    ),
    Rule(r"maximum recursion depth exceeded", "The function calls itself without end."),
    Rule(
        r"name '(\w+)' is not defined",
        "`{0}` is not defined: is it misspelled, or defined further down or in another function only?",
    ),
    Rule(
        r"cannot access local variable '(\w+)'|local variable '(\w+)' referenced before",
        "A variable is used before it gets a value: is the line that sets it inside an `if` or a loop that didn't run?",
    ),
)
