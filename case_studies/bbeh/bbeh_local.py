"""The studies of batch size for models on this machine, as text; `bbeh_studies.py` writes one into a folder.

`local` has the same number of updates for both batch sizes, on two tasks; `local-trials` the same number of training
trials, on one of them. Both name one cache beside their folders, so that what they have in common is asked once.

Everything is as small as a processor wants it, and smaller than in the paper: a 0.5B model is the agent and a 1.5B
model the optimizer, only the prompt is edited, replies are a few words, questions are short, updates are few.
"""

from __future__ import annotations

import json
from pathlib import Path

OPTIMIZER = Path(__file__).with_name("bbeh_advice.py")  # goes beside the study file
TASKS = ("causal_understanding", "disambiguation_qa")  # of the paper's eight those with the shortest questions
SIZES = (1, 5)
UPDATES = 2
TRIALS = 5  # of training: five updates of one, or one of five
REPLY = 16  # tokens of the agent's replies

AGENT = '''\
"""The paper's two parts for a small model on this machine, whose replies are cut after a few words."""

PROMPT = """Answer the question. End with a line "Answer: " followed by the answer alone."""


def extract_answer(reply):
    """The answer in a model's reply."""
    return reply.split("Answer:")[-1].strip()


def answer(question, llm):
    return extract_answer(llm(PROMPT + "\\n\\nQuestion: " + question))
'''

HEAD = """\
# Batch size on BIG-Bench Extra Hard with models on this machine, at a fixed number of {fixed}.
# Written by case_studies/bbeh/bbeh_studies.py.
name = "bbeh-{name}"
repeats = 3
slots = 1
runs = 1
"""

LOOP = """
[loop]
task = "loopwright.tasks.bbeh:bbeh"
cache = "../calls.db"       # what runs have in common is asked once

[loop.task_options]
name = "{task}"
split = "stratified"
longest = 700               # characters: an easier task than the benchmark's
validation = 8
test = 16

[loop.artifact]
path = "agent.py"
edit = ["PROMPT"]
max_chars = 1000

[loop.agent]
model = "{agent}"
temperature = 0
max_tokens = {reply}

[loop.optimizer]
kind = "bbeh_advice:Advice" # one sentence more; asked for a whole prompt, a model of this size copies what it was shown
model = "{optimizer}"
temperature = 0.8
samples = 2
repairs = 0
memory = 0
max_tokens = 45

[loop.evidence]
batch = {{ draw = "shuffle" }}
tokens = 500

[loop.search]
accept = "improve"          # the better of the samples must beat its parent on the validation questions
gate = "validation"

[loop.budget]
steps = {updates}

[loop.local]
threads = 1
context = 4096

[loop.execution]
slots = 1
limits = {{ seconds = 300 }}
"""


def local_study(name: str, agent: str, optimizer: str) -> str:
    """The text of `local` or `local-trials`."""
    loop = LOOP.format(task=TASKS[0], agent=agent, optimizer=optimizer, reply=REPLY, updates=UPDATES)
    if name == "local":
        axes = f"\n[axes]\ntask_options.name = {json.dumps(TASKS)}\nevidence.batch.size = {list(SIZES)}\n"
        return HEAD.format(fixed="updates", name=name) + axes + loop
    levels = "\n".join(
        f"b{size} = {{ evidence.batch.size = {size}, budget.steps = {TRIALS // size} }}" for size in SIZES
    )
    return HEAD.format(fixed="training trials", name=name) + f"\n[axes.batch]\n{levels}\n" + loop
