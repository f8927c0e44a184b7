"""Reading a model's reply in the format of `form`: a `Proposal`, or a `Rejected` that says why.

Reading is strict where a guess could adopt a wrong text, and tolerant where only one meaning is possible. Whether the
program takes a text (syntax, signature, limits) is the artifact's to say, not decided here.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Collection

from loopwright.artifact import Candidate, Parameter
from loopwright.errors import nearest
from loopwright.optimizers.blocks import Block, Scan, scan
from loopwright.optimizers.hunks import HunkError, apply_hunks, has_markers
from loopwright.optimizers.protocol import Proposal, Rejected

# What is kept of a reply that was refused, and of a rationale.
_KEPT = 20_000
_RATIONALE = 2_000

_OPENING = re.compile(r"^[ \t]*<(?:think|thinking|thoughts?|reasoning|reflection|scratchpad)>", re.I | re.M)
_THOUGHT = re.compile(r"</(?:think|thinking|thoughts?|reasoning|reflection|scratchpad)>", re.I)
_ANY_FENCE = re.compile(r"^[ \t]*(?:`{3}|~{3})", re.M)
_REFUSAL = re.compile(
    r"(?:i['’]?m (?:really |very |so )?sorry|i am sorry|sorry,|my apologies|i apologi[sz]e|"
    r"i (?:can(?:['’]?t|not)|won['’]?t|will not|must decline|am unable|am not able|do not feel comfortable)|"
    r"i['’]?m (?:unable|not able|not comfortable)|as an? (?:ai|language model)|unfortunately,? i (?:can|am|['’]m))",
    re.IGNORECASE,
)
_NO_CHANGE = re.compile(
    r"\b(?:no changes?\b(?! to be)|nothing (?:to|should|needs to) (?:be )?change|TERMINATE\b)", re.IGNORECASE
)
_LEFT_OUT = re.compile(
    r"(?:\.\.\.|…)\s*(?:the |your |same |other |all )*"
    r"(?:rest|remain\w*|existing|unchanged|previous|other|original|code|same|as before|keep|omitted|continue)"
    r"|\b(?:rest|remainder) of (?:the |your )?\w+(?: \w+)? (?:remains?|is|stays?|unchanged|here|as|goes)"
    r"|\b(?:remains?|stays?|kept|left) (?:unchanged|the same|as (?:is|before|it was))\s*(?:\.\.\.|…)?\W*$"
    r"|\b(?:existing|original|previous|unchanged|same) (?:code|text|content|prompt|implementation|body|logic)\b.*"
    r"(?:\.\.\.|…|\bhere\b|unchanged|above)"
    r"|\bsame as (?:before|above)\b",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"^\s*(?:#|//|--|/\*|<!--|;|%|\[|\(|<|\.\.\.|…)")
_STAND_IN = re.compile(
    r"<[^<>\n]{3,80}>|\[(?:your|the|insert|new|whole)\b[^\]\n]{0,80}\]|\.\.\.|…"
    r"|(?:the )?(?:whole|complete|full|entire)? ?new text(?: of the parameter| here)?",
    re.IGNORECASE,
)
_DEFINES = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)|^(\w+)[ \t]*(?::[^=\n]+)?=(?!=)", re.MULTILINE)
_NAME_LINE = re.compile(r"^\s*#{1,6}\s*(parameter:)?\s*[*`]*([^\s*`]+)[*`]*\s*$", re.IGNORECASE)
# What a fence of another kind of thing is marked with; never taken for a text that nobody named.
_FOREIGN = {"json", "jsonc", "diff", "patch", "bash", "sh", "shell", "console", "output", "traceback", "mermaid", "log"}
# Words after a fence that say what it holds, also where a parameter happens to be called the same.
_CODE = {"python", "py", "python3", "code", "c", "cpp", "java", "javascript", "js", "typescript", "ts", "sql"}
_TEXT = {"text", "txt", "plain", "plaintext", "markdown", "md", "html", "xml", "yaml", "yml", "toml"}
_LANGUAGES = _FOREIGN | _CODE | _TEXT
# What servers leave at the end of a reply: the mark with which a chat template ends a turn.
_END_MARK = re.compile(r"(?:<\|[\w ]{1,30}\|>|</s>|<eos>|<end_of_turn>)+[ \t]*(?=\s*\Z)")
_FENCE_MARK = re.compile(r"^([ \t]*(?:`{3,}|~{3,}))(?:<\|[\w ]{1,30}\|>|</s>)+[ \t]*$", re.MULTILINE)


def parse_reply(
    text: str, parent: Candidate, *, cut: bool = False, only: Collection[str] | None = None
) -> Proposal | Rejected:
    """What a model's reply proposes for `parent`. Pure; raises nothing for any text.

    A proposal names at least one parameter and only known ones, with texts that differ from the parent's. A reply known
    to be `cut` is refused whatever it holds: a block that looks whole may have been about to go on. With `only`, no
    other parameter may change, and a block without a name can be for no other.
    """
    try:
        if cut:
            raise _Refused("unparsable", "the reply was cut at its limit of tokens; answer more briefly")
        return _Reading(parent, only).read(text)
    except _Refused as refused:
        return Rejected(refused.kind, refused.reason, shortened(text))


def shortened(text: str, limit: int = _KEPT) -> str:
    """`text`, or where it is too long its two ends with a note of what is between them."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half:,} characters left out ...]\n{text[-half:]}"


