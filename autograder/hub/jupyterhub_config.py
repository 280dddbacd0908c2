"""A hub to rehearse a class with, on one machine, in this machine's own browser. HUB.md has the real ones.

mkdir class && cd class && jupyterhub -f /path/to/autograder/hub/jupyterhub_config.py

Not for a class: whoever says that he is ada, is, and students can read the solutions. Everybody's server runs in
bubblewrap, and sees of the folder `class` its own home and the exchange. To nbgrader all are `jovyan` there, as in the
containers of a real hub, and JUPYTERHUB_USER says whose a submission is. Works as root and as a user.
"""

import os
import re
import socket
import sys
from pathlib import Path

from autograder.machine import HUB, missing, offer_own_programs

c = get_config()  # noqa: F821 -- JupyterHub provides it
INSTRUCTOR, STUDENTS = "instructor", ("ada", "bob")

offer_own_programs()
if lacking := missing(HUB):
    sys.exit(lacking[0].sentence)
PORTS = {"bind_url": 8000, "api_url": 8001, "hub_port": 8081}  # unless the command line chooses others
OTHERS = "--JupyterHub.bind_url=http://127.0.0.1:8100 --JupyterHub.hub_port=8181 "
OTHERS += "--ConfigurableHTTPProxy.api_url=http://127.0.0.1:8101"


def taken_ports():
    """The ports that the hub and its proxy want, and something else listens on."""
    line = " ".join(sys.argv).replace("hub_bind_url=", "hub_port=")
    chosen = dict(re.findall(r"\.(\w+)=\S*?(\d+)/?(?= |$)", line))
    for port in (int(chosen.get(name, port)) for name, port in PORTS.items()):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                yield port


for taken in taken_ports():
    sys.exit(f"Port {taken} is in use, perhaps by another hub. Stop that one, or add: {OTHERS}")
HERE = Path(__file__).resolve().parent
CLASS = Path.cwd()
EXCHANGE, HOMES, OWN = CLASS / "exchange", CLASS / "homes", CLASS / "hub"
PASSWD = OWN / "passwd"
for folder in (EXCHANGE, HOMES, OWN):
    folder.mkdir(exist_ok=True)
EXCHANGE.chmod(0o777)  # nbgrader asks for it
PASSWD.write_text(f"jovyan:x:{os.getuid()}:{os.getgid()}::/nowhere:/bin/bash\n")


def at_home(spawner):
    """Start a user's server in bubblewrap; an instructor's home is the course's folder, with its configuration."""
    home = HOMES / spawner.user.name
    home.mkdir(exist_ok=True)
    spawner.home_dir = str(home)
    words = ["bwrap", "--die-with-parent", "--dev-bind", "/", "/", "--ro-bind", PASSWD, "/etc/passwd"]
    words += ["--tmpfs", CLASS, "--bind", home, home, "--bind", EXCHANGE, EXCHANGE, "--chdir", home]
    spawner.cmd = [*map(str, words), "jupyterhub-singleuser"]
    config = [HERE, HERE.parent] if spawner.user.name == INSTRUCTOR else [HERE]
    spawner.environment = {"JUPYTER_CONFIG_PATH": os.pathsep.join(map(str, config)), "NBGRADER_EXCHANGE": str(EXCHANGE)}


c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.db_url = f"sqlite:///{OWN}/hub.sqlite"
c.JupyterHub.cookie_secret_file = f"{OWN}/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = f"{OWN}/proxy.pid"
c.JupyterHub.authenticator_class = "dummy"  # any password will do
c.Authenticator.allowed_users = {INSTRUCTOR, *STUDENTS}
c.JupyterHub.spawner_class = "simple"
c.Spawner.http_timeout = 300  # seconds until a server must answer: a laptop may have other things to do
c.Spawner.pre_spawn_hook = at_home
c.Spawner.args = [
    "--ServerApp.terminado_settings={'shell_command': ['/bin/bash']}"
]  # keeps PATH, a login shell may not
_HEADERS = {"Content-Security-Policy": "frame-ancestors 'self'"}  # formgrader is a page within JupyterLab's page
c.Spawner.args += [f"--ServerApp.tornado_settings={dict(headers=_HEADERS)}"]
c.Spawner.args += ["--allow-root"] if os.getuid() == 0 else []
