"""A real OpenSSH server on loopback, with keys, config and known hosts of its own."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgefkp.bench.devices.ssh import SshDevice

SSHD = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshDevice]:
    if not SSHD or not shutil.which("ssh-keygen"):
        pytest.skip("no OpenSSH server here: apt-get install openssh-server")
    folder = tmp_path_factory.mktemp("sshd")
    for key in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "ListenAddress": "127.0.0.1",
        "Port": str(port),
        "HostKey": str(folder / "host"),
        "AuthorizedKeysFile": str(folder / "authorized"),
        "UsePAM": "no",
        "StrictModes": "no",
        "PasswordAuthentication": "no",
        "PidFile": "none",
    }
    (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    client = f"IdentityFile {folder}/user\nIdentitiesOnly yes\nUserKnownHostsFile {folder}/known\n"
    (folder / "ssh_config").write_text(client + "StrictHostKeyChecking accept-new\nLogLevel ERROR\nBatchMode yes\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    daemon = subprocess.Popen([SSHD, "-D", "-f", str(folder / "sshd_config"), "-E", str(folder / "log")])
    previous = os.environ.get("EDGEFKP_SSH")
    os.environ["EDGEFKP_SSH"] = f"ssh -F {shlex.quote(str(folder / 'ssh_config'))}"
    try:
        for _ in range(50):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        yield SshDevice(f"{user}@127.0.0.1", port, python=sys.executable)
    finally:
        daemon.terminate()
        daemon.wait()
        os.environ.pop("EDGEFKP_SSH")
        if previous is not None:
            os.environ["EDGEFKP_SSH"] = previous
