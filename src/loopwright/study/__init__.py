"""Studies: many runs that differ in chosen settings, and what can honestly be said of the differences.

`definition` and `design` say which runs, `runner` runs them, `collect` reads them into the records of `results`, and
`analysis` compares them. Statistics need `pip install 'loopwright[study]'`; running a study does not.
"""
