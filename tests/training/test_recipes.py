"""Recipe files: what is wrong with one is said in a sentence, with the line."""

import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.errors import RecipeError
from edgekit.training import HardLabels, Recipe, Stage, TeacherTraining, load_recipe

GOOD = """\
from edgekit.training import HardLabels, Recipe, Stage

def data():
    return 1 / 0

def teacher():
    return "teacher.keras"

def student():
    raise SystemExit("error: no images here")

recipe = Recipe(stages=(Stage("labels", losses=(HardLabels(),), epochs=2),))
"""


def written(directory: Path, text: str) -> Path:
    path = directory / "kws.py"
    path.write_text(text)
    return path


def test_a_recipe_is_read(tmp_path):
    loaded = load_recipe(written(tmp_path, GOOD))
    assert loaded.recipe == Recipe(stages=(Stage("labels", losses=(HardLabels(),), epochs=2),))
    assert loaded.recipe.epochs == 2
    assert loaded.teacher() == tmp_path / "teacher.keras"


def test_what_fails_later_has_a_line_too(tmp_path):
    loaded = load_recipe(written(tmp_path, GOOD))
    with pytest.raises(RecipeError, match=r"^kws.py, line 4: ZeroDivisionError: division by zero$"):
        loaded.data()
    with pytest.raises(RecipeError, match=r"^kws.py, line 10: no images here$"):
        loaded.student()


def test_a_recipe_may_import_what_lies_beside_it(tmp_path):
    (tmp_path / "beside_the_recipe.py").write_text("EPOCHS = 7\n")
    text = GOOD.replace("epochs=2", "epochs=EPOCHS")
    path = written(tmp_path, "from beside_the_recipe import EPOCHS\n" + text)
    assert load_recipe(path).recipe.epochs == 7
    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("return 1 / 0", "return (1", r"kws.py, line 4: '\(' was never closed"),
        ("def data", "def date", r"kws.py defines no function data\(\)"),
        ("def student():", "student = 3\ndef other():", "student must be a function, not int"),
        ("recipe =", "recipes =", "kws.py defines no recipe"),
        ("recipe =", "recipe = 5 #", r"recipe must be a Recipe\(…\), not int"),
        ("Stage\n", "Stege\n", "line 1: ImportError: cannot import name 'Stege'"),
        ("epochs=2", "epochs=0", "line 12: stage labels: epochs must be a positive integer, not 0"),
        ("epochs=2", "epoch=2", "line 12: TypeError: .*unexpected keyword argument 'epoch'"),
        ("(HardLabels(),)", "HardLabels()", "losses must be a tuple of at least one loss"),
        ("(HardLabels(),)", "(HardLabels,)", "is no loss"),
        ("(HardLabels(),)", "('labels',)", "'labels' is no loss"),
        ('"labels", ', "7, ", "a stage's name must be a text, not 7"),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path, old, new, words):
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(RecipeError, match=words):
        load_recipe(path)


def test_files_that_are_no_recipes(tmp_path):
    with pytest.raises(RecipeError, match="No such file"):
        load_recipe(tmp_path / "none.py")
    with pytest.raises(RecipeError, match="Is a directory"):
        load_recipe(tmp_path)
    (tmp_path / "model.tflite").write_bytes(bytes(64))
    with pytest.raises(RecipeError):
        load_recipe(tmp_path / "model.tflite")


STAGE = Stage("labels", losses=(HardLabels(),), epochs=2)


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"stages": STAGE}, "stages must be a tuple"),
        ({"stages": ()}, "stages must be a tuple"),
        ({"stages": (HardLabels(),)}, "stages must be given as Stage"),
        ({"stages": (STAGE, STAGE)}, "two stages have one name"),
        ({"stages": (STAGE,), "seeds": 3}, "seeds must be a tuple"),
        ({"stages": (STAGE,), "seeds": (1, 1)}, "a seed is there twice"),
        ({"stages": (STAGE,), "batch_size": 0.5}, "batch_size must be a positive integer"),
        ({"stages": (STAGE,), "teacher_training": 5}, "teacher_training must be given as"),
        ({"stages": (STAGE,), "alone": 1.0}, "alone must be given as HardLabels"),
        ({"stages": (STAGE,), "augmentation": "shift"}, "augmentation must be a function"),
    ],
)
def test_odd_terms_are_refused(terms, words):
    with pytest.raises(RecipeError, match=words):
        Recipe(**terms)


def test_learning_rates_are_positive_numbers():
    with pytest.raises(RecipeError, match="learning_rate must be a positive number, not 'fast'"):
        TeacherTraining(epochs=1, learning_rate="fast")


def test_reading_a_recipe_needs_no_tensorflow(tmp_path):
    path = written(tmp_path, GOOD)
    program = (
        "import sys; from pathlib import Path; from edgekit.training import load_recipe; "
        f"load_recipe(Path({str(path)!r})); assert not set(sys.modules) & {{'tensorflow', 'keras'}}"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_missing_tensorflow_is_one_sentence():
    program = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from edgekit.errors import ToolMissingError\n"
        "from edgekit.training import ds_cnn\n"
        "try: ds_cnn((8, 8, 1), 3)\n"
        "except ToolMissingError as error: print(error, error.hint)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, timeout=60, capture_output=True, text=True
    )
    assert "TensorFlow, which trains models, cannot be imported" in done.stdout
    assert "pip install 'edgekit[keras]'" in done.stdout
