"""The audit as a whole: what stops a build, what warns, and what is let through."""

from dataclasses import replace

import pytest

from feature_pipeline.audit.audit import audit
from feature_pipeline.audit.config import AuditConfig
from feature_pipeline.audit.finding import AuditError
from feature_pipeline.audit.subject import Fitted
from feature_pipeline.errors import UserError
from feature_pipeline.features.user_recency import UserRecency
from tests.feature_pipeline.audit.subjects import (
    SOUND,
    ItemTotal,
    UserLast,
    make_subject,
    with_split,
)

CONFIG = AuditConfig(queries=60)


@pytest.mark.parametrize("split", ["temporal", "leave_last_out"])
def test_a_sound_subject_passes_without_a_word(split: str):
    assert audit(with_split(make_subject(), split), CONFIG) == []


def test_all_errors_are_told_at_once():
    fitted = (Fitted("items.picture_embedding", "candidate", ["i999"]),)
    leaky = replace(make_subject((*SOUND, ItemTotal(), UserLast())), fitted=fitted)
    with pytest.raises(AuditError) as caught:
        audit(leaky, CONFIG)
    assert isinstance(caught.value, UserError)
    lines = str(caught.value).splitlines()[1:]
    columns = ("userlast", "itemtotal", "items.picture_embedding")
    assert len(lines) == len(columns)
    for line, column in zip(lines, columns, strict=True):
        assert column in line
        assert "for example " in line
        assert "Remedy: " in line
    assert [finding.column for finding in caught.value.findings] == list(columns)


def test_an_ignored_column_warns():
    leaky = make_subject((*SOUND, ItemTotal()))
    (warning,) = audit(leaky, CONFIG.model_copy(update={"ignore": ("itemtotal",)}))
    assert (warning.severity, warning.column) == ("warning", "itemtotal")


def test_too_small_to_split():
    small = make_subject()
    small = replace(small, interactions=small.interactions.iloc[:2], computed=small.computed.iloc[:2])
    (warning,) = audit(small, CONFIG)
    assert warning.severity == "warning"
    assert "split.validation_share" in warning.remedy
    assert "for example" not in str(warning)


def test_a_single_event():
    one = make_subject()
    one = replace(one, interactions=one.interactions.iloc[:1], computed=one.computed.iloc[:1])
    assert [finding.check for finding in audit(one, CONFIG)] == ["splits"]


def test_without_features_of_rows():
    assert audit(make_subject((UserRecency(),)), CONFIG) == []
