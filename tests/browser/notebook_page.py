"""What a learner does in a notebook page: open it, write into a cell, run it, look at what comes out."""

from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from .conftest import TOKEN

MINUTE = 60_000  # milliseconds
PATIENCE = 2 * MINUTE  # for a machine with other things to do
expect.set_options(timeout=PATIENCE)
FRONT = ".jp-NotebookPanel:not(.lm-mod-hidden)"
NOTEBOOKS_OWN = "reading 'schema'"  # Notebook 7.6.5 says it while it loads its own shortcuts, before a notebook is open
_COUNT = "window.jupyterapp.shell.currentWidget.content.activeCell.model.executionCount"


class NotebookPage:
    """One notebook, open in JupyterLab or Notebook 7; remembers console errors and requests that leave the machine."""

    def __init__(self, browser: Browser, address: str, lesson: str, app: str = "jupyterlab", width: int = 1280):
        self.app, self.host = app, urlsplit(address).netloc
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.context = browser.new_context(viewport={"width": width, "height": 900})
        self.context.set_default_timeout(PATIENCE)
        self.context.on("page", self._listen)
        self.page: Page = self.context.new_page()
        path = "start.ipynb" if lesson == "start" else f"{lesson}/{lesson}.ipynb"
        kind = "lab/tree" if app == "jupyterlab" else "notebooks"
        self.page.goto(f"{address}/{kind}/{path}?token={TOKEN}&reset")
        self.wait_for_notebook(path)
        if app == "jupyterlab":  # the list of files takes room, and comes when it likes
            self.command("application:toggle-left-area")

    def close(self) -> None:
        """Close its windows."""
        self.context.close()

    def _listen(self, page: Page) -> None:
        page.on("console", lambda message: self._hear(message))
        page.on("pageerror", lambda error: self._hear_error(f"{error}\n{error.stack}"))
        page.on("request", lambda request: self._note(request.url))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def _hear_error(self, text: str) -> None:
        if not (self.app == "notebook" and NOTEBOOKS_OWN in text):
            self.errors.append(text)

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self.host:
            self.foreign.append(url)

    def wait_until_idle(self) -> None:
        """Wait until the kernel has nothing to do."""
        self.page.wait_for_function(
            "() => { const k = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;"
            " return k && k.status === 'idle' && k.connectionStatus === 'connected'; }",
            timeout=PATIENCE,
        )

    def follow(self, link: Locator, name: str) -> None:
        """Click on a link to another notebook; Notebook 7 opens it in a window of its own."""
        if self.app == "jupyterlab":
            link.click()
        else:
            with self.context.expect_page() as opened:
                link.click()
            self.page = opened.value
        self.wait_for_notebook(name)

    def wait_for_notebook(self, name: str) -> None:
        """Wait until the notebook with this file name is the one in front, and its kernel is ready."""
        self.page.wait_for_function(
            "name => window.jupyterapp?.shell.currentWidget?.context?.path?.endsWith(name)",
            arg=name,
            timeout=PATIENCE,
        )
        self.wait_until_idle()

    def command(self, name: str, **arguments: object) -> None:
        """Execute one of JupyterLab's commands."""
        self.page.evaluate("async ([n, a]) => { await window.jupyterapp.commands.execute(n, a); }", [name, arguments])

    def run_all(self) -> None:
        """Run all cells, and wait for the kernel."""
        self.command("notebook:run-all-cells")
        self.wait_until_idle()

    def restart(self) -> None:
        """Restart the kernel: its names are gone, the page stays."""
        self.page.evaluate(
            "async () => { await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart(); }"
        )
        self.wait_until_idle()

    def theme(self, name: str) -> None:
        """Change the page's theme."""
        self.command("apputils:change-theme", theme=name)
        self.page.wait_for_function("n => document.body.dataset.jpThemeName === n", arg=name, timeout=MINUTE)

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
        return self.page.locator(f"{FRONT} .jp-Cell.jp-mod-active")

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
            timeout=PATIENCE,
        )
        self.wait_until_idle()
        return cell

    def outputs_of_type(self, *kinds: str) -> list[str]:
        """What cells put out of these kinds ("error", or a stream's name), as text."""
        outputs = self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.content.widgets.filter(w => w.model.type === 'code')"
            ".flatMap(w => w.model.outputs.toJSON())"
        )
        return [str(found) for found in outputs if found["output_type"] in kinds or found.get("name") in kinds]

    def _execution_count(self) -> int | None:
        return self.page.evaluate(f"() => {_COUNT}")

    def save(self) -> None:
        """Save the notebook, and wait until it is saved."""
        self.page.evaluate("async () => { await window.jupyterapp.shell.currentWidget.context.save(); }")
