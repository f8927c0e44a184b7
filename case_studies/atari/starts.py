"""What the starting policies score under the paper's protocol, beside the paper's first row.

    python case_studies/atari/starts.py

Policies that draw at random are evaluated with ten seeds of their own: the mean and the range of the evaluations.
"""

from __future__ import annotations

import random
from statistics import fmean
from types import SimpleNamespace

from conditions import GAMES
from curves import paper
from sticky import loaded

from loopwright.tasks.atari import atari, game_record, starting
from loopwright.tasks.task import TrialHandle
from loopwright.trial import TrialSpec

SEEDS = 10


def evaluations(game: str) -> list[float]:
    """The score of the paper's whole evaluation, once, or with several seeds where the policy draws at random."""
    path = starting(game)
    task = atari(game, episodes=game_record(game).paper.episodes, train=1, validation=1, test=0)
    found: list[float] = []
    for seed in range(SEEDS if "import random" in path.read_text(encoding="utf-8") else 1):
        random.seed(seed)
        spec = TrialSpec("start", "validation", 0, seed)
        feedback = task.run(SimpleNamespace(act=loaded(path)), spec, TrialHandle(spec))  # type: ignore[arg-type]
        found.append(feedback.score)
    return found


def main() -> None:
    theirs = paper()
    print("| game | ours | paper, one-step and multi-step |")
    print("| --- | ---: | ---: |")
    for game, condition in GAMES.items():
        found = evaluations(game)
        spread = f" ({min(found):.4g} to {max(found):.4g}, {len(found)} evaluations)" if len(found) > 1 else ""
        one, long = (theirs[f"{game}-{shown}"][0] for shown in (1, condition.long))
        print(f"| {game} | {fmean(found):.4g}{spread} | {one:g}, {long:g} |", flush=True)


if __name__ == "__main__":
    main()
