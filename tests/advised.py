"""What a message advises, done as it stands."""

import ast
import re
from operator import attrgetter
from types import ModuleType
from typing import Any


def built(said: str, home: ModuleType) -> list[Any]:
    """The objects whose calls, such as `CNNUpdater.light(channels=1)`, stand in a message; of a module's names."""
    made = []
    for words in re.findall(r"\b[A-Z][A-Za-z]+(?:\.\w+)?\([\w=, .]*\)", said):
        call = ast.parse(words, mode="eval").body
        values = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
        made.append(attrgetter(ast.unparse(call.func))(home)(*map(ast.literal_eval, call.args), **values))
    return made
