import pytest

from ocost.report.names import clean, elide, elide_all, executed_operator, labels

LONG = "/features/features.2/conv/conv.0/conv.0.1/BatchNormalization"  # 60 columns


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (60, LONG),
        (59, "/…/features.2/…/conv.0.1/BatchNormalization"),  # 43 columns
        (42, "/…/features.2/…/conv.0.1/…"),
        (20, "/…/featur…conv.0.1/…"),  # 9 + 1 + 10
    ],
)
def test_repetitions_go_first(width, text):
    assert elide(LONG, width) == text
    assert len(text) <= width


def test_long_parts_go_before_short_ones():
    name = "If_0/then_branch/If_0_then_branch__Inline_0__/decoder/rnn/Concat"
    assert elide(name, 38) == "If_0/then_branch/…/decoder/rnn/Concat"
    assert elide(name, 26) == "If_0/…/decoder/rnn/Concat"


def test_numbers_stay_longest():
    assert elide("/m/transformer/h.0/attn/Concat_1", 26) == "/m/…/h.0/attn/Concat_1"
    assert elide("/m/transformer/h.0/attn/Concat_1", 21) == "/m/…/h.0/…/Concat_1"


def test_a_name_without_folders_loses_its_middle():
    assert elide("abcdefghij", 10) == "abcdefghij"
    assert elide("abcdefghij", 7) == "abc…hij"
    assert elide("BatchNormalization", 9) == "Batc…tion"


def test_names_that_differ_in_a_number_still_differ():
    names = [f"/layers/layers.{i}/attention/self/MatMul" for i in range(12)]
    assert len({elide(name, 24) for name in names}) == 12


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("conv[0]/µ", "conv[0]/µ"),
        ("a\nb", "a\\nb"),
        ("\x1b[31mred", "\\x1b[31mred"),
    ],
)
def test_control_characters_are_escaped(name, text):
    assert clean(name) == text


@pytest.mark.parametrize(
    ("names", "width", "texts"),
    [
        # Both elide to /…/h.0/…: the part in which they differ stays.
        (["/model/attention/h.0/MatMul", "/model/projection/h.0/MatMul"], 12, None),
        (["/a/query_layer/x/y/MatMul", "/a/value_layer/x/y/MatMul"], 15, ["…/query_layer/…"] * 2),
        # No room for the whole parts: the text around the difference.
        (["x" * 40 + "1" + "y" * 40, "x" * 40 + "2" + "y" * 40], 12, ["…xxx1yyyyyy…"] * 2),
        (["abc", "abd"], 3, ["abc", "abd"]),
    ],
)
def test_different_names_stay_different(names, width, texts):
    short = elide_all(names, width)
    assert len(set(short)) == len(names)
    assert all(len(text) <= width for text in short)
    if texts:
        assert short[0] == texts[0]


def test_where_nothing_else_tells_names_apart_they_are_numbered():
    names = ["x" * 9 + c + "y" * 30 + c + "z" * 9 for c in "ab"]
    names.append("x" * 9 + "a" + "y" * 30 + "b" + "z" * 9)
    short = elide_all(names, 10)
    assert len(set(short)) == 3
    assert all(len(text) <= 10 for text in short)


def test_a_number_is_no_name_of_another():
    numbered = ["x" * 9 + c + "y" * 30 + c + "z" * 9 for c in "ab"]
    names = [*numbered, "x" * 9 + "a" + "y" * 30 + "b" + "z" * 9]
    taken = elide_all(names, 10)
    assert len(set(elide_all([*names, *taken], 10))) == 6


def test_thousands_of_names_stay_different():
    names = [f"{'x' * 20}{place}{'y' * 20}{place}" for place in range(3000)]
    names += [f"{'x' * 20}{place}{'z' * 20}{place}" for place in range(3000)]
    short = elide_all(names, 12)
    assert len(set(short)) == len(names)
    assert all(len(text) <= 12 for text in short)


def test_names_that_print_the_same_are_numbered():
    assert labels(["a\nb", "a\\nb", "c"]) == ["a\\nb#1", "a\\nb#2", "c"]
    assert labels(["a", "a"]) == ["a", "a"]  # the same node twice
    assert len(set(elide_all(["a\nb", "a\\nb", "a\\nb#1"], 8))) == 3


def test_double_slashes_are_one_where_room_is_short():
    assert elide("/model//layers.1//MatMul", 22) == "/model/layers.1/MatMul"


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        ("", "Gelu"),
        ("com.microsoft", "microsoft::Gelu"),  # not the one of the default domain
        ("com.microsoft.nchwc", "nchwc::Gelu"),
        ("my.domain", "my.domain::Gelu"),
        ("a\nb", "a\\nb::Gelu"),
    ],
)
def test_operators_of_the_runtime_are_short(domain, text):
    assert executed_operator(domain, "Gelu") == text
