"""Folders of images and sound: what each file becomes, and which are refused by name."""

import struct
import wave

import numpy as np
import pytest
from PIL import Image
from support.models import tensor

from edgekit.conversion.dataset import Preprocessing, load
from edgekit.errors import InputError
from edgekit.ir import DType

GREY = (tensor((1, 4, 6, 1), DType.FLOAT32, name="grey"),)
RGB = (tensor((1, 4, 6, 3), DType.FLOAT32, name="rgb"),)
RATE = 8000


def picture(path, value, size=(6, 4), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path)


def sound(path, values, width=2, channels=1, rate=RATE):
    """`values` are integers of `width` bytes, channels interleaved."""
    path.parent.mkdir(parents=True, exist_ok=True)
    low = 0 if width == 1 else -(1 << (8 * width - 1))
    raw = b"".join((int(v) - low & (1 << 8 * width) - 1).to_bytes(width, "little") for v in values)
    if low:  # two's complement
        raw = b"".join(int(v).to_bytes(width, "little", signed=True) for v in values)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(raw)


def test_sub_folders_are_classes_in_the_order_of_their_names(tmp_path):
    for name, value in (("b", 255), ("a", 0), ("c/deeper", 51)):
        for i in range(3):
            picture(tmp_path / name / f"{i}.png", (value,) * 3)
    (tmp_path / "empty").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("not an image")
    (tmp_path / "a" / "._0.png").write_text("of another system")
    data = load(tmp_path, GREY)
    assert data.classes == ("a", "b", "c", "empty")
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert data.inputs[0].shape == (9, 4, 6, 1)
    assert data.inputs[0][:, 0, 0, 0] == pytest.approx([0, 0, 0, 1, 1, 1, 0.2, 0.2, 0.2])
    some = load(tmp_path, GREY, limit=3)
    assert some.labels.tolist() == [0, 1, 2]
    assert "3 of the 9 files" in some.notes[0]


def test_more_sub_folders_than_classes_are_refused(tmp_path):
    for name in "abc":
        picture(tmp_path / name / "0.png", (1, 2, 3))
    with pytest.raises(InputError, match="3 sub-folders, but the model has 2 classes"):
        load(tmp_path, RGB, classes=2)


def test_loose_files_have_no_labels_and_come_in_the_order_of_their_names(tmp_path):
    for i in (2, 0, 1):
        picture(tmp_path / f"{i}.bmp", (i, 2 * i, 3 * i))
    data = load(tmp_path, RGB, preprocessing=Preprocessing(pixel_range=(0, 255)))
    assert data.labels is None
    assert data.classes == ()
    assert data.inputs[0][:, 0, 0].tolist() == [[0, 0, 0], [1, 2, 3], [2, 4, 6]]


def test_images_are_resized_and_turned_to_the_models_channels(tmp_path):
    picture(tmp_path / "a.png", (255, 0, 0), size=(60, 40))
    picture(tmp_path / "b.jpg", 100, size=(3, 2), mode="L")
    assert load(tmp_path, GREY).inputs[0][:, 2, 3, 0] == pytest.approx([76 / 255, 100 / 255])
    assert load(tmp_path, RGB).inputs[0][0, 0, 0].tolist() == [1, 0, 0]
    first = (tensor((1, 3, 4, 6), DType.FLOAT32, name="channels first"),)
    assert load(tmp_path, first).inputs[0][0, :, 0, 0].tolist() == [1, 0, 0]


def test_a_resized_image_is_the_right_way_up(tmp_path):
    columns = np.repeat(np.linspace(0, 252, 12, dtype=np.uint8)[None], 8, axis=0)
    Image.fromarray(columns).save(tmp_path / "a.png")
    (image,) = load(tmp_path, GREY).inputs[0][..., 0]
    assert (np.diff(image, axis=1) > 0).all()
    assert (image == image[:1]).all()


@pytest.mark.parametrize(
    ("mode", "value", "taken"),
    [
        ("1", 1, True),
        ("P", 0, True),
        ("RGBA", (9, 9, 9, 255), True),
        ("RGBA", (9, 9, 9, 200), False),
        ("I;16", 1000, False),
    ],
)
def test_only_pixels_of_one_meaning_are_taken(tmp_path, mode, value, taken):
    picture(tmp_path / "a.png", value, mode=mode)
    if taken:
        assert load(tmp_path, RGB).inputs[0].shape == (1, 4, 6, 3)
    else:
        with pytest.raises(InputError, match=r"a\.png (is transparent|has pixels)"):
            load(tmp_path, RGB)


