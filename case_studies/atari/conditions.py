"""The paper's Atari conditions (arXiv 2603.23994, section 5, table B2) as loop files.

One record a game; a condition is a game and how many steps the optimizer is shown: `pong-1` and `pong-400`. Two more
are ours: `pong-online` (and so for every game) is the one-step condition as the paper's text has it, an update after
every step of a running episode, which sees that step and its reward alone; `pong-full` is whole games with sticky
actions and splits that share no seed. What is measured is not here.

Every condition of the paper, as its code ran it: an update shows the first steps of an episode and, in both conditions,
the score of the whole evaluation (`feedback = "episode"`); a child is always kept; where the code went back to the
best policy after six updates without a better one, so does `revert`; a trial ends early at `target`.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from loopwright.tasks.atari import game_record, starting

FULL = "full"
ONLINE = "online"


class Condition(NamedTuple):
    """One game as the paper set it up: its task and editable functions, the longer horizon, how many updates, the
    score at which a trial ended early, and whether its code went back to the best policy.
    """

    game: str
    task: str
    edit: tuple[str, ...]
    long: int
    updates: int
    target: float
    reverts: bool


GAMES = {
    condition.game: condition
    for condition in (
        Condition("pong", "Pong", ("predict_ball_trajectory", "select_action"), 400, 20, 21, False),
        Condition(
            "breakout",
            "Breakout",
            ("predict_ball_trajectory", "generate_paddle_target", "select_paddle_action"),
            300,
            30,
            350,
            True,
        ),
        Condition(
            "spaceinvaders",
            "SpaceInvaders",
            ("decide_shoot", "decide_movement", "combine_actions"),
            25,
            20,
            2000,
            False,
        ),
        Condition("freeway", "Freeway", ("analyze_traffic", "select_action"), 100, 30, 50, True),
        Condition("asterix", "Asterix", ("analyze_situation", "select_action"), 100, 30, 5000, True),
        Condition("enduro", "Enduro", ("analyze_situation", "select_action"), 100, 30, 200, True),
        Condition("qbert", "Qbert", ("analyze_situation", "select_action"), 100, 30, 10000, True),
        Condition("seaquest", "Seaquest", ("analyze_situation", "select_action"), 100, 30, 5000, True),
    )
}

PAPER = """\
# {name}, {what}. Written by case_studies/atari/write.py.
task = "loopwright.tasks.atari:{task}"
seed = 0

[task_options]
protocol = "paper"      # no sticky actions, the paper's observations{life}
episodes = {episodes}            # one trial is the paper's whole evaluation: {episodes} of at most {most} steps
train = 1               # without sticky actions every game is the same, so the splits are too:
validation = 1          # a score is what the paper calls one, and says nothing about games not seen
test = 0

[artifact]
path = "policy.py"      # the paper's functions
edit = {edit}

[evidence]
horizon = {horizon}
batch = {{ size = 1, draw = "order" }}

[optimizer]
kind = "{kind}"
memory = 5
{optimizer}

[search]
accept = "always"
target = {target:g}
{revert}
[budget]
steps = {updates}

[execution.limits]
seconds = 600
"""

SAMPLES = """\
# Pong with sticky actions, whole games: written by case_studies/atari/write.py. Not a condition of the paper.
task = "loopwright.tasks.atari:Pong"
seed = 0

[task_options]
protocol = "full"       # a frame repeats the one before it with probability 0.25; games up to 27,000 steps
train = 20
validation = 10
test = 20

[artifact]
path = "policy.py"
edit = ["predict_ball_trajectory", "select_action"]

[evidence]
horizon = {{ steps = 60, where = "reward", feedback = "episode" }}   # what led to a point won or lost
batch = {{ size = 3, draw = "shuffle" }}

[optimizer]
kind = "{kind}"
memory = 5
{optimizer}

[search]
accept = "not-worse"    # on ten validation games
gate = "validation"

[budget]
steps = 20

[execution.limits]
seconds = 600
"""


_TABLE = "a condition of arXiv 2603.23994 (table B2)"
_SAID = "an update after every step of a running episode: the one-step condition as the text of arXiv 2603.23994 has it"
_FIRST = '{ steps = STEPS, where = "start", feedback = "episode" }'
_MOVING = '{ steps = 1, where = "online", feedback = "window" }'


def names() -> list[str]:
    """Every condition by its name."""
    return [f"{game}-{steps}" for game, each in GAMES.items() for steps in (1, each.long, ONLINE)] + [f"pong-{FULL}"]


def loop_text(name: str, kind: str = "ask") -> str:
    """The loop file of a condition. Raises `SystemExit` with a sentence for a name that is none."""
    game, steps = _parts(name)
    # A person may be asked again after an answer that cannot be read; the paper's code had no such turn.
    optimizer = "samples = 1" if kind in {"mutate", "ask"} else "samples = 1\nrepairs = 0"
    if steps == FULL:
        return SAMPLES.format(kind=kind, optimizer=optimizer)
    condition, record = GAMES[game], game_record(game)
    return PAPER.format(
        name=record.name,
        what=_SAID if steps == ONLINE else f"{steps} step{'' if steps == '1' else 's'} shown: {_TABLE}",
        horizon=_MOVING if steps == ONLINE else _FIRST.replace("STEPS", steps),
        task=condition.task,
        life=", an episode ends with a life" if record.paper.life else "",
        episodes=record.paper.episodes,
        most=f"{record.paper.steps:,}",
        edit="[" + ", ".join(f'"{function}"' for function in condition.edit) + "]",
        kind=kind,
        optimizer=optimizer,
        target=condition.target,
        revert="revert = 6              # as the paper's code did\n" if condition.reverts else "",
        updates=condition.updates,
    )


def write(name: str, folder: Path, kind: str = "ask") -> Path:
    """Write a condition's loop file and starting policy into a new or empty folder; gives the loop file."""
    text = loop_text(name, kind)
    if folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"{folder} holds files already; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "loop.toml").write_text(text, encoding="utf-8")
    (folder / "policy.py").write_bytes(starting(_parts(name)[0]).read_bytes())
    return folder / "loop.toml"


def _parts(name: str) -> tuple[str, str]:
    if name not in names():
        raise SystemExit(f"there is no condition '{name}'; there are {', '.join(names())}")
    game, _, steps = name.partition("-")
    return game, steps
