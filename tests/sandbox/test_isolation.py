"""What a submission can see and reach: the system, Python, lessonkit, its own folder; nothing else."""

import json
import os
import secrets
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.sandbox import bwrap, seccomp
from tests.sandbox.conftest import TIGHT, TMP_IS_ITS_OWN, error_of, probe, text_of

ROOT = Path(__file__).resolve().parents[2]
LONG = replace(TIGHT, cell_seconds=30.0, cell_wall_seconds=60.0, notebook_seconds=60.0)


def test_the_environment_is_not_the_graders(run):
    assert os.environ["A_SECRET_OF_THE_GRADER"]  # set before the sandbox was started
    result = run("import os\ndict(os.environ)", "open('/proc/1/environ').read()")
    assert "PATH" in text_of(result, 0)
    for cell in (0, 1):
        assert "SECRET" not in text_of(result, cell)
        assert os.environ["A_SECRET_OF_THE_GRADER"] not in text_of(result, cell)


def test_no_file_of_the_course_but_lessonkit_and_data(run):
    seen = run(
        f"""
import json, os, sys
found = []
for folder, folders, files in os.walk({str(ROOT)!r}):
    folders[:] = [f for f in folders if os.path.join(folder, f) != sys.prefix]  # Python itself may be seen
    found += [os.path.relpath(os.path.join(folder, name), {str(ROOT)!r}) for name in files]
print(json.dumps(found))
""",
        "import autograder, glob, os\nlist(autograder.__path__), sorted(os.listdir('/run/grader/autograder/sandbox'))",
        "import autograder.authoring.bank",
    )
    found = {Path(name).parts[0] for name in json.loads(text_of(seen, 0))}
    assert "lessonkit" in found
    assert found <= {"lessonkit", "data"}
    assert "client.py" not in text_of(seen, 1)
    assert error_of(seen, 2) == "ModuleNotFoundError"


def test_no_file_of_the_person_who_grades(run, tmp_path):
    secret = tmp_path / "gradebook.db"
    secret.write_text("marks")
    here = Path(__file__)
    result = run(
        f"import os\n[os.path.exists(p) for p in ({str(secret)!r}, {str(here)!r}, '/etc/shadow', '/sys')]",
        "import os\nos.listdir('/home') if os.path.exists('/home') else []",
    )
    assert text_of(result, 0) == str([False] * 4)
    assert text_of(result, 1) == "[]"


def test_temporary_files_go_where_a_job_may_write(run, monkeypatch):
    monkeypatch.setattr(bwrap, "hides_tmp", lambda config: True)  # as where Python lies under /tmp
    cache = "'TORCHINDUCTOR_CACHE_DIR' in os.environ"
    result = run(f"import os, tempfile\n[tempfile.gettempdir() == os.path.expanduser('~/.tmp'), {cache}]")
    assert text_of(result, 0) == str([True, False])


def test_nothing_can_be_written_but_the_own_folders(run):
    result = run(
        """
import os
writable = []
for folder, folders, files in os.walk("/"):
    if folder.startswith(("/proc", "/usr/share")):
        folders.clear()
        continue
    for name in [folder] + [os.path.join(folder, f) for f in files]:
        if not os.path.islink(name) and os.access(name, os.W_OK) and not name.startswith("/dev/pts"):
            writable.append(name)
            if name == folder:
                folders.clear()
print(sorted(set(writable)))
""",
        limits=LONG,
    )
    allowed = {"/dev/shm", "/run/notebook"} | ({"/tmp"} if TMP_IS_ITS_OWN else set())
    if not TMP_IS_ITS_OWN and os.geteuid() != 0:
        # Known gap: an ordinary user whose Python lies under /tmp; jobs share the otherwise empty folder around it.
        allowed |= {"/tmp"}
    devices = {f"/dev/{name}" for name in ("full", "null", "zero", "random", "urandom", "tty", "console", "ptmx")}
    assert set(eval(text_of(result, 0))) - devices == allowed


def test_no_other_process_is_seen(run):
    result = run("import os\n[p for p in os.listdir('/proc') if p.isdecimal()], os.getpid(), os.getppid()")
    assert text_of(result, 0) == "(['1'], 1, 0)"


