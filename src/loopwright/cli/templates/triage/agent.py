"""Routes a customer's message to a team. Plain Python: it is given `llm`, a function from a prompt to a reply."""

PROMPT = """Which team should answer this message: billing, shipping, returns, account or care?

{message}"""


def route(message, llm):
    """The model's reply, as the name of a team."""
    return llm(PROMPT.format(message=message)).strip().strip(".'\"").lower()
