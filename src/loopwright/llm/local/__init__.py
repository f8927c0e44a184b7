"""Language models in GGUF files, run on this machine's CPU through the wheel `xllamacpp` (extra `local`).

`weights` knows the models by name and where their files lie, `pull` fetches them from `sources`. `runtime` starts one
process for each file, in which llama.cpp runs (`serve`), and `model` asks it. Nothing here is imported before a model
called `local/...` is used.
"""
