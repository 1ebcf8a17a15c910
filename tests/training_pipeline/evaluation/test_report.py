import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest

from training_pipeline.evaluation.funnel import Ceiling
from training_pipeline.evaluation.report import Card, Example, Report, write_report
from training_pipeline.evaluation.results import MetricRow
from training_pipeline.evaluation.significance import Difference
from training_pipeline.ranking.calibration import Reliability

PNG = b"\x89PNG\r\n\x1a\n invented"
PICTURE = "data:image/png;base64,AAAA"
EVIL = "<script>alert('&')</script>"
VOID = {"meta", "img", "wbr"}


def row(stage, model, value, metric="NDCG@10", segment="all", split="test", n=6029):
    return MetricRow(stage, model, split, segment, metric, value, value - 0.01, value + 0.01, n)


ROWS = [
    row("ranking", "CatBoost", 0.15),
    row("ranking", "CatBoost", 0.45, "NDCG@200"),
    row("ranking", "CatBoost", 0.3, "HR@10"),
    row("retrieval", "two-tower", 0.12),
    row("retrieval", "two-tower, content hidden", 0.09),
    row("baseline", "popularity", 0.02),
    row("baseline", EVIL, 0.01),
    row("baseline", "popularity", 0.4, "coverage@10"),
    row("retrieval", "two-tower", 0.8, "coverage@10"),
    row("retrieval", "two-tower", 0.04, segment="user:new", n=12),
    row("ranking", "CatBoost", 0.07, segment="user:new", n=12),
    row("ranking", "CatBoost", 0.16, split="validation"),
]
EXAMPLE = Example(
    user="user 7, <30",
    history=[Card("Heat & dust", PICTURE, False)],
    chosen=[Card("ran", None, True)],
    retrieved=[Card("Big", PICTURE, False), Card("ran", None, True)],
    ranked=[Card("ran", None, True), Card("Big", PICTURE, False)],
)
REPORT = Report(
    title="Run <1>",
    verdict="It helps & is published.",
    is_ranked=True,
    rows=ROWS,
    differences=[
        Difference("CatBoost", "popularity", 0.3, 0.2, 0.4, 3e-9),
        Difference("CatBoost", "two-tower <64>", -0.05, -0.1, 0.0, 0.4),
        Difference("CatBoost", "oracle", -0.08, -0.09, -0.07, 0.02),
    ],
    costs=[Difference("two-tower", "two-tower, content hidden", 0.03, 0.02, 0.04, 0.001)],
    fates={"shown": 10, "out-ranked": 20, "not retrieved": 50, "filtered": 0},
    ceilings=[Ceiling(100, hit_rate=0.62, ndcg=0.64)],
    reliability=Reliability(told=[0.001, 0.1], seen=[0.0, 0.01], error=0.0456),
    importance=pd.DataFrame(
        {
            "feature": [f"column {place}" for place in range(25)],
            "importance": [40.0, 10.0, *[50 / 23] * 23],
            "effect": [0.25] * 25,
        }
    ),
    examples=[EXAMPLE],
    figures={"Learning curve": PNG},
    details={"data set": "invented & small"},
)
EMPTY = replace(
    REPORT,
    rows=[],
    differences=[],
    costs=[],
    fates={},
    ceilings=[],
    reliability=Reliability([], [], 0.0),
    importance=pd.DataFrame(),
    examples=[],
    figures={},
    details={},
)


