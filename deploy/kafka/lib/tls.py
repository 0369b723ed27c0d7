"""A certificate for the brokers of a cluster, made by the JDK's keytool, and what clients trust it by."""

import shutil
import subprocess
from pathlib import Path

import artifacts
from fail import JAVA, Failure

# Protects nothing: whoever can read the folder may be the broker.
PASSWORD = "on-loopback"
KEYS = "tls.p12"
TRUSTED = "ca.pem"


def make(folder):
    """Makes `folder`/tls.p12 for the brokers and `folder`/ca.pem for clients, for 127.0.0.1 and localhost."""
    (folder / KEYS).unlink(missing_ok=True)  # of a start that failed
    keys = ["-storetype", "PKCS12", "-keystore", str(folder / KEYS), "-storepass", PASSWORD, "-alias", "broker"]
    keytool("-genkeypair", *keys, "-keyalg", "EC", "-dname", "CN=localhost", "-validity", "3650",
            "-ext", "san=ip:127.0.0.1,dns:localhost")
    keytool("-exportcert", *keys, "-rfc", "-file", str(folder / TRUSTED))


def keytool(*args):
    """Runs the keytool beside the JDK's java, with as little of a JVM as it needs."""
    tool = Path(artifacts.java()).resolve().with_name("keytool")
    if shutil.which(tool) is None:
        raise Failure(JAVA, f"no {tool}: TLS needs a whole JDK, with its keytool")
    run = subprocess.run([tool, "-J-XX:TieredStopAtLevel=1", *args], capture_output=True, text=True)
    if run.returncode != 0:
        raise Failure(JAVA, f"keytool makes no certificate: {run.stdout.strip() or run.stderr.strip()}")


def broker(folder):
    """The settings of a broker whose cluster's files are in `folder`."""
    return {
        "listener.name.tls.ssl.keystore.type": "PKCS12",
        "listener.name.tls.ssl.keystore.location": folder / KEYS,
        "listener.name.tls.ssl.keystore.password": PASSWORD,
    }
