"""The cases: each is a function that takes a world, with the sentence that it shows."""

import dataclasses
import importlib
import pathlib
import pkgutil


@dataclasses.dataclass
class Case:
    name: str
    sentence: str
    run: object
    # Rows of the fault matrix: fault, where it is injected, what is to become of it.
    faults: list
    smoke: bool
    # About how many seconds it takes: the longest begin first.
    seconds: int


CASES = []


def case(sentence, *faults, smoke=False, seconds=90):
    def register(function):
        CASES.append(Case(function.__name__.replace("_", "-"), sentence, function, list(faults), smoke, seconds))
        return function

    return register


def load():
    for module in pkgutil.iter_modules([str(pathlib.Path(__file__).parent)]):
        importlib.import_module(f"cases.{module.name}")
    return CASES
