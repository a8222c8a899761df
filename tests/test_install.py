"""install.py itself, with the real pip, in small environments and with packages made here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import venv
import zipfile
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow(7), pytest.mark.once]

ROOT = Path(__file__).parents[1]
A1111 = {
    "torch": "2.1.2+cu121",
    "transformers": "4.30.2",
    "numpy": "1.26.2",
    "pillow": "9.5.0",
    "safetensors": "0.4.2",
}


ADD = """
import sys
sys.path.insert(0, sys.argv[2])
from packaging.requirements import Requirement
from facechain_ext.installing.adding import add
print(add([Requirement(sys.argv[1])], usable=True))
"""


@dataclass
class Webui:
    """A Python environment as a webui has one, and a shelf of wheels that pip finds."""

    python: Path
    site: Path
    shelf: Path
    variables: dict[str, str] = field(default_factory=dict)
    launcher: tuple[str, ...] = ()
    """What Python runs instead of install.py, whose path it gets as its last argument."""

    def install(self) -> str:
        """Run install.py as the webui does; returns what it says."""
        return self._run(*self.launcher, str(ROOT / "install.py"))

    def add(self, name: str) -> str:
        """Add an optional package as the page does; returns why not, or nothing."""
        return self._run("-c", ADD, name, str(ROOT)).strip()

    def _run(self, *arguments: str) -> str:
        variables = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.shelf), **self.variables}
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
        kept.pop("PYTHONPATH", None)
        kept.pop("COMMANDLINE_ARGS", None)
        done = subprocess.run(
            [str(self.python), *arguments],
            env={**kept, "PIP_CONFIG_FILE": os.devnull, **variables},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout

    def freeze(self) -> dict[str, str]:
        found = metadata.distributions(path=[str(self.site)])
        return {each.metadata["Name"].lower(): each.version for each in found}

    def has(self, *needs: str, **versions: str) -> None:
        """Put installed packages in place."""
        for name, version in versions.items():
            self.forget(name)
            folder = self.site / f"{name}-{version}.dist-info"
            folder.mkdir()
            (folder / "METADATA").write_text(_metadata(name, version, *needs), encoding="utf-8")
            (folder / "RECORD").touch()

    def imports(self, module: str, source: str) -> None:
        """Give an installed package something to import."""
        (self.site / f"{module}.py").write_text(source, encoding="utf-8")

    def forget(self, name: str) -> None:
        for folder in self.site.glob(f"{name}-*.dist-info"):
            shutil.rmtree(folder)

    def offer(self, name: str, version: str, *needs: str, source: str = "") -> None:
        """Put a wheel on the shelf."""
        info = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(self.shelf / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.py", source)
            wheel.writestr(f"{info}/METADATA", _metadata(name, version, *needs))
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            names = (f"{name}.py", *(f"{info}/{part}" for part in ("METADATA", "WHEEL", "RECORD")))
            wheel.writestr(f"{info}/RECORD", "".join(f"{each},,\n" for each in names))


def _metadata(name: str, version: str, *needs: str) -> str:
    required = "".join(f"Requires-Dist: {need}\n" for need in needs)
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{required}"


def lend(source: str, target: str) -> None:
    """Link a file that nobody changes, or copy it to where no link reaches."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.fixture
def webui(tmp_path: Path) -> Webui:
    """A1111's environment without what we add to it."""
    builder = venv.EnvBuilder(symlinks=os.name != "nt")
    builder.create(tmp_path / "env")
    python = Path(builder.ensure_directories(tmp_path / "env").env_exe)
    base = {"base": str(tmp_path / "env"), "platbase": str(tmp_path / "env")}
    site = Path(sysconfig.get_path("purelib", "venv", base))
    for name in ("pip", "packaging"):
        try:  # not by find_spec: for pip, setuptools answers that, and first replaces distutils
            package = metadata.distribution(name).locate_file(name)
        except metadata.PackageNotFoundError:
            pytest.skip(f"this environment has no {name} to lend")
        shutil.copytree(str(package), site / name, copy_function=lend, dirs_exist_ok=True)
    (tmp_path / "shelf").mkdir()
    made = Webui(python, site, tmp_path / "shelf")
    made.has(**A1111)
    return made


