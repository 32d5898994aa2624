"""The whole road to a virtual ESP32, and what a person reads when something is wrong with it."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from support import shared_models
from support.command import Command
from support.virtual_chip import CHIPS

from edgekit import boards, flash, pipeline, report
from edgekit.emulators import (
    BootNoise,
    BrownOutLoop,
    Mode,
    PortVanishes,
    Reenumeration,
    Reset,
    VirtualEsp32,
    WatchdogInInvoke,
    Wiring,
    WrongBootMode,
)
from edgekit.errors import DeviceError, EdgekitError, FlashError, LinkError, LinkTimeoutError
from edgekit.flash import FlashImage
from edgekit.link import Device, ResetCause, SerialTransport
from edgekit.pipeline import BuiltFirmware, virtual

QUICK = {"timeout_s": 0.4, "attempts": 4}


@pytest.fixture(scope="module")
def built(model: Path) -> BuiltFirmware:
    return pipeline.build(virtual.compile(model, boards.load("esp32")))


@pytest.fixture(scope="module")
def image(built: BuiltFirmware, tmp_path_factory: pytest.TempPathFactory) -> FlashImage:
    return virtual.flash_image(built, boards.load("esp32"), tmp_path_factory.mktemp("parts"))


@pytest.fixture
def chip(image: FlashImage) -> Iterator[VirtualEsp32]:
    """It has been flashed before, and runs."""
    with VirtualEsp32(boards.load("esp32"), wiring=Wiring.BRIDGE) as chip:
        for part in image.parts:
            chip.flash.write(part.offset, part.content)
        chip.reset()
        chip.wait_for(Mode.APPLICATION)
        yield chip


def device_of(chip: VirtualEsp32) -> Device:
    return Device(SerialTransport(chip.serial_port), **QUICK)


def sentences(error: EdgekitError) -> str:
    return f"{error}\n{error.hint}"


@pytest.mark.parametrize("board_id", CHIPS)
def test_a_model_goes_the_whole_road_and_the_report_says_what_was_not_real(
    board_id: str, command: Command, model: Path, tmp_path: Path
):
    out = tmp_path / "result.json"
    done = command("run", model, "--board", board_id, "--virtual", "--json", out)
    assert done.code == 0, done.stderr
    document = json.loads(out.read_text())
    jsonschema.validate(document, report.schema())
    assert (document["board"], document["emulated"], document["virtual"]) == (board_id, True, True)
    assert document["rung"] == boards.load(board_id).verified
    assert document["verify"]["mismatched_bytes"] == 0 < document["verify"]["compared_bytes"]
    assert document["invoke"]["unit"] == "us"
    sizes = ("stack_bytes", "static_ram_bytes", "flash_bytes", "inference_flash_bytes")
    assert [document["memory"][size] for size in sizes] == [None] * 4
    assert report.to_json(report.from_json(out.read_text())) == out.read_text()
    printed = " ".join(done.stdout.split())
    assert f"{board_id} (virtual)" in printed
    assert "the firmware ran on this computer; only flashing and the link were" in printed
    assert "µs of this computer" in printed


def test_keyword_spotting_goes_the_whole_road(command: Command):
    path = shared_models.path("kws01_int8")
    done = command("run", path, "--board", "esp32", "--virtual", "--profile", "--json", "-")
    assert done.code == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["verify"]["mismatched_bytes"] == 0
    assert all(operator["median"] is not None for operator in document["operators"])


def test_a_board_that_is_no_esp32_is_the_users_mistake(command: Command, model: Path):
    command("run", model, "--virtual").said(2, "host is no ESP32", "esptool")


def test_what_runs_must_be_what_was_flashed(built: BuiltFirmware):
    other = dataclasses.replace(built.image, build_id="0123456789abcdef")
    with (
        VirtualEsp32(boards.load("esp32")) as chip,
        pytest.raises(FlashError, match="but 0123456789abcdef was flashed"),
        virtual.flashed(chip, dataclasses.replace(built, image=other)),
    ):
        pass


@pytest.mark.parametrize("wiring", [Wiring.IN_BAND, Wiring.BRIDGE])
def test_a_new_chip_is_flashed_and_started(image: FlashImage, wiring: Wiring):
    with VirtualEsp32(boards.load("esp32"), wiring=wiring, faults=(BootNoise(),)) as chip:
        port = chip.serial_port if wiring is Wiring.IN_BAND else chip.lines_url
        written = flash.write(image, port)
        assert written.written_bytes == image.size_bytes
        chip.wait_for(Mode.APPLICATION)
        with device_of(chip) as device:
            assert device.hello.build_id == image.build_id


def test_the_chips_own_usb_climbs_one_rung_more(model: Path, tmp_path: Path):
    board = boards.load("esp32-s3")
    built = pipeline.build(virtual.compile(model, board))
    image = virtual.flash_image(built, board, tmp_path)
    with VirtualEsp32(board, wiring=Wiring.USB) as chip:
        flash.write(image, chip.lines_url)
        chip.wait_for(Mode.APPLICATION)
        assert chip.resets[-2:] == (Reset.USB, Reset.USB)


def test_a_port_with_another_name_after_each_reset_is_found_again(
    image: FlashImage, tmp_path: Path
):
    path = tmp_path / "tty"
    board = boards.load("esp32")
    with VirtualEsp32(board, stable_path=path, faults=(Reenumeration(gap_s=0.3),)) as chip:
        names = {path.readlink()}
        flash.write(image, chip.serial_port)
        for _ in range(2):
            chip.wait_for(Mode.APPLICATION)
            names.add(path.readlink())
            chip.reset()
        chip.wait_for(Mode.APPLICATION)
        with device_of(chip) as device:
            assert device.hello.build_id == image.build_id
        assert len(names) == 2
    assert not path.is_symlink()


def test_a_plug_that_is_pulled_and_put_back_costs_an_attempt_at_most(
    image: FlashImage, tmp_path: Path
):
    fault = PortVanishes(after_bytes=10_000)
    with VirtualEsp32(boards.load("esp32"), stable_path=tmp_path / "tty", faults=(fault,)) as chip:

        def put_back() -> None:
            chip.wait_for(Mode.UNPLUGGED, timeout_s=30)
            time.sleep(0.3)
            chip.plug()

        hand = threading.Thread(target=put_back)
        hand.start()
        written = flash.write(image, chip.serial_port)
        hand.join()
        assert len(written.failures) <= 1  # esptool itself may have gone on
        for part in image.parts:
            assert chip.flash.read(part.offset, len(part.content)) == part.content


def test_a_boot_pin_that_stays_high_is_named(chip: VirtualEsp32, image: FlashImage):
    chip.inject(WrongBootMode(into=Mode.APPLICATION))
    with pytest.raises(FlashError, match=r"no ESP32 listens at .*GPIO0 was high at reset") as e:
        flash.write(image, chip.lines_url)
    assert "hold BOOT" in sentences(e.value)


def test_a_boot_pin_that_stays_low_is_named(chip: VirtualEsp32):
    with device_of(chip) as device:
        chip.inject(WrongBootMode(into=Mode.LOADER))
        timer = threading.Timer(0.5, chip.reset)  # while it is being asked
        chip.reset()
        timer.start()
        with pytest.raises(LinkTimeoutError, match=r"HELLO, .* the chip waits for esptool") as e:
            _ = device.hello
        timer.join()
    assert "press its reset button" in sentences(e.value)


def test_a_weak_supply_is_named(chip: VirtualEsp32):
    chip.inject(BrownOutLoop())
    chip.reset()
    chip.wait_for(Mode.BOOT_LOOP)
    with device_of(chip) as device, pytest.raises(LinkTimeoutError, match="supply voltage fe") as e:
        _ = device.hello
    assert "supply more current" in sentences(e.value)
    assert "Brownout detector was triggered" in chip.console()
    assert "rst:0xf (RTCWDT_BROWN_OUT_RESET)" in chip.console()


def test_a_supply_that_recovers_is_only_a_reset_cause(chip: VirtualEsp32):
    chip.inject(BrownOutLoop(times=2))
    chip.reset()
    chip.wait_for(Mode.APPLICATION)
    with device_of(chip) as device:
        assert device.hello.reset_cause == ResetCause.BROWN_OUT
    assert chip.resets[-2:] == (Reset.BROWN_OUT, Reset.BROWN_OUT)


def test_a_watchdog_in_an_invoke_is_named_at_once(chip: VirtualEsp32):
    with device_of(chip) as device:
        device.invoke()
        chip.inject(WatchdogInInvoke())
        started = time.monotonic()
        with pytest.raises(DeviceError, match="restarted during INVOKE: the watchdog of") as e:
            device.invoke()
        assert time.monotonic() - started < 20  # a run may take two minutes
    assert "rst:0x8 (TG1WDT_SYS_RESET)" in str(e.value)
    with device_of(chip) as device:
        assert device.hello.reset_cause == ResetCause.WATCHDOG
        assert device.invoke()


def test_a_watchdog_ends_the_road_with_an_error(built: BuiltFirmware):
    with (
        VirtualEsp32(boards.load("esp32"), faults=(WatchdogInInvoke(times=2),)) as chip,
        pytest.raises(DeviceError, match="restarted during INVOKE"),
        virtual.flashed(chip, built) as device,
    ):
        pipeline.measure(device, built.model, 1)


def test_noise_at_the_start_does_not_confuse_the_link(chip: VirtualEsp32):
    for seed in range(5):
        chip.inject(BootNoise(seed=seed))
        with device_of(chip) as device:
            _ = device.hello
            chip.reset()
            chip.wait_for(Mode.APPLICATION)
        with device_of(chip) as device:
            assert device.invoke()


def test_a_port_that_vanishes_in_a_conversation_is_named(chip: VirtualEsp32):
    with device_of(chip) as device:
        _ = device.hello
        chip.inject(PortVanishes(after_bytes=10))
        with pytest.raises(LinkError, match="vanished in the middle of the conversation") as e:
            device.invoke()
    assert "check the cable" in sentences(e.value)
