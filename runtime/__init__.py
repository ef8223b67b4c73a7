"""Running a model: a folder a runtime, and what serves all of them.

``protocol`` is what a runtime's folder implements, ``registry`` lists those that there are, and
``profiles`` are what they tell. ``timing`` says which of two is faster, ``equality`` whether
outputs are equal, ``feeds`` what to run on, ``validation`` whether what was predicted is so,
``optimisations`` what each thing brings that a runtime does by itself.
"""
