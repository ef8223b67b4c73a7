"""Running a model: a folder a runtime, and what serves all of them.

``timing`` tells which of two is faster, ``equality`` whether outputs are equal, ``feeds`` what to
run on, ``validation`` whether what was predicted is so.
"""
