"""Native form elements in the page, with names, as a widget: controls.js draws them, without any network."""

from pathlib import Path

import anywidget
import traitlets

_HERE = Path(__file__).parent


class Form(anywidget.AnyWidget):
    """Native form elements in the page; `values` holds what was chosen. See controls.js."""

    _esm = _HERE / "controls.js"
    _css = _HERE / "controls.css"
    kind = traitlets.Unicode("explore").tag(sync=True)
    fields = traitlets.List().tag(sync=True)
    values = traitlets.List().tag(sync=True)
    shown = traitlets.Unicode("").tag(sync=True)
    said = traitlets.Unicode("").tag(sync=True)
