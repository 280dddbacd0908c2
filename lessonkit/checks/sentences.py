"""What PyTorch's and Python's messages mean: a pattern, and a sentence that may quote what it found."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from lessonkit.checks.outcome import Failure

CUT = (
    "numpy, `.item()`, `.detach()`, `no_grad`, math and `torch.tensor(...)` cut it: use torch's functions all the way."
)


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
ABOUT_GRADIENTS = (
    Rule(
        r"Can't call numpy\(\) on Tensor that requires grad", "numpy cuts the gradient: use torch's functions instead."
    ),
    Rule(r"does not require grad", f"No gradient flows through your result: {CUT}"),
    Rule(
        r"leaf [Vv]ariable that requires grad (is being|has been)|a view of a leaf",
        "Your function changes one of its inputs in place. Work on a copy, or use the form without the underscore.",
    ),
    Rule(
        r"modified by an inplace operation|is a view and is being modified|used in an in-place operation",
        "You overwrite numbers that the gradient still needs. Write into a new tensor, or stack a list.",
    ),
    Rule(
        r"backward through the graph a second time",
        "The gradient is asked for a second time, but your function has used it up: leave out its `.backward()`.",
    ),
)
NOT_USABLE = (  # raised by the probe, with what the learner's function returned
    Rule(r"NoneType", "Your function returned None: does it end with a return?"),
    Rule(
        r"too many values to unpack|not enough values to unpack|cannot unpack non-iterable",
        "The check can't go on with what your function returned: is the number of results that of the docstring?",
    ),
    Rule(
        r"",
        "The check can't go on with what your function returned. Does it fit the docstring: its shape, its type, how "
        "many results there are?",
    ),
)
OF_THE_CALL = (  # raised where the check calls the function, before any line of it ran
    Rule(
        r"missing \d+ required|positional arguments? but|unexpected keyword|takes no arguments|multiple values for",
        "The check can't call your function: its arguments are no longer those of the first line as it was given. "
        "Put the line `def ...` back.",
    ),
)
OVERWRITTEN = Rule(r"^`(\w+)` is no longer", "A name that the lesson needs was given to something else.")
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
        "Two tensors don't fit together: {0} entries meet {1}. After a sum, mean or norm over an axis, that axis is "
        "gone: `keepdim=True` keeps it, with length 1.",
        needs=r"(sum|mean|norm|max|amax|std|var)\(",
        when=lambda failure: "keepdim" not in failure.line,
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
        r"index (-?\d+) is out of bounds for (?:dimension|axis) (\d+) with size (\d+)",
        "Index {0} is used on axis {1}, which has {2} entries, counted from 0. Are two axes swapped, or is it one too "
        "far?",
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


def explain(failure: Failure) -> str:
    """What to tell the learner about an exception: what it means, where, and what was raised."""
    raised = f"{'Your code' if failure.in_answer else 'It'} raised {failure.kind}: {failure.message}"
    if failure.inside:
        with_ = f" You called it with {failure.shapes}." if failure.shapes else ""
        return (
            f"The error is inside `{failure.inside}`, which the check hands over: it can't work with what you gave it. "
            f"Are its arguments the right ones, by position, in the order that the task names?{with_} {raised}"
        )
    called = failure.in_answer and failure.kind == "TypeError" and not failure.line
    rules = OF_THE_CALL if called else EXPLANATIONS if failure.in_answer else NOT_USABLE
    for rule in (OVERWRITTEN, *ABOUT_GRADIENTS, *rules):
        found = re.search(rule.pattern, failure.message)
        if found and re.search(rule.needs, failure.line) and rule.when(failure):
            where = f" In this line: {failure.shapes}." if failure.shapes and failure.in_answer else ""
            groups = [group or "" for group in found.groups()]
            return f"{rule.sentence.format(*groups)}{where} {raised}"
    where = f" In this line: {failure.shapes}." if failure.shapes and failure.in_answer else ""
    return raised + where
