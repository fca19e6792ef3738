"""hitless install-plugin"""

from __future__ import annotations

import click

from hitless.cli.visible import echo

# How Docker asks a plug-in what it is, and calls it: cli-plugins/metadata of github.com/docker/cli. It gets
# all words of the command line, also those before its own name.
_SCRIPT = """\
#!/bin/sh
# Docker's plug-in for hitless: `docker hitless …`. Written by `hitless install-plugin`.
if [ "$1" = docker-cli-plugin-metadata ]; then
    echo '{metadata}'
    exit
fi
context=
while [ $# -gt 0 ]; do
    word=$1
    shift
    case $word in
        hitless) break ;;
        -c | --context) context=$1 && shift ;;
        --context=*) context=${{word#*=}} ;;
        -H | --host) DOCKER_HOST=$1 && export DOCKER_HOST && shift ;;
        --host=*) DOCKER_HOST=${{word#*=}} && export DOCKER_HOST ;;
        *) echo "docker hitless takes no $word before its name" >&2 && exit 2 ;;
    esac
done
exec {python} -P -m hitless ${{context:+--context "$context"}} "$@"
"""


@click.command("install-plugin")
@click.option("--remove", is_flag=True, help="Remove the plug-in again.")
def install_plugin(remove: bool) -> None:
    """Make `docker hitless` work.

    This writes a plug-in of Docker's command line, for this user.
    """
    import json
    import os
    import shlex
    import sys
    from importlib.metadata import version
    from pathlib import Path

    from hitless.domain.common.errors import HitlessError

    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "cli-plugins"
    file = folder / "docker-hitless"
    about = {
        "SchemaVersion": "0.1.0",
        "Vendor": "hitless",
        "Version": version("hitless"),
        "ShortDescription": "Deploy Docker Compose applications with zero downtime",
    }
    try:
        is_ours = file.is_file() and "hitless install-plugin" in file.read_text(errors="replace")
        if not is_ours and (file.exists() or file.is_symlink()):
            raise HitlessError(f"{file} is not from hitless", "move it away if nothing needs it")
        if remove:
            file.unlink(missing_ok=True)
            echo(f"removed: {file}")
            return
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / ".docker-hitless.new"
        new.unlink(missing_ok=True)
        new.write_text(_SCRIPT.format(metadata=json.dumps(about), python=shlex.quote(sys.executable)))
        new.chmod(0o755)
        new.replace(file)
    except OSError as error:
        raise HitlessError(f"{file} can't be written: {error.strerror}", "see its folder's owner") from error
    echo(f"docker hitless works now: {file}")
