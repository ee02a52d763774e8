"""A folder of wheels for a machine without a network: this package, everything it needs, and how to install it.

Command: python recipes/make_bundle.py --out dist/bundle          (needs a package index, once)
         python recipes/make_bundle.py --out dist/bundle --check  installs from the folder alone, sockets blocked, and transcribes
Time: a few minutes; about 0.6 GB. The wheels are for the system and Python version that it runs on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent

GUIDE = """\
Oral Speech, installed without a network:

    python -m venv speech-env
    speech-env/bin/python -m pip install --no-index --find-links . "oral-speech[tts]"
    speech-env/bin/speech --help

On Windows write speech-env\\Scripts in place of speech-env/bin. The wheels are for {system}.
"""

BLOCK = """
import socket
def refuse(self, address):
    raise OSError(f"blocked: a connection to {address}")
socket.socket.connect = refuse
"""


def run(*command: str, env: dict[str, str] | None = None) -> None:
    """Run a command; stop with its message where it fails."""
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")


def make(out: Path) -> None:
    """Fill the folder: our wheel, then wheels of all requirements under the pins."""
    out.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip"]
    run(*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), str(REPOSITORY))
    wheel = max(out.glob("oral_speech-*.whl"), key=lambda p: p.stat().st_mtime)
    run(
        *pip, "wheel", "--quiet", "-c", str(REPOSITORY / "constraints.txt"), "--wheel-dir", str(out),
        "--find-links", str(out), f"oral-speech[tts] @ {wheel.resolve().as_uri()}",
    )  # fmt: skip
    system = f"{sys.platform}, Python {sys.version_info.major}.{sys.version_info.minor}"
    (out / "INSTALL.txt").write_text(GUIDE.format(system=system), encoding="utf-8")
    wheels = list(out.glob("*.whl"))
    print(f"{out}: {len(wheels)} wheels, {sum(w.stat().st_size for w in wheels) / 1e6:.0f} MB")


def check(out: Path) -> None:
    """Install from the folder alone into a new environment and transcribe, with every connection blocked."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(sys.executable, "-m", "venv", str(folder / "env"))
        python = str(folder / "env" / ("Scripts" if os.name == "nt" else "bin") / "python")
        (folder / "block").mkdir()
        (folder / "block" / "sitecustomize.py").write_text(BLOCK, encoding="utf-8")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "HF_"))}
        env = kept | {"PYTHONPATH": str(folder / "block"), "PIP_CONFIG_FILE": os.devnull, "HOME": str(folder)}
        run(python, "-m", "pip", "install", "--quiet", "--no-index", "--find-links", str(out.resolve()), "oral-speech[tts]", env=env)

        sample = folder / "a.wav"
        program = "import sys, soundfile\nfrom speech.say import Espeak\ne = Espeak()\n"
        program += "soundfile.write(sys.argv[1], e.say('wasi rumi', 'que'), e.sample_rate)"
        run(python, "-c", program, str(sample), env=env)
        run(python, "-m", "speech", "transcribe", str(sample), "--language", "que", "--out", str(folder / "out"), env=env)
        print(f"installed and transcribed without a connection: {[p.name for p in (folder / 'out').iterdir()]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("dist/bundle"))
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    check(options.out) if options.check else make(options.out)


if __name__ == "__main__":
    main()
