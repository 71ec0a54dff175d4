"""The `suda` command: a table of commands, each loaded only when it is asked for, so that `./suda --help` is quick."""

import importlib
import importlib.util
import os
import sys
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup

from shared.errors import SudaError


class Entry(NamedTuple):
    """Where a command is, and its line in `--help`. `joins`: it works on the stack that runs for this home."""

    place: str
    help: str
    joins: bool = False


COMMANDS = {
    "up": Entry("services.cli.up:up", "start Kafka, the store and all services · 启动"),
    "down": Entry("services.cli.down:down", "stop them in order · 停止"),
    "status": Entry("services.cli.status:status", "state, pid, URL and health of each part · 状态"),
    "clean": Entry("services.cli.down:clean", "delete this home's data (SUDA_HOME) · 清除数据"),
    "demo": Entry("services.cli.demo:demo", "the main job on sample input, then verify · 演示"),
    "test": Entry("services.cli.test:test", "the whole test suite; takes pytest's arguments · 测试"),
    "settings": Entry("services.cli.settings:table", "every SUDA_* variable, its value and meaning · 设置"),
    "law": Entry("services.cli.law:app", "the regulations, their terms and deadlines · 法规与期限", joins=True),
    "directory": Entry("services.cli.directory:app", "organisations, divisions, matters · 机构目录", joins=True),
    "import": Entry(
        "services.cli.importing:app", "take in work orders and affairs from files · 导入工单、办件", joins=True
    ),
    "token": Entry("services.cli.token:token", "a token of the local issuer · 本地令牌"),
    "report": Entry("services.cli.report:app", "statutory reports · 统计报表", joins=True),
    "form": Entry("services.cli.form:form", "a statutory form of a case · 文书", joins=True),
    "dlq": Entry("services.cli.dlq:app", "input that could not be applied · 死信", joins=True),
    "verify": Entry("services.cli.verify:verify", "prove that nothing was lost or doubled · 核验"),
    "bench": Entry("services.cli.bench:bench", "how fast it is · 性能"),
}


def present(entry: Entry) -> bool:
    """Whether the command's module is part of this installation."""
    return importlib.util.find_spec(entry.place.partition(":")[0]) is not None


class LazyGroup(TyperGroup):
    """Lists commands from the table and imports the one that is run."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for name, entry in COMMANDS.items() if present(entry)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in with the line for `--help`; the real command comes with `resolve_command`."""
        entry = COMMANDS.get(cmd_name)
        if entry is None or not present(entry):
            return None
        return typer.core.TyperCommand(name=cmd_name, help=entry.help)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, stand_in, rest = super().resolve_command(ctx, args)  # an unknown name ends here, exit 2
        if name is None or stand_in is None:
            return name, stand_in, rest
        if COMMANDS[name].joins:
            join()
        return name, load(name), rest


def load(name: str) -> Any:
    """Import a command: a Typer app, or a function that becomes one."""
    module, _, attribute = COMMANDS[name].place.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False)
        context = {"ignore_unknown_options": True} if name == "test" else {}
        single.command(name, context_settings=context)(found)
        found = single
    command = typer.main.get_command(found)
    command.name = name
    return command


def join() -> None:
    """Let this process use the stack that runs for this home, where no address was named."""
    from shared.settings import settings
    from shared.stack.running import attach

    running = attach(settings())
    if running:
        for variable in ("SUDA_KAFKA", "SUDA_MONGODB"):
            os.environ.setdefault(variable, running.environment[variable])
        settings.cache_clear()


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples: ./suda up --detach · ./suda status --json · ./suda up --help",
)


@app.callback()
def root(
    debug: Annotated[bool, typer.Option("--debug", help="show a traceback when something unexpected fails")] = False,
) -> None:
    """Suda 诉达: carries a complaint to the organisation that must answer and keeps every legal deadline."""


def main() -> None:
    """Run the command line. SudaError: one sentence and exit 2; anything unexpected: a short one and exit 1."""
    debug = "--debug" in sys.argv[1:2]
    try:
        app(prog_name="suda")
    except SudaError as error:
        if debug:
            raise
        print(f"suda: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # `suda … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        print(f"suda: unexpected {type(error).__name__}: {error}; `suda --debug …` shows where", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
