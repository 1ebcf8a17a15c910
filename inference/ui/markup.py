"""Pieces of HTML, in which everything that came from tables or people is text and nothing else."""

import base64
from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup, escape

from inference.ui.exhibit import Exhibit

# `dir=auto`: each text has its own direction, and none turns what stands beside it.
_TEXT = Markup('<{tag} class="{kind}" dir="auto">{text}</{tag}>')


def say(text: str, kind: str, tag: str = "p") -> Markup:
    """One line of text."""
    return _TEXT.format(tag=Markup(tag), kind=kind, text=text)


def join(pieces: Iterable[Markup]) -> Markup:
    """Pieces one after the other."""
    return Markup("").join(pieces)


def draw_placeholder(exhibit: Exhibit) -> Markup:
    """What stands where an item has no picture: its title's first letter, quietly."""
    letter = next((letter for letter in exhibit.title if letter.isalnum()), "·")
    return Markup('<div class="blank" aria-hidden="true">{}</div>').format(letter.upper())


def caption(exhibit: Exhibit, reasons: Sequence[str] = ()) -> Markup:
    """What stands under a picture: title, facts, and why it is shown."""
    facts = " · ".join(exhibit.facts.values())
    why = join(say(reason, "reason", "li") for reason in reasons)
    return join(
        [
            say(exhibit.title, "title", "h3"),
            say(facts, "facts") if facts else Markup(""),
            Markup('<ul class="reasons">{}</ul>').format(why) if reasons else Markup(""),
        ]
    )


def list_facts(facts: Mapping[str, str]) -> Markup:
    """Columns and their values, one below the other."""
    rows = [
        Markup('<div><dt>{}</dt><dd dir="auto">{}</dd></div>').format(name_column(name), value)
        for name, value in facts.items()
    ]
    return Markup('<dl class="fact-list">{}</dl>').format(join(rows))


def strip(exhibits: Sequence[Exhibit], kind: str = "strip") -> Markup:
    """Small pictures in a row that can be moved sideways."""
    pieces = [
        Markup('<li title="{}">{}<span dir="auto">{}</span></li>').format(e.title, _thumb(e), e.title)
        for e in exhibits
    ]
    return Markup('<ul class="{}" tabindex="0">{}</ul>').format(kind, join(pieces))


def name_column(column: str) -> str:
    """A column's name for people: `release_year` is "Release year"."""
    words = column.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def escape_label(text: str) -> str:
    """A text as a widget's label, which Streamlit reads as Markdown, so that it stands as it is."""
    return "".join(f"\\{letter}" if letter in _PUNCTUATION else letter for letter in text)


_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


def _thumb(exhibit: Exhibit) -> Markup:
    picture = exhibit.read_thumb()
    if picture is None:
        return draw_placeholder(exhibit)
    address = base64.b64encode(picture).decode("ascii")
    return Markup('<img src="data:image/jpeg;base64,{}" alt="">').format(escape(address))