def test_an_animation_is_refused(tmp_path):
    frames = [Image.new("L", (6, 4), i) for i in range(3)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    with pytest.raises(InputError, match=r"a\.tif has 3 pictures"):
        load(tmp_path, GREY)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif"])
def test_a_damaged_image_is_named(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(InputError, match=rf"a\.{suffix} cannot be read as an image: "):
        load(tmp_path, RGB)


def test_a_text_that_claims_to_be_an_image_is_named(tmp_path):
    (tmp_path / "a.png").write_text("hello")
    with pytest.raises(InputError, match=r"a\.png cannot be read as an image: its content"):
        load(tmp_path, RGB)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_sound_is_between_minus_one_and_one(tmp_path, width):
    most = (1 << (8 * width - 1)) - 1
    values = [0, most, -most - 1, most // 2 + 1]
    if width == 1:
        values = [v + 128 for v in values]  # single bytes are unsigned
    sound(tmp_path / "a.wav", values, width)
    waveform = (tensor((1, 4), DType.FLOAT32, name="w"),)
    (read,) = load(tmp_path, waveform).inputs[0]
    assert read == pytest.approx([0, 1, -1, 0.5], abs=1 / most)
    assert read[2] == -1


@pytest.mark.parametrize("shape", [(1, 5), (1, 5, 1), (1, 1, 5), (1, 1, 5, 1)])
def test_sound_is_cut_or_followed_by_silence(tmp_path, shape):
    sound(tmp_path / "long.wav", [16384] * 9)
    sound(tmp_path / "short.wav", [16384] * 3)
    data = load(tmp_path, (tensor(shape, DType.FLOAT32, name="w"),))
    assert data.inputs[0].shape == (2, *shape[1:])
    assert data.inputs[0].reshape(2, 5).tolist() == [[0.5] * 5, [0.5, 0.5, 0.5, 0, 0]]


WAVEFORM = (tensor((1, 4), DType.FLOAT32, name="w"),)


def test_channels_are_averaged(tmp_path):
    sound(tmp_path / "a.wav", [16384, -16384, 8192, 8192] * 2, channels=2)
    assert load(tmp_path, WAVEFORM).inputs[0].tolist() == [[0, 0.25, 0, 0.25]]


def test_another_sample_rate_is_refused(tmp_path):
    sound(tmp_path / "a.wav", [1] * 4)
    asked = Preprocessing(sample_rate=16000)
    with pytest.raises(InputError, match=r"a\.wav has 8000 samples a second, not 16000"):
        load(tmp_path, WAVEFORM, preprocessing=asked)
    sound(tmp_path / "b.wav", [1] * 4, rate=44100)
    with pytest.raises(InputError, match=r"b\.wav has 44100 .*, the files before it 8000"):
        load(tmp_path, WAVEFORM)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda content: content[:-3], "ends early"),
        (lambda content: content[:30], "cannot be read as WAV"),
        (lambda content: b"hello", "cannot be read as WAV"),
        (lambda content: b"", "cannot be read as WAV: it ends early"),
        (lambda content: content[:40] + struct.pack("<I", 0), "has no sound"),
        (lambda content: content[:20] + b"\x03" + content[21:], "cannot be read as WAV: unknown"),
    ],
)
def test_a_damaged_sound_is_named(tmp_path, damage, said):
    path = tmp_path / "a.wav"
    sound(path, [1] * 4)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=rf"a\.wav {said}|a\.wav is damaged: it {said}"):
        load(tmp_path, WAVEFORM)


def test_folders_that_do_not_say_what_is_meant_are_refused(tmp_path):
    with pytest.raises(InputError, match="no image or WAV files"):
        load(tmp_path, GREY)
    picture(tmp_path / "a" / "0.png", 1, mode="L")
    sound(tmp_path / "b" / "0.wav", [1] * 4)
    with pytest.raises(InputError, match="both image and WAV"):
        load(tmp_path, GREY)
    picture(tmp_path / "loose.png", 1, mode="L")
    with pytest.raises(InputError, match="beside sub-folders"):
        load(tmp_path, GREY)


def test_models_that_take_no_such_files_are_refused(tmp_path):
    picture(tmp_path / "images" / "0.png", 1, mode="L")
    sound(tmp_path / "sounds" / "0.wav", [1] * 4)
    with pytest.raises(InputError, match=r"takes \[1, 4\] \('w'\), which is no image"):
        load(tmp_path / "images", WAVEFORM)
    with pytest.raises(InputError, match="which is no waveform"):
        load(tmp_path / "sounds", GREY)
    with pytest.raises(InputError, match="the model has 2 inputs: 'grey', 'rgb'"):
        load(tmp_path / "images", (*GREY, *RGB))


def test_an_unreadable_folder_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="no file"):
        load(tmp_path / "nothing", GREY)
