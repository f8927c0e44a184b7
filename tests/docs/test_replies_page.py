"""The replies that the page shows are read, and change what they name."""

from __future__ import annotations

import pytest
from pages import blocks, worlds

from loopwright.artifact import Artifact
from loopwright.optimizers.protocol import Proposal
from loopwright.optimizers.replies import parse_reply

SHOWN = [block.text for block in blocks("reference/replies.md") if block.language == "markdown"]


@pytest.mark.parametrize("text", SHOWN)
def test_a_shown_reply_is_a_valid_proposal(text: str) -> None:
    agent = worlds("how-to/artifacts.md")["."]["agent.py"]
    start = Artifact.from_texts({"agent.py": agent}, ["PROMPT", "shorten"]).start
    proposal = parse_reply(text, start)
    assert isinstance(proposal, Proposal), proposal
    assert set(proposal.texts) == {line.split()[-1] for line in text.splitlines() if line.startswith("### ")}
    assert proposal.rationale
    start.edit(proposal.texts)
