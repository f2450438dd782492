"""The account of a render as one page: no script, nothing from elsewhere, made to be printed."""

from __future__ import annotations

import base64
import functools
from collections.abc import Iterator, Sequence
from importlib.resources import files

from streamguard.account.comparing import compared, settings_of
from streamguard.account.markup import MOST_ROWS, code, listed, pairs, rest, section, table, text
from streamguard.analysis.records import FileRecord
from streamguard.edits.account import Account, Entry
from streamguard.errors import UsageError
from streamguard.report import Picture, Report

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def account_page(report: Report) -> str:
    """Return the account of a render as HTML: what is clear, by whom and why, and the proofs.

    Args:
        report: What `render` returned, pictures too if it was asked for them.

    Raises:
        UsageError: It is not the report of a render.
    """
    account = report.decision
    if account is None:
        raise UsageError("only what was rendered from an analysis has an account")
    title = f"Account of {text(report.output.name)}"
    body = "".join(
        (
            _head(title, report),
            _figures(report, account),
            _clear(account),
            _no_face(account),
            _withheld(account),
            _confirmed(account),
            _whole(report),
            _second_look(report),
            _log(account),
            _pictures(report.pictures),
            _files(report, account),
            _streams(report),
            settings_of(report, account),
            section("Versions", compared(account.versions, report.versions)),
        )
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="referrer" content="no-referrer">\n<title>{title}</title>\n'
        f"<style>\n{_style()}</style>\n</head>\n<body>\n{body}"
        f'<footer class="soft">streamguard {text(report.versions.get("streamguard", ""))} made '
        f"this page on the machine that rendered the video. It shows names, times and reasons: "
        f"protect it as you protect the video.</footer>\n</body>\n</html>\n"
    )


@functools.cache
def _style() -> str:
    return files("streamguard.account").joinpath("static", "page.css").read_text("utf-8")


def _head(title: str, report: Report) -> str:
    return (
        f"<header><h1>{title}</h1>\n<p>Rendered from {text(report.input.name)} on "
        f"{_moment(report.finished)}. Everything that was decided is covered, except what is "
        f"listed here as left clear.</p></header>\n"
    )


def _figures(report: Report, account: Account) -> str:
    figures = (
        (f"{report.frames:,}", "frames" if report.frames != 1 else "frame"),
        (f"{report.frames_with_faces:,}", "with something covered"),
        (f"{report.slate_frames:,}", "covered as a whole"),
        (f"{account.frames_clear:,}", "with something left clear"),
        (f"{len({e.person or -e.track for e in account.left_clear}):,}", "left clear on purpose"),
    )
    cells = "".join(f"<div><b>{number}</b><span>{words}</span></div>" for number, words in figures)
    return f'<div class="figures">{cells}</div>\n'


def _clear(account: Account) -> str:
    if not account.left_clear:
        return section("Left clear on purpose", '<p class="none">Nothing.</p>\n')
    names = ("Who", "When", "Why", "Decided")
    return section("Left clear on purpose", _entries(names, account.left_clear, account))


def _no_face(account: Account) -> str:
    if not account.no_face:
        return ""
    words = (
        "<p>Somebody looked at these and said that they show no face, so they are not covered."
        "</p>\n"
    )
    names = ("What", "When", "Why", "Decided")
    return section("Said to be no face", words, _entries(names, account.no_face, account))


def _withheld(account: Account) -> str:
    if not account.withheld:
        return ""
    words = (
        "<p>These were to be left clear, but stay covered until somebody looks at them and "
        "confirms that they show the same person.</p>\n"
    )
    rows = (
        (_who(one), _when(one, account), text("; ".join(one.because)), f"edit&nbsp;{one.edit}")
        for one in account.withheld[:MOST_ROWS]
    )
    held = table(("Who", "When", "Because", "By"), rows) + rest(account.withheld)
    return section("Covered until confirmed", words, held)


def _confirmed(account: Account) -> str:
    if not account.confirmed:
        return ""
    names = ("Who", "When", "Why", "Confirmed")
    return section("Looked at and confirmed", _entries(names, account.confirmed, account))


def _entries(names: Sequence[str], entries: Sequence[Entry], account: Account) -> str:
    rows = (
        (_who(one), _when(one, account), _why(one), f"{_moment(one.time)}<br>{text(one.actor)}")
        for one in entries[:MOST_ROWS]
    )
    return table(names, rows) + rest(entries)


def _who(entry: Entry) -> str:
    track = f"track {entry.track}, {entry.label}"
    return text(f"person {entry.person} ({track})" if entry.person else track)


