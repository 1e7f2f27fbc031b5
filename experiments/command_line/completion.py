"""Completion in bash, zsh and fish: commands, groups, choices, and the options of what is chosen on the line.

    eval "$(pinn -sc install=bash)"        in ~/.bashrc; zsh likewise in ~/.zshrc
    pinn -sc install=fish | source         in ~/.config/fish/config.fish

The shell asks `pinn -sc query=bash` with the line in COMP_LINE and the cursor in COMP_POINT, and gets a candidate a
line, each the whole word. Options come from the sources, so that torch is not loaded for it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from . import catalogue
from .catalogue import APPLICATION, CONF, WRITTEN
from .errors import ConfigurationError
from .sources import Option

SHELLS = ("bash", "zsh", "fish")
COMMANDS = {
    "problems": "the problems of the library, a line each",
    "show": "equation, conditions, reference and a picture of a problem",
    "new": "write a file of a problem of your own",
    "compare": "runs beside each other: a table and a picture",
    "study": "a search over options by Optuna",
    "demo": "Burgers' equation by three methods, in two minutes",
}
"""What `pinn` does beside solving -> in a few words."""
FLAGS = {
    "--help": "every group and option",
    "--multirun": "a sweep: one run a combination",
    "--strict": "code 3 unless the answer is trusted",
    "--cfg": "show the configuration and stop",
    "--config-dir": "a folder of your own configurations",
}

_INSTALL = {
    "bash": """\
_pinn() {
    local IFS=$'\\n' word="${COMP_LINE:0:COMP_POINT}" cut=""
    word="${word##* }"
    # readline replaces what follows its last break, and = is one by default
    if [[ "$word" == *=* && "$COMP_WORDBREAKS" == *=* ]]; then cut="${word%"${word##*=}"}"; fi
    COMPREPLY=($(COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" "${COMP_WORDS[0]}" -sc query=bash 2>/dev/null))
    COMPREPLY=("${COMPREPLY[@]#"$cut"}")
    case "${COMPREPLY[*]}" in *[=.]) compopt -o nospace ;; esac
}
complete -o default -F _pinn pinn
""",
    "zsh": """\
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
_pinn() {
    local -a found
    found=(${(f)"$(COMP_LINE="${(j: :)words[1,CURRENT]}" COMP_POINT= ${words[1]} -sc query=zsh 2>/dev/null)"})
    (( $#found )) || { _files; return }
    compadd -Q -S '' -- ${(M)found:#*[=.]}
    compadd -Q -- ${found:#*[=.]}
}
compdef _pinn pinn
""",
    "fish": """\
function __pinn
    set -lx COMP_LINE (commandline -cp)
    set -lx COMP_POINT
    set -l words (commandline -opc)
    $words[1] -sc query=fish 2>/dev/null
end
complete -c pinn -f -a '(__pinn)'
complete -c pinn -n '__fish_seen_subcommand_from compare' -F
""",
}
_UNINSTALL = {
    "bash": "complete -r pinn\nunset -f _pinn\n",
    "zsh": "compdef -d pinn\nunfunction _pinn\n",
    "fish": "complete -e -c pinn\nfunctions -e __pinn\n",
}


def answer(words: Sequence[str], environment: Mapping[str, str] = os.environ) -> str:
    """What `pinn -sc ...` prints: a script to be evaluated, or candidates a line each.

    Args:
        words: of the command line without the flag itself, such as ["install=bash"].
        environment: where COMP_LINE and COMP_POINT stand when the shell asks.

    Raises:
        ConfigurationError: for anything but install, uninstall or query of a shell that is known.
    """
    verb, _, shell = words[0].partition("=") if len(words) == 1 else ("", "", "")
    if verb not in ("install", "uninstall", "query") or shell not in SHELLS:
        raise ConfigurationError(
            f"-sc {' '.join(words)}: expected install, uninstall or query of one of {', '.join(SHELLS)}; "
            "give -sc install=bash"
        )
    if verb != "query":
        return (_INSTALL if verb == "install" else _UNINSTALL)[shell]
    line = environment.get("COMP_LINE", "")
    point = environment.get("COMP_POINT", "")
    found = candidates(line[: int(point)] if point.isdigit() else line)
    shown = [f"{word}\t{meaning}" if shell == "fish" and meaning else word for word, meaning in found]
    return "".join(f"{one}\n" for one in shown)


def candidates(line: str) -> list[tuple[str, str]]:
    """Whole words that the last word of a line can become, each with its meaning.

    Args:
        line: up to the cursor, with the program as its first word.

    Example:
        >>> [word for word, _ in candidates("pinn network=mlp network.wi")]
        ['network.width=']
    """
    before = line.split()
    word = "" if not line or line[-1].isspace() else before.pop()
    before = before[1:]
    folders = [CONF, *(Path(two) for one, two in itertools.pairwise(before) if one == "--config-dir")]
    command = next((one for one in before if one in COMMANDS), None)
    if command in ("problems", "new", "compare"):
        return []  # of `compare` these are folders, which the shell knows itself
    if word.startswith("-"):
        found: Iterator[tuple[str, str]] = iter(FLAGS.items())
    elif "=" in word:
        found = _values(word, folders)
    else:
        found = _names(before, folders, commands=not before, command=command)
    return [(one, meaning) for one, meaning in found if one.startswith(word)]


def _names(
    before: Sequence[str], folders: Sequence[Path], *, commands: bool, command: str | None
) -> Iterator[tuple[str, str]]:
    """What can stand before a `=`."""
    given = dict(one.split("=", 1) for one in before if "=" in one)
    if commands:
        yield from COMMANDS.items()
    known = catalogue.groups(folders)
    for group in sorted(known):
        if command == "show" and group != "problem":
            continue
        if group not in given:
            yield f"{group}=", catalogue.meaning_of_group(group)
        choice = given.get(group, catalogue.chosen_by_default().get(group, ""))
        for call in catalogue.calls(folders, group, choice, given.get("optimizer.name")):
            yield from ((f"{call.path}.{one.name}=", one.meaning) for one in call.options)
    if command is None:
        yield from ((f"{one.name}=", one.meaning) for one in catalogue.options_of_solve() if one.name not in given)


def _values(word: str, folders: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """What can stand behind a `=`, or behind the last comma of a sweep or a list."""
    name, _, value = word.partition("=")
    head = word[: len(word) - len(value.rpartition(",")[2].lstrip("["))]
    known = catalogue.groups(folders)
    if name in known:
        for choice in sorted(known[name]):
            found = catalogue.calls(folders, name, choice)
            yield head + choice, found[0].callee.summary if found else ""
        return
    option = next((one for one in (*catalogue.options_of_solve(), *APPLICATION) if one.name == name), None)
    if option is None and "." in name:
        path, _, last = name.rpartition(".")
        group = path.split(".")[0]
        option = next(
            (
                one
                for choice in sorted(known.get(group, ()))
                for call in catalogue.calls(folders, group, choice)
                if call.path == path
                for one in call.options
                if one.name == last
            ),
            None,
        )
    yield from ((head + text, "") for text in _values_of(option))


def _values_of(option: Option | None) -> Sequence[str]:
    if option is None:
        return ()
    if option.name == "name":
        return catalogue.torch_optimizers()
    if option.name == "write":
        return WRITTEN
    by_kind = {"bool": ("true", "false"), "torch.dtype": ("float64", "float32"), "torch.device | str": ("cpu", "cuda")}
    return by_kind.get(option.kind, ())
