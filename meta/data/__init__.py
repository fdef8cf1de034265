"""What learners learn from: characters, pictures and text, real or generated, as numpy arrays."""

from meta.data.characters import Characters
from meta.data.folder import data_folder, prepared_folder
from meta.data.generated import generate_characters
from meta.data.language import generate_text
from meta.data.leaves import generate_pictures
from meta.data.omniglot import load_omniglot
from meta.data.pictures import Pictures, load_pictures, normalise
from meta.data.text import Text, Vocabulary, load_text

__all__ = [
    "Characters",
    "Pictures",
    "Text",
    "Vocabulary",
    "data_folder",
    "generate_characters",
    "generate_pictures",
    "generate_text",
    "load_omniglot",
    "load_pictures",
    "load_text",
    "normalise",
    "prepared_folder",
]