def stock(webui: Webui) -> None:
    """Offer what the indexes have: versions for old hosts, newer ones, and other numpys."""
    for version in ("0.31.0", "0.42.1"):
        webui.offer("diffusers", version, "numpy", "importlib_metadata")
    for version in ("0.13.2", "0.21.2"):
        webui.offer("peft", version, "transformers", "torch>=1.13", "safetensors")
    webui.offer("importlib_metadata", "9.0.1")
    webui.offer("numpy", "2.4.6")
    webui.offer("torch", "2.13.0")
    webui.offer("transformers", "5.23.0")


def test_only_what_is_missing_is_added(webui: Webui) -> None:
    stock(webui)
    assert webui.install() == "FaceChain: installed diffusers and peft.\n"
    added = {"diffusers": "0.31.0", "peft": "0.13.2", "importlib_metadata": "9.0.1"}
    assert webui.freeze() == {**A1111, **added}


def test_the_second_time_pip_is_not_even_called(webui: Webui) -> None:
    stock(webui)
    webui.install()
    shutil.rmtree(webui.site / "pip")
    assert webui.install() == ""


def test_beside_new_transformers_the_newest_are_taken(webui: Webui) -> None:
    stock(webui)
    webui.has(transformers="5.23.0")
    webui.install()
    found = webui.freeze()
    assert (found["diffusers"], found["peft"]) == ("0.42.1", "0.21.2")


def test_what_the_host_has_is_left_alone(webui: Webui) -> None:
    stock(webui)
    webui.has(diffusers="0.31.0")
    assert webui.install() == "FaceChain: installed peft.\n"
    assert webui.freeze() == {**A1111, "diffusers": "0.31.0", "peft": "0.13.2"}


def test_a_package_that_wants_another_version_of_the_hosts_is_not_installed(webui: Webui) -> None:
    webui.offer("diffusers", "0.31.0", "numpy>=2")
    webui.offer("peft", "0.13.2")
    webui.offer("numpy", "2.4.6")
    said = webui.install()
    assert said.startswith("FaceChain: diffusers and peft could not be installed (")
    assert "The webui works as before" in said
    assert webui.freeze() == A1111


def test_an_empty_index_is_one_sentence(webui: Webui) -> None:
    said = webui.install()
    assert said.count("\n") == 1
    assert "could not be installed" in said
    assert webui.freeze() == A1111


def test_a_package_that_must_be_built_is_not_taken(webui: Webui) -> None:
    webui.offer("peft", "0.13.2")
    (webui.shelf / "diffusers-0.31.0.tar.gz").write_bytes(b"")
    assert "could not be installed" in webui.install()
    assert webui.freeze() == A1111


@pytest.mark.parametrize("flag", ["--skip-install", "--facechain-offline"])
def test_a_flag_turns_installing_off(webui: Webui, flag: str) -> None:
    stock(webui)
    webui.variables["COMMANDLINE_ARGS"] = f"--xformers {flag}"
    assert "not installed, as installing is turned off" in webui.install()
    assert webui.freeze() == A1111


def test_the_hosts_own_word_turns_installing_off(webui: Webui, tmp_path: Path) -> None:
    stock(webui)
    launch = "from types import SimpleNamespace\nargs = SimpleNamespace(skip_install=True)\n"
    (tmp_path / "launch.py").write_text(launch, encoding="utf-8")
    webui.variables["PYTHONPATH"] = str(tmp_path)
    assert "not installed" in webui.install()
    assert webui.freeze() == A1111


def test_something_too_old_stays_and_is_named(webui: Webui) -> None:
    stock(webui)
    webui.has(safetensors="0.3.1", diffusers="0.25.0")
    said = webui.install()
    assert "wants safetensors>=0.4.2; safetensors 0.3.1 is installed and stays as it is" in said
    assert "wants diffusers>=0.31; diffusers 0.25.0 is installed and stays as it is" in said
    found = webui.freeze()
    assert (found["safetensors"], found["diffusers"]) == ("0.3.1", "0.25.0")


def test_a_version_that_nobody_can_parse_does_no_harm(webui: Webui) -> None:
    stock(webui)
    webui.has(oddity="built-by-hand")
    assert webui.install() == "FaceChain: installed diffusers and peft.\n"