def without_thoughts(text: str) -> str:
    """A reply without the thinking that a reasoning model put before it; "" where it never stopped thinking."""
    kept: list[str] = []
    at = 0
    # Thoughts stand before the first block; the same words within one are its text.
    while (opened := _OPENING.search(text, at)) and not _ANY_FENCE.search(text, at, opened.start()):
        kept.append(text[at : opened.start()])
        ended = _THOUGHT.search(text, opened.end())
        at = ended.end() if ended else len(text)
    return "".join(kept) + text[at:]


def is_refusal(text: str) -> bool:
    """Whether a text without blocks is the model's declining, and nothing else."""
    return len(text) < 1_000 and _REFUSAL.match(text.lstrip("*_#> \n")) is not None


class _Refused(Exception):
    """Carries a rejection out of the reading."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


class _Reading:
    """One reply being read against one parent."""

    def __init__(self, parent: Candidate, only: Collection[str] | None) -> None:
        self.parent = parent
        self.parameters = {parameter.name: parameter for parameter in parent.artifact.parameters}
        # The parameters that may change; one that is merely quoted may still stand in the reply.
        self.open = {name: each for name, each in self.parameters.items() if only is None or name in only}
        self.aliases = _aliases(parent.artifact.parameters)

    def resolve(self, label: str) -> str | None:
        """The parameter that a label means, if exactly one."""
        label = label.strip("`'\"")
        if label in self.parameters:
            return label
        return self.aliases.get(label) or self.aliases.get(label.lower())

    def read(self, text: str) -> Proposal:
        text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
        text = _FENCE_MARK.sub(r"\1", _END_MARK.sub("", text))
        if not text.strip():
            raise _Refused("unparsable", "the reply is empty")
        answer = without_thoughts(text)
        if not answer.strip():
            raise _Refused("unparsable", "the reply has only thoughts and no answer; it may have been cut")
        # Some servers leave out the opening of the thoughts. The words may also be part of a text, though.
        ended = _THOUGHT.search(answer)
        if ended and answer[ended.end() :].strip() and not _OPENING.search(answer, 0, ended.start()):
            try:
                whole = self._proposal(answer)
            except _Refused:
                whole = None
            if whole is None or not any(_THOUGHT.search(new) for new in whole.texts.values()):
                answer = answer[ended.end() :]
        return self._proposal(answer)

    def _proposal(self, text: str) -> Proposal:
        found = scan(text, self.resolve)
        for block in found.blocks:
            if not block.closed:
                what = f"the block for '{block.label}'" if block.label else "a block"
                raise _Refused("unparsable", f"{what} is not closed; end it, and put the outer fence on its own line")
        if found.dangling:
            raise _Refused("unparsable", f"the reply ends after the name '{found.dangling}', before its block")
        candidates = self._candidates(found.blocks)
        if not any(candidates.values()):
            raise self._nothing(text, found)
        texts = {name: self._one(name, blocks) for name, blocks in candidates.items() if blocks}
        changed = {name: new for name, new in texts.items() if new != self.parent.texts[name]}
        if not changed:
            raise _Refused("unchanged", "every text given is the one the parameter already has; change something")
        if closed := [name for name in changed if name not in self.open]:
            raise _Refused(
                "unparsable", f"'{closed[0]}' must stay as it is now; give a block for {self._known()} and no other"
            )
        return Proposal(changed, shortened(found.prose, _RATIONALE))

    def _candidates(self, blocks: list[Block]) -> dict[str, list[Block]]:
        """For each parameter the blocks that are meant for it."""
        meant: dict[str, list[Block]] = {}
        unnamed: list[Block] = []
        for block in blocks:
            name = self._meant(block)
            if name is None:
                unnamed.append(block)
            else:
                meant.setdefault(name, []).append(block)
        for block in unnamed:
            for name in self._inferred(block):
                meant.setdefault(name, []).append(block)
        if not meant and len(self.open) == 1:
            (name,) = self.open
            if self.parameters[name].kind not in {"function", "method", "class"}:
                meant[name] = [block for block in unnamed if block.language.lower() not in _FOREIGN]
        return {name: self._serious(name, given) for name, given in meant.items()}

    def _meant(self, block: Block) -> str | None:
        """The parameter that a block is labelled with; None where it has no label of a parameter."""
        label = block.label
        if (
            not label
            and block.language
            and block.language.lower() not in _LANGUAGES
            and self.resolve(block.language) is not None
        ):
            label = block.language
        if not label:
            return None
        name = self.resolve(label)
        if name is None:
            close = nearest(label, self.parameters)
            if block.sure or close.startswith("; did you mean"):
                raise _Refused("unparsable", f"there is no parameter '{label}'{close}")
            return None
        if block.clash and (other := self.resolve(block.clash)) is not None and other != name:
            raise _Refused("unparsable", f"one block is named both '{name}' and '{other}'; give each its own block")
        return name

    def _inferred(self, block: Block) -> list[str]:
        """The parameter that an unnamed block can only be for: the one it defines, or whose lines it searches."""
        if has_markers(block.text):
            names = [name for name in self.open if _applies(block.text, self.parent.texts[name])]
            if len(names) != 1:
                where = "no parameter" if not names else f"each of {', '.join(names)}"
                raise _Refused(
                    "unparsable", f"search/replace edits without a name apply to {where}; name the parameter"
                )
            return names
        if block.language.lower() in _FOREIGN:
            return []
        defined = {a or b for a, b in _DEFINES.findall(textwrap.dedent(block.text).strip("\n"))}
        names = [
            name
            for name, parameter in self.parameters.items()
            if parameter.kind not in {"file", "region"} and parameter.qualname.rpartition(".")[2] in defined
        ]
        if len(names) > 1:
            raise _Refused(
                "unparsable",
                f"one unnamed block has new texts for {', '.join(names)}; give each parameter its own named block",
            )
        return names

    def _serious(self, name: str, blocks: list[Block]) -> list[Block]:
        """The blocks for a parameter without quotations of its present text, and without examples of its use."""
        current = self.parent.texts[name].strip()
        if len(blocks) > 1:
            blocks = [block for block in blocks if block.text.strip() != current] or blocks[:1]
        parameter = self.parameters[name]
        if len(blocks) > 1 and parameter.kind in {"function", "method", "class"}:
            word = parameter.qualname.rpartition(".")[2]
            real = [b for b in blocks if has_markers(b.text) or re.search(rf"\b(?:def|class)\s+{word}\b", b.text)]
            blocks = real or blocks
        return blocks

    def _one(self, name: str, blocks: list[Block]) -> str:
        """The one text that the blocks give a parameter."""
        parameter = self.parameters[name]
        if not self._python(parameter) and any(block.bare_follows for block in blocks):
            raise _Refused(
                "unparsable",
                f"a fence without a name follows the block for '{name}', so its end is not clear; "
                "put a longer fence around a text that contains fences, and give no other blocks",
            )
        texts = {self._text(parameter, block) for block in blocks}
        if len(texts) > 1:
            raise _Refused("unparsable", f"there are {len(texts)} different texts for '{name}'; give one")
        return texts.pop()

    def _text(self, parameter: Parameter, block: Block) -> str:
        """What one block makes of a parameter."""
        name, current = parameter.name, self.parent.texts[parameter.name]
        new = block.text
        if has_markers(new) and not has_markers(current):
            try:
                return apply_hunks(new, current)
            except HunkError as error:
                raise _Refused("unparsable", f"the edits for '{name}' do not apply: {error}") from None
        if block.language.lower() in {"diff", "patch"} or re.match(r"(?:--- \S|@@ -\d)", new):
            raise _Refused(
                "unparsable", f"the block for '{name}' is a unified diff; give the whole text or search/replace edits"
            )
        self._whole(name, new, current)
        self._alone(name, block, current)
        if parameter.kind == "string":
            return _in_its_space(_plain(parameter, block, current), current)
        new = new.strip("\n")
        return textwrap.dedent(new) if self._python(parameter) and parameter.kind != "region" else new

    def _python(self, parameter: Parameter) -> bool:
        """Whether the text is Python code: cut short within a string, it cannot pass for whole."""
        return parameter.kind != "string" and self.parent.artifact.sources[parameter.file].python

    def _whole(self, name: str, new: str, current: str) -> None:
        """Refuse a text that is empty, a stand-in for one, a refusal, or leaves something out."""
        stripped = new.strip()
        if not stripped and current.strip():
            raise _Refused("unparsable", f"the block for '{name}' is empty; give the whole new text")
        if _STAND_IN.fullmatch(stripped) and stripped != current.strip():
            raise _Refused("unparsable", f"the block for '{name}' holds {stripped!r} in place of a text")
        if _REFUSAL.match(stripped) and len(stripped) < 400 and not _REFUSAL.match(current.strip()):
            raise _Refused("refusal", f"declined, in the block for '{name}'")
        if re.match(r"\{\s*\"", stripped) and not current.strip().startswith("{") and _is_envelope(stripped, name):
            raise _Refused("unparsable", f"the block for '{name}' is JSON around a text; give the text itself")
        known = {line.strip() for line in current.split("\n")}
        for line in new.split("\n"):
            bare = line.strip()
            if bare in known:
                continue
            if bare in {"...", "# ...", "// ...", "…"} or (_COMMENT.match(line) and _LEFT_OUT.search(bare)):
                raise _Refused(
                    "unparsable", f"the block for '{name}' leaves something out at {bare[:80]!r}; give the whole text"
                )

    def _alone(self, name: str, block: Block, current: str) -> None:
        """Refuse a text that holds the name line of a block: its fence was left open, or that of the next one lost."""
        lines = [line for line in block.text.split("\n") if line.strip()]
        for line, after in zip(lines, [*lines[1:], "```"], strict=False):
            found = _NAME_LINE.match(line)
            if not found or not self.resolve(found[2]) or line in current:
                continue
            # Within a longer fence such a line may stand, as in a prompt about this very format; but not at the end.
            last = line is lines[-1]
            if last or (block.fence <= 3 and (found[1] or _ANY_FENCE.match(after))):
                raise _Refused(
                    "unparsable",
                    f"the block for '{name}' holds the line {line.strip()[:80]!r}, as if its fence had been left open; "
                    "close each block before the next name (a text that needs such a line goes into a longer fence)",
                )

    def _nothing(self, text: str, found: Scan) -> _Refused:
        """Why a reply without any usable block is refused."""
        stripped = text.strip()
        if _REFUSAL.match(stripped.lstrip("*_#> \n")) and not found.blocks:
            return _Refused("refusal", "declined: " + " ".join(stripped.split())[:200])
        if not found.blocks and len(stripped) < 2_000 and _NO_CHANGE.search(stripped):
            return _Refused("unchanged", "the answer proposes no change")
        known = self._known()
        if stripped.startswith("{") or any(block.text.lstrip().startswith('{"') for block in found.blocks):
            return _Refused("unparsable", f"the reply is JSON; give plain text and a named block for one of {known}")
        if found.blocks:
            return _Refused("unparsable", f"no block carries the name of a parameter; the parameters are {known}")
        if _REFUSAL.search(stripped) and len(stripped) < 1_000:
            return _Refused("refusal", "declined: " + " ".join(stripped.split())[:200])
        return _Refused("unparsable", f"the reply has no block; give a named block for one of {known}")

    def _known(self) -> str:
        return ", ".join(f"'{name}'" for name in self.open)


def _aliases(parameters: tuple[Parameter, ...]) -> dict[str, str]:
    """Other words that mean exactly one parameter: without the file or class in front, or in lower case."""
    words: dict[str, set[str]] = {}
    for parameter in parameters:
        name = parameter.name
        for word in (name, name.rpartition(":")[2], parameter.qualname, parameter.qualname.rpartition(".")[2]):
            for form in (word, word.lower()):
                if form:
                    words.setdefault(form, set()).add(name)
    return {word: names.pop() for word, names in words.items() if len(names) == 1}


def _applies(block: str, text: str) -> bool:
    try:
        apply_hunks(block, text)
    except HunkError:
        return False
    return True


def _is_envelope(text: str, name: str) -> bool:
    """Whether a text is a JSON object that carries the parameter's text under its name or a usual word."""
    words = {name.lower(), "reasoning", "suggestion", "answer", "text", "new_text", "value", "parameter", "rationale"}
    return any(key.lower() in words for key in re.findall(r'"(\w[\w.:-]*)"\s*:', text[:2_000]))


