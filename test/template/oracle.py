"""Renders templates with the real Jinja2: one JSON case a line in, one JSON answer a line out."""
import json
import signal
import sys

from jinja2 import Environment


def give_up(*_):
    raise TimeoutError("took too long")


signal.signal(signal.SIGALRM, give_up)
environment = Environment()
for line in sys.stdin:
    case = json.loads(line)
    signal.alarm(5)
    try:
        answer = {"ok": True, "text": environment.from_string(case["template"]).render(case["context"])}
    except BaseException as error:
        answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
    finally:
        signal.alarm(0)
    print(json.dumps(answer), flush=True)
