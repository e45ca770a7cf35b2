"""`navigator-obs completion`: what makes a shell complete verbs, options and runs."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .complaint import PROGRAM

VARIABLE = "_NAVIGATOR_OBS_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    r"""Print the script that makes SHELL complete verbs, options, run ids and names.

    \b
    bash:  eval "$(navigator-obs completion bash)"     in ~/.bashrc
    zsh:   eval "$(navigator-obs completion zsh)"      in ~/.zshrc
    fish:  navigator-obs completion fish | source      in ~/.config/fish/config.fish
    """
    from .verbs import group

    kind = get_completion_class(shell)
    assert kind is not None
    # What it checks is the version of a bash that need not be the one that the script is for.
    completion = kind(group, {}, PROGRAM, VARIABLE)
    click.echo(completion.source_template % completion.source_vars())
    return 0
