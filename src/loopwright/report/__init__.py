"""Reports: one self-contained HTML file for a run or a study, and its figures as tables.

What a page holds is decided in `run_data` and `study_data` (records in, plain data out), how long texts are carried in
`texts`, how it looks in `assets`. Nothing here runs a trial or asks a model, except that `film` plays a game again.
"""
