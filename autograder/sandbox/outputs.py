"""What the cells of one job showed, counted before it is kept: no cell and no notebook shows more than its limit."""

from autograder.sandbox import untrusted

SLACK = 1 << 20  # what a notebook's outputs may take beyond their limit, errors above all, which no child leaves out
OVERHEAD = 500  # what an output counts beyond its content, as in the child
_CUT = "\n[The output was cut here: a cell may write {size}.]\n"


class Shown:
    """The outputs of a notebook while it runs. `cell()` begins a cell; its outputs come in one after the other."""

    def __init__(self, of_a_cell: int, of_all: int):
        self._of_a_cell, self._left, self._slack = of_a_cell, of_all, SLACK
        self._displays: dict[str, list[dict]] = {}  # display_id -> the outputs that show it

    def cell(self) -> "ShownByCell":
        """The next cell's, with the room that is left."""
        return ShownByCell(min(self._of_a_cell, self._left), self._slack, self._displays)

    def count(self, cell: "ShownByCell") -> None:
        """Take what a cell has used off what is left."""
        self._left -= cell.room - max(cell.left, 0)
        self._slack = max(0, self._slack + min(cell.left, 0))


class ShownByCell:
    """The outputs of one cell while it runs. `room`: bytes that it may show."""

    def __init__(self, room: int, slack: int, displays: dict[str, list[dict]]):
        self.room = self.left = room
        self._slack, self._displays = slack, displays
        self._outputs: list[dict] = []
        self._cut = self._clear_next = False

    def outputs(self) -> tuple[dict, ...]:
        """All that is kept, with a line where it was cut."""
        if self._cut:
            text = _CUT.format(size=size(self.room))
            _append(self._outputs, {"output_type": "stream", "name": "stderr", "text": text})
        return tuple(self._outputs)

    def take(self, header: dict) -> None:
        """One output as the job sent it. Raises ProtocolError where it isn't one."""
        kind, content = header.get("kind"), header.get("content")
        if kind == "cut":
            self._cut = True
        elif kind == "clear_output":
            if isinstance(content, dict) and content.get("wait"):
                self._clear_next = True
            else:
                self._outputs.clear()
        elif kind in ("stream", "error", "execute_result", "display_data", "update_display_data"):
            made = untrusted.output("display_data" if kind == "update_display_data" else kind, content)
            display_id = untrusted.display_id(content)
            updated = self._displays.get(display_id, []) if kind == "update_display_data" else []
            self.left -= max(1, len(updated)) * (OVERHEAD + len(str(made)))  # as often as it will be written
            if self.left < -self._slack:  # an honest child stops before: this one floods
                self._cut = True
            elif kind == "update_display_data":
                for shown in updated:
                    shown.update(data=made["data"], metadata=made["metadata"])
            else:
                self._place(made, display_id)

    def _place(self, made: dict, display_id: str) -> None:
        if self._clear_next:
            self._outputs.clear()
            self._clear_next = False
        if made.get("data") == {}:
            return
        _append(self._outputs, made)
        if display_id:
            self._displays.setdefault(display_id, []).append(made)


def _append(outputs: list[dict], made: dict) -> None:
    """Add an output; text joins the text of the same stream before it."""
    if made["output_type"] == "stream" and outputs and outputs[-1].get("name") == made["name"]:
        outputs[-1]["text"] += made["text"]
    else:
        outputs.append(made)


def size(number: int) -> str:
    """A number of bytes in words."""
    return f"{number / (1 << 20):.0f} MiB" if number >= 1 << 20 else f"{number:,} bytes"
