"""Runs trials: three processes, so that generated code can neither hurt nor read nor stop what judges it.

    main        process.py    hands out trials, answers model calls, replaces what dies
    evaluator   evaluator.py  holds the task; a worker a slot, each with a `cell`: its handle on a sandbox
                remote.py     the candidate as the task sees it, across `frames` on a `wire` of plain `values`
    sandbox     sandbox.py    the walls; `confine`, `syscalls`, `landlock`: what a trial gives up for good
                candidate.py  the zygote that forks a process for each trial, and cleans up after it
                serve.py      the trial's process: the candidate's code, `loading` and answering

`inline` with `local` is the same in one process, for trusted code. `protections` says what holds on a machine.
"""
