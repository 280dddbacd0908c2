"""Attempts to leave something for the next submission, or to find it; and what is one's own to see."""

from tests.attacks.workshop import EVERYTHING, attack

# What one submission leaves, the next one must not find

PLACES = """
import ctypes, os, socket, subprocess, sys
places = [".", "/tmp", "/dev/shm", "/run", "/var/tmp", os.environ["TMPDIR"], os.path.expanduser("~"), "/run/notebook"]
places += [p for p in sys.path if p]
"""


@attack("steal")
def leaves_an_answer(desk):
    """Leaves its answer for the next submission: in files, in processes, in shared memory, in sockets."""
    desk.trick(
        PLACES
        + """
for place in places:
    try:
        with open(os.path.join(place, "the-answer"), "w") as file:
            file.write("exp(s) / sum(exp(s))")
    except OSError:
        pass
libc = ctypes.CDLL(None, use_errno=True)
segment = libc.shmget(4711, 100, 0o1666)
if os.fork() == 0:
    os.setsid()
    held = socket.socket(socket.AF_UNIX)
    held.bind("\\0the-answer")
    held.listen()
    served = socket.create_server(("127.0.0.1", 47111))
    os.execvp("sleep", ["the-answer", "300"])
"""
    )


@attack("steal", shows=r"left \[\]")
def looks_for_an_answer(desk):
    """Looks for what the submission before this one left."""
    desk.trick(
        PLACES
        + """
left = [place for place in places if os.path.exists(os.path.join(place, "the-answer"))]
if ctypes.CDLL(None).shmget(4711, 100, 0o666) >= 0:
    left.append("shared memory")
left += [pid for pid in os.listdir("/proc") if pid.isdecimal() and int(pid) != os.getpid()]
for family, address in ((socket.AF_UNIX, "\\0the-answer"), (socket.AF_INET, ("127.0.0.1", 47111))):
    try:
        socket.socket(family).connect(address)
        left.append(address)
    except OSError:
        pass
print("left", left)
"""
    )


@attack("steal", EVERYTHING, shows="my own seed is")
def its_own_seed(desk):
    """Prints what its random numbers began with: with a seed that was given, the run's could be found from it."""
    desk.solve()
    desk.add("print('my own seed is', torch.initial_seed())")
