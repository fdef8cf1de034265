"""What learners learn from: characters, pictures and text, real or generated, as numpy arrays.

Names are imported when they are first asked for: who reads a text needs no compiled pens.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meta.data.characters import Characters as Characters
    from meta.data.folder import data_folder as data_folder, prepared_folder as prepared_folder
    from meta.data.generated import generate_characters as generate_characters
    from meta.data.language import generate_text as generate_text
    from meta.data.leaves import generate_pictures as generate_pictures
    from meta.data.omniglot import load_omniglot as load_omniglot
    from meta.data.pictures import Pictures as Pictures, load_pictures as load_pictures, normalise as normalise
    from meta.data.text import Text as Text, Vocabulary as Vocabulary, load_text as load_text

#: Public names by the modules they are in.
_NAMES = {
    "characters": ("Characters",),
    "folder": ("data_folder", "prepared_folder"),
    "generated": ("generate_characters",),
    "language": ("generate_text",),
    "leaves": ("generate_pictures",),
    "omniglot": ("load_omniglot",),
    "pictures": ("Pictures", "load_pictures", "normalise"),
    "text": ("Text", "Vocabulary", "load_text"),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
