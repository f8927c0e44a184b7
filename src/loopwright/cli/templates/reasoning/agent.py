"""An agent for the tasks of reasoning-gym. Plain Python: it is given `llm`, a function from a prompt to a reply."""

PROMPT = """{question}

End with a line 'Answer: <answer>'."""


def extract_answer(reply):
    """The answer in a model's reply."""
    return reply.split("Answer:")[-1].strip()


def answer(question, llm):
    """The agent's answer to one question. It may also be computed, without the model."""
    return extract_answer(llm(PROMPT.format(question=question)))
