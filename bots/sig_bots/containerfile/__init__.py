"""Reading and editing Containerfiles: a lossless lexer, image references with byte spans, edits."""

from sig_bots.containerfile.edits import EditRefused, edit, edit_all
from sig_bots.containerfile.finder import references
from sig_bots.containerfile.heredocs import Heredoc
from sig_bots.containerfile.lexer import Instruction, lex, parser_directives
from sig_bots.containerfile.model import Problem, Reference
from sig_bots.containerfile.syntax import problems
from sig_bots.containerfile.text import Flag, Word

__all__ = [
    "EditRefused", "Flag", "Heredoc", "Instruction", "Problem", "Reference", "Word", "edit", "edit_all", "lex",
    "parser_directives", "problems", "references",
]  # fmt: skip
