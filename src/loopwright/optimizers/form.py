"""The format in which an optimizer's model answers, as it is told to the model. Reading it is in `replies`."""

from __future__ import annotations

_EDITS = """\
<<<<<<< SEARCH
the lines as they are now
=======
the lines as they shall be
>>>>>>> REPLACE"""

_NONE = "- If nothing should change, answer with the words NO CHANGE and no block."
_LONGER = "- If a text itself contains lines of ```, put ```` (four) around it."

# Whole texts, which small models write best.
WHOLE = f"""\
First say in one to three sentences what you change and why. Then give, for each parameter that you change, a line \
with its name and the parameter's whole new text in a fence:

### parameter: greet
```python
def greet(name):
    return f"Hello, {{name}}!"
```

- Change as many parameters as you need; leave out the ones that stay as they are. One block for one parameter.
- Always give the whole new text, without leaving anything out. A string's text is given plain: no quotes, no escapes.
{_LONGER}
{_NONE}"""

# The usual format: whole texts, or edits of long ones.
FORMAT = WHOLE.replace(
    _NONE,
    f"""\
- For a small change in a long text, the block may instead hold edits of this form, each of which must match whole \
lines of the current text in exactly one place:
{_EDITS}
{_NONE}""",
)

# Edits alone, for small steps from a good program.
EDITS = f"""\
First say in one to three sentences what you change and why. Then give, for each parameter that you change, a line \
with its name and a fence with one or more edits:

### parameter: greet
```
{_EDITS}
```

- Each edit must match whole lines of the current text, with their indentation, in exactly one place.
- Change as many parameters as you need; leave out the ones that stay as they are. One block for one parameter.
{_LONGER}
{_NONE}"""
