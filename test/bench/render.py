"""Renders on request with the real Jinja2: a JSON request a line in, a JSON answer a line out, times in ms."""
import json
import resource
import sys
import time

from jinja2 import Environment

environment = Environment()
kept = (None, None)
for line in sys.stdin:
    request = json.loads(line)
    if kept[0] != request["template"]:
        kept = (request["template"], environment.from_string(request["template"]))
    started = time.perf_counter()
    text = kept[1].render(request["variables"])
    render_ms = (time.perf_counter() - started) * 1000
    rss = int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
    print(json.dumps({"text": text, "renderMs": render_ms, "rssBytes": rss}), flush=True)