class Page(HTMLParser):
    """Reads a page into elements, and insists that every element is closed in order."""

    def __init__(self, html):
        super().__init__()
        self.html, self.open, self.elements = html, [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        sections = [attributes["id"] for name, attributes in self.open if name == "section"]
        self.elements.append((sections[0] if sections else None, tag, dict(attrs), []))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.elements:
            self.elements[-1][3].append(data)

    def find(self, tag, section=None, **wanted):
        """Attributes of the elements of a section that have these attributes; of all, if none is named."""
        wanted = {name.rstrip("_"): value for name, value in wanted.items()}
        return [
            attributes
            for where, name, attributes, _ in self.elements
            if name == tag and (section in (None, where)) and wanted.items() <= attributes.items()
        ]

    def read(self, section=None):
        """The words of a section, or of the whole page, with single spaces."""
        words = [text for where, _, _, texts in self.elements if section in (None, where) for text in texts]
        return " ".join(" ".join(words).split())


@pytest.fixture
def write(tmp_path):
    def write_page(report=REPORT, **changes):
        path = tmp_path / "report.html"
        write_report(replace(report, **changes), path)
        return Page(path.read_text(encoding="utf-8"))

    return write_page


@pytest.fixture
def page(write):
    return write()


class TestPage:
    def test_nothing_leads_outside(self, page):
        assert not re.search(r"https?:|//|@import|url\(", page.html.split("base64")[0])
        assert not page.find("script") + page.find("link") + page.find("iframe")
        assert all(image["src"].startswith("data:image/png;base64,") for image in page.find("img"))

    def test_text_is_escaped_not_interpreted(self, page):
        for text in (EVIL, "Run <1>", "It helps & is published.", "invented & small", "two-tower <64>"):
            assert text in page.read()

    def test_contents_lead_to_every_section_in_order(self, page):
        anchors = [section["id"] for section in page.find("section")]
        assert [link["href"] for link in page.find("a")] == [f"#{anchor}" for anchor in anchors]
        assert anchors == [
            "accuracy", "gain", "curves", "funnel", "content", "segments", "lists",
            "calibration", "importance", "examples", "pictures", "figures", "details",
        ]  # fmt: skip

    def test_every_section_says_how_to_read_it(self, page):
        for section in page.find("section"):
            assert len(page.find("p", section["id"], class_="hint")) == 1

    @pytest.mark.parametrize(
        ("is_ranked", "look", "sign"), [(True, "verdict good", "✓"), (False, "verdict warning", "!")]
    )
    def test_verdict_looks_as_it_is_meant(self, write, is_ranked, look, sign):
        page = write(is_ranked=is_ranked)
        assert [p["class"] for p in page.find("p") if "verdict" in p["class"]] == [look]
        assert f"{sign} It helps & is published." in page.read()

    def test_nothing_to_tell_leaves_the_sections_out(self, write):
        page = write(EMPTY)
        assert page.find("section") + page.find("a") + page.find("svg") + page.find("img") == []
        assert "Run <1>" in page.read()

    @pytest.mark.parametrize(
        ("field", "gone"),
        [
            ("differences", {"gain"}),
            ("reliability", {"calibration"}),
            ("importance", {"importance"}),
            ("examples", {"examples"}),
            ("figures", {"pictures"}),
            ("details", {"details"}),
            ("rows", {"accuracy", "curves", "content", "segments", "lists", "figures"}),
        ],
    )
    def test_what_is_missing_takes_no_other_section_with_it(self, write, page, field, gone):
        left = {section["id"] for section in write(**{field: getattr(EMPTY, field)}).find("section")}
        assert {section["id"] for section in page.find("section")} - left == gone


class TestAccuracy:
    def test_bars_are_in_proportion(self, page):
        # The longest interval ends at .16, which takes the whole width.
        widths = [float(bar["width"].rstrip("%")) for bar in page.find("rect", "accuracy")]
        assert widths == pytest.approx([100 * value / 0.16 for value in (0.02, 0.01, 0.12, 0.15)], abs=0.01)

    def test_bars_are_coloured_by_stage(self, page):
        kinds = [bar["class"].split()[-1] for bar in page.find("svg", "accuracy")]
        assert kinds == ["baseline", "baseline", "retrieval", "ranking"]

    def test_intervals_stand_where_they_are(self, page):
        across = page.find("line", "accuracy")[0]
        assert (across["x1"], across["x2"]) == ("6.25%", "18.75%")  # .01 and .03 of .16

    def test_masked_models_are_not_among_them(self, page):
        assert "hidden" not in page.read("accuracy")


class TestGain:
    def test_is_written_out(self, page):
        words = page.read("gain")
        assert "What CatBoost gains" in words
        for text in ("+.3000 [+.2000,+.4000]", "p < .0001", "-.0500 [-.1000,+.0000]", "p .4000"):
            assert text in words

    def test_dots_stand_right_or_left_of_zero(self, page):
        # From -.1 to .4: zero stands at a fifth.
        assert {line["x1"] for line in page.find("line", "gain", class_="zero")} == {"20.0%"}
        assert [dot["cx"] for dot in page.find("circle", "gain")] == ["80.0%", "10.0%", "4.0%"]

    def test_colours_tell_better_from_luck_from_worse(self, page):
        assert [group["class"] for group in page.find("g", "gain")] == ["ranking", "baseline", "loss"]


class TestCurves:
    def test_points_stand_where_their_figures_say(self, page):
        # NDCG of CatBoost, the last drawn: .15 at the 2nd of 6 lengths, .45, the largest, at the 6th.
        points = page.find("polyline", "curves")[-2]["points"].split()
        assert points == ["86.8,129.33", "290.0,8.0"]  # 36 + 254 / 5; 190 - 182 / 3

    def test_legend_names_the_models_without_the_masked(self, page):
        words = page.read("curves")
        assert [name in words for name in ("CatBoost", "two-tower", "popularity", "hidden")] == [
            True, True, True, False
        ]  # fmt: skip

    def test_metrics_without_figures_have_no_panel(self, page):
        labels = [drawing["aria-label"] for drawing in page.find("svg", "curves", role="img")]
        assert labels == ["NDCG at each length of list", "HR at each length of list"]


class TestFunnel:
    def test_parts_lie_end_to_end(self, page):
        parts = [
            (part["class"], part["x"], part["width"]) for part in page.find("rect", "funnel") if "x" in part
        ]
        assert parts == [
            ("fill shown", "0.00%", "12.50%"),
            ("fill out-ranked", "12.50%", "25.00%"),
            ("fill not-retrieved", "37.50%", "62.50%"),
            ("fill filtered", "100.00%", "0.00%"),
        ]

    def test_shares_are_written_out(self, page):
        assert "not retrieved 62.5 % 50" in page.read("funnel")

    def test_ceilings_stand_beside_what_is_reached(self, page):
        bars = [bar["width"] for bar in page.find("rect", "funnel", height="18")]
        # NDCG: .12 and .15 of .64, the ceiling; HR: .3 of .62, the ceiling, for CatBoost alone.
        assert bars == ["18.75%", "23.44%", "100.0%", "48.39%", "100.0%"]

    def test_fates_alone_are_shown(self, write):
        assert "at best" not in write(ceilings=[]).read("funnel")


class TestContent:
    def test_says_what_is_lost(self, page):
        words = page.read("content")
        assert "two-tower, content hidden worth +.0300 [+.0200,+.0400] (25%)" in words
        assert "CatBoost" not in words

    def test_a_retriever_that_finds_nothing_has_nothing_to_lose(self, write):
        rows = [row("retrieval", "two-tower", 0.0), row("retrieval", "two-tower, content hidden", 0.0)]
        assert "content hidden worth +.0000 .0000" in write(rows=rows, costs=[]).read("content")


class TestSegments:
    def test_dots_stand_where_their_figures_say(self, page):
        # Of .16, the end of the longest interval: all queries, then new users; retrieval before ranking.
        assert [dot["cx"] for dot in page.find("circle", "segments") if "%" in dot["cx"]] == [
            "75.0%", "93.75%", "25.0%", "43.75%"
        ]  # fmt: skip

    def test_says_how_many_queries_there_are(self, page):
        assert "new 12 queries" in page.read("segments")


def test_list_metrics_have_a_line_for_every_model(page):
    words = page.read("lists")
    assert "coverage @10" in words
    assert "NDCG" not in words
    assert [thread["width"] for thread in page.find("rect", "lists")] == ["50.0%", "100.0%"]
    assert "CatBoost \u2013" in words


class TestCalibration:
    def test_dots_stand_where_chances_say(self, page):
        # From .001 to .1 both ways. Nothing seen stands at the bottom, hollow.
        dots = [(dot["class"], dot["cx"], dot["cy"]) for dot in page.find("circle", "calibration")]
        assert dots == [("hollow", "64.0", "300.0"), ("fill", "350.0", "155.0")]

    def test_says_how_far_off_the_chances_are(self, page):
        assert "4.6 % expected calibration error" in page.read("calibration")

    def test_nothing_seen_at_all(self, write):
        page = write(reliability=Reliability([0.0, 0.0], [0.0, 0.0], 0.0))
        assert [dot["class"] for dot in page.find("circle", "calibration")] == ["hollow", "hollow"]


def test_importance_shows_the_strongest_twenty(page):
    bars = page.find("rect", "importance")
    assert [bar["width"] for bar in bars[:2]] == ["100.0%", "25.0%"]
    assert len(bars) == 20
    assert "column 0 40.0 % ±0.250 column 1" in page.read("importance")
    assert "column 20" not in page.read("importance")


class TestExamples:
    def test_what_was_chosen_is_marked_in_every_strip(self, page):
        looks = [card["class"] for card in page.find("li", "examples")]
        assert looks == ["card", "card chosen", "card", "card chosen", "card chosen", "card"]
        assert page.read("examples").count("✓ chosen") == 3

    def test_orders_are_numbered(self, page):
        words = page.read("examples")
        assert "2. ran" in words  # as retrieved
        assert "1. ran" in words  # as ranked

    def test_cards_without_a_picture_show_a_letter(self, page):
        assert len(page.find("div", "examples", class_="blank")) == 3
        assert "R ✓ chosen ran" in page.read("examples")
        assert [image["src"] for image in page.find("img", "examples")] == [PICTURE] * 3

    def test_a_user_without_history_has_no_strip_of_it(self, write):
        page = write(examples=[EXAMPLE, replace(EXAMPLE, history=[])])
        assert [len(page.find(tag, "examples")) for tag in ("h3", "h4", "ol")] == [2, 7, 7]

    def test_an_item_without_a_title_is_still_a_card(self, write):
        page = write(examples=[replace(EXAMPLE, history=[Card("", None, False)])])
        assert len(page.find("li", "examples")) == 6


def test_pictures_are_embedded_whole(page):
    (picture,) = page.find("img", "pictures")
    assert base64.b64decode(picture["src"].split(",")[1]) == PNG
    assert "Learning curve" in page.read("pictures")


def test_every_split_and_segment_has_a_table(page):
    words = page.read("figures")
    assert all(f"{name} " in words for name in ("test, all", "test, user:new", "validation, all"))
    assert len(page.find("details", "figures")) == len(page.find("table", "figures")) == 3
