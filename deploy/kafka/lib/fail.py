"""How a command ends when it can't do what was asked: one line that says what to do, and an exit code of its own."""

import sys

JAVA = 3  # no Java, or an older one than Kafka runs on
MAVEN = 4  # the jars are not there and no Maven to fetch them
FETCH = 5  # Maven could not fetch them
PORT = 6  # another process has a port that the cluster needs
BROKER = 7  # a broker died, or did not take requests in time
STATE = 8  # the cluster is not as the command needs it: none there, running already, not running
UNCLEAN = 9  # a broker did not stop when asked and was killed


class Failure(Exception):
    """Ends the command with `code`; the message says what is wrong and what to do."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def say(message):
    """Progress goes to stderr: stdout has only what a program would read."""
    print(f"kafka: {message}", file=sys.stderr, flush=True)
