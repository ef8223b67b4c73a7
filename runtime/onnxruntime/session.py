"""onnxruntime sessions as every measurement here uses them: quiet, and the same each time."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
import onnx
from google.protobuf.message import EncodeError
from onnx import ModelProto, TensorProto

from ...graph import OcostError
from ..protocol import Options, SessionLevel

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, OrtValue

_PROVIDER = "CPUExecutionProvider"
_SILENT = 4  # fatal errors only: the others are raised as well


# Without the runtime's own fusions, which round differently too.
AS_WRITTEN = Options(level=SessionLevel.DISABLE)


def open_session(
    model: ModelProto | Path,
    options: Options,
    *,
    optimized: Path | None = None,
    profile_prefix: Path | None = None,
) -> InferenceSession:
    """Open a model in onnxruntime.

    Denormals are flushed to zero: arithmetic on them is several times slower, so that random
    inputs would decide the latency. onnxruntime heeds this for the calling thread only in the
    first session of a process; ``flushes_denormals`` tells whether it took. Idle threads don't
    spin, because their spinning slows whatever else is measured.

    Parameters
    ----------
    model
        A file, or a model with its weights.
    options
        How to run it; names to leave out that onnxruntime doesn't know are passed over.
    optimized
        Where onnxruntime shall save the graph that it runs; its weights go beside it in a
        ``.data`` file if the model is over protobuf's 2 GB.
    profile_prefix
        Start of the name of a profile's file; the profile runs until ``end_profiling``.

    Raises
    ------
    OcostError
        If onnxruntime refuses the model.
    """
    import onnxruntime as ort  # noqa: PLC0415 - slow to import

    ort.set_default_logger_severity(_SILENT)
    settings = ort.SessionOptions()
    settings.log_severity_level = _SILENT
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    levels = ort.GraphOptimizationLevel
    settings.graph_optimization_level = {
        SessionLevel.DISABLE: levels.ORT_DISABLE_ALL,
        SessionLevel.BASIC: levels.ORT_ENABLE_BASIC,
        SessionLevel.EXTENDED: levels.ORT_ENABLE_EXTENDED,
        SessionLevel.ALL: levels.ORT_ENABLE_ALL,
    }[options.level]
    settings.add_session_config_entry("session.set_denormal_as_zero", "1")
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if profile_prefix is not None:
        settings.enable_profiling = True
        settings.profile_file_prefix = str(profile_prefix)
    with _loadable(model) as (source, large):
        if optimized is not None:
            settings.optimized_model_filepath = str(optimized)
            if large:
                settings.add_session_config_entry(
                    "session.optimized_model_external_initializers_file_name",
                    f"{optimized.name}.data",
                )
        try:
            return ort.InferenceSession(
                source,
                settings,
                providers=[_PROVIDER],
                disabled_optimizers=list(options.without),
            )
        except Exception as error:  # its classes share no base of their own
            raise OcostError(f"onnxruntime can't open the model: {_reason(error)}") from error


@contextlib.contextmanager
def _loadable(model: ModelProto | Path) -> Iterator[tuple[str | bytes, bool]]:
    """What onnxruntime opens, and whether it is too large for one protobuf message."""
    if isinstance(model, Path):
        yield str(model), False
        return
    data = _serialized(model)
    if data is not None:
        yield data, False
        return
    # Windows keeps a mapped file until the session is closed: then the folder stays behind.
    with tempfile.TemporaryDirectory(prefix="ocost-", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "model.onnx"
        copied = ModelProto()
        copied.CopyFrom(model)  # onnx moves the weights out of the proto that it saves
        onnx.save_model(copied, file, save_as_external_data=True, location="model.data")
        del copied
        yield str(file), True


def _serialized(model: ModelProto) -> bytes | None:
    """The model as bytes; None where it is over protobuf's 2 GB."""
    try:
        return model.SerializeToString()
    except (EncodeError, ValueError):
        return None


def run_once(session: InferenceSession, feeds: Mapping[str, npt.NDArray[Any]]) -> Sequence[Any]:
    """One run on the caller's thread: all outputs, in order.

    Raises
    ------
    OcostError
        If onnxruntime fails on these inputs.
    """
    try:
        outputs: Sequence[Any] = session.run(None, feeds)
    except Exception as error:  # as above
        raise OcostError(f"onnxruntime can't run the model: {_reason(error)}") from error
    return outputs


def repeatable(
    session: InferenceSession, feeds: Mapping[str, npt.NDArray[Any]]
) -> Callable[[], object]:
    """The same run, to be made again and again; nobody asks what its outputs are.

    Types that numpy does not have (bfloat16, float8) are handed over as bits: onnxruntime takes
    and returns no arrays of them. Of 4 bits and less it takes none at all.

    Raises
    ------
    OcostError
        By the run, if onnxruntime fails on these inputs.
    """
    ports = (*session.get_inputs(), *session.get_outputs())
    if not any(port.type in _AS_BITS for port in ports):
        return partial(run_once, session, feeds)
    types = {port.name: _AS_BITS.get(port.type) for port in session.get_inputs()}
    values = {name: _ort_value(feed, types.get(name)) for name, feed in feeds.items()}

    def run() -> object:
        try:
            return session.run_with_ort_values(None, values)
        except Exception as error:  # as above
            raise OcostError(f"onnxruntime can't run the model: {_reason(error)}") from error

    return run


def _ort_value(feed: npt.NDArray[Any], dtype: int | None) -> OrtValue:
    from onnxruntime import OrtValue  # noqa: PLC0415 - slow to import

    if dtype is None:
        return OrtValue.ortvalue_from_numpy(feed)
    bits = feed.view(f"u{feed.dtype.itemsize}")
    return OrtValue.ortvalue_from_numpy_with_onnx_type(bits, dtype)


# By onnxruntime's names of tensors.
_AS_BITS = {
    f"tensor({name.lower()})": number
    for name, number in TensorProto.DataType.items()
    if name == "BFLOAT16" or name.startswith("FLOAT8")
}


def _reason(error: Exception) -> str:
    """The first line of onnxruntime's message, without its codes."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)
    # Where a model was written for a while, and which line of whose source file gave up.
    return re.sub(r"^Load model from \S+ failed:\s*|/\S+\.cc:\d+ .*?\)(?: const)? ", "", text)
