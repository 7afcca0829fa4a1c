"""Reads JSON documents, given as the bytes they consist of, one byte a character.

For each: [value] with every string and number as the list of its code points; null where Python refuses it; "strict"
where Python accepts what k3seed refuses by rules of its own: a key given twice (or twice to Unicode), half of a
surrogate pair, NaN and infinities, more than 200 levels.
"""

import json
import sys
import unicodedata


class Strict(Exception):
    pass


class Number(str):
    pass


def strict(*_):
    raise Strict


def points(text):
    if any(0xD800 <= ord(character) < 0xE000 for character in text):
        raise Strict
    return [ord(character) for character in text]


def entries(pairs):
    if len({unicodedata.normalize("NFC", key) for key, _ in pairs}) < len(pairs):
        raise Strict
    return {"pairs": pairs}


def code(value, depth=1):
    if depth > 200:
        raise Strict
    if isinstance(value, Number):
        return ["number", points(value)]
    if isinstance(value, str):
        return ["string", points(value)]
    if isinstance(value, list):
        return ["list"] + [code(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return ["object"] + [[points(key), code(item, depth + 1)] for key, item in value["pairs"]]
    return value


def read(data):
    hooks = {"parse_int": Number, "parse_float": Number, "parse_constant": strict, "object_pairs_hook": entries}
    try:
        return [code(json.loads(data.encode("latin-1").decode("utf-8-sig"), **hooks))]
    except Strict:
        return "strict"
    except ValueError:
        return None


json.dump([read(data) for data in json.load(sys.stdin)], sys.stdout)
