"""What a learner does in a notebook page: open it, write into a cell, run it, look at what comes out."""

from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page

from .conftest import TOKEN

MINUTE = 60_000  # milliseconds
_COUNT = "window.jupyterapp.shell.currentWidget.content.activeCell.model.executionCount"


class NotebookPage:
    """One lesson, open in JupyterLab; remembers console errors and requests that leave the machine."""

    def __init__(self, browser: Browser, address: str, lesson: str, width: int = 1280):
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900})
        self.errors: list[str] = []
        self.foreign: list[str] = []
        host = urlsplit(address).netloc
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url, host))
        self.page.goto(f"{address}/lab/tree/{lesson}/{lesson}.ipynb?token={TOKEN}&reset")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=2 * MINUTE)
        self.wait_until_idle()

    def _note(self, url: str, host: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != host:
            self.foreign.append(url)

    def wait_until_idle(self) -> None:
        """Wait until the kernel has nothing to do."""
        self.page.wait_for_function(
            "() => { const k = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;"
            " return k && k.status === 'idle' && k.connectionStatus === 'connected'; }",
            timeout=2 * MINUTE,
        )

    def cell(self, identity: str) -> Locator:
        """Scroll to the cell with that id, make it the active one, and return it."""
        found = self.page.evaluate(
            """async (id) => {
                const notebook = window.jupyterapp.shell.currentWidget.content;
                const index = notebook.widgets.findIndex(w => w.model.id === id);
                if (index < 0) return false;
                notebook.activeCellIndex = index;
                notebook.mode = 'command';
                await notebook.scrollToItem(index, 'start');
                return true;
            }""",
            identity,
        )
        assert found, f"no cell {identity}"
        return self.page.locator(".jp-Notebook .jp-Cell.jp-mod-active")

    def write(self, identity: str, code: str) -> None:
        """Replace what stands in a cell, as with the keyboard."""
        self.cell(identity).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Delete")
        self.page.evaluate("(code) => document.execCommand('insertText', false, code)", code)
        self.page.keyboard.press("Escape")

    def run(self, identity: str) -> Locator:
        """Run a cell with Ctrl+Enter and return it when the kernel is idle again."""
        cell = self.cell(identity)
        before = self._execution_count()
        cell.press("Control+Enter")
        self.page.wait_for_function(
            f"before => {{ const count = {_COUNT}; return count !== null && count !== before; }}",
            arg=before,
            timeout=2 * MINUTE,
        )
        self.wait_until_idle()
        return cell

    def _execution_count(self) -> int | None:
        return self.page.evaluate(f"() => {_COUNT}")

    def save(self) -> None:
        """Save the notebook, and wait until it is saved."""
        self.page.evaluate("async () => { await window.jupyterapp.shell.currentWidget.context.save(); }")
