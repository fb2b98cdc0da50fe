"""Comments that silence rules."""

import pytest

from sig_bots.guidelines.check import check

HEAD = "FROM a.b/c:1\nLABEL name=a version=1 summary=b maintainer=c com.redhat.component=d run=e\nUSER 1\n"

SILENT = [
    "# sigbot ignore=SIG014\nADD a /\n",
    "# sigbot ignore = SIG001, sig014 the tool needs it\nADD a /\n",
    "#sigbot ignore=SIG014\n# another remark\n\nADD a /\n",
    "# hadolint ignore=DL3020\nADD a /\n",
    "ADD a /\n# sigbot global ignore=SIG014\n",
    "# hadolint global ignore=DL3020\nADD a /\n",
    "# sigbot ignore=SIG014\nONBUILD ADD a /\n",
    "# sigbot ignore=SIG011,SIG012\nRUN a \\\n  && dnf install b\n",
    "RUN a \\\n  # sigbot ignore=SIG011,SIG012\n  && dnf install b\n",
    "# hadolint ignore=DL3038,DL3040\nRUN <<EOF\ndnf install b\nEOF\n",
]

LOUD = [
    "# sigbot ignore=SIG015\nADD a /\n",
    "# sigbot ignore=SIG014\nEXPOSE 1\nADD a /\n",
    "ADD a /\n# sigbot ignore=SIG014\n",
    "RUN cat > /x <<EOF\n# sigbot ignore=SIG014\nEOF\nADD a /\n",
    "RUN cat > /x <<EOF\n# sigbot global ignore=SIG014\nEOF\nADD a /\n",
    "# sigbot ignore\nADD a /\n",
    "# please ignore=SIG014\nADD a /\n",
    'LABEL x="# sigbot ignore=SIG014"\nADD a /\n',
]


@pytest.mark.parametrize("text", SILENT)
def test_a_comment_silences_its_instruction(text: str) -> None:
    assert check({"x": (HEAD + text).encode()}) == []


@pytest.mark.parametrize("text", LOUD)
def test_other_comments_silence_nothing(text: str) -> None:
    assert [one.rule for one in check({"x": (HEAD + text).encode()})] == ["SIG014"]


def test_what_the_image_lacks_is_silenced_above_its_last_from() -> None:
    text = b"# sigbot ignore=SIG004,SIG005,SIG009,SIG010\nFROM a.b/c:1\n"
    assert check({"x": text}) == []


def test_a_file_that_does_not_parse_cannot_be_silenced() -> None:
    text = b"# sigbot global ignore=SIG000\nFROM a.b/c:1\nRUM x\n"
    assert [one.rule for one in check({"x": text}, ignore=["SIG000"])] == ["SIG000"]


def test_the_caller_silences_by_our_id_or_by_hadolints() -> None:
    text = (HEAD + "ADD a /\n").encode()
    assert check({"x": text}, ignore=["SIG014"]) == check({"x": text}, ignore=["DL3020"]) == []
