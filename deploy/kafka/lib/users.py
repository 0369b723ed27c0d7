"""Who may log in on the SASL listener: `name password` lines, by PLAIN and by SCRAM-SHA-512."""

import re

from fail import STATE, Failure

OPERATOR = "operator"
WORD = re.compile(r"[A-Za-z0-9._-]+")  # goes into JAAS lines without quoting


def read(path):
    """Passwords by user name."""
    users = {}
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise Failure(STATE, f"read the users in {path}: {error.strerror.lower()}") from None
    for number, line in enumerate(lines, 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(words) != 2 or not all(WORD.fullmatch(word) for word in words):
            raise Failure(STATE, f"{path}:{number}: want `name password` of letters, digits, dot, dash, underscore")
        if words[0] in users:
            raise Failure(STATE, f"{path}:{number}: user {words[0]} is there twice")
        users[words[0]] = words[1]
    if OPERATOR not in users:
        raise Failure(STATE, f"{path}: no user {OPERATOR}, who may do everything")
    return users


def plain_jaas(users):
    """The broker's JAAS line for PLAIN, which has the passwords in it."""
    names = " ".join(f'user_{name}="{password}"' for name, password in users.items())
    return f"org.apache.kafka.common.security.plain.PlainLoginModule required {names};"


def scram_args(users):
    """StorageTool's arguments that put the users into a new cluster's metadata for SCRAM."""
    args = []
    for name, password in users.items():
        args += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"]
    return args


def write_clients(users, folder):
    """A properties file per user and mechanism, for Kafka's own tools."""
    folder.mkdir(exist_ok=True)
    for name, password in users.items():
        for mechanism, module in (("PLAIN", "plain.Plain"), ("SCRAM-SHA-512", "scram.Scram")):
            suffix = "" if mechanism == "PLAIN" else ".scram"
            (folder / f"{name}{suffix}.properties").write_text(
                f"security.protocol=SASL_PLAINTEXT\nsasl.mechanism={mechanism}\n"
                f"sasl.jaas.config=org.apache.kafka.common.security.{module}LoginModule required "
                f'username="{name}" password="{password}";\n')
