"""Checks of the repository itself: the locks answer to pyproject.toml, and the tree names no machine.

Prints one line a fault and exits 1 when there is any.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
# A public or private package host in any file would tie a clone to one network.
_HOST = re.compile(
    r"(?:py[p]i\.org|python[h]osted|npm[j]s\.(?:org|com)|[a]rtifactory|[d]evpi|--(?:extra-)?[i]ndex-url\s)"
)
# A folder of the machine something was written on.
_PLACE = re.compile(
    r"(?<![\w./~$}-])/(?:(?:home|[U]sers)/[a-z][\w-]*/|[r]oot/|[w]ork/|[o]pt/(?:wheels|py[p]i))"
)


def locked(path: Path) -> dict[str, set[str]]:
    """Versions by package; a universal lock may hold one for each platform."""
    found: dict[str, set[str]] = {}
    for name, version in _PINNED.findall(path.read_text(encoding="utf-8")):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def lock_faults(pyproject: str, run: dict[str, set[str]], dev: dict[str, set[str]]) -> Iterator[str]:
    """Requirements a lock lacks or contradicts, and packages whose version differs between the locks."""
    project = tomllib.loads(pyproject)["project"]
    extras = project.get("optional-dependencies", {})
    wanted_run = [*project["dependencies"], *extras.get("build", ())]
    wanted_dev = [*wanted_run, *extras.get("dev", ())]
    for name, wanted, lock in (
        ("requirements.lock", wanted_run, run),
        ("requirements-dev.lock", wanted_dev, dev),
    ):
        for line in wanted:
            requirement = Requirement(line)
            versions = lock.get(canonicalize_name(requirement.name), set())
            if not versions:
                yield f"{name}: {requirement.name} is missing; run make lock"
            for version in versions:
                if not requirement.specifier.contains(Version(version), prereleases=True):
                    yield f"{name}: {requirement.name} {version} is not {requirement.specifier}: make lock"
    for package, versions in run.items():
        if dev.get(package) != versions:
            there = ", ".join(sorted(dev.get(package, set()))) or "none"
            here = ", ".join(sorted(versions))
            yield f"requirements-dev.lock: {package} {there}, requirements.lock has {here}"


def unhashed(name: str, text: str) -> Iterator[str]:
    """Locked packages without a hash."""
    for entry in re.split(r"\n(?=\S)", text.strip()):
        if _PINNED.match(entry) and "--hash=sha256:" not in entry:
            yield f"{name}: {entry.splitlines()[0]} has no hash"


def tree_faults(files: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Lines that name a package host or a folder of one machine."""
    for name, text in files:
        for number, line in enumerate(text.split("\n"), start=1):
            if _HOST.search(line):
                yield f"{name}:{number}: names a package host"
            if _PLACE.search(line):
                yield f"{name}:{number}: names a folder of one machine"


def files_of(root: Path) -> Iterator[tuple[str, str]]:
    """Text files that are, or would be, in the repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout  # noqa: S603
    for name in sorted(filter(None, listed.split("\0"))):
        path = root / name
        data = path.read_bytes() if path.is_file() else b"\0"
        if b"\0" not in data[:8192]:
            yield name, data.decode("utf-8", errors="replace")


def main() -> int:
    """Run every check on this repository."""
    locks = {name: (ROOT / name) for name in ("requirements.lock", "requirements-dev.lock")}
    run, dev = (locked(path) for path in locks.values())
    faults = list(lock_faults((ROOT / "pyproject.toml").read_text(encoding="utf-8"), run, dev))
    for name, path in locks.items():
        faults += unhashed(name, path.read_text(encoding="utf-8"))
    faults += tree_faults(files_of(ROOT))
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    if not faults:
        sys.stdout.write(f"locks in step ({len(run)} and {len(dev)} packages), tree clean\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
