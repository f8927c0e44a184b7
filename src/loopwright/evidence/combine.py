"""Combine experiences into one learning context: its template, and the drafts of its sections in the order drawn.

The paper (arXiv 2603.23994, appendix D.2) calls this the learning template. A context of several experiences is their
concatenation in the order drawn, each under its own heading. Where the optimizer is to see every experience alone
(`batch.combine = "separate"`), each is a context of one (`Evidence.contexts`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from loopwright.evidence.columns import literal
from loopwright.evidence.folded import folded, perfect, verdict
from loopwright.evidence.pieces import Piece, labelled
from loopwright.evidence.records import Experience, Show, Template
from loopwright.evidence.steps import headline, steps
from loopwright.staged import Staged


class Draft(msgspec.Struct, frozen=True):
    """A section before it is fitted to a number of tokens. Names and `experience` are those of `Section`."""

    name: str
    pieces: list[Piece]
    experience: int = -1


def template(experiences: Sequence[Experience]) -> Template:
    """The name of the shape: one or several experiences, of one or of many steps."""
    many = any(len(experience.steps) > 1 for experience in experiences)
    if len(experiences) <= 1:
        return "episodic" if many else "interactive"
    return "batch of episodes" if many else "batch"


def combine(experiences: Sequence[Experience], show: Show = "both", staged: Staged | None = None) -> list[Draft]:
    """The drafts of all sections; empty ones are left out.

    With `show = "score"` there is no text of the feedback and no exception of the trial, with "text" no score and no
    metrics. That a trial failed, and how, is always said. `staged` adds a text that goes with the mean score; a number
    in it is the user's own choice. Where nothing is to be mended, all of it is short (`folded`).
    """
    well = perfect(experiences)
    drafts = [Draft("summary", _summary(experiences, show, staged))]
    for i, experience in enumerate(experiences):
        drafts += [
            Draft("feedback", _feedback(experience, i, len(experiences), show), i),
            Draft("failure", _failure(experience, show), i),
            Draft("steps", folded(experience) if well else steps(experience), i),
            Draft("printed", [] if well else _printed(experience), i),
        ]
    return [draft for draft in drafts if draft.pieces]


def head(experience: Experience, place: int, count: int, show: Show = "both") -> str:
    """One line that names an experience and its score."""
    name = f"Experience {place + 1} of {count}" if count > 1 else "Experience"
    score = "" if show == "text" else f", score {_figure(experience.score)}"
    return f"## {name}: example {experience.example}{score}"


def _summary(experiences: Sequence[Experience], show: Show, staged: Staged | None) -> list[Piece]:
    if not experiences:
        return [Piece("No trial was run.")]
    scores = [experience.score for experience in experiences]
    mean = math.fsum(score / len(scores) for score in scores)
    hint = staged.text(mean) if staged is not None else ""
    pieces = [labelled("Where you stand", hint)] if hint else []
    if perfect(experiences):
        pieces.insert(0, Piece(verdict(len(experiences), show)))
    if len(experiences) == 1:
        return pieces
    listed = "" if show == "text" else f" Scores: {', '.join(map(_figure, scores))} (mean {mean:.6g})."
    return [Piece(f"{len(scores)} independent trials of the same program.{listed}"), *pieces]


def _feedback(experience: Experience, place: int, count: int, show: Show) -> list[Piece]:
    feedback = experience.feedback
    pieces = [Piece(head(experience, place, count, show))]
    if feedback.error:
        pieces.append(Piece(f"The trial failed: {feedback.error}."))
    if experience.window_reward is not None and show != "text":
        pieces.append(Piece(f"Reward inside the steps shown: {_figure(experience.window_reward)}"))
    if feedback.text.strip() and show != "score":
        pieces.append(labelled("Feedback", feedback.text.strip("\n")))
    if feedback.metrics and show != "text":
        numbers = ", ".join(f"{name} = {_figure(value)}" for name, value in feedback.metrics.items())
        pieces.append(Piece(f"Metrics: {numbers}"))
    if experience.left_out:
        pieces.append(Piece(f"({experience.left_out})"))
    if experience.window[2] == 0:
        pieces.append(Piece("(No step was recorded.)"))
    elif not experience.steps:
        pieces.append(Piece(f"({headline(experience)}: nothing recorded.)"))
    return pieces


def _failure(experience: Experience, show: Show) -> list[Piece]:
    failure = experience.failure
    if failure is None or show == "score" or failure.text() in experience.feedback.text:
        return []
    return [Piece("Exception:", failure.text())]


def _printed(experience: Experience) -> list[Piece]:
    pieces: list[Piece] = []
    for name, text in (("Printed", experience.stdout), ("Printed to stderr", experience.stderr)):
        if text.strip():
            pieces.append(labelled(name, text.rstrip("\n")))
    return pieces


def _figure(value: float) -> str:
    """A score or metric to six digits, which is as much as anyone compares; values of the trace keep all of theirs."""
    text = literal(value)
    return text if len(text) <= 8 else f"{value:.6g}"
