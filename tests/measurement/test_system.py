"""What a Linux computer says of itself, from trees of files that stand for its /proc and /sys."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from edgekit.measurement import SystemWatch

PI = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.5\0",
    "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "sys/devices/system/cpu/cpufreq/policy0/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq": "1500000\n",
    "sys/class/thermal/thermal_zone0/temp": "45277\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
}
THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"

Tell = Callable[..., None]


@pytest.fixture
def tell(tmp_path: Path) -> Tell:
    """Write files of the tree."""

    def write(files: dict[str, str]) -> None:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)

    return write


def run(command: Sequence[str]) -> str:
    """Run it, and find only what this test has put beside the system's programs."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


def test_a_pi_is_told_before_and_after(tell: Tell, tmp_path: Path):
    tell(PI)
    watch = SystemWatch(run, root=str(tmp_path), launcher=("taskset", "-c", "3"))
    tell(
        {
            "sys/class/thermal/thermal_zone0/temp": "61030\n",
            "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq": "1800000\n",
        }
    )
    system = watch.end()
    assert system.machine == "Raspberry Pi 4 Model B Rev 1.5"
    assert system.os == "Debian GNU/Linux 12 (bookworm)"
    assert system.kernel == f"{os.uname().release} {os.uname().machine}"
    assert system.governor == "ondemand"
    assert system.frequency_hz == 1_800_000_000
    assert system.temperature_c == (45.277, 61.03)
    assert system.throttled == system.throttled_earlier == ()
    assert system.launcher == "taskset -c 3"


@pytest.mark.parametrize(
    ("before", "after", "throttled", "earlier"),
    [
        ("0", "0", (), ()),
        ("50005", "50005", ("under-voltage", "throttled"), ("under-voltage", "throttled")),
        ("50005", "50000", ("under-voltage", "throttled"), ("under-voltage", "throttled")),
        ("0", "50000", ("under-voltage", "throttled"), ()),
        ("50000", "50000", (), ("under-voltage", "throttled")),
        (
            "10000",
            "e0008",
            ("frequency capped", "throttled", "soft temperature limit"),
            ("under-voltage",),
        ),
        ("nonsense", "0", None, None),
    ],
)
def test_what_held_it_back_in_the_run_is_told_from_what_did_before(
    tell: Tell,
    tmp_path: Path,
    before: str,
    after: str,
    throttled: tuple[str, ...] | None,
    earlier: tuple[str, ...] | None,
):
    tell(PI | {THROTTLED: f"{before}\n"})
    watch = SystemWatch(run, root=str(tmp_path))
    tell({THROTTLED: f"{after}\n"})
    system = watch.end()
    assert system.throttled == throttled
    assert system.throttled_earlier == earlier


def test_the_firmwares_own_word_counts_more_than_the_kernels(
    tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tell(PI)
    program = tmp_path / "bin" / "vcgencmd"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho throttled=0x80008\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    assert SystemWatch(run, root=str(tmp_path)).end().throttled == ("soft temperature limit",)


def test_a_pi_5_keeps_it_elsewhere(tell: Tell, tmp_path: Path):
    tell({"sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled": "2\n"})
    assert SystemWatch(run, root=str(tmp_path)).end().throttled == ("frequency capped",)


def test_clusters_of_cpus_are_told_together(tell: Tell, tmp_path: Path):
    cpufreq = "sys/devices/system/cpu/cpufreq"
    for policy, governor, khz in ((0, "powersave", 600000), (4, "ondemand", 2400000)):
        tell({f"{cpufreq}/policy{policy}/scaling_governor": f"{governor}\n"})
        tell({f"{cpufreq}/policy{policy}/scaling_cur_freq": f"{khz}\n"})
    system = SystemWatch(run, root=str(tmp_path)).end()
    assert system.governor == "ondemand powersave"
    assert system.frequency_hz == 2_400_000_000


def test_a_computer_that_tells_nothing_has_still_a_name(tmp_path: Path):
    system = SystemWatch(run, root=str(tmp_path)).end()
    assert system.machine == os.uname().machine
    assert system.os == os.uname().sysname
    assert system.governor is system.frequency_hz is system.temperature_c is None
    assert system.throttled is system.throttled_earlier is system.launcher is None