def _plain(parameter: Parameter, block: Block, current: str) -> str:
    """A string's value, also where the model wrote it as Python: `NAME = "..."`, or the literal alone."""
    text = block.text
    word = parameter.qualname.rpartition(".")[2]
    stripped = textwrap.dedent(text).strip()
    assigned = re.match(rf"{re.escape(word)}\s*(?::\s*\w+\s*)?=(?!=)", stripped) if word else None
    quoted = re.match(r"[rbuRBU]?(\"\"\"|'''|\"|')", stripped)
    if not assigned and (not quoted or stripped[-1] != quoted[1][-1] or current.lstrip()[:1] in {'"', "'"}):
        return text
    try:
        statement = ast.parse(stripped).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        statement = []
    value = getattr(statement[0], "value", None) if len(statement) == 1 else None
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    if not assigned:
        return text
    raise _Refused(
        "unparsable", f"the block for '{parameter.name}' assigns something that is no plain string; give the plain text"
    )


def _in_its_space(text: str, current: str) -> str:
    """`text` with the blanks around it that the present text has: a fence cannot show them, so they are kept."""
    stripped = current.strip()
    if not stripped:
        return text.strip("\n")
    lead = current[: len(current) - len(current.lstrip())]
    tail = current[len(current.rstrip()) :]
    return lead + text.strip() + tail
