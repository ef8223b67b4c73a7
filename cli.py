"""The command line: which command runs, what it answers to a fault, and the exit code."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

import click

from . import completion

COMMANDS = ("cost", "diff", "optimize", "profile", "calibrate", "devices", "explain")

_EXAMPLES = """Start with a bundled sample:

\b
  ocost cost @mobilenet_v2            what it costs
  ocost optimize @repvgg_a0           what can be saved, with proof
  ocost diff @repvgg_a0 --measure     whether that is real on this machine
  ocost explain                       what can be explained

For completion put this into ~/.bashrc (bash_source), ~/.zshrc (zsh_source):

\b
  eval "$(_OCOST_COMPLETE=bash_source ocost)"
"""


class _Commands(click.Group):
    """The commands, imported when they are asked for.

    What is none of them is met with what may have been meant.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from . import hints
            from .graph import OcostError

            raise OcostError(hints.no_command(args[0], COMMANDS))
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f".commands.{cmd_name}", __package__)
        command: click.Command = getattr(module, cmd_name)
        return command


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from . import __version__

        click.echo(f"ocost {__version__}")
        ctx.exit()


@click.group(
    cls=_Commands,
    epilog=_EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.option(
    "--version",
    is_flag=True,
    callback=_version,
    is_eager=True,
    expose_value=False,
    help="Show the version.",
)
def app() -> None:
    """What an ONNX graph costs, what an optimisation saves, and whether that is true."""


def main() -> None:
    """Entry point. Exit code 0: fine; 1: a gate failed; 2: usage, bad input, internal error."""
    if completion.ASKED in os.environ:
        sys.exit(completion.answer(app, os.environ))
    os.environ.setdefault(*_IDLE_AT_ONCE)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # temporary files go then too
    code = run(sys.argv[1:])
    for end in (signal.SIGINT, signal.SIGTERM):  # all is done, and the exit code is known
        signal.signal(end, signal.SIG_IGN)
    gc.freeze()  # all of it goes with the process: there is nothing to look through before
    sys.exit(code)


# numpy's OpenBLAS starts a thread a core when it is loaded. By default each spins for a tenth of a
# second before it sleeps, which is more than the cost of a small model takes.
_IDLE_AT_ONCE = ("OPENBLAS_THREAD_TIMEOUT", "4")  # 2 ** 4 cycles, the least that it takes

_NO_COMMAND = 2
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code."""
    try:
        with app.make_context("ocost", list(arguments) or ["--help"]) as context:
            app.invoke(context)
        return 0
    except click.exceptions.Exit as done:
        return done.exit_code if arguments else _NO_COMMAND
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _interrupted() if _is_interrupt(error) else _fail(error)


def _interrupted() -> int:
    print("ocost: interrupted", file=sys.stderr)
    return 2


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind it: a library that is just being imported makes an ImportError."""
    if error is None or isinstance(error, KeyboardInterrupt):
        return error is not None
    return _is_interrupt(error.__cause__ or error.__context__)


def _fail(error: Exception) -> int:
    """Say what is wrong in one line."""
    from .graph import OcostError

    if isinstance(error, click.ClickException):
        line = f"error: {error.format_message()}"
    elif isinstance(error, OcostError):
        line = f"error: {error}"
    elif isinstance(error, OSError) and error.errno in _NO_ROOM:
        import tempfile

        line = (
            f"error: no room for temporary files in {tempfile.gettempdir()} ({error.strerror}); "
            "make some, or name another folder in TMPDIR"
        )
    else:
        if os.environ.get("OCOST_TRACEBACK"):
            traceback.print_exc()
        where = "(set OCOST_TRACEBACK=1 to see where)"
        line = f"internal error: {type(error).__name__}: {error} {where}"
    # Names come from the file: a control character in one must not reach the terminal.
    print("ocost: " + "".join(c if c.isprintable() else "?" for c in line), file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