def _when(entry: Entry, account: Account) -> str:
    kind = "hidden" if entry.because else "clear"
    left = 100 * entry.first / max(1, account.frames)
    wide = 100 * (entry.last - entry.first + 1) / max(1, account.frames)
    return (
        f'<span class="span">{_clock(entry.start)} – {_clock(entry.end)}</span><br>'
        f'<span class="soft">frames {entry.first} to {entry.last}</span>'
        f'<span class="bar" aria-hidden="true">'
        f'<i class="{kind}" style="left:{left:.2f}%;width:{wide:.2f}%"></i></span>'
    )


def _why(entry: Entry) -> str:
    named = " ".join(filter(None, (code(entry.code) if entry.code else "", text(entry.meaning))))
    return "<br>".join(filter(None, (text(entry.reason), named)))


def _whole(report: Report) -> str:
    reasons = ((text(why), f"{count:,}") for why, count in report.slate_reasons.items())
    spans = (
        (f"{_clock(one.start)} – {_clock(one.end)}", text(one.reason))
        for one in report.damage_spans[:MOST_ROWS]
    )
    return section(
        "Covered as a whole",
        table(("Why", "Frames"), reasons) if report.slate_reasons else "",
        table(("Damaged", "Why"), spans) if report.damage_spans else "",
        rest(report.damage_spans),
    )


def _second_look(report: Report) -> str:
    found = report.verification
    if found is None:
        return ""
    if found.passed:
        looked = f"{found.looked:,} of {found.frames:,} frames were looked at"
        words = "No face seems to be left"
        if found.left_clear:
            words += f" but those left clear on purpose, seen {found.left_clear:,} times"
        return section("A second look", f"<p>{looked}. {words}.</p>\n")
    rows = (
        (
            f"{_clock(one.first_ms / 1000)} – {_clock(one.last_ms / 1000)}",
            text(", ".join(map(str, one.box))),
            f"{one.confidence:.2f}",
        )
        for one in found.spans[:MOST_ROWS]
    )
    return section(
        "A second look",
        listed(found.mismatches),
        table(("A face seems to be left", "Box", "Confidence"), rows) if found.spans else "",
        rest(found.spans),
    )


def _log(account: Account) -> str:
    if not account.log:
        return ""
    rows = (
        (
            str(one.number),
            _moment(one.time),
            text(one.actor),
            f"<span{'' if one.counts else ' class=undone'}>{text(one.kind)}</span>",
            text(one.about),
            text(" ".join(filter(None, (one.code, one.reason)))),
        )
        for one in account.log[:MOST_ROWS]
    )
    return section(
        "All edits",
        "<p>In the order in which they were made. What was taken back is struck through.</p>\n",
        table(("No.", "When", "Who", "What", "About", "Why"), rows),
        rest(account.log),
    )


def _pictures(pictures: Sequence[Picture]) -> str:
    figures = "".join(
        f'<figure><img alt="Frame {one.frame} as it was rendered" src="data:image/jpeg;base64,'
        f'{base64.b64encode(one.jpeg).decode("ascii")}">'
        f"<figcaption>frame {one.frame}, {text(one.caption)}</figcaption></figure>\n"
        for one in pictures
    )
    if not figures:
        return ""
    return section("Pictures as rendered", f'<div class="pictures">{figures}</div>\n')


def _files(report: Report, account: Account) -> str:
    named = (("Input", report.input), ("Output", report.output), ("Analysis", report.analysis))
    rows = [
        (name, text(file.name), f"{file.size:,}", code(file.sha256))
        for name, file in named
        if isinstance(file, FileRecord)
    ]
    digests = (
        ("Decision", f"{code(account.decision)}<br>begun {_moment(account.decided)}"),
        ("Edits", code(account.edits)),
    )
    return section(
        "Proofs",
        table(("", "Name", "Bytes", "SHA-256"), rows),
        pairs(digests),
        pairs((f"Decided by {name}", code(digest)) for name, digest in account.models.items()),
    )


def _streams(report: Report) -> str:
    return section(
        "Streams and remarks",
        pairs(_named("Kept", report.streams_kept)),
        pairs(_named("Dropped", report.streams_dropped)),
        listed(report.notes),
    )


def _named(name: str, values: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield name, "<br>".join(map(text, values)) or "nothing"


def _moment(time: str) -> str:
    """Return an ISO 8601 time in UTC without what is less than a second."""
    return f'<span class="moment">{text(f"{time[:10]} {time[11:19]} UTC" if time else "–")}</span>'


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60}:{minutes % 60:02}:{rest / 1000:06.3f}"
