"""The messages, and how a reply is scored. The agent never sees this file."""

from pathlib import Path

import loopwright as lw

MESSAGES = Path(__file__).with_name("messages.jsonl")


@lw.task(**lw.examples(MESSAGES, split=(40, 20, 40), seed=0, stratify="team"), label="team")
def triage(program, row, trial):
    """Send a customer's message to the right team: billing, shipping, returns, account or care.

    The score is 1 if the reply is the name of the right team and nothing else.
    """
    got = program.route(row["text"], trial.llm)
    right = got == row["team"]
    return float(right), "right" if right else f"wrong, the reply must be the one word {row['team']}"
