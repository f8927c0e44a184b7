"""The kinds of frames that the evaluator (`remote`) and a trial process (`serve`) exchange.

Every frame is a list: its kind, the number of the request it belongs to, and what the kind needs.

    evaluator -> trial                               trial -> evaluator
    LOAD    0 source, record, seed, seconds           LOADED   0 failure or None, signatures
    CALL    n name, args, kwargs                      RETURN   n value [, calls]
    VALUE   n name                                    RAISE    n kind, type, message, where [, calls]
    COMMAND n argv, stdin, seconds, env
    ANSWER  n value                                   CALLBACK n handle, overlaps, args, kwargs
    REFUSE  n type, message
    PIN     0 cpus
    SHOW    n name, moving [, still]

SHOW is CALL with one dict, `still | moving`; `still` is sent when it is another than last time.
"""

from __future__ import annotations

LOAD, CALL, VALUE, COMMAND, ANSWER, REFUSE, PIN, SHOW = range(1, 9)
LOADED, RETURN, RAISE, CALLBACK = range(11, 15)
