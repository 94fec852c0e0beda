"""A comment as GitHub shows it: its Markdown, its alerts, and its measures (14 px in the system's font)."""

import re

from markdown_it import MarkdownIt

from smoke_gate.github.comment import Stamp

WIDTH = 800

_STAMP = Stamp(comment_id="smoke-gate", sha="c0ffee", run_id=1, run_attempt=1, at="2026-01-31T12:30:15Z")
_ALERT = re.compile(r"<blockquote>\s*<p>\[!(NOTE|WARNING|CAUTION)\]\s*(.*?)</blockquote>", re.DOTALL)
_STYLE = """
body { margin: 0; font: 14px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif;
  color: #1f2328; background: #fff; overflow-wrap: anywhere; }
article { padding: 16px; }
a { color: #0969da; text-decoration: underline; text-underline-offset: .2rem; }
h2, h3 { margin: 24px 0 16px; font-weight: 600; line-height: 1.25; }
h2 { font-size: 1.5em; padding-bottom: .3em; border-bottom: 1px solid #d1d9e0b3; } h3 { font-size: 1.25em; }
article > :first-child { margin-top: 0; }
p, ul, table, pre, details, .alert { margin: 0 0 16px; } ul { padding-left: 2em; } li + li { margin-top: .25em; }
code { padding: .2em .4em; font: 85% ui-monospace, "DejaVu Sans Mono", monospace; background: #818b981f;
  border-radius: 6px; white-space: break-spaces; }
pre { padding: 16px; overflow: auto; background: #f6f8fa; border-radius: 6px; }
pre code { padding: 0; background: none; }
sub { font-size: 75%; line-height: 0; position: relative; bottom: -.25em; }
table { display: block; width: max-content; max-width: 100%; overflow: auto; border-collapse: collapse; }
th, td { padding: 6px 13px; border: 1px solid #d1d9e0; } tr:nth-child(2n) { background: #f6f8fa; }
.alert { padding: 8px 16px; border-left: .25em solid var(--tone); } .alert > :last-child { margin-bottom: 0; }
.alert b.name { display: block; margin-bottom: 16px; font-weight: 500; line-height: 1; color: var(--tone); }
.NOTE { --tone: #0969da; } .WARNING { --tone: #9a6700; } .CAUTION { --tone: #d1242f; }
"""


def as_shown(report: str) -> str:
    """Return the page of a comment that holds the report, behind its hidden marker."""
    body = MarkdownIt("gfm-like", {"html": True}).render(f"{_STAMP.marker}\n{report}")
    return f'<!doctype html><meta charset="utf-8"><style>{_STYLE}</style><article>{_ALERT.sub(_alert, body)}</article>'


def _alert(match: re.Match[str]) -> str:
    return f'<div class="alert {match[1]}"><b class="name">{match[1].capitalize()}</b><p>{match[2]}</div>'
