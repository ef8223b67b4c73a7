from ocost.report.text_explain import render_explain

DOCSTRING = """What it is,
    in two lines.

    Parameters
    ----------
    x, y
        ``x`` is a [N, C] tensor that goes
        on here.
    z
        Another.

    * an item that
      goes on
    * another
    """


def test_a_docstring(text):
    assert (
        text(render_explain("Conv", "operator formula", DOCSTRING, "ops/conv.py:31"))
        == """\
Conv  operator formula

What it is, in two lines.

Parameters
x, y
    x is a [N, C] tensor that goes on here.
z
    Another.

* an item that goes on
* another

source: ops/conv.py:31
"""
    )


def test_without_a_source(text):
    assert text(render_explain("view", "kernel kind", "Moves nothing.")) == (
        "view  kernel kind\n\nMoves nothing.\n"
    )
