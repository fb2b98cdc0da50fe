"""Made-up Containerfiles for property tests: every grammar fact turns up, alone and together with others."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

FACTS = frozenset({
    "bom", "crlf", "escape directive", "syntax directive", "comment", "blank line", "lower case", "continuation",
    "comment in continuation", "blank in continuation", "heredoc", "two heredocs", "tabs stripped", "quoted heredoc",
    "heredoc in COPY", "heredoc in ONBUILD", "stage", "stage used", "stage number", "copy image", "mount", "two mounts",
    "onbuild", "platform", "digest", "arg reference", "arg tag", "arg default form", "quoted word", "exec form",
    "no final newline", "double escape", "no heredoc with blank", "unicode", "late directive", "arg alternative form",
    "heredoc in ADD", "heredoc with descriptor", "quoted mount field", "scratch", "arg behind FROM", "arg without default",
})  # fmt: skip

IMAGES = ["fedora:41", "quay.io/a/b:1.2", "localhost:5000/x", "alpine:3.20", "registry.example.org/deep/er/path:v1.2-3"]
DIGEST = "@sha256:" + "0123456789abcdef" * 4


class Made(NamedTuple):
    """A file, the facts it shows, and the images it uses, in order."""

    data: bytes
    facts: frozenset[str]
    images: tuple[str, ...]


class _Maker:
    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.facts: set[str] = set()
        self.images: list[str] = []
        self.lines: list[str] = []
        self.stages = 0
        self.escape = "\\"

    def chance(self, *facts: str, of: int = 3) -> bool:
        hit = self.draw(st.integers(0, of - 1)) == 0
        if hit:
            self.facts.update(facts)
        return hit

    def image(self) -> str:
        name = self.draw(st.sampled_from(IMAGES))
        if self.chance("digest", of=5):
            name += DIGEST
        return name

    def join(self, words: list[str]) -> str:
        """Words with blanks or continuations between them."""
        text = words[0].lower() if self.chance("lower case", of=5) else words[0]
        for word in words[1:]:
            if not self.chance("continuation", of=6):
                text += self.draw(st.sampled_from([" ", "  ", "\t"])) + word
                continue
            text += f" {self.escape}\n"
            if self.chance("comment in continuation"):
                text += f"  # FROM evil:1 {self.escape}\n"
            if self.chance("blank in continuation"):
                text += " \n"
            text += f"  {word}"
        return text

    def add(self, *words: str) -> None:
        self.lines.append(self.join(list(words)))

    def file(self) -> Made:
        if self.chance("syntax directive", of=5):
            self.lines.append("# syntax=docker/dockerfile:1")
        if self.chance("escape directive", of=4):
            self.lines.append("# escape=`")
            self.escape = "`"
        if self.chance("late directive", of=6):
            self.lines += [
                "# only the first lines can be directives",
                f"# escape={'`' if self.escape != '`' else chr(92)}",
            ]
        args = self.global_args()
        for _ in range(self.draw(st.integers(1, 3))):
            self.from_line(args)
            for _ in range(self.draw(st.integers(0, 4))):
                self.draw(st.sampled_from(INSTRUCTIONS))(self)
        text = "\n".join(self.lines)
        if not self.chance("no final newline", of=4):
            text += "\n"
        data = text.encode()
        if self.chance("crlf", of=4):
            data = data.replace(b"\n", b"\r\n")
        if self.chance("bom", of=5):
            data = b"\xef\xbb\xbf" + data
        return Made(data, frozenset(self.facts), tuple(self.images))

    def global_args(self) -> dict[str, str]:
        args = {}
        if self.chance("arg reference"):
            args["BASE"] = self.image()
            self.add("ARG", f'BASE="{args["BASE"]}"' if self.chance("quoted word") else f"BASE={args['BASE']}")
        if self.chance("arg tag"):
            args["TAG"] = "41"
            self.add("ARG", "TAG=41", "OTHER=1")
        if self.chance("arg without default", of=5):
            self.add("ARG", "NOTHING")
        return args

    def from_line(self, args: dict[str, str]) -> None:
        flags = ["--platform=linux/amd64"] if self.chance("platform", of=4) else []
        if "BASE" in args and self.chance(of=2):
            word, image = "${BASE}", args["BASE"]
        elif "TAG" in args and self.chance(of=2):
            word, image = "fedora:$TAG", "fedora:41"
        elif self.chance("arg default form", of=5):
            image = self.image()
            word = f"${{NOWHERE:-{image}}}"
        elif self.chance("arg alternative form", of=6):
            word, image = "alpine${NOWHERE:+-debug}:3.20", "alpine:3.20"
        elif self.chance("scratch", of=8):
            word, image = "scratch", ""
        elif self.stages and self.chance("stage used", of=4):
            word, image = "Stage0", ""
        else:
            word = image = self.image()
        named = self.stages == 0 or self.chance("stage", of=2)
        self.add("FROM", *flags, word, *(["As", f"stage{self.stages}"] if named else []))
        if image:
            self.images.append(image)
        self.stages += 1

    def heredoc(self, onbuild: list[str]) -> None:
        word = self.draw(st.sampled_from(["EOF", "a.txt", "E_1"]))
        strip = self.chance("tabs stripped")
        quoted = self.chance("quoted heredoc")
        mark = f"<<{'-' if strip else ''}" + (f"'{word}'" if quoted else word)
        second = ["<<B"] if self.chance("two heredocs") else []
        if self.chance("heredoc in COPY"):
            words = ["COPY", mark, *second, "/x/"]
        elif self.chance("heredoc in ADD", of=5):
            words = ["ADD", mark, *second, "/x/"]
        elif self.chance("heredoc with descriptor", of=5):
            words = ["RUN", f"3{mark}", *second]
        else:
            words = ["RUN", mark, *second]
        self.add(*onbuild, *words)
        body = self.draw(
            st.lists(st.sampled_from(["FROM evil:1", "", "# no", "echo \\", "\tRUN x", "B B", " EOF"]), max_size=3)
        )
        self.lines.extend([*body, f"{chr(9) * 2 if strip else ''}{word}"])
        if second:
            self.lines.extend(["COPY --from=evil:2 a b", "B"])
        self.facts.add("heredoc")


def _heredoc(maker: _Maker) -> None:
    maker.heredoc([])


def _onbuild_heredoc(maker: _Maker) -> None:
    maker.facts.update({"heredoc in ONBUILD", "onbuild"})
    maker.heredoc(["ONBUILD"])


def _comment(maker: _Maker) -> None:
    maker.facts.add("comment")
    maker.lines.append(f"  # FROM evil:1 {maker.escape}")


def _blank(maker: _Maker) -> None:
    maker.facts.add("blank line")
    maker.lines.append(maker.draw(st.sampled_from(["", "   ", "\t"])))


def _copy_stage(maker: _Maker) -> None:
    number = maker.chance("stage number", of=2)
    maker.add("COPY", "--chown=1:1", "--from=0" if number else "--from=stage0", "a", "b")


def _copy_image(maker: _Maker) -> None:
    maker.facts.add("copy image")
    image = maker.image()
    prefix = ["ONBUILD"] if maker.chance("onbuild", of=4) else []
    maker.add(*prefix, "COPY", f"--from={image}", "--link", "a", "b")
    maker.images.append(image)


def _mount(maker: _Maker) -> None:
    maker.facts.add("mount")
    images = [maker.image()]
    if maker.chance("two mounts"):
        images.append(maker.image())
    field = '"from={}"' if maker.chance("quoted mount field", of=4) else "from={}"
    maker.add("RUN", *(f"--mount=type=bind,{field.format(image)},target=/m" for image in images), "make")
    maker.images.extend(images)


def _exec_form(maker: _Maker) -> None:
    maker.facts.add("exec form")
    maker.add("RUN", '["a",', '"<<EOF"]')


def _double_escape(maker: _Maker) -> None:
    maker.facts.add("double escape")
    maker.lines.append(f"RUN echo {maker.escape * 2}")


def _no_heredoc(maker: _Maker) -> None:
    maker.facts.add("no heredoc with blank")
    maker.lines.append(
        maker.draw(st.sampled_from(["RUN << EOF", "RUN cat <<<EOF", "RUN x $((1<<2))", "RUN don't <<EOF"]))
    )


def _unicode(maker: _Maker) -> None:
    maker.facts.add("unicode")
    maker.add("LABEL", 'name="größe — 漢字"', "b=c")


def _hidden_arg(maker: _Maker) -> None:
    """An ARG inside a stage, which no FROM sees, and a FROM that would."""
    maker.facts.add("arg behind FROM")
    maker.add("ARG", "HIDDEN=evil:1")
    maker.add("FROM", "fedora:${HIDDEN:-41}")
    maker.images.append("fedora:41")
    maker.stages += 1


def _plain(maker: _Maker) -> None:
    maker.add(
        *maker.draw(st.sampled_from([("RUN", "a", "&&", "b"), ("ENV", "A=b"), ("USER", "1"), ("CMD", "--x", "y")]))
    )


INSTRUCTIONS = [
    _heredoc, _onbuild_heredoc, _comment, _blank, _copy_stage, _copy_image, _mount, _exec_form, _double_escape,
    _no_heredoc, _unicode, _hidden_arg, _plain,
]  # fmt: skip


@st.composite
def containerfiles(draw: st.DrawFn) -> Made:
    """Files that the reference parser accepts."""
    return _Maker(draw).file()