def test_the_hosts_index_is_asked(webui: Webui, tmp_path: Path) -> None:
    stock(webui)
    for wheel in webui.shelf.iterdir():
        folder = tmp_path / "simple" / wheel.name.split("-")[0].replace("_", "-")
        folder.mkdir(parents=True, exist_ok=True)
        link = f'<a href="{wheel.as_uri()}">{wheel.name}</a>'
        with (folder / "index.html").open("a", encoding="utf-8") as page:
            page.write(link)
    index = (tmp_path / "simple").as_uri()
    webui.variables = {"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "", "INDEX_URL": index}
    assert webui.install() == "FaceChain: installed diffusers and peft.\n"


# What the host imports


def needs_newer_peft(error: str) -> str:
    """The source of a package that refuses to be imported beside the peft on our shelf."""
    return f"""
import importlib.util
if importlib.util.find_spec("peft"):
    raise ImportError({error!r})
"""


def test_what_breaks_an_import_of_the_hosts_is_taken_out_again(webui: Webui) -> None:
    stock(webui)
    webui.has(accelerate="1.14.0")
    webui.imports("accelerate", needs_newer_peft("a newer peft is required."))
    before = webui.freeze()
    said = webui.install()
    assert said.startswith("FaceChain: diffusers and peft could not be installed (after that ")
    assert "accelerate cannot be imported: ImportError: a newer peft is required" in said
    assert "; taken out again: diffusers, importlib-metadata, peft)." in said
    assert webui.freeze() == before
    assert not (webui.site / "peft.py").exists()


def test_what_was_broken_before_is_not_our_doing(webui: Webui) -> None:
    stock(webui)
    webui.imports("transformers", "raise ImportError('of its own')")
    assert webui.install() == "FaceChain: installed diffusers and peft.\n"


def test_what_was_added_and_cannot_be_imported_here_is_named(webui: Webui) -> None:
    stock(webui)
    webui.offer("peft", "0.13.9", source="from transformers import Cache")
    assert "installed diffusers and peft; peft cannot be imported here: " in webui.install()
    assert webui.freeze()["peft"] == "0.13.9"


# Hosts whose pins contradict each other


def test_a_host_that_contradicts_itself_gets_what_needs_nothing_more(webui: Webui) -> None:
    webui.has("setuptools>=77.0.3", torch="2.13.0")
    webui.has(setuptools="69.5.1", diffusers="0.31.0")
    webui.offer("peft", "0.13.2", "torch>=1.13", "safetensors")
    webui.offer("setuptools", "80.9.0")
    before = webui.freeze()
    assert webui.install() == "FaceChain: installed peft.\n"
    assert webui.freeze() == {**before, "peft": "0.13.2"}


def test_a_host_that_contradicts_itself_gets_nothing_that_lacks_something(webui: Webui) -> None:
    webui.has("setuptools>=77.0.3", torch="2.13.0")
    webui.has(setuptools="69.5.1", diffusers="0.31.0")
    webui.offer("peft", "0.13.2", "torch>=1.13", "tqdm")
    webui.offer("tqdm", "4.70.1")
    before = webui.freeze()
    assert "peft requires tqdm; taken out again: peft)" in webui.install()
    assert webui.freeze() == before


def test_an_impossible_pair_leaves_the_host_alone(webui: Webui) -> None:
    webui.has("peft>=0.17; extra == 'training'", diffusers="0.37.1")
    text = webui.site / "diffusers-0.37.1.dist-info" / "METADATA"
    text.write_text(text.read_text() + "Provides-Extra: training\n")
    webui.has(accelerate="0.21.0")
    shutil.rmtree(webui.site / "pip")
    assert webui.install().startswith(
        "FaceChain: peft could not be installed (diffusers 0.37.1 asks for peft>=0.17 and "
        "accelerate 0.21.0 works with peft<0.14 alone). The webui works as before"
    )


# Hosts that lack what their own packages ask for


def test_what_the_hosts_own_packages_lack_is_not_ours_to_add(webui: Webui) -> None:
    webui.has("nvidia_cublas", torch="2.3.1")  # gigabytes, which a torch put there by hand lacks
    webui.has(diffusers="0.31.0")
    webui.offer("nvidia_cublas", "12.1.3.1")
    webui.offer("peft", "0.13.2", "torch>=1.13", "safetensors")
    before = webui.freeze()
    assert webui.install() == "FaceChain: installed peft.\n"
    assert webui.freeze() == {**before, "peft": "0.13.2"}


def test_what_we_need_ourselves_comes_there_too(webui: Webui) -> None:
    webui.has("nvidia_cublas", torch="2.3.1")
    webui.has(diffusers="0.31.0")
    webui.offer("nvidia_cublas", "12.1.3.1")
    webui.offer("peft", "0.13.2", "torch>=1.13", "tqdm")
    webui.offer("tqdm", "4.70.1")
    assert webui.install() == "FaceChain: installed peft.\n"
    assert {"peft", "tqdm"} <= webui.freeze().keys()


def test_what_that_needs_in_turn_comes_there_without_what_others_lack(webui: Webui) -> None:
    stock(webui)
    webui.has("nvidia_cublas", torch="2.3.1")
    webui.has("numpy<1", another="1.0")  # contradicts another, which is none of what we need
    webui.offer("nvidia_cublas", "12.1.3.1")
    webui.offer("importlib_metadata", "9.0.1", "zipp>=3.20")
    webui.offer("zipp", "4.1.2")
    before = webui.freeze()
    assert webui.install() == "FaceChain: installed diffusers and peft.\n"
    assert webui.freeze().keys() - before.keys() == {
        "diffusers", "peft", "importlib_metadata", "zipp"
    }  # fmt: skip


# How it is run


def test_a_flag_of_the_launchers_turns_installing_off(webui: Webui) -> None:
    """The webui starts us without its own flags, and the environment has only those of a file."""
    stock(webui)
    psutil = pytest.importorskip("psutil", reason="no psutil to lend")
    shutil.copytree(Path(psutil.__file__).parent, webui.site / "psutil")
    run = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, sys.argv[-1]]))"
    webui.launcher = ("-c", run, "--facechain-offline")
    assert "not installed, as installing is turned off" in webui.install()
    assert webui.freeze() == A1111