def test_no_network(run):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = run(
            f"import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=1)",
            "socket.create_connection(('1.1.1.1', 53), timeout=1)",
            "socket.getaddrinfo('example.org', 80)",
            "[name for _, name in socket.if_nameindex()] if hasattr(socket, 'if_nameindex') else ['lo']",
        )
    assert error_of(result, 0) == "ConnectionRefusedError"
    assert error_of(result, 1) == "OSError"
    assert error_of(result, 2) == "gaierror"


def test_no_abstract_socket_of_the_machine(run):
    name = "\0" + secrets.token_hex(8)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        result = run(f"import socket\nsocket.socket(socket.AF_UNIX).connect({name!r})")
    assert error_of(result, 0) == "ConnectionRefusedError"


def test_no_capability_and_none_to_be_had(run):
    result = run("print(open('/proc/self/status').read())", "!grep -E 'Cap|NoNew' /proc/self/status")
    for cell in (0, 1):
        lines = dict(line.split(":", 1) for line in text_of(result, cell).splitlines() if ":" in line)
        assert {lines[f"Cap{kind}"].strip() for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
        assert lines["NoNewPrivs"].strip() == "1"


def test_only_its_own_descriptors_are_open(run):
    result = run("""
import os
for fd in os.listdir("/proc/self/fd"):
    if os.path.lexists(f"/proc/self/fd/{fd}"):
        print(os.readlink(f"/proc/self/fd/{fd}"))
""")
    kinds = {line.split(":")[0] for line in text_of(result, 0).splitlines()}
    assert kinds <= {"/dev/null", "/memfd", "socket", "anon_inode", "/proc/1/fd"}
    assert text_of(result, 0).count("socket:[") <= 3  # the channel, and the event loop's pair


@pytest.mark.skipif(not seccomp.supported(), reason="the filter knows x86-64 and AArch64 only")
@pytest.mark.parametrize("call", ["unshare", "mount", "keyctl", "io_uring_setup", "ptrace", "memfd_create", "clone3"])
def test_system_calls_that_no_notebook_needs_are_refused(run, call):
    column = seccomp.MACHINES[os.uname().machine][0]
    number, refusal = (
        (seccomp.DENIED[call][column], 1) if call in seccomp.DENIED else (seccomp.ABSENT[call][column], 38)
    )
    result = run(
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)",
        f"libc.syscall({number}, 0, 0, 0, 0, 0), ctypes.get_errno()",
    )
    assert text_of(result, 1) == f"(-1, {refusal})"


@pytest.mark.skipif(not seccomp.supported(), reason="the filter knows x86-64 and AArch64 only")
def test_no_socket_family_that_leaves_the_namespace(run):
    result = run(
        "import socket\nsocket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)", "socket.socket(socket.AF_NETLINK, 3)"
    )
    assert error_of(result, 0) == error_of(result, 1) == "OSError"


def test_the_numbers_of_the_system_calls_are_the_kernels():
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    generic = Path("/usr/include/asm-generic/unistd.h")
    if not header.exists() or not generic.exists():
        pytest.skip("linux-libc-dev is not installed")
    for path, column in ((header, 0), (generic, 1)):
        text = path.read_text().replace("__NR3264_", "__NR_")
        table = dict(line.split()[1:3] for line in text.splitlines() if line.startswith("#define __NR_"))
        ours = seccomp.DENIED | seccomp.ABSENT | {"clone": seccomp.CLONE, "socket": seccomp.SOCKET}
        assert {name: table[f"__NR_{name}"] for name in ours} == {
            name: str(pair[column]) for name, pair in ours.items()
        }


def test_the_seeds_are_not_there_while_the_cells_run(run):
    seed = 918_273_645
    result = run(
        "import gc\n'546372819'[::-1] in repr([o for o in gc.get_objects() if type(o) in (dict, list, tuple, str)])",
        "def f(x): return x",
        probes=(probe(seeds=(seed,)),),
    )
    assert text_of(result, 0).endswith("False")
    assert seed in result.probes[0].outcomes
