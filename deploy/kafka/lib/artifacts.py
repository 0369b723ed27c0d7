"""Java, and Kafka's jars: found, or fetched once into the build folder with Maven."""

import fcntl
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

from fail import FETCH, JAVA, MAVEN, Failure, say

HERE = Path(__file__).resolve().parent.parent
POM = HERE / "pom.xml"
JAVA_MIN = 17
FETCH_TIMEOUT_S = 900


def build_folder():
    """Where everything made goes: cargo's build folder, so that `cargo clean` takes it along."""
    return Path(os.environ.get("CARGO_TARGET_DIR") or HERE.parent.parent / "target").absolute() / "kafka"


def version():
    """The Kafka version that pom.xml pins."""
    return ET.parse(POM).getroot().findtext("{*}properties/{*}kafka.version")


def java():
    """The path of a Java that Kafka runs on: JAVA_HOME's, else the first on the PATH."""
    home = os.environ.get("JAVA_HOME")
    path = shutil.which("java", path=os.path.join(home, "bin") if home else None)
    if path is None:
        where = f"JAVA_HOME ({home})" if home else "the PATH"
        raise Failure(JAVA, f"no java on {where}: install a JDK {JAVA_MIN} or newer, or set JAVA_HOME to one")
    told = subprocess.run([path, "-version"], capture_output=True, text=True).stderr
    major = re.search(r'version "(\d+)', told)
    if major is None or int(major.group(1)) < JAVA_MIN:
        first = (told.splitlines() or ["nothing"])[0]
        raise Failure(JAVA, f"Kafka {version()} needs Java {JAVA_MIN} or newer, but {path} says: {first}; install "
                            "one, or set JAVA_HOME to one")
    return path


def libs():
    """The folder of Kafka's jars, fetched if it isn't there. Commands that run at once fetch once."""
    home = build_folder() / version()
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not fetched(home):
            fetch(home)
    return home / "libs"


def fetched(home):
    """The jars there are those of this pom.xml: its copy is laid beside them last."""
    copy = home / "pom.xml"
    return copy.exists() and copy.read_bytes() == POM.read_bytes()


def fetch(home):
    """Copies the jars that pom.xml names into `home`/libs. Checksums that don't match are an error."""
    maven = shutil.which("mvn")
    if maven is None:
        raise Failure(MAVEN, f"no mvn on the PATH: install Maven; Kafka {version()} is fetched with it once")
    say(f"fetching Kafka {version()} into {home} (once)")
    partial = home / "libs.partial"
    shutil.rmtree(partial, ignore_errors=True)
    (home / "pom.xml").unlink(missing_ok=True)
    command = [maven, "-q", "-B", "-C", "-f", str(POM), "dependency:copy-dependencies", "-DincludeScope=runtime",
               f"-DoutputDirectory={partial}"]
    try:
        run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, timeout=FETCH_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise Failure(FETCH, f"Maven did not fetch Kafka within {FETCH_TIMEOUT_S} s: is the network there?") from None
    if run.returncode != 0:
        reason = [line for line in run.stdout.splitlines() if "ERROR" in line][:3] or run.stdout.splitlines()[-3:]
        say("\n  ".join(["Maven said:"] + reason))
        raise Failure(FETCH, f"Maven could not fetch Kafka {version()}: the first start needs the network, or a mirror named "
                             "in Maven's settings")
    shutil.rmtree(home / "libs", ignore_errors=True)
    partial.rename(home / "libs")
    shutil.copy(POM, home / "pom.xml")


def command(main_class, args, jvm=()):
    """The command line that runs a class of Kafka's; what it logs goes to stderr.

    The quick compiler alone: measured, it halves the processor time of a start and of the first millions of records, for
    which the other one compiles all along, and costs no throughput there."""
    return [java(), *jvm, "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
            "-cp", str(libs() / "*"), main_class, *args]