def test_a_console_without_our_letters_gets_the_sentence(webui: Webui) -> None:
    webui.variables |= {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    shutil.rmtree(webui.site / "pip")
    refusal = "sys.stderr.buffer.write('ERROR: Zugriff verweigert: ü 文件'.encode())"
    webui.imports("pip", f"import sys\n{refusal}\nsys.exit(1)\n")
    said = webui.install()
    assert said.startswith("FaceChain: diffusers and peft could not be installed (Zugriff verweig")
    assert "? ??" in said


# Optional packages, added while the webui runs


def test_an_optional_package_is_taken_in_the_version_that_goes_with_the_hosts(
    webui: Webui,
) -> None:
    webui.offer("pillow_heif", "0.16.0", "pillow>=9.5")
    webui.offer("pillow_heif", "1.8.1", "pillow>=11.1")
    webui.offer("pillow", "12.3.0")
    before = webui.freeze()
    assert webui.add("pillow-heif>=0.15") == ""
    assert webui.freeze() == {**before, "pillow_heif": "0.16.0"}


def test_what_cannot_be_imported_after_all_is_taken_out_again(webui: Webui) -> None:
    webui.offer("ncnn", "1.0", "tqdm", source="raise ImportError('GLIBC_2.39 not found')")
    webui.offer("tqdm", "4.70.1")
    before = webui.freeze()
    told = webui.add("ncnn")
    assert told.startswith("after that ncnn cannot be imported: ImportError: GLIBC_2.39 not found")
    assert told.endswith("; taken out again: ncnn, tqdm")
    assert webui.freeze() == before


def test_no_second_opencv_is_laid_over_the_hosts(webui: Webui) -> None:
    webui.has(opencv_python_headless="4.11.0")
    webui.offer("ncnn", "1.0", "opencv-python")
    webui.offer("opencv_python", "5.0.0")
    before = webui.freeze()
    assert webui.add("ncnn").endswith("ncnn requires opencv-python; taken out again: ncnn")
    assert webui.freeze() == before
    webui.offer("ncnn", "0.9")
    assert webui.add("ncnn") == ""
    assert webui.freeze() == {**before, "ncnn": "0.9"}


def test_an_index_out_of_reach_is_told_as_that(webui: Webui) -> None:
    webui.variables |= {"PIP_NO_INDEX": "0", "INDEX_URL": "http://127.0.0.1:9/simple"}
    assert webui.add("ncnn").startswith("there is no connection to the index of packages (")
