"""The project's own checks: linters, types, Puppet's parser and style, and pytest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from vm.command import run
from vm.errors import WatchpostError
from vm.progress import note


def static(checkout: Path) -> None:
    """ruff, mypy, Puppet's parser, puppet-lint. Raises WatchpostError with what the first failing one said."""
    manifests = [str(path.relative_to(checkout)) for path in sorted((checkout / "puppet_fixtures").rglob("*.pp"))]
    tools = {
        "ruff": [sys.executable, "-m", "ruff", "check", "."],
        "mypy": [sys.executable, "-m", "mypy", "--strict", "tasks.py", "vm", "puppet_fixtures", "provision"],
        "puppet parser": ["puppet", "parser", "validate", *manifests],
        "puppet-lint": ["puppet-lint", "--fail-on-warnings", "--no-140chars-check", "--relative", *manifests],
    }
    failed = []
    for name, argv in tools.items():
        result = run(argv, cwd=checkout, check=False)
        note(f"{name}: {'ok' if result.returncode == 0 else 'FAILED'}")
        if result.returncode:
            failed.append(name)
            print(result.stdout + result.stderr)
    if failed:
        raise WatchpostError(f"these checks failed: {', '.join(failed)}", str(checkout))


def run_pytest(checkout: Path, arguments: list[str]) -> int:
    """Run pytest with its output shown; returns its exit code."""
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=checkout).returncode
