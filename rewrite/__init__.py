"""What passes, lowering rules and audit rules are made of.

``rewriting`` says what a pass is and sweeps its rules, ``pattern`` is the matcher that rules are
drawn with, ``edit`` a rewrite in the making, ``scope`` what is known of a graph, and ``facts`` what
operators are known to do.
"""
