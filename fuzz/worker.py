"""A process that runs cases, one line of JSON each way, within limits that no case should reach."""

import json
import os
import resource
import sys
from dataclasses import asdict

from fuzz.judge import run_case

ADDRESS_SPACE = 6 << 30  # bytes; what is in memory is judged by the limit on the peak
FILE_SIZE = 1 << 30


def main() -> None:
    """Answer until there are no more questions."""
    answers = os.fdopen(os.dup(1), "w")
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))
    for line in sys.stdin:
        question = json.loads(line)
        verdict = run_case(question["kind"], question["number"], question["seed"])
        answers.write(json.dumps(asdict(verdict)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
