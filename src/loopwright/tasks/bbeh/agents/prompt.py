"""An agent of two parts, as in arXiv 2603.23994: what is asked, and how the answer is taken from the reply."""

PROMPT = """Answer the question below. Think first if you need to, and end with a line "Answer: " followed by the
answer alone: a letter in parentheses such as (A), a number, or the words that the question asks for."""


def extract_answer(reply):
    """The answer in a model's reply."""
    return reply.split("Answer:")[1].strip()


def answer(question, llm):
    return extract_answer(llm(PROMPT + "\n\nQuestion: " + question))
