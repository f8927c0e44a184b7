"""A question-answering agent. Plain Python: it is given `llm`, a function from a prompt to a reply."""

PROMPT = """Answer the question. End with a line 'Answer: <answer>'.

Question: {question}"""


def extract_answer(reply):
    """The answer in a model's reply."""
    return reply.split("Answer:")[-1].strip()


def answer(question, llm):
    """The agent's answer to one question."""
    return extract_answer(llm(PROMPT.format(question=question)))
