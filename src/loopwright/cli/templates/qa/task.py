"""The questions, and how an answer is scored. The agent never sees this file."""

import json
from pathlib import Path

import loopwright as lw

ROWS = [json.loads(line) for line in Path(__file__).with_name("questions.jsonl").read_text().splitlines()]


@lw.task(train=ROWS[:15], validation=ROWS[15:25], test=ROWS[25:], ceiling=1.0)
def qa(program, row, trial):
    """Answer questions about words, dates and small amounts, exactly as asked. The score is 1 for the right answer."""
    got = program.answer(row["question"], trial.llm)
    right = got == row["answer"]
    return lw.Feedback(float(right), "correct" if right else f"expected {row['answer']!r}, got {got!r}")
