"""What the app says: text from the world stays text, times are the reader's."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from models.events import Category
from ui.parts.words import CATEGORY_ICONS, CATEGORY_LABELS, ago, category, counted, day, lasted, plain, when

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
HOSTILE = [
    "![x](https://evil.example/pixel.png)",
    "[Sign in](javascript:alert(1))",
    "<img src=x onerror=alert(1)>",
    "https://evil.example/autolinked",
    ":red[alarm] :material/bolt: $x^2$ :sparkles:",
    "# heading\n- list\n| a | b |",
    "**bold** _it_ ~~gone~~ `code`",
    "user@evil.example",
    "\u202egnp.exe",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_the_world_is_only_text(text: str) -> None:
    shown = MarkdownIt("gfm-like", {"linkify": False}).enable("linkify", ignoreInvalid=True)
    tokens = [token for block in shown.parse(plain(text)) for token in (block.children or [block])]
    assert {token.type for token in tokens} <= {"paragraph_open", "paragraph_close", "text", "text_special"}


@given(st.text(max_size=60))
def test_every_character_of_it_is_shown(text: str) -> None:
    blocks = MarkdownIt().parse(plain(text))
    shown = "".join(child.content for block in blocks for child in block.children or [])
    kept = "".join(character for character in text if character.isalnum() and character.isascii())
    assert "".join(c for c in shown if c.isalnum() and c.isascii()) == kept
    assert not any(token.type in {"link_open", "image"} for block in blocks for token in block.children or [])


def test_streamlits_own_marks_have_no_meaning_either() -> None:
    assert plain(":red[x] $y$").replace("\u2060", "") == r"\:red\[x\] \$y\$"


@pytest.mark.parametrize("text", ["https://a.example", ":material/bolt:", "www.a.example", "maria@a.example"])
def test_what_streamlit_finds_in_plain_text_is_parted_unseen(text: str) -> None:
    """Its own look for icons and addresses comes after Markdown's escapes are gone."""
    shown = MarkdownIt().parse(plain(text))[1].content.replace("\\", "")
    assert text not in shown
    assert shown.replace("\u2060", "") == text


def test_a_time_of_day_stays_as_it_is() -> None:
    assert plain("10:30") == r"10\:30"


def test_times_are_the_readers() -> None:
    assert when(NOW, "Europe/Berlin", now=NOW) == "today 10:30"
    assert when(NOW - timedelta(hours=10), "Asia/Tokyo", now=NOW) == "today 08:30"
    assert when(NOW - timedelta(hours=10), "America/New_York", now=NOW) == "yesterday 19:30"
    assert when(NOW + timedelta(days=1), "UTC", now=NOW) == "tomorrow 09:30"
    assert when(NOW - timedelta(days=7), "UTC", now=NOW) == "Tue 3 Mar 09:30"
    assert when(NOW - timedelta(days=365), "UTC", now=NOW) == "Mon 10 Mar 2025 09:30"
    assert when(None, "UTC") == "–"
    assert day(NOW, "UTC", now=NOW) == "today"
    assert day(NOW - timedelta(days=30), "UTC", now=NOW) == "8 Feb"
    assert day(None, "UTC") == "no date"


def test_spans_and_counts_read_as_people_say_them() -> None:
    assert [ago(NOW - timedelta(seconds=s), now=NOW) for s in (5, 300, 7_200, 86_400, 864_000)] == [
        "just now",
        "5 min ago",
        "2 h ago",
        "1 day ago",
        "10 days ago",
    ]
    assert ago(None, now=NOW) == "never"
    assert [lasted(s) for s in (0.84, 12, 200, 180, 7_500, 7_200)] == [
        "840 ms",
        "12 s",
        "3 min 20 s",
        "3 min",
        "2 h 5 min",
        "2 h",
    ]
    assert [counted(1, "client"), counted(12_000, "mail"), counted(0, "entry", "entries")] == [
        "1 client",
        "12,000 mails",
        "0 entries",
    ]


def test_every_category_has_a_name_and_a_picture() -> None:
    assert set(CATEGORY_LABELS) == set(CATEGORY_ICONS) == set(Category)
    assert category("security_incident") == "Security incident"
    assert category("something_new") == "Something new"
